package validate_test

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"tenon/fhir/schema"
	"tenon/fhir/tree"
	"tenon/fhir/validate"
	"tenon/profiles/r4"
)

// object is JSON that a test changes before it is written.
type object = map[string]any

// samples are values of the primitives.
var samples = map[string]any{
	"boolean": true, "integer": 1, "unsignedInt": 1, "positiveInt": 1, "decimal": json.Number("1.5"),
	"string": "text", "markdown": "text", "uri": "http://tenon.test/uri", "url": "http://tenon.test/url",
	"canonical": "http://tenon.test/canonical", "oid": "urn:oid:1.2.3", "uuid": "urn:uuid:c757873d-ec9a-4326-a141-556f43239520",
	"id": "a", "code": "code", "base64Binary": "QUJD", "date": "2020-01-05", "dateTime": "2020-01-05T10:00:00Z",
	"instant": "2020-01-05T10:00:00Z", "time": "10:00:00",
	"xhtml": `<div xmlns="http://www.w3.org/1999/xhtml">x</div>`,
}

// least makes an object of a type that has what is required and no more.
func least(t *schema.Type) object {
	o := object{}
	if t.Kind == schema.Resource {
		o["resourceType"] = t.Name
	}
	for i := range t.Elements {
		if e := &t.Elements[i]; e.Min > 0 {
			put(o, e, oneOf(e))
		}
	}
	maps.Copy(o, completed(t.Name))
	return o
}

// put sets an element of its first type.
func put(o object, e *schema.Element, v any) {
	if e.Max != 1 {
		v = []any{v}
	}
	o[e.Types[0].JSONName] = v
}

// oneOf makes a value of an element's first type.
func oneOf(e *schema.Element) any { return valueOf(e, e.Types[0]) }

func valueOf(e *schema.Element, ref schema.TypeRef) any {
	t := ref.Type
	if t.Kind == schema.Primitive {
		if e.Binding != nil && e.Binding.Strength == "required" && t.Name == "code" {
			if codes, ok := r4.Model().Codes(e.Binding.ValueSet); ok {
				return codes[0]
			}
			return "text/plain"
		}
		if e.Binding != nil && e.Binding.Max != "" {
			return "de"
		}
		return samples[t.Name]
	}
	switch {
	case e.Path == "DomainResource.contained" || t.Kind == schema.Resource:
		return object{"resourceType": "Basic", "id": "x", "code": object{"text": "x"}}
	case t.Name == "Reference":
		return object{"display": "x"}
	case t.Name == "Extension":
		return object{"url": "http://example.org/e", "valueCode": "a"}
	case e.Binding != nil && e.Binding.Strength == "required" && (t.Name == "CodeableConcept" || t.Name == "Coding"):
		for _, s := range r4.Model().Systems(e.Binding.ValueSet) {
			coding := object{"system": s.URL, "code": s.Codes[0]}
			if t.Name == "Coding" {
				return coding
			}
			return object{"coding": []any{coding}}
		}
	}
	o := least(t)
	if len(o) == 0 {
		o = object{}
		for i := range t.Elements {
			if e := &t.Elements[i]; e.Name != "id" && e.Name != "extension" && e.Name != "modifierExtension" && (e.Binding == nil || e.Binding.Strength != "required") {
				put(o, e, oneOf(e))
				break
			}
		}
	}
	return o
}

// completed is what the invariants of a type ask for beyond its cardinalities.
func completed(typ string) object {
	src, ok := completions[typ]
	if !ok {
		return nil
	}
	return read(src)
}

// read parses an object and keeps its numbers as they are written.
func read(src string) object {
	d := json.NewDecoder(strings.NewReader(src))
	d.UseNumber()
	var o object
	if err := d.Decode(&o); err != nil {
		panic(src + ": " + err.Error())
	}
	return o
}

// write gives the JSON of a value.
func write(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(b)
}

// clone copies an object, so that a test may change it.
func clone(o object) object { return read(write(o)) }

// errorsOf judges a document by a set and lists "path rule" of its errors,
// sorted.
func errorsOf(t testing.TB, s *validate.Set, src string, o *validate.Options) []string {
	t.Helper()
	plan, err := s.Plan("Resource")
	if err != nil {
		t.Fatal(err)
	}
	d, err := tree.Parse([]byte(src))
	if err != nil {
		t.Fatalf("%s: %v", src, err)
	}
	if o == nil {
		o = &validate.Options{Now: now}
	}
	var found []string
	for _, is := range plan.Validate(d.Root(), o) {
		if is.Text == "" || is.Chinese == "" || is.Type == "" || is.Rule == "" {
			t.Errorf("incomplete issue %+v", is)
		}
		if validate.HasErrors([]issueOf{is}) {
			found = append(found, is.Path+" "+is.Rule)
		}
	}
	slices.Sort(found)
	return found
}

// fault wants a document to break one rule at one place.
func fault(t *testing.T, s *validate.Set, src, want string, o *validate.Options) {
	t.Helper()
	var wants []string
	if want != "" {
		wants = []string{want}
	}
	if got := errorsOf(t, s, src, o); !slices.Equal(got, wants) {
		t.Errorf("%.600s\n has %q, want %q", src, got, wants)
	}
}

// TestLeast: the sample of every resource type is valid, so that a fault that a
// test puts into it is the only one.
func TestLeast(t *testing.T) {
	for _, name := range r4.Model().Resources() {
		t.Run(name, func(t *testing.T) { fault(t, whole(), write(least(r4.Model().Type(name))), "", nil) })
	}
}

// warningsOf lists "path rule" of what is no error.
func warningsOf(t testing.TB, s *validate.Set, src string) []string {
	t.Helper()
	plan, err := s.Plan("Resource")
	if err != nil {
		t.Fatal(err)
	}
	d, err := tree.Parse([]byte(src))
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, is := range plan.Validate(d.Root(), &validate.Options{Now: now}) {
		if !validate.HasErrors([]issueOf{is}) {
			found = append(found, is.Path+" "+is.Rule)
		}
	}
	return found
}

func contains(list []string, s string) bool { return slices.Contains(list, s) }
