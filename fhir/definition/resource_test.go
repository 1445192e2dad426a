package definition_test

import (
	"errors"
	"strings"
	"testing"

	"tenon/fhir/definition"
	"tenon/fhir/issue"
)

func TestRead(t *testing.T) {
	src := []byte(`{"resourceType":"StructureDefinition","id":"bp","url":"http://x/bp","version":"1.0","name":"Bp\u002D1","status":"active",
		"kind":"resource","type":"Observation","derivation":"constraint"}`)
	r, err := definition.Read(src, "a.b#1.0")
	if err != nil {
		t.Fatal(err)
	}
	want := definition.Resource{
		Type: "StructureDefinition", URL: "http://x/bp", Version: "1.0", ID: "bp", Name: "Bp-1", Status: "active",
		Of: "Observation", Derivation: "constraint", Kind: "resource", Package: "a.b#1.0",
	}
	got := definition.Resource{
		Type: r.Type, URL: r.URL, Version: r.Version, ID: r.ID, Name: r.Name, Status: r.Status,
		Of: r.Of, Derivation: r.Derivation, Kind: r.Kind, Superseded: r.Superseded, Package: r.Package,
	}
	if got.Canonical() != "http://x/bp|1.0" || strings.Join(texts(&got), "\n") != strings.Join(texts(&want), "\n") {
		t.Errorf("Read = %+v, want %+v", got, want)
	}
	n, err := r.Node()
	if err != nil || n.Field("type").Str() != "Observation" {
		t.Errorf("Node = %s, %v", n.Raw(), err)
	}
	if m, _ := r.Node(); m == n {
		t.Error("Node is to parse anew")
	}
}

func texts(r *definition.Resource) []string {
	return []string{r.Type, r.URL, r.Version, r.ID, r.Name, r.Status, r.Of, r.Derivation, r.Kind, r.Package}
}

func TestReadForms(t *testing.T) {
	for _, tc := range []struct{ name, src, canonical, typ, rule, path string }{
		{"no version", `{"resourceType":"ValueSet","url":"http://v"}`, "http://v", "ValueSet", "", ""},
		{"other resources have a kind and a type of their own", `{"resourceType":"CapabilityStatement","url":"u","kind":"instance","type":"x"}`, "u", "CapabilityStatement", "", ""},
		{"version in the url", `{"resourceType":"CodeSystem","url":"http://c|2.4","version":"0006"}`, "http://c|2.4", "CodeSystem", "", ""},
		{"members in any order", `{"url":"u","version":"2","resourceType":"Questionnaire"}`, "u|2", "Questionnaire", "", ""},
		{"no json", `{`, "", "", "json", ""},
		{"empty", ``, "", "", "json", ""},
		{"twice", `{"resourceType":"ValueSet","url":"u","url":"v"}`, "", "", "json", ""},
		{"no object", `["ValueSet"]`, "", "", "resource-type-missing", ""},
		{"no type", `{"url":"u"}`, "", "", "resource-type-missing", ""},
		{"type is no string", `{"resourceType":1,"url":"u"}`, "", "", "resource-type-missing", ""},
		{"no url", `{"resourceType":"ValueSet"}`, "", "", "definition-url", "ValueSet.url"},
		{"url is no string", `{"resourceType":"ValueSet","url":["u"]}`, "", "", "definition-url", "ValueSet.url"},
		{"version only", `{"resourceType":"ValueSet","url":"|2"}`, "", "", "definition-url", "ValueSet.url"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r, err := definition.Read([]byte(tc.src), "")
			var failure *issue.Failure
			if tc.rule != "" {
				if !errors.As(err, &failure) {
					t.Fatalf("Read = %v, %v, want a failure", r, err)
				}
				is := failure.Issues[0]
				if !strings.HasPrefix(is.Rule, tc.rule) || is.Path != tc.path && tc.path != "" {
					t.Errorf("Read fails by %s at %q, want %s at %q", is.Rule, is.Path, tc.rule, tc.path)
				}
				return
			}
			if err != nil || r.Canonical() != tc.canonical || r.Type != tc.typ || r.Kind != "" || r.Of != "" {
				t.Errorf("Read = %+v, %v, want %s %s", r, err, tc.typ, tc.canonical)
			}
		})
	}
}

// What a resource says stays when the caller's document is large: the texts
// are copies.
func TestReadCopies(t *testing.T) {
	src := []byte(`{"resourceType":"ValueSet","url":"http://v","name":"N","status":"draft"}`)
	r, err := definition.Read(src, "")
	if err != nil {
		t.Fatal(err)
	}
	clear(src)
	if r.URL != "http://v" || r.Name != "N" || r.Type != "ValueSet" || r.Status != "draft" {
		t.Errorf("Read shares the caller's memory: %+v", r)
	}
}

func TestLoadFails(t *testing.T) {
	broken := errors.New("disk gone")
	r := definition.New(definition.Resource{Type: "ValueSet", URL: "v"}, func() ([]byte, error) { return nil, broken })
	if _, err := r.Bytes(); !errors.Is(err, broken) {
		t.Errorf("Bytes = %v", err)
	}
	if n, err := r.Node(); !errors.Is(err, broken) || n.Exists() {
		t.Errorf("Node = %v, %v", n, err)
	}
	r = definition.New(*r, func() ([]byte, error) { return []byte("{"), nil })
	if n, err := r.Node(); err == nil || n.Exists() {
		t.Errorf("Node of what is no JSON = %v, %v", n, err)
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte(`{"resourceType":"StructureDefinition","url":"http://x|1","version":"1.0.0-a+b","type":"Patient","kind":"resource","derivation":"constraint"}`), "x|1.0")
	f.Add([]byte(`{"resourceType":"ValueSet","url":"\ud83d\ude00","version":"2018-08-12"}`), "")
	f.Add([]byte(`[{}]`), "#")
	base := definition.NewLibrary(all("ValueSet http://x|1", "ValueSet http://x|2-rc.1", "ValueSet http://x|2018-01-01")...)
	f.Fuzz(func(t *testing.T, src []byte, canonical string) {
		base.Find("ValueSet", canonical)
		r, err := definition.Read(src, "p#1")
		if err != nil {
			return
		}
		if r.Type == "" || r.URL == "" || strings.Contains(r.URL, "|") {
			t.Fatalf("Read = %+v", r)
		}
		lib := base.With(r)
		if _, _, fragment := strings.Cut(r.Canonical(), "#"); fragment {
			return // no canonical URL names it
		}
		if found := lib.Find(r.Type, r.URL+"|"+r.Version); found != r {
			t.Fatalf("Find(%q) = %+v, want what was put in", r.Canonical(), found)
		}
		if lib.Find(r.Type, r.URL) == nil || lib.Without(r.Type, r.URL).Find(r.Type, r.URL) != nil {
			t.Fatalf("%q is not there, or still there", r.URL)
		}
	})
}
