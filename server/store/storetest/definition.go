package storetest

import (
	"errors"
	"fmt"
	"strings"

	"tenon/fhir/definition"
	"tenon/fhir/terminology"
	"tenon/server/record"
	"tenon/server/revision"
	"tenon/server/search"
)

var definitionTests = map[string]func(*fixture){
	"held":              held,
	"packages":          packages,
	"unfinished load":   unfinished,
	"code systems":      codeSystems,
	"reindex":           reindex,
	"reindex is stale":  reindexStale,
	"complete":          complete,
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

var nick = []search.Key{search.KeyOf("Patient", "nick"), search.KeyOf("Patient", "nick:sort")}

// nicked gives a patient's rows: two texts of the new key.
func nicked(body []byte) (search.Rows, error) {
	return search.Rows{
		Strings: []search.StringRow{{Key: nick[0], Normalised: "lao", Exact: "Lao"}, {Key: nick[0], Normalised: "lao", Exact: "lao"}},
		Tokens:  []search.TokenRow{{Key: nick[0], System: "s", Code: "c"}}, Dates: []search.DateRow{{Key: nick[0], Low: 1, High: 2}},
		Numbers:    []search.NumberRow{{Key: nick[0], Low: 1, High: 1}},
		References: []search.ReferenceRow{{Key: nick[0], Type: "Patient", ID: "1"}}, URIs: []search.URIRow{{Key: nick[0], URI: "urn:x"}},
	}, nil
}

// reindex adds the rows of a parameter to what is there, page by page, twice
// without doubling, and takes old ones of the same key away.
func reindex(f *fixture) {
	for i := range 5 {
		f.put(Make("Patient", fmt.Sprint(i), 1, String("name", "wang")), Make("Observation", fmt.Sprint(i), 1))
	}
	f.put(Make("Patient", "old", 1, String("nick", "zhuang")), Make("Patient", "gone", 1), Make("Patient", "gone", 2, Deleted))
	for range 2 {
		seen, from := 0, int64(0)
		for {
			next, n, err := f.Reindex(f.ctx(), []string{"Patient"}, nick, from, 4, nicked)
			f.must(err)
			seen, from = seen+n, next
			if n < 4 {
				break
			}
		}
		if seen != 6 {
			f.Errorf("Reindex() looked at %d resources, want 6", seen)
		}
	}
	f.want("the new key", f.find(plan("Patient", search.String{Key: nick[0], Any: []search.StringMatch{{Value: "lao"}}})),
		"Patient/0", "Patient/1", "Patient/2", "Patient/3", "Patient/4", "Patient/old")
	f.want("its old rows", f.find(plan("Patient", search.String{Key: nick[0], Any: []search.StringMatch{{Value: "zhuang"}}})))
	f.want("another key", f.find(plan("Patient", search.String{Key: search.KeyOf("Patient", "name"), Any: []search.StringMatch{{Value: "wang"}}})),
		"Patient/0", "Patient/1", "Patient/2", "Patient/3", "Patient/4")
	f.want("a token", f.find(plan("Patient", Code("Patient", "nick", "s", "c"))),
		"Patient/0", "Patient/1", "Patient/2", "Patient/3", "Patient/4", "Patient/old")
}

// reindexStale has a resource that is written while its rows are made: the rows
// of its new version stay.
func reindexStale(f *fixture) {
	f.put(Make("Patient", "1", 1))
	_, n, err := f.Reindex(f.ctx(), []string{"Patient"}, nick, 0, 10, func(body []byte) (search.Rows, error) {
		f.put(Make("Patient", "1", 2, String("nick", "zhuang")))
		return nicked(body)
	})
	if err != nil || n != 1 {
		f.Fatalf("Reindex() = %d, %v", n, err)
	}
	f.want("what the new version says", f.find(plan("Patient", search.String{Key: nick[0], Any: []search.StringMatch{{Value: "zhuang"}}})), "Patient/1")
	f.want("what the old one said", f.find(plan("Patient", search.String{Key: nick[0], Any: []search.StringMatch{{Value: "lao"}}})))
}

func complete(f *fixture) {
	before := f.held().Number
	f.must(f.Complete(f.ctx(), "SearchParameter", "a", 1))
	f.must(f.Complete(f.ctx(), "SearchParameter", "a-b", 1))
	f.must(f.Complete(f.ctx(), "SearchParameter", "a", 3))
	h := f.held()
	want := map[revision.Posted]bool{{Type: "SearchParameter", ID: "a", Version: 3}: true, {Type: "SearchParameter", ID: "a-b", Version: 1}: true}
	if fmt.Sprint(h.Complete) != fmt.Sprint(want) || h.Number != before+3 {
		f.Errorf("Held() = %v at %d, want %v at %d", h.Complete, h.Number, want, before+3)
	}
}

// unitsAndDefines has units and changes of definitions at once: none commits
// under a revision that is over.
func unitsAndDefines(f *fixture) {
	number := f.held().Number
	done := make(chan error, 1)
	go func() {
		for i := range 10 {
			if err := f.Complete(f.ctx(), "SearchParameter", fmt.Sprint(i), 1); err != nil {
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
