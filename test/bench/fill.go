package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"tenon/server/store/rawtest"
	"tenon/test/bench/hospital"
)

// importers is how many bundles are on their way at a time.
const importers = 4

// rawImport is how many resources the raw load writes in one round.
const rawImport = 60 * hospital.PerPatient

// fill imports bundles of patients until there are so many resources, in rounds
// beside the raw load and the bundles of Synthea, and counts afterwards.
func (b *bench) fill(ctx context.Context, size, rounds int) error {
	before, err := b.counts(ctx)
	if err != nil {
		return err
	}
	b.wrote = map[string]int{}
	if b.loaded == 0 {
		if _, err := b.post(ctx, b.h.House()); err != nil {
			return err
		}
	}
	bundles, err := b.synthea(ctx)
	if err != nil {
		return err
	}
	var made, raw, synthea, cpu series
	from, to := b.loaded, min(size/hospital.PerPatient, b.h.Patients())
	b.patients = append(b.patients, make([]string, to-len(b.patients))...)
	for round := range rounds {
		if b.does("import") {
			each, err := b.rawBatch(ctx, round)
			if err != nil {
				return err
			}
			raw = append(raw, each)
			if len(bundles) > 0 {
				each, err := b.importAll(ctx, 0, len(bundles), func(i int) []byte { return bundles[i] }, nil)
				if err != nil {
					return err
				}
				synthea = append(synthea, each)
			}
		}
		end := from + (to-from)*(round+1)/rounds
		if round == 0 {
			go b.srv.profile(ctx, b.profiles, b.name+"-import", b.each)
		}
		before := b.srv.cpu()
		each, err := b.importAll(ctx, b.loaded, end, b.h.Bundle, func(i int, refs []string) { b.patients[i] = refs[0] })
		if err != nil {
			return err
		}
		cpu = append(cpu, per(b.srv.cpu()-before, (end-b.loaded)*hospital.PerPatient))
		made, b.loaded = append(made, each), end
		b.say("%d bundles imported, %.0f resources/s", b.loaded, each)
	}
	if b.does("import") {
		b.table.add(row{what: fmt.Sprintf("transaction import, resources/s, bundles of %d, up to %s", hospital.PerPatient, thousands(size)), got: made, cpu: cpu, yard: raw, yardName: "raw", goal: "≥ 3,000"})
		if len(synthea) > 0 {
			b.table.add(row{what: "transaction import of Synthea bundles, resources/s", got: synthea, goal: "≥ 3,000"})
		}
	}
	return b.recount(ctx, before)
}

// importAll posts bundles and returns resources a second.
func (b *bench) importAll(ctx context.Context, from, to int, bundle func(int) []byte, made func(i int, refs []string)) (float64, error) {
	b.mu.Lock()
	before := b.written()
	b.mu.Unlock()
	begun := time.Now()
	err := spread(importers, from, to, func(i int) error {
		refs, err := b.post(ctx, bundle(i))
		if err == nil && made != nil {
			made(i, refs)
		}
		return err
	})
	took := time.Since(begun)
	b.mu.Lock()
	defer b.mu.Unlock()
	return float64(b.written()-before) / took.Seconds(), err
}

func (b *bench) written() (n int) {
	for _, count := range b.wrote {
		n += count
	}
	return n
}

// post sends a transaction and returns the references of what it has made, one an
// entry.
func (b *bench) post(ctx context.Context, bundle []byte) ([]string, error) {
	got, err := b.srv.do(ctx, request{method: "POST", path: "/fhir", body: bundle})
	if err != nil {
		return nil, err
	}
	var response struct {
		Entry []struct {
			Response struct{ Status, Location string }
		}
	}
	if err := json.Unmarshal(got.body, &response); err != nil {
		return nil, err
	}
	refs := make([]string, len(response.Entry))
	b.mu.Lock()
	defer b.mu.Unlock()
	for i, e := range response.Entry {
		refs[i], _, _ = strings.Cut(e.Response.Location, "/_history/")
		typ, _, _ := strings.Cut(refs[i], "/")
		if strings.HasPrefix(e.Response.Status, "201") {
			b.wrote[typ]++
		}
	}
	return refs, nil
}

// rawBatch writes the same resources by hand, a bundle a commit.
func (b *bench) rawBatch(_ context.Context, round int) (float64, error) {
	var batches [][]*rawtest.Resource
	for i := range rawImport / hospital.PerPatient {
		var parsed struct {
			Entry []struct{ Resource json.RawMessage }
		}
		if err := json.Unmarshal(b.h.Bundle((round*1000+i)%b.h.Patients()), &parsed); err != nil {
			return 0, err
		}
		var batch []*rawtest.Resource
		for _, e := range parsed.Entry {
			var head struct{ ResourceType string }
			if err := json.Unmarshal(e.Resource, &head); err != nil {
				return 0, err
			}
			r, err := b.raw.Prepare(head.ResourceType, e.Resource)
			if err != nil {
				return 0, err
			}
			batch = append(batch, r)
		}
		batches = append(batches, batch)
	}
	begun := time.Now()
	err := spread(importers, 0, len(batches), func(i int) error { return b.raw.Batch(batches[i]) })
	return rawImport / time.Since(begun).Seconds(), err
}

// synthea are the bundles of the test data that the server takes, none where they
// are absent: some have codes that do not exist, and are refused as a whole.
func (b *bench) synthea(ctx context.Context) (bundles [][]byte, err error) {
	if !b.does("import") || b.loaded > 0 {
		return nil, nil
	}
	folder := b.testdata
	if folder == "" {
		folder = filepath.Join("..", "shared", "testdata")
	}
	files, err := filepath.Glob(filepath.Join(folder, "synthea", "*.json"))
	if err != nil {
		return nil, err
	}
	slices.Sort(files)
	for _, name := range files {
		content, err := os.ReadFile(name) //nolint:gosec // a folder that the caller names
		if err != nil {
			return nil, err
		}
		if _, err := b.post(ctx, content); err != nil {
			b.table.note("Left out: %s, which the server refuses for a code that does not exist.", strings.Fields(strings.ReplaceAll(filepath.Base(name), "_", " "))[0])
			continue
		}
		bundles = append(bundles, content)
	}
	if len(files) == 0 {
		b.say("no Synthea bundles in %s: left out", folder)
	}
	return bundles, nil
}

// counts asks the server how many resources of each type it has.
func (b *bench) counts(ctx context.Context) (map[string]int, error) {
	all := map[string]int{}
	for _, typ := range []string{"Patient", "Organization", "Practitioner", "Location", "Encounter", "Observation", "Condition", "MedicationRequest", "Procedure",
		"DiagnosticReport", "Claim", "ExplanationOfBenefit", "Immunization", "CarePlan", "Goal", "ImagingStudy", "AllergyIntolerance"} {
		got, err := b.srv.do(ctx, request{path: "/fhir/" + typ + "?_summary=count"})
		if err != nil {
			return nil, err
		}
		var answer struct{ Total int }
		if err := json.Unmarshal(got.body, &answer); err != nil {
			return nil, err
		}
		all[typ] = answer.Total
	}
	return all, nil
}

// recount compares what is there with what was acknowledged.
func (b *bench) recount(ctx context.Context, before map[string]int) error {
	after, err := b.counts(ctx)
	if err != nil {
		return err
	}
	for typ, n := range after {
		if got := n - before[typ]; got != b.wrote[typ] {
			return fmt.Errorf("%d of %s were acknowledged and %d are there", b.wrote[typ], typ, got)
		}
	}
	b.table.note("%s resources acknowledged by %s were counted afterwards: none lost, none doubled.", thousands(b.written()), "imports")
	return nil
}
