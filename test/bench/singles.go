package main

import (
	"bytes"
	"context"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"tenon/dicomweb/sample"
	"tenon/server/store/rawtest"
	"tenon/test/bench/hospital"
)

// singles measures requests for one resource each: the mix of four interactions
// over nine types, creates alone, reads alone, and instances of images.
func (b *bench) singles(ctx context.Context) error {
	if b.does("mix") {
		if err := b.mixed(ctx); err != nil {
			return err
		}
	}
	if !b.does("single") {
		return nil
	}
	stow, err := b.stow(ctx)
	if err != nil {
		return err
	}
	one, err := b.srv.do(ctx, request{method: "POST", path: "/fhir/Observation", body: rawtest.Body(0)})
	if err != nil {
		return err
	}
	var n atomic.Int64
	loads := []struct {
		name string
		f    func() error
	}{
		{"raw", b.raw.Create},
		{"create", func() error {
			_, err := b.srv.do(ctx, request{method: "POST", path: "/fhir/Observation", body: rawtest.Body(n.Add(1))})
			return err
		}},
		{"memory", func() error { _, err := b.srv.get(ctx, b.srv.beside, request{path: "/memory"}); return err }},
		{"read", func() error { _, err := b.srv.do(ctx, request{path: "/fhir/" + one.location}); return err }},
		{"stow", stow},
	}
	rates, cpus, took := map[string]series{}, map[string]series{}, map[string][]time.Duration{}
	for round := range b.rounds {
		for _, l := range loads {
			if round == 0 && l.name != "raw" {
				go b.srv.profile(ctx, b.profiles, b.name+"-"+l.name, b.each)
			}
			before := b.srv.cpu()
			r, each, err := rate(b.each, b.clients, l.f)
			if err != nil {
				return fmt.Errorf("%s: %w", l.name, err)
			}
			cpus[l.name] = append(cpus[l.name], per(b.srv.cpu()-before, len(each)))
			rates[l.name], took[l.name] = append(rates[l.name], r), append(took[l.name], each...)
		}
	}
	b.say("creates %.0f/s, reads %.0f/s", rates["create"].median(), rates["read"].median())
	b.table.add(row{what: "create of a 1.5 kB Observation, /s", got: rates["create"], took: took["create"], cpu: cpus["create"], yard: rates["raw"], yardName: "raw", goal: "≥ 60 %"})
	b.table.add(row{what: "read by id, /s", got: rates["read"], took: took["read"], cpu: cpus["read"], yard: rates["memory"], yardName: "memory", goal: "≥ 50 %"})
	b.table.add(row{what: "STOW of an instance of 0.5 MB, /s", got: rates["stow"], took: took["stow"], cpu: cpus["stow"]})
	return nil
}

// mixed is the mix: every client takes the nine types in turn; of each a resource
// is created, read, updated and deleted.
func (b *bench) mixed(ctx context.Context) error {
	var n atomic.Int64
	var mu sync.Mutex
	steps := map[string][]time.Duration{}
	timed := func(step string, q request) (answer, error) {
		at := time.Now()
		got, err := b.srv.do(ctx, q)
		took := time.Since(at)
		mu.Lock()
		steps[step] = append(steps[step], took)
		mu.Unlock()
		return got, err
	}
	iteration := func() error {
		i := int(n.Add(1))
		for _, typ := range hospital.Types {
			made, err := timed("create", request{method: "POST", path: "/fhir/" + typ, body: b.h.Single(typ, i, "Patient/none", "")})
			if err != nil {
				return err
			}
			path := "/fhir/" + made.location
			_, id, _ := bytes.Cut([]byte(made.location), []byte("/"))
			if _, err := timed("read", request{path: path}); err != nil {
				return err
			}
			if _, err := timed("update", request{method: "PUT", path: path, body: b.h.Single(typ, i, "Patient/none", string(id))}); err != nil {
				return err
			}
			if _, err := timed("delete", request{method: "DELETE", path: path}); err != nil {
				return err
			}
		}
		return nil
	}
	var resources []*rawtest.Resource
	for i := range 50 {
		for _, typ := range hospital.Types {
			r, err := b.raw.Prepare(typ, b.h.Single(typ, i, "Patient/none", ""))
			if err != nil {
				return err
			}
			resources = append(resources, r)
		}
	}
	var at atomic.Int64
	var got, raw, cpu series
	for round := range b.rounds {
		each, _, err := rate(b.each, b.clients, func() error { return b.raw.Mix(resources[int(at.Add(1))%len(resources)]) })
		if err != nil {
			return err
		}
		raw = append(raw, 4*each)
		if round == 0 {
			go b.srv.profile(ctx, b.profiles, b.name+"-mix", b.each)
		}
		before := b.srv.cpu()
		each, all, err := rate(b.each, b.clients, iteration)
		if err != nil {
			return err
		}
		cpu = append(cpu, per(b.srv.cpu()-before, 4*len(hospital.Types)*len(all)))
		got = append(got, 4*float64(len(hospital.Types))*each)
	}
	b.say("mix %.0f requests/s", got.median())
	b.table.add(row{what: "mix of nine types, requests/s", got: got, cpu: cpu, yard: raw, yardName: "raw"})
	for _, step := range []string{"create", "read", "update", "delete"} {
		b.table.add(row{what: "– " + step, took: steps[step]})
	}
	return nil
}

// stow returns a load that stores instances that nobody has seen: a template of
// 512 × 512 with other UIDs of the same length, fifty to a study.
func (b *bench) stow(ctx context.Context) (func() error, error) {
	patient, err := b.srv.do(ctx, request{method: "POST", path: "/fhir/Patient", body: []byte(`{"resourceType":"Patient","identifier":[{"value":"BENCH"}]}`)})
	if err != nil {
		return nil, err
	}
	template := sample.New(sample.Options{Seed: 1, Slices: 1, Rows: 512, Columns: 512, PatientID: "BENCH"})
	file := template.Slice(0)
	var n atomic.Int64
	return func() error {
		i := n.Add(1)
		out := file
		for k, uid := range []string{template.InstanceUID(0), template.StudyUID, template.SeriesUID} {
			digits := strconv.FormatInt(1_000_000_000+[]int64{i, i / 50, i / 50}[k], 10)
			out = bytes.ReplaceAll(out, []byte(uid), []byte(uid[:len(uid)-len(digits)]+digits))
		}
		_, err := b.srv.do(ctx, request{method: "POST", path: "/dicomweb/studies?patient=" + patient.location, body: out, media: "application/dicom"})
		return err
	}, nil
}

// crowded measures how much memory the server takes while a crowd of clients
// reads, searches and writes.
func (b *bench) crowded(ctx context.Context) error {
	before, stop := b.srv.memory(), b.srv.watch()
	var n atomic.Int64
	kinds := kinds()
	each, took, err := rate(3*b.each, b.crowd, func() error {
		i := int(n.Add(1))
		switch i % 4 {
		case 0:
			_, err := b.srv.do(ctx, request{method: "POST", path: "/fhir/Observation", body: rawtest.Body(int64(i) << 24)})
			return err
		case 1:
			_, err := b.srv.do(ctx, request{path: "/fhir/" + b.patients[i%b.loaded]})
			return err
		case 2:
			_, err := b.post(ctx, b.h.Bundle(i%b.h.Patients()))
			return err
		}
		k := kinds[i/4%len(kinds)]
		_, err := b.srv.do(ctx, request{path: k.ask(b.chance(i)).path})
		return err
	})
	peak := stop()
	if err != nil {
		return err
	}
	b.say("%d clients: %.0f requests/s, peak %d MB", b.crowd, each, peak>>20)
	b.table.add(row{what: fmt.Sprintf("%d clients that read, search, create and import at once, requests/s", b.crowd), got: series{each}, took: took})
	b.table.add(row{what: fmt.Sprintf("– peak memory, MB (%d before)", before/1e6), got: series{float64(peak) / 1e6}})
	return nil
}
