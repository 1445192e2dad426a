package validate_test

import (
	"testing"

	"tenon/fhir/fhirpath"
	"tenon/fhir/tree"
	"tenon/fhir/validate"
	"tenon/profiles/r4"
)

// focuses are values on which an invariant of Go is compared with its text.
var focuses = []struct{ typ, src string }{
	{"Patient", `{"resourceType":"Patient"}`},
	{"Patient", `{"resourceType":"Patient","text":{"status":"generated","div":"x"}}`},
	{"Patient", `{"resourceType":"Patient","text":{"status":"generated"}}`},
	{"Quantity", `{"code":"mg"}`}, {"Quantity", `{"code":"mg","system":"x"}`}, {"Quantity", `{"value":1}`},
	{"Quantity", `{"_code":{"id":"a"}}`}, {"Quantity", `{"code":"mg","_system":{"id":"a"}}`},
	{"ContactPoint", `{"value":"1"}`}, {"ContactPoint", `{"value":"1","system":"phone"}`}, {"ContactPoint", `{"_value":{"id":"a"}}`}, {"ContactPoint", `{"use":"home"}`},
	{"Patient.contact", `{"gender":"male"}`}, {"Patient.contact", `{"name":{"text":"x"}}`}, {"Patient.contact", `{"telecom":[{"value":"1"}]}`},
	{"Patient.contact", `{"address":{"text":"x"}}`}, {"Patient.contact", `{"organization":{"display":"x"}}`},
	{"Observation.referenceRange", `{"low":{"value":1}}`}, {"Observation.referenceRange", `{"high":{"value":1}}`},
	{"Observation.referenceRange", `{"text":"x"}`}, {"Observation.referenceRange", `{"_text":{"id":"x"}}`}, {"Observation.referenceRange", `{"type":{"text":"x"}}`},
	{"Observation", `{"resourceType":"Observation"}`},
	{"Observation", `{"resourceType":"Observation","valueString":"x"}`}, {"Observation", `{"resourceType":"Observation","_valueString":{"id":"x"}}`},
	{"Observation", `{"resourceType":"Observation","valueQuantity":{"value":1}}`}, {"Observation", `{"resourceType":"Observation","dataAbsentReason":{"text":"x"}}`},
	{"Observation", `{"resourceType":"Observation","component":[{"code":{"text":"x"}}]}`}, {"Observation", `{"resourceType":"Observation","hasMember":[{"display":"x"}]}`},
	{"Observation.component", `{"code":{"text":"x"}}`}, {"Observation.component", `{"code":{"text":"x"},"valueBoolean":true}`},
	{"Observation.component", `{"code":{"text":"x"},"dataAbsentReason":{"text":"x"}}`},
	{"dateTime", `"2020"`}, {"dateTime", `"2020-01"`}, {"dateTime", `"2020-01-05"`}, {"Period", `{"start":"2020"}`}, {"Period", `{"id":"a"}`},
}

// TestNatives: an invariant in Go says what its expression says.
func TestNatives(t *testing.T) {
	compared := map[string]int{}
	for expr, native := range validate.Natives() {
		for _, f := range focuses {
			e, err := fhirpath.Compile(expr, &fhirpath.Env{Model: r4.Model(), Root: f.typ, FilterAs: true, Strict: true})
			if err != nil {
				continue // of another type
			}
			d, err := tree.Parse([]byte(f.src))
			if err != nil {
				t.Fatal(err)
			}
			v := fhirpath.Element(d.Root(), r4.Model().Type(f.typ))
			want, err := e.Holds(nil, v)
			if err != nil {
				t.Fatal(err)
			}
			compared[expr]++
			if got := native(v); got != want {
				t.Errorf("%s of %s %s is %v in Go, %v in FHIRPath", expr, f.typ, f.src, got, want)
			}
		}
		if compared[expr] < 3 {
			t.Errorf("%s was compared %d times", expr, compared[expr])
		}
	}
}

// TestGuards: without the property that guards it, an invariant holds; but for
// the two that R4 writes so that they fail where nothing is wrong.
func TestGuards(t *testing.T) {
	focus := map[string]string{
		"contained": "Patient", "code": "Quantity", "value": "ContactPoint", "dataAbsentReason": "Observation", "component": "Observation",
		"fullUrl": "", "probabilityDecimal": "",
	}
	for expr, property := range validate.Guards() {
		typ, known := focus[property]
		if !known {
			t.Errorf("no focus for the guard %s", property)
		}
		if typ == "" {
			continue
		}
		e, err := fhirpath.Compile(expr, &fhirpath.Env{Model: r4.Model(), Root: typ, FilterAs: true})
		if err != nil {
			t.Fatal(err)
		}
		d, err := tree.Parse([]byte(`{"resourceType":"` + typ + `","id":"a"}`))
		if err != nil {
			t.Fatal(err)
		}
		if holds, err := e.Holds(nil, fhirpath.Element(d.Root(), r4.Model().Type(typ))); err != nil || !holds {
			t.Errorf("%s without %s = %v, %v, want true", expr, property, holds, err)
		}
	}
}
