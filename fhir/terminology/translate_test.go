package terminology_test

import (
	"strings"
	"testing"

	"tenon/fhir/issue"
	"tenon/fhir/terminology"
	"tenon/fhir/tree"
)

const toColours = `{"resourceType":"ConceptMap","url":"http://x/map","version":"1","status":"active","sourceCanonical":"http://x/all-animals","targetCanonical":"http://x/colours?fhir_vs",
"group":[{"source":"http://x/animals","target":"http://x/colours","element":[
 {"code":"bat","target":[{"code":"Blue","equivalence":"equivalent"},{"code":"red","equivalence":"wider","comment":"at dusk"}]},
 {"code":"bird","target":[{"code":"red","equivalence":"inexact","dependsOn":[{"property":"http://x/season","system":"http://x/seasons","value":"spring"}],
   "product":[{"property":"http://x/shade","system":"http://x/shades","value":"bright"}]}]},
 {"code":"plant"},{"code":"dog","target":[{"equivalence":"unmatched"}]},
 {"code":"flyer","target":[{"code":"dog","equivalence":"disjoint"}]}],
 "unmapped":{"mode":"fixed","code":"dog"}},
{"source":"http://x/animals","target":"http://x/part","element":[{"code":"mammal","target":[{"code":"a","equivalence":"subsumes"}]}],"unmapped":{"mode":"other-map","url":"http://x/other"}}]}`

const other = `{"resourceType":"ConceptMap","url":"http://x/other","status":"active","sourceUri":"http://x/elsewhere","group":[{"source":"http://x/animals","target":"http://x/part","element":[{"code":"bat","target":[{"code":"a","equivalence":"relatedto"}]}],"unmapped":{"mode":"other-map","url":"http://x/map"}},
{"source":"http://x/animals","target":"http://x/copy","element":[],"unmapped":{"mode":"provided"}}]}`

func matches(list []terminology.Match) string {
	var out []string
	for _, m := range list {
		one := m.Equivalence
		if m.Concept.Code != "" {
			one += "=" + m.Concept.Code
		}
		out = append(out, one)
	}
	return strings.Join(out, " ")
}

// https://hl7.org/fhir/R4/conceptmap-operation-translate.html
func TestTranslate(t *testing.T) {
	s := server(t, toColours, other)
	animal := func(code string) []terminology.Coding {
		return []terminology.Coding{{System: "http://x/animals", Code: code}}
	}
	spring := []terminology.Dependency{{Property: "http://x/season", System: "http://x/seasons", Value: "spring"}}
	for _, c := range []struct {
		name   string
		r      terminology.TranslateRequest
		want   string
		result bool
	}{
		{"two targets, one from the map that is named", terminology.TranslateRequest{URL: "http://x/map", Codings: animal("bat")}, "equivalent=Blue wider=red relatedto=a equivalent=bat", true},
		{"one target system", terminology.TranslateRequest{URL: "http://x/map", Codings: animal("bat"), TargetSystem: "http://x/colours"}, "equivalent=Blue wider=red", true},
		{"by source and target", terminology.TranslateRequest{Source: "http://x/all-animals", Target: "http://x/colours?fhir_vs", TargetSystem: "http://x/colours", Codings: animal("bat")}, "equivalent=Blue wider=red", true},
		{"by a source that no map has", terminology.TranslateRequest{Source: "http://x/none", Codings: animal("bat")}, "", false},
		{"version of the map", terminology.TranslateRequest{URL: "http://x/map|1", TargetSystem: "http://x/colours", Codings: animal("bat")}, "equivalent=Blue wider=red", true},
		{"missing dependency", terminology.TranslateRequest{URL: "http://x/map", TargetSystem: "http://x/colours", Codings: animal("bird")}, "", false},
		{"dependency", terminology.TranslateRequest{URL: "http://x/map", TargetSystem: "http://x/colours", Codings: animal("bird"), Dependencies: spring}, "inexact=red", true},
		{"no target", terminology.TranslateRequest{URL: "http://x/map", TargetSystem: "http://x/colours", Codings: animal("plant")}, "unmatched", false},
		{"unmatched", terminology.TranslateRequest{URL: "http://x/map", TargetSystem: "http://x/colours", Codings: animal("dog")}, "unmatched", false},
		{"disjoint is none", terminology.TranslateRequest{URL: "http://x/map", TargetSystem: "http://x/colours", Codings: animal("flyer")}, "disjoint=dog", false},
		{"fixed where it lacks the code", terminology.TranslateRequest{URL: "http://x/map", TargetSystem: "http://x/colours", Codings: animal("living")}, "relatedto=dog", true},
		{"other map that names the first again", terminology.TranslateRequest{URL: "http://x/map", TargetSystem: "http://x/part", Codings: animal("living")}, "", false},
		{"reverse", terminology.TranslateRequest{URL: "http://x/map", Reverse: true, Codings: []terminology.Coding{{System: "http://x/colours", Code: "red"}}}, "narrower=bat inexact=bird", true},
		{"reverse of subsumes", terminology.TranslateRequest{URL: "http://x/map", Reverse: true, Codings: []terminology.Coding{{System: "http://x/part", Code: "a"}}}, "specializes=mammal", true},
		{"another system", terminology.TranslateRequest{URL: "http://x/map", Codings: []terminology.Coding{{System: "http://x/colours", Code: "red"}}}, "", false},
		{"several codings", terminology.TranslateRequest{URL: "http://x/map", TargetSystem: "http://x/colours", Codings: append(animal("plant"), animal("bat")...)}, "unmatched equivalent=Blue wider=red", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := s.Translate(&c.r)
			if err != nil {
				t.Fatal(err)
			}
			if matches(got.Matches) != c.want || got.Result != c.result || (got.Text == "") != c.result {
				t.Errorf("Translate = %q %v %q, want %q %v", matches(got.Matches), got.Result, got.Text, c.want, c.result)
			}
		})
	}
	got, err := s.Translate(&terminology.TranslateRequest{URL: "http://x/map", TargetSystem: "http://x/colours", Codings: animal("bat")})
	if err != nil || got.Matches[0].Concept.Display != "Blue" || got.Matches[0].Source != "http://x/map|1" || got.Matches[1].Comment != "at dusk" {
		t.Errorf("details of %+v, %v", got, err)
	}
	got, err = s.Translate(&terminology.TranslateRequest{URL: "http://x/map", TargetSystem: "http://x/colours", Codings: animal("bird"), Dependencies: spring})
	if err != nil || len(got.Matches[0].Products) != 1 || got.Matches[0].Products[0].Value != "bright" {
		t.Errorf("products of %+v, %v", got, err)
	}
	if _, err := s.Translate(&terminology.TranslateRequest{URL: "http://x/none"}); issue.As(err) == nil || issue.As(err).HTTPStatus() != 404 {
		t.Errorf("unknown map = %v, want 404", err)
	}
	d, err := tree.Parse([]byte(toColours))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := terminology.New(nil, terminology.Options{}).Translate(&terminology.TranslateRequest{Map: d.Root(), TargetSystem: "http://x/colours", Codings: animal("bat")}); err != nil || matches(got.Matches) != "equivalent=Blue wider=red" {
		t.Errorf("map sent along = %+v, %v", got, err)
	}
}

// Maps that name one another from many groups must not take for ever.
func TestManyMaps(t *testing.T) {
	group := `{"source":"http://x/a","target":"http://x/b","element":[{"code":"2","target":[{"code":"3","equivalence":"equal"}]}],"unmapped":{"mode":"other-map","url":"http://x/m"}}`
	m := `{"resourceType":"ConceptMap","url":"http://x/m","status":"active","group":[` + strings.Repeat(group+",", 49) + group + `]}`
	_, err := server(t, m).Translate(&terminology.TranslateRequest{URL: "http://x/m", Codings: []terminology.Coding{{System: "http://x/a", Code: "1"}}})
	if f := issue.As(err); f == nil || f.Issues[0].Type != issue.TooCostly || f.Issues[0].Chinese == "" {
		t.Errorf("error = %v, want too-costly", err)
	}
}
