package storetest

import (
	"errors"
	"fmt"
	"strings"

	"tenon/fhir/definition"
	"tenon/fhir/terminology"
	"tenon/server/record"
	"tenon/server/revision"
)

var definitionTests = map[string]func(*fixture){
	"held":              held,
	"packages":          packages,
	"unfinished load":   unfinished,
	"code systems":      codeSystems,
	"units and defines": unitsAndDefines,
}

func (f *fixture) held() *revision.Held {
	f.Helper()
	h, err := f.Held(f.ctx(), []string{"ValueSet", "SearchParameter"})
	if err != nil {
		f.Fatalf("Held() = %v", err)
	}
	return h
}

func (f *fixture) must(err error) {
	f.Helper()
	if err != nil {
		f.Fatal(err)
	}
}

// held lists current definitions of the types that are asked for, at their
// revision.
func held(f *fixture) {
	f.put(Make("ValueSet", "a", 1), Make("ValueSet", "a", 2), Make("SearchParameter", "b", 1), Make("Patient", "c", 1), Make("CodeSystem", "d", 1),
		Make("ValueSet", "e", 1), Make("ValueSet", "e", 2, Deleted))
	h := f.held()
	got := map[string]int64{}
	for _, p := range h.Posted {
		got[p.Type+"/"+p.ID] = p.Version
	}
	if fmt.Sprint(got) != "map[SearchParameter/b:1 ValueSet/a:2]" {
		f.Errorf("Held() = %v", got)
	}
	if now, err := f.Definitions(f.ctx()); err != nil || h.Number != now || now < 7 {
		f.Errorf("Held().Number = %d, Definitions() = %d, %v", h.Number, now, err)
	}
	body, err := f.Body(f.ctx(), "ValueSet", "a", 1)
	if err != nil || !strings.Contains(string(body), `"versionId":"1"`) {
		f.Errorf("Body() = %s, %v", body, err)
	}
	if _, err := f.Body(f.ctx(), "ValueSet", "a", 3); err == nil {
		f.Error("Body() of a version that is not there succeeds")
	}
}

func entry(url, body string) revision.Entry {
	return revision.Entry{Body: []byte(body), Resource: definition.New(definition.Resource{
		Type: "StructureDefinition", URL: url, Version: "1", ID: "x", Name: "X", Status: "active", Of: "Patient", Derivation: "constraint", Kind: "resource"}, nil)}
}

func (f *fixture) load(name, version string, entries ...revision.Entry) int64 {
	f.Helper()
	key, err := f.BeginPackage(f.ctx(), revision.Package{Name: name, Version: version, Title: "T", Dependencies: []string{"a#1"}})
	f.must(err)
	for i, e := range entries {
		f.must(f.AddToPackage(f.ctx(), key, i, []revision.Entry{e}))
	}
	return key
}

func packages(f *fixture) {
	key := f.load("p", "1", entry("urn:a", `{"a":1}`), entry("urn:b", `{"b":"`+strings.Repeat("x", 3000)+`"}`))
	if h := f.held(); len(h.Packages) != 0 {
		f.Fatalf("before it is finished: %+v", h.Packages)
	}
	before := f.held().Number
	f.must(f.Finish(f.ctx(), []int64{key}, nil))
	h := f.held()
	if h.Number != before+1 || len(h.Packages) != 1 {
		f.Fatalf("Held() = %+v, want one package at revision %d", h, before+1)
	}
	p := h.Packages[0]
	if p.String() != "p#1" || p.Resources != 2 || p.Title != "T" || fmt.Sprint(p.Dependencies) != "[a#1]" {
		f.Errorf("package %+v", p)
	}
	all, err := f.PackageResources(f.ctx(), p)
	if err != nil || len(all) != 2 {
		f.Fatalf("PackageResources() = %v, %v", all, err)
	}
	if r := all[0]; r.Type != "StructureDefinition" || r.URL != "urn:a" || r.Version != "1" || r.ID != "x" || r.Name != "X" || r.Status != "active" ||
		r.Of != "Patient" || r.Derivation != "constraint" || r.Kind != "resource" || r.Package != "p#1" {
		f.Errorf("resource %+v", r)
	}
	if body, err := all[1].Bytes(); err != nil || len(body) != 3008 {
		f.Errorf("Bytes() = %d bytes, %v", len(body), err)
	}
	again := f.load("p", "1", entry("urn:c", `{}`))
	f.must(f.Finish(f.ctx(), []int64{again}, nil))
	if h := f.held(); len(h.Packages) != 1 || h.Packages[0].Key != again {
		f.Errorf("after it was loaded again: %+v", h.Packages)
	}
	f.must(f.Drop(f.ctx(), []int64{again}, nil))
	if h := f.held(); len(h.Packages) != 0 {
		f.Errorf("after it was dropped: %+v", h.Packages)
	}
	if _, err := all[0].Bytes(); err == nil {
		f.Error("Bytes() of a package that was dropped succeeds")
	}
}

// unfinished has a load that broke off: it is in force for nobody, and cannot
// be finished once it was dropped.
func unfinished(f *fixture) {
	key := f.load("p", "1", entry("urn:a", `{}`))
	f.must(f.Drop(f.ctx(), []int64{key}, nil))
	if err := f.Finish(f.ctx(), []int64{key}, nil); err == nil {
		f.Error("Finish() of what was dropped succeeds")
	}
	other := f.load("p", "1", entry("urn:a", `{}`))
	if err := f.Finish(f.ctx(), []int64{other, key}, nil); err == nil {
		f.Error("Finish() with one that was dropped succeeds")
	}
	if h := f.held(); len(h.Packages) != 0 {
		f.Errorf("a part is in force: %+v", h.Packages)
	}
}

func codeSystems(f *fixture) {
	key, err := f.BeginSystem(f.ctx(), "urn:s", "1")
	f.must(err)
	sink := f.ConceptSink(key)
	const many = 2500
	for i := range many {
		c := terminology.Concept{Code: fmt.Sprint("c", i), Display: fmt.Sprint("D", i)}
		if i == many-1 {
			c = terminology.Concept{Code: "last", Definition: "def", Parents: []string{"c1", "c2"}, Inactive: true, Abstract: true,
				Designations: []terminology.Designation{{Language: "zh", Use: "u", Value: "末"}}, Properties: []terminology.Property{{Code: "p", Type: "string", Value: ""}}}
		}
		f.must(sink.Add(f.ctx(), &c))
	}
	f.must(sink.Close(f.ctx()))
	if h := f.held(); len(h.Systems) != 0 || sink.Total() != many {
		f.Errorf("before it is finished: %+v, %d", h.Systems, sink.Total())
	}
	f.must(f.Finish(f.ctx(), nil, []int64{key}))
	h := f.held()
	if len(h.Systems) != 1 || h.Systems[0].URL != "urn:s" || h.Systems[0].Version != "1" || h.Systems[0].Concepts != many {
		f.Fatalf("Held() = %+v", h.Systems)
	}
	n, last := 0, terminology.Concept{}
	f.must(f.Concepts(f.ctx(), h.Systems[0], func(c *terminology.Concept) error {
		if n < many-1 && c.Code != fmt.Sprint("c", n) {
			return fmt.Errorf("concept %d is %s", n, c.Code)
		}
		n, last = n+1, *c
		return nil
	}))
	if got := fmt.Sprintf("%d %+v", n, last); got != "2500 {Code:last Display: Definition:def Parents:[c1 c2] Designations:[{Language:zh Use:u Value:末}] Inactive:true Abstract:true Properties:[{Code:p Type:string Value:}]}" {
		f.Errorf("Concepts(): %s", got)
	}
	stop := errors.New("enough")
	if err := f.Concepts(f.ctx(), h.Systems[0], func(*terminology.Concept) error { return stop }); !errors.Is(err, stop) {
		f.Errorf("Concepts() of a visitor that fails = %v", err)
	}
	f.must(f.Drop(f.ctx(), nil, []int64{key}))
	if h := f.held(); len(h.Systems) != 0 {
		f.Errorf("after it was dropped: %+v", h.Systems)
	}
}

// unitsAndDefines has units and changes of definitions at once: none commits
// under a revision that is over.
func unitsAndDefines(f *fixture) {
	number := f.held().Number
	done := make(chan error, 1)
	go func() {
		for i := range 10 {
			if err := f.complete(parameter(fmt.Sprint(i), 1)); err != nil {
				done <- err
				return
			}
		}
		done <- nil
	}()
	taken := 0
	for i := range 200 {
		u := f.unit(Make("Patient", fmt.Sprint(i), 1))
		u.Reads.Definitions = number
		err := f.Commit(f.ctx(), u)
		switch {
		case err == nil:
			taken++
		case errors.Is(err, record.ErrStale):
			number = f.held().Number // on SQLite perhaps the old one still: the group with the change is being committed
		default:
			f.Fatal(err)
		}
	}
	f.must(<-done)
	u := f.unit(Make("Patient", "late", 1))
	u.Reads.Definitions = f.held().Number - 1
	f.stale(u)
	if taken == 0 {
		f.Error("no unit was taken")
	}
}
