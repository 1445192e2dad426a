package ig_test

import (
	"bytes"
	"slices"
	"testing"

	"tenon/fhir/ig"
	"tenon/fhir/issue"
)

func content() *ig.Content {
	return &ig.Content{
		Manifest: ig.Manifest{Reference: ig.Reference{Name: "test.guide", Version: "1.2.0"}, Title: "Guide", Canonical: "urn:test", FHIRVersions: []string{"4.0.1"},
			Dependencies: []ig.Reference{{Name: "hl7.fhir.r4.core", Version: "4.0.1"}}},
		Definitions: [][]byte{
			[]byte(`{"resourceType":"ValueSet","id":"b","url":"urn:test:b","status":"active"}`),
			[]byte(`{"resourceType":"CodeSystem","id":"a","url":"urn:test:a","status":"active","content":"complete"}`),
		},
		Examples: [][]byte{[]byte(`{"resourceType":"Patient","id":"x","name":[{"text":"<甲>"}]}`)},
	}
}

// TestWriteIsRead: what is written is read again, examples are passed over, and
// the bytes do not depend on the order of what is given.
func TestWriteIsRead(t *testing.T) {
	var first, second bytes.Buffer
	c := content()
	if err := ig.Write(&first, c); err != nil {
		t.Fatal(err)
	}
	slices.Reverse(c.Definitions)
	if err := ig.Write(&second, c); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(first.Bytes(), second.Bytes()) {
		t.Error("the same content gives other bytes")
	}
	var names []string
	m, err := ig.Read(&first, ig.Limits{}, func(f ig.File) error {
		names = append(names, f.Name)
		if f.Type == "ValueSet" && !bytes.Equal(f.Body, content().Definitions[0]) {
			t.Errorf("%s is %s", f.Name, f.Body)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"CodeSystem-a.json", "ValueSet-b.json"}; !slices.Equal(names, want) {
		t.Errorf("files = %v, want %v", names, want)
	}
	if m.String() != "test.guide#1.2.0" || m.ForR4() != nil || len(m.Dependencies) != 1 || m.Dependencies[0].String() != "hl7.fhir.r4.core#4.0.1" {
		t.Errorf("manifest = %+v", m)
	}
}

func TestWriteRefuses(t *testing.T) {
	for name, tt := range map[string]struct{ body, rule string }{
		"no id":    {`{"resourceType":"ValueSet","status":"active"}`, "package-id"},
		"no type":  {`{"id":"x"}`, "package-id"},
		"twice":    {`{"resourceType":"ValueSet","id":"b","status":"draft"}`, "package-twice"},
		"not JSON": {`{`, "json-syntax"},
	} {
		t.Run(name, func(t *testing.T) {
			c := content()
			c.Definitions = append(c.Definitions, []byte(tt.body))
			f := issue.As(ig.Write(new(bytes.Buffer), c))
			if f == nil || tt.rule != "json-syntax" && f.Issues[0].Rule != tt.rule {
				t.Errorf("Write() = %v, want %s", f, tt.rule)
			}
		})
	}
}
