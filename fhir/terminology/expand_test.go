package terminology_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"tenon/fhir/issue"
	"tenon/fhir/terminology"
)

func count(n int) *int { return &n }

func TestExpand(t *testing.T) {
	s := server(t, compose("http://x/vs", `"include":[{"system":"http://x/animals"}]`), compose("http://x/two", `"include":[{"system":"http://x/animals","concept":[{"code":"bird","display":"Feathered"}]},{"system":"http://x/colours"}]`),
		compose("http://x/turned", `"include":[{"system":"http://x/animals","filter":[{"property":"concept","op":"is-a","value":"flyer"}]},{"system":"http://x/animals","filter":[{"property":"code","op":"=","value":"living"}]}]`),
		compose("http://x/nine", `"include":[{"system":"http://x/animals","version":"9","concept":[{"code":"ghost"}]}]`),
		compose("http://x/umlaut", `"include":[{"system":"http://x/none","concept":[{"code":"u","display":"Übung"},{"code":"v","display":"Ubung"}]}]`))
	for _, c := range []struct {
		name, set string
		o         terminology.ExpandOptions
		want      string
		total     int
	}{
		{"nested", "http://x/vs", terminology.ExpandOptions{}, "living(animal(mammal(dog bat) flyer(bird)) plant)", 8},
		{"nested under none of another include", "http://x/turned", terminology.ExpandOptions{}, "bat flyer(bird) living", 4},
		{"a version that is not here, listed", "http://x/nine", terminology.ExpandOptions{}, "ghost", 1},
		{"filter of letters with case beyond ASCII", "http://x/umlaut", terminology.ExpandOptions{Filter: "ÜBUNG"}, "u", 1},
		{"flat", "http://x/vs", terminology.ExpandOptions{Flat: true}, "living animal mammal dog bat flyer bird plant", 8},
		{"page", "http://x/vs", terminology.ExpandOptions{Offset: 2, Count: count(3)}, "mammal dog bat", 8},
		{"page at the end", "http://x/vs", terminology.ExpandOptions{Offset: 7, Count: count(3)}, "plant", 8},
		{"page beyond", "http://x/vs", terminology.ExpandOptions{Offset: 9, Count: count(3)}, "", 8},
		{"offset alone", "http://x/vs", terminology.ExpandOptions{Offset: 6}, "bird plant", 8},
		{"total alone", "http://x/vs", terminology.ExpandOptions{Count: count(0)}, "", 8},
		{"active only", "http://x/vs", terminology.ExpandOptions{ActiveOnly: true, Flat: true}, "living animal mammal bat flyer bird plant", 7},
		{"selectable only", "http://x/vs", terminology.ExpandOptions{ExcludeAbstract: true}, "living(mammal(dog bat) flyer(bird) plant)", 7},
		{"filter by display", "http://x/vs", terminology.ExpandOptions{Filter: "AL"}, "animal mammal flyer", 3},
		{"filter by two words", "http://x/vs", terminology.ExpandOptions{Filter: "animal fly"}, "flyer", 1},
		{"filter by code", "http://x/vs", terminology.ExpandOptions{Filter: "liv"}, "living", 1},
		{"filter in Chinese", "http://x/vs", terminology.ExpandOptions{Filter: "蝙"}, "bat", 1},
		{"filter in German", "http://x/vs", terminology.ExpandOptions{Filter: "LEDERM"}, "bat", 1},
		{"filter by nothing that is there", "http://x/vs", terminology.ExpandOptions{Filter: "unicorn"}, "", 0},
		{"filter and page", "http://x/vs", terminology.ExpandOptions{Filter: "al", Offset: 1, Count: count(1)}, "mammal", 3},
		{"two systems", "http://x/two", terminology.ExpandOptions{}, "bird red Blue dog", 4},
		{"without a system", "http://x/two", terminology.ExpandOptions{ExcludeSystems: []string{"http://x/colours"}}, "bird", 1},
		{"without another version of a system", "http://x/vs", terminology.ExpandOptions{ExcludeSystems: []string{"http://x/animals|1"}, Filter: "bird"}, "bird", 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			e, err := s.Expand(c.set, &c.o)
			if err != nil {
				t.Fatal(err)
			}
			if got := show(e.Contains); got != c.want || e.Total != c.total {
				t.Errorf("Expand = %q of %d, want %q of %d", got, e.Total, c.want, c.total)
			}
		})
	}
}

func TestExpandTexts(t *testing.T) {
	s := server(t, compose("http://x/bat", `"include":[{"system":"http://x/animals","concept":[{"code":"bat","display":"The bat"},{"code":"animal"},{"code":"dog"}]}]`))
	e, err := s.Expand("http://x/bat", &terminology.ExpandOptions{Language: "zh", Designations: true, Definitions: true})
	if err != nil {
		t.Fatal(err)
	}
	bat := e.Contains[0]
	if bat.Display != "蝙蝠（繁）" && bat.Display != "蝙蝠" {
		t.Errorf("display = %q, want a Chinese one", bat.Display)
	}
	if len(bat.Designations) != 3 {
		t.Errorf("designations = %v, want 3", bat.Designations)
	}
	if !e.Contains[1].Abstract || e.Contains[0].Abstract || !e.Contains[2].Inactive {
		t.Errorf("flags of %+v", e.Contains)
	}
	if want := []terminology.Coding{{System: "http://x/animals", Version: "2.1"}}; !slices.Equal(e.Systems, want) {
		t.Errorf("Systems = %v, want %v", e.Systems, want)
	}
	e, err = s.Expand("http://x/bat", &terminology.ExpandOptions{Designations: true, DesignationLanguages: []string{"de"}})
	if err != nil || len(e.Contains[0].Designations) != 1 || e.Contains[0].Display != "The bat" {
		t.Errorf("German designations = %+v, %v", e.Contains, err)
	}
}

func TestExpandErrors(t *testing.T) {
	lib := library(t, compose("http://x/vs", `"include":[{"system":"http://x/animals"}]`), compose("http://x/loinc", `"include":[{"system":"http://loinc.org"}]`),
		compose("http://x/circle", `"include":[{"valueSet":["http://x/circle"]}]`), compose("http://x/unclear", `"include":[{"system":"http://x/animals"}],"exclude":[{"system":"http://x/animals","filter":[{"property":"no","op":"=","value":"1"}]}]`),
		compose("http://x/part", `"include":[{"system":"http://x/part"}]`))
	s := terminology.New(lib, terminology.Options{MaxExpansion: 7})
	for _, c := range []struct {
		name, set string
		o         *terminology.ExpandOptions
		typ       issue.Type
		rule      string
	}{
		{"unknown", "http://x/nowhere", nil, issue.NotFound, "valueset-unknown"},
		{"unknown system", "http://x/loinc", nil, issue.NotFound, "codesystem-unknown"},
		{"too long", "http://x/vs", nil, issue.TooCostly, "expansion-limit"},
		{"page too long", "http://x/vs", &terminology.ExpandOptions{Count: count(8)}, issue.TooCostly, "expansion-limit"},
		{"circle", "http://x/circle", nil, issue.Processing, "valueset-depth"},
		{"unclear exclude", "http://x/unclear", nil, issue.NotFound, "valueset-filter"},
		{"grammar", "http://unitsofmeasure.org/vs", nil, issue.TooCostly, "expansion-endless"},
		{"version", "http://x/vs", &terminology.ExpandOptions{CheckVersions: map[string]string{"http://x/animals": "3"}}, issue.Processing, "codesystem-version"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := s.Expand(c.set, c.o)
			f := issue.As(err)
			if f == nil || f.Issues[0].Type != c.typ || f.Issues[0].Rule != c.rule || f.Issues[0].Chinese == "" {
				t.Errorf("error = %+v, want %v %v", err, c.typ, c.rule)
			}
		})
	}
	e, err := s.Expand("http://x/part", nil)
	if err != nil || !e.Incomplete || show(e.Contains) != "a" {
		t.Errorf("fragment = %+v, %v, want a and incomplete", e, err)
	}
}

// A value set that names no version means the one that is asked for.
func TestVersions(t *testing.T) {
	older := strings.ReplaceAll(strings.ReplaceAll(animals, `"2.1"`, `"1.0"`), `"code":"plant","display":"Plant"`, `"code":"fungus","display":"Fungus"`)
	s := server(t, older, compose("http://x/open", `"include":[{"system":"http://x/animals"}]`), compose("http://x/old", `"include":[{"system":"http://x/animals","version":"1.0"}]`),
		compose("http://x/import", `"include":[{"valueSet":["http://x/open"]}]`))
	last := func(set string, v terminology.Versions) string {
		got := expand(t, s, set, &terminology.ExpandOptions{Flat: true, Versions: v})
		return got[strings.LastIndex(got, " ")+1:]
	}
	first := map[string]string{"http://x/animals": "1.0"}
	second := map[string]string{"http://x/animals": "2.1"}
	for _, c := range []struct {
		set  string
		v    terminology.Versions
		want string
	}{
		{"http://x/open", terminology.Versions{}, "plant"},
		{"http://x/old", terminology.Versions{}, "fungus"},
		{"http://x/open", terminology.Versions{Default: first}, "fungus"},
		{"http://x/import", terminology.Versions{Default: first}, "fungus"},
		{"http://x/old", terminology.Versions{Default: second}, "fungus"},
		{"http://x/old", terminology.Versions{Force: second}, "plant"},
	} {
		if got := last(c.set, c.v); got != c.want {
			t.Errorf("%s with %v ends in %q, want %q", c.set, c.v, got, c.want)
		}
	}
	if a := s.ValidateCode("http://x/old", terminology.Coding{System: "http://x/animals", Code: "plant"}, nil); a.Verdict != terminology.NotMember {
		t.Errorf("plant of 1.0 = %v, want NotMember", a.Verdict)
	}
}

func TestCodes(t *testing.T) {
	s := server(t, compose("http://x/vs", `"include":[{"system":"http://x/animals"}]`))
	var got []string
	for c, err := range s.Codes("http://x/vs", 0) {
		if err != nil {
			t.Fatal(err)
		}
		if got = append(got, c.System+"|"+c.Code); len(got) == 2 {
			break
		}
	}
	if want := []string{"http://x/animals|living", "http://x/animals|animal"}; !slices.Equal(got, want) {
		t.Errorf("Codes = %v, want %v", got, want)
	}
	n := 0
	var last error
	for _, err := range s.Codes("http://x/vs", 3) {
		n++
		last = err
	}
	if f := issue.As(last); n != 4 || f == nil || f.Issues[0].Type != issue.TooCostly {
		t.Errorf("%d pairs, the last with %v, want 4 and too-costly", n, last)
	}
	for _, err := range s.Codes("http://x/nowhere", 3) {
		var f *issue.Failure
		if !errors.As(err, &f) {
			t.Errorf("error = %v, want a failure", err)
		}
	}
}
