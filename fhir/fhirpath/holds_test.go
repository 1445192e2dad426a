package fhirpath_test

import (
	"testing"

	"tenon/fhir/fhirpath"
	"tenon/fhir/issue"
	"tenon/fhir/tree"
	"tenon/profiles/r4"
)

const holdsPatient = `{"resourceType":"Patient","id":"p","active":true,
 "contained":[{"resourceType":"Organization","id":"o","name":"Ward"}],
 "name":[{"given":["Ada"]}],"managingOrganization":{"reference":"#o"}}`

// TestHolds: the reading of a condition, https://hl7.org/fhirpath/N1/#singleton-evaluation-of-collections.
func TestHolds(t *testing.T) {
	doc, err := tree.Parse([]byte(holdsPatient))
	if err != nil {
		t.Fatal(err)
	}
	focus := fhirpath.Element(doc.Root(), r4.Model().Type("Patient"))
	for _, row := range []struct {
		expr string
		want bool
	}{
		{"active", true},
		{"active.not()", false},
		{"birthDate", false},
		{"birthDate = @2000", false},
		{"name.given", true},
		{"name | contained", true},
		{"5", true},
		{"false | true", true},
		{"{}", false},
		{"%resource.id = 'p' and %rootResource.id = 'p' and %context.id = 'p'", true},
	} {
		got, err := fhirpath.MustCompile(row.expr, r4Env).Holds(nil, focus)
		if err != nil || got != row.want {
			t.Errorf("Holds(%s) = %v, %v, want %v", row.expr, got, err, row.want)
		}
	}
	if _, err := fhirpath.MustCompile("(1 | 2) and true", r4Env).Holds(nil, focus); issue.As(err) == nil {
		t.Errorf("Holds of two items in a condition = %v, want a failure", err)
	}
}

// TestHoldsResource: the caller may say what %resource and %rootResource are.
func TestHoldsResource(t *testing.T) {
	doc, err := tree.Parse([]byte(holdsPatient))
	if err != nil {
		t.Fatal(err)
	}
	inner := doc.Root().Field("contained").First()
	ctx := &fhirpath.Context{
		Resource:     fhirpath.Element(inner, r4.Model().Type("Organization")),
		RootResource: fhirpath.Element(doc.Root(), r4.Model().Type("Patient")),
	}
	e := fhirpath.MustCompile("%resource.id = 'o' and %rootResource.id = 'p'", r4Env)
	if got, err := e.Holds(ctx, fhirpath.Element(inner.Field("name"), r4.Model().Type("string"))); err != nil || !got {
		t.Errorf("Holds(%s) = %v, %v, want true", e, got, err)
	}
	name := doc.Root().Field("name").First()
	if n := testing.AllocsPerRun(100, func() {
		_, _ = fhirpathHuman.Holds(ctx, fhirpath.Element(name, r4.Model().Type("HumanName")))
	}); n > slack {
		t.Errorf("Holds allocates %v times, want 0", n)
	}
}

var fhirpathHuman = fhirpath.MustCompile("given.exists() or family.exists() or hasValue()", r4Env)
