package profiles_test

import (
	"encoding/json"
	"os"
	"strings"
	"sync"
	"testing"

	"tenon/fhir/definition"
	"tenon/fhir/issue"
	"tenon/fhir/snapshot"
	"tenon/fhir/terminology"
	"tenon/fhir/tree"
	"tenon/fhir/validate"
	"tenon/profiles"
	"tenon/profiles/r4"
)

// library is R4 with the guide on top, as a server has it.
var library = sync.OnceValue(func() *definition.Library {
	var own []*definition.Resource
	for _, body := range profiles.Definitions() {
		if r, err := definition.Read(body, ""); err == nil { // an ObservationDefinition of R4 has no url
			own = append(own, r)
		}
	}
	return r4.Library().With(own...)
})

func newSet(lib *definition.Library) *validate.Set {
	return validate.New(r4.Model(), validate.WithLibrary(lib), validate.WithTerminology(terminology.New(lib, terminology.Options{})))
}

var whole = sync.OnceValue(func() *validate.Set { return newSet(library()) })

// judged are the issues of a resource by all definitions and by the profiles
// that are asked for: errors, and what could not be judged, which must not pass
// for "right".
func judged(t *testing.T, set *validate.Set, n tree.Node, canonicals ...string) (found []issue.Issue) {
	t.Helper()
	plan, err := set.Plan(n.Field("resourceType").Str())
	if err != nil {
		t.Fatal(err)
	}
	for _, is := range plan.Validate(n, &validate.Options{Profiles: canonicals}) {
		if validate.HasErrors([]issue.Issue{is}) || strings.HasSuffix(is.Rule, "-unjudged") || is.Rule == "profile-unknown" ||
			strings.HasPrefix(is.Rule, "tenon-") || is.Rule == "extension-unknown" {
			found = append(found, is)
		}
	}
	return found
}

// structures are the StructureDefinitions of the guide: profiles and extensions.
func structures(t *testing.T) (list []tree.Node) {
	t.Helper()
	for _, body := range profiles.Definitions() {
		if n := parse(t, body); n.Field("resourceType").Str() == "StructureDefinition" {
			list = append(list, n)
		}
	}
	return list
}

// TestDefinitionsAreValid judges every definition by the whole guide: extensions
// where they may stand, codes that exist, expressions that can be compiled.
func TestDefinitionsAreValid(t *testing.T) {
	for _, body := range profiles.Definitions() {
		n := parse(t, body)
		t.Run(n.Field("resourceType").Str()+"/"+n.Field("id").Str(), func(t *testing.T) {
			for _, is := range judged(t, whole(), n) {
				t.Error(is)
			}
		})
	}
}

// TestStructures makes the snapshot of every profile and extension, and reads
// what is said to people.
func TestStructures(t *testing.T) {
	for _, sd := range structures(t) {
		t.Run(sd.Field("id").Str(), func(t *testing.T) {
			if made, found := snapshot.Check(sd, library()); made == nil || len(found) > 0 {
				t.Fatalf("snapshot: %v", found)
			}
			url, id := sd.Field("url").Str(), sd.Field("id").Str()
			kind, short, _ := strings.Cut(id, "-")
			if url != "urn:tenon:"+kind+":"+short {
				t.Errorf("%s has the URL %s, want urn:tenon:%s:%s", id, url, kind, short)
			}
			bilingual(t, sd, "title")
			bilingual(t, sd, "description")
			for e := range sd.Path("differential", "element").Items() {
				if e.Field("short").Exists() {
					bilingual(t, e, "short")
				}
				for c := range e.Field("constraint").Items() {
					bilingual(t, c, "human")
					if key := c.Field("key").Str(); !strings.HasPrefix(key, "tenon-") {
						t.Errorf("the key of the invariant %s does not begin with tenon-", key)
					}
				}
			}
		})
	}
}

// bilingual wants an English text and its Chinese translation.
func bilingual(t *testing.T, n tree.Node, name string) {
	t.Helper()
	chinese := ""
	for e := range n.Field("_" + name).Field("extension").Items() {
		for part := range e.Field("extension").Items() {
			if part.Field("url").Str() == "content" {
				chinese = part.Field("valueString").Str()
			}
		}
	}
	if n.Field(name).Str() == "" || chinese == "" {
		t.Errorf("%s %q has no Chinese text", name, n.Field(name).Str())
	}
}

// TestNoDefinitionTwice: a server keeps them by type and id, others find them by
// URL.
func TestNoDefinitionTwice(t *testing.T) {
	seen := map[string]bool{}
	for _, body := range profiles.Definitions() {
		n := parse(t, body)
		for _, key := range []string{n.Field("resourceType").Str() + "/" + n.Field("id").Str(), n.Field("url").Str()} {
			if key != "" && seen[key] {
				t.Errorf("%s is there twice", key)
			}
			seen[key] = true
		}
	}
}

func decode(t *testing.T, body []byte) (v any) {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(string(body)))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		t.Fatal(err)
	}
	return v
}

// TestCustodianIsNamed: the rules of an extension have no examples of their own.
func TestCustodianIsNamed(t *testing.T) {
	t.Run("R001-139 a party whose data nobody keeps", func(t *testing.T) {
		body, err := os.ReadFile("case/example/agreement/valid-1.json")
		if err != nil {
			t.Fatal(err)
		}
		nobody := strings.Replace(string(body), `{"url": "custodian", "valueReference": {"reference": "PractitionerRole/mfr-xu"}},`, "", 1)
		found := judged(t, whole(), parse(t, []byte(nobody)), "urn:tenon:profile:agreement")
		if len(found) != 1 || found[0].Rule != "slice-min" || !strings.Contains(found[0].Text, "custodian") {
			t.Errorf("an agreement in which the manufacturer names no custodian: %v", found)
		}
	})
}
