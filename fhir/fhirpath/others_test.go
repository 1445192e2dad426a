package fhirpath_test

import (
	"fmt"
	"io"
	"os"
	"strings"
	"testing"

	"tenon/fhir/fhirpath"
	"tenon/fhir/tree"
)

// TestFaultsOfOthers: what engines of this kind get wrong.
func TestFaultsOfOthers(t *testing.T) {
	doc, err := tree.Parse([]byte(`{"resourceType":"Patient","id":"p",
		"identifier":[{"system":"s","value":"1"},{ "value" : "1", "system":"s" }],
		"telecom":[{"system":"phone","value":"2"},{"value":"2","system":"phone"},{"system":"phone","value":"3"}],
		"_birthDate":{"extension":[{"url":"u","valueString":"x"}]},
		"name":[{"given":["a",null],"_given":[null,{"extension":[{"url":"u","valueCode":"c"}]}]}],
		"multipleBirthInteger":2,"address":[{"city":"Ulm"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	table(t, doc.Root(), [][2]string{
		// Equality does not see the order of properties, nor white space.
		{"identifier[0] = identifier[1]", "true"},
		{"identifier[0] ~ identifier[1]", "true"},
		{"identifier.distinct().count()", "1"},
		{"identifier.isDistinct()", "false"},
		{"(identifier[0] | identifier[1]).count()", "1"},
		{"telecom[0].intersect(telecom[1]).count()", "1"},
		{"telecom.exclude(telecom[1]).value", "3"},
		{"telecom[1] in telecom.first()", "true"},
		// A path that names another type is empty, in a union too.
		{"Patient.address.city | Person.address.city | Practitioner.name", "Ulm"},
		{"(Observation.value as Quantity) | Patient.id", "p"},
		// A day is a day in every zone.
		{"@1973-12-25T00:00+10:00 = @1973-12-24T14:00Z", "true"},
		{"@1973-12-25T00:00+10:00 > @1973-12-24T13:59Z", "true"},
		// Siblings: a primitive may have extensions and no value.
		{"birthDate.hasValue()", "false"},
		{"birthDate.exists()", "true"},
		{"birthDate.extension('u').value", "x"},
		{"name.given.count()", "2"},
		{"name.given.extension.value", "c"},
		{"name.given[1].hasValue()", "false"},
		// Choices by type, not by the ending of a name.
		{"multipleBirth is integer", "true"},
		{"multipleBirth.ofType(boolean)", ""},
		{"Patient.multipleBirth", "2"},
		// Three-valued logic, functions and operators alike.
		{"active and {}", ""}, {"{} or true", "true"}, {"name.is(HumanName)", "true"}, {"name.as(HumanName).given.first()", "a"},
		{"1.0.lowBoundary()", "0.95000000"}, {"1 'g' = 1000 'mg'", "true"}, {"100 'cm' ~ 1 'm'", "true"}, {"1 = 1.0", "true"},
		{"'abc'.replaceMatches('b', 'x$0')", "axbc"},
	})
}

// TestDescendantsOfDeepTree: none is left out, however deep it lies.
func TestDescendantsOfDeepTree(t *testing.T) {
	const levels = 600
	src := `{"resourceType":"Questionnaire","item":[` + strings.Repeat(`{"linkId":"x","item":[`, levels) + `{"linkId":"last"}` + strings.Repeat(`]}`, levels) + `]}`
	var doc tree.Doc
	if err := doc.Parse([]byte(src), tree.Limits{Depth: 3*levels + 10}); err != nil {
		t.Fatal(err)
	}
	for x, want := range map[string]string{
		"descendants().where(linkId = 'last').count()": "1",
		"repeat(item).count()":                         fmt.Sprint(levels + 1),
		"descendants().count()":                        fmt.Sprint(2*levels + 2),
	} {
		c, err := fhirpath.MustCompile(x, r4Env).Eval(nil, doc.Root())
		if err != nil || result(c) != want {
			t.Errorf("%s = %q, %v, want %s", x, result(c), err, want)
		}
	}
}

// TestTraceIsSilent: trace() writes nothing to the process's streams.
func TestTraceIsSilent(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	out, stderr := os.Stdout, os.Stderr
	os.Stdout, os.Stderr = w, w
	doc, _ := tree.Parse([]byte(`{"resourceType":"Patient","birthDate":"1961-04-30"}`))
	_, err = fhirpath.MustCompile("birthDate.trace('secret')", r4Env).Eval(nil, doc.Root())
	os.Stdout, os.Stderr = out, stderr
	_ = w.Close()
	text, _ := io.ReadAll(r)
	if err != nil || len(text) > 0 {
		t.Errorf("trace() wrote %q, %v", text, err)
	}
}
