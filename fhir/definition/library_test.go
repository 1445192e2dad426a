package definition_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"tenon/fhir/definition"
)

// res describes a resource by "type url|version status".
func res(s string) *definition.Resource {
	fields := strings.Fields(s)
	url, version, _ := strings.Cut(fields[1], "|")
	r := definition.Resource{Type: fields[0], URL: url, Version: version, Status: "active"}
	for _, f := range fields[2:] {
		if f == "superseded" {
			r.Superseded = true
		} else {
			r.Status = f
		}
	}
	return definition.New(r, func() ([]byte, error) { return []byte(s), nil })
}

func all(list ...string) []*definition.Resource {
	var out []*definition.Resource
	for _, s := range list {
		out = append(out, res(s))
	}
	return out
}

func names(list []*definition.Resource) string {
	var out []string
	for _, r := range list {
		out = append(out, r.Canonical())
	}
	return strings.Join(out, " ")
}

func body(r *definition.Resource) string {
	if r == nil {
		return ""
	}
	b, _ := r.Bytes()
	return string(b)
}

// https://hl7.org/fhir/R4/references.html#canonical: a canonical may name the
// version; without one the latest is meant.
func TestFind(t *testing.T) {
	lib := definition.NewLibrary(all(
		"ValueSet v|1.0.0", "ValueSet v|1.2.0", "ValueSet v|1.10.0", "ValueSet v|2.0.0 retired",
		"CodeSystem v|7", "ValueSet none", "ValueSet both", "ValueSet both|1",
		"ValueSet r|2 retired", "ValueSet r|1 retired", "ValueSet r|1.5 draft",
		"ValueSet p|2.0.0-ballot", "ValueSet p|2.0.0", "ValueSet p|2.0.0-ballot2",
		"ValueSet s|2018-08-12 superseded", "ValueSet s|3.0.0", "ValueSet s2|1 superseded", "ValueSet s2|2 superseded",
		"ValueSet s3|3 superseded", "ValueSet s3|2 retired",
	)...)
	for _, tc := range []struct{ typ, canonical, want string }{
		{"ValueSet", "v", "v|1.10.0"},
		{"ValueSet", "v|1.0.0", "v|1.0.0"},
		{"ValueSet", "v|2.0.0", "v|2.0.0"},
		{"ValueSet", "v|1", "v|1.10.0"},
		{"ValueSet", "v|1.1", ""},
		{"ValueSet", "v|1.2", "v|1.2.0"},
		{"ValueSet", "v|1.", ""},
		{"ValueSet", "v|2", "v|2.0.0"},
		{"ValueSet", "v|3", ""},
		{"ValueSet", "v#concept", "v|1.10.0"},
		{"ValueSet", "v|1.0.0#concept", "v|1.0.0"},
		{"CodeSystem", "v", "v|7"},
		{"CodeSystem", "v|1.0.0", ""},
		{"ConceptMap", "v", ""},
		{"", "v", ""},
		{"ValueSet", "", ""},
		{"ValueSet", "|1", ""},
		{"ValueSet", "#x", ""},
		{"ValueSet", "V", ""},
		{"ValueSet", "none", "none"},
		{"ValueSet", "none|1", ""},
		{"ValueSet", "both", "both|1"},
		{"ValueSet", "both|", "both"},
		{"ValueSet", "none|", "none"},
		{"ValueSet", "v|", ""},
		{"ValueSet", "r", "r|1.5"},
		{"ValueSet", "r|2", "r|2"},
		{"ValueSet", "p", "p|2.0.0"},
		{"ValueSet", "p|2.0.0-ballot", "p|2.0.0-ballot"},
		{"ValueSet", "s", "s|3.0.0"},
		{"ValueSet", "s|2018-08-12", "s|2018-08-12"},
		{"ValueSet", "s2", "s2|2"},
		{"ValueSet", "s3", "s3|2"},
	} {
		got := ""
		if r := lib.Find(tc.typ, tc.canonical); r != nil {
			got = r.Canonical()
		}
		if got != tc.want {
			t.Errorf("Find(%s, %q) = %q, want %q", tc.typ, tc.canonical, got, tc.want)
		}
	}
}

func TestNothing(t *testing.T) {
	for _, lib := range []*definition.Library{nil, {}, definition.NewLibrary()} {
		if r := lib.Find("ValueSet", "v|1"); r != nil {
			t.Errorf("Find in an empty library = %v", r)
		}
		if list := lib.Versions("ValueSet", "v"); len(list) != 0 {
			t.Errorf("Versions of an empty library = %v", list)
		}
		for r := range lib.All("") {
			t.Errorf("an empty library holds %v", r)
		}
		if r := lib.Without("ValueSet", "v").With(res("ValueSet v|1")).Find("ValueSet", "v"); r == nil {
			t.Error("what was put into an empty library is not there")
		}
	}
}

// The order of versions: semantic ones by https://semver.org, dates as they
// are, whatever else is there by its numbers and then as text.
func TestVersions(t *testing.T) {
	for _, want := range [][]string{
		{"10.0.0", "9.1", "9", "1.10.0", "1.9.0", "1.2", "1", ""},
		{"1.0.0", "1.0.0-rc.11", "1.0.0-rc.2", "1.0.0-beta.11", "1.0.0-beta.2", "1.0.0-beta", "1.0.0-alpha.beta", "1.0.0-alpha.1", "1.0.0-alpha"},
		{"2018-08-12", "2014-03-26", "2014-02-28"},
		{"20240102", "20231231", "999"},
		{"current", "1a", "10", "9"}, // numbers before words, else 9 < 10 < 1a < 9
		{"100000000000000000000001", "100000000000000000000000", "2"},
		{"b", "a", "100", "20"},
		{"1.1", "1.0.00", "1.0.0", "1.0"},
		{"1.0.1", "1.0.0+b", "1.0.0+a", "1.0.0", "1.0.0-a+z"},
	} {
		for shift := range want { // however they come
			var list []*definition.Resource
			for i := range want {
				list = append(list, definition.New(definition.Resource{Type: "ValueSet", URL: "v", Version: want[(i*7+shift)%len(want)]}, nil))
			}
			if len(want)%7 == 0 {
				t.Fatal("a multiple of 7 does not visit all")
			}
			var got []string
			for _, r := range definition.NewLibrary(list...).Versions("ValueSet", "v") {
				got = append(got, r.Version)
			}
			if !slices.Equal(got, want) {
				t.Errorf("Versions = %q, want %q", got, want)
			}
		}
	}
}

func TestWith(t *testing.T) {
	one := definition.NewLibrary(all("ValueSet v|1", "ValueSet w|1")...)
	two := one.With(all("ValueSet v|2", "ValueSet w|1 draft", "CodeSystem c|1")...)
	if got, want := names(slices.Collect(one.All(""))), "v|1 w|1"; got != want {
		t.Errorf("With changed the library that it was called on: %s, want %s", got, want)
	}
	if got, want := names(slices.Collect(two.All(""))), "v|1 v|2 w|1 c|1"; got != want {
		t.Errorf("All = %s, want %s", got, want)
	}
	if got, want := names(slices.Collect(two.All("CodeSystem"))), "c|1"; got != want {
		t.Errorf("All(CodeSystem) = %s, want %s", got, want)
	}
	if got, want := body(two.Find("ValueSet", "w")), "ValueSet w|1 draft"; got != want {
		t.Errorf("Find(w) = %q, want what replaced it, %q", got, want)
	}
	if got := body(one.Find("ValueSet", "w")); got != "ValueSet w|1" {
		t.Errorf("With replaced %q below", got)
	}
	three := two.With(res("ValueSet w|1"), res("ValueSet w|1 retired"))
	if got, want := body(three.Find("ValueSet", "w|1")), "ValueSet w|1 retired"; got != want {
		t.Errorf("of two equal ones Find gives %q, want the later, %q", got, want)
	}
	if got, want := names(three.Versions("ValueSet", "w")), "w|1"; got != want {
		t.Errorf("Versions(w) = %s, want %s", got, want)
	}
	again := two.Find("ValueSet", "v|2")
	if got, want := names(two.With(again, again).Versions("ValueSet", "v")), "v|2 v|1"; got != want {
		t.Errorf("adding what is there gives %s, want %s", got, want)
	}
	for range two.All("") { // may be broken off
		break
	}
}

func TestWithKeepsSuperseded(t *testing.T) {
	lib := definition.NewLibrary(all("CodeSystem c|2018 superseded", "CodeSystem c|3")...)
	posted := res("CodeSystem c|2018")
	lib = lib.With(posted)
	if got := lib.Find("CodeSystem", "c").Version; got != "3" {
		t.Errorf("Find(c) = c|%s, want c|3: what replaces a superseded one is superseded", got)
	}
	if posted.Superseded || !lib.Find("CodeSystem", "c|2018").Superseded {
		t.Error("the mark is to be in the library, not in the caller's resource")
	}
}

func TestWithout(t *testing.T) {
	lib := definition.NewLibrary(all("ValueSet v|1", "ValueSet v|2", "CodeSystem v|1")...).With(res("ValueSet v|3"))
	for _, tc := range []struct{ typ, canonical, want string }{
		{"ValueSet", "v", ""},
		{"ValueSet", "v|2", "v|3 v|1"},
		{"ValueSet", "v|3", "v|2 v|1"},
		{"ValueSet", "v|3#x", "v|2 v|1"},
		{"ValueSet", "v|", "v|3 v|2 v|1"},
		{"ValueSet", "v|9", "v|3 v|2 v|1"},
		{"ConceptMap", "v", "v|3 v|2 v|1"},
	} {
		less := lib.Without(tc.typ, tc.canonical)
		if got := names(less.Versions("ValueSet", "v")); got != tc.want {
			t.Errorf("Without(%s, %s) leaves %q, want %q", tc.typ, tc.canonical, got, tc.want)
		}
		if less.Find("CodeSystem", "v") == nil {
			t.Errorf("Without(%s, %s) took another type out", tc.typ, tc.canonical)
		}
		if got := names(less.With(res("ValueSet v|2")).Versions("ValueSet", "v|")); got != "" {
			t.Errorf("Versions takes a URL, and found %s", got)
		}
		if less.With(res("ValueSet v|2")).Find("ValueSet", "v|2") == nil {
			t.Errorf("what was taken out by %s cannot be put back", tc.canonical)
		}
	}
	if len(lib.Versions("ValueSet", "v")) != 3 {
		t.Error("Without changed the library that it was called on")
	}
}

// A library that was changed often answers like one that a plain list
// describes, whether its layers were joined or not and however large the
// bottom is.
func TestLayers(t *testing.T) {
	for _, bottom := range []int{0, 3, 200} {
		var model []*definition.Resource
		for i := range bottom {
			model = append(model, res(fmt.Sprintf("ValueSet b%d|%d", i%50, i/50)))
		}
		lib := definition.NewLibrary(model...)
		random := uint32(bottom + 1)
		next := func(n int) int {
			random = random*1664525 + 1013904223
			return int(random>>16) % n
		}
		for step := range 300 {
			url, version := fmt.Sprintf("b%d", next(60)), fmt.Sprint(next(4))
			same := func(r *definition.Resource) bool { return r.URL == url && r.Version == version }
			if next(3) == 0 {
				lib = lib.Without("ValueSet", url+"|"+version)
				model = slices.DeleteFunc(model, same)
			} else {
				r := res(fmt.Sprintf("ValueSet %s|%s %s", url, version, []string{"active", "retired"}[next(2)]))
				lib = lib.With(r)
				model = append(slices.DeleteFunc(model, same), r)
			}
			compare(t, step, lib, model)
		}
	}
}

func compare(t *testing.T, step int, lib *definition.Library, model []*definition.Resource) {
	t.Helper()
	if got, want := names(slices.Collect(lib.All(""))), names(model); got != want {
		t.Fatalf("step %d: All = %s\nwant %s", step, got, want)
	}
	plain := definition.NewLibrary(model...)
	for _, r := range model {
		for _, canonical := range []string{r.URL, r.Canonical()} {
			if got, want := lib.Find(r.Type, canonical), plain.Find(r.Type, canonical); got != want {
				t.Fatalf("step %d: Find(%s) = %s, want %s", step, canonical, body(got), body(want))
			}
		}
		if got, want := lib.Versions(r.Type, r.URL), plain.Versions(r.Type, r.URL); !slices.Equal(got, want) {
			t.Fatalf("step %d: Versions(%s) = %s, want %s", step, r.URL, names(got), names(want))
		}
	}
}

// Libraries are made of one while others read it.
func TestConcurrent(t *testing.T) {
	base := definition.NewLibrary(all("ValueSet v|1", "ValueSet v|2", "CodeSystem c|1")...)
	var wait sync.WaitGroup
	for worker := range 4 {
		wait.Go(func() {
			lib := base
			for i := range 50 {
				lib = lib.With(res(fmt.Sprintf("ValueSet w%d|%d", worker, i))).Without("ValueSet", "v|1")
				if lib.Find("ValueSet", "v").Version != "2" || base.Find("ValueSet", "v|1") == nil || len(base.Versions("ValueSet", "v")) != 2 {
					t.Error("the base changed")
				}
				if n := len(slices.Collect(lib.All(""))); n != i+3 {
					t.Errorf("after %d steps there are %d", i+1, n)
				}
			}
		})
	}
	wait.Wait()
}
