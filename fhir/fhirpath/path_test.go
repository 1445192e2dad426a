package fhirpath_test

import (
	"strings"
	"testing"

	"tenon/fhir/fhirpath"
	"tenon/fhir/tree"
)

func TestPath(t *testing.T) {
	doc, err := tree.Parse([]byte(`{"resourceType":"Bundle","type":"collection","entry":[{"fullUrl":"urn:uuid:1"},{"resource":{"resourceType":"Patient",
		"contained":[{"resourceType":"Organization","id":"o","name":"O"}],"name":[{"family":"A"},{"given":["B","C"]}],
		"_birthDate":{"extension":[{"url":"u","valueString":"x"}]},"deceasedBoolean":false}}]}`))
	if err != nil {
		t.Fatal(err)
	}
	for x, want := range map[string]string{
		"Bundle":                                   "Bundle",
		"entry.fullUrl":                            "Bundle.entry[0].fullUrl",
		"entry.resource.name.given":                "Bundle.entry[1].resource.name[1].given[0] Bundle.entry[1].resource.name[1].given[1]",
		"entry.resource.deceased":                  "Bundle.entry[1].resource.deceased",
		"entry.resource.birthDate":                 "Bundle.entry[1].resource.birthDate",
		"entry.resource.birthDate.extension":       "Bundle.entry[1].resource.birthDate.extension[0]",
		"entry.resource.birthDate.extension.value": "Bundle.entry[1].resource.birthDate.extension[0].value",
		"entry.resource.contained.name":            "Bundle.entry[1].resource.contained[0].name",
		"entry.count() | entry[0].fullUrl":         " Bundle.entry[0].fullUrl",
	} {
		e := fhirpath.MustCompile(x, r4Env)
		c, err := e.Eval(nil, doc.Root())
		var paths []string
		for _, v := range c {
			paths = append(paths, e.Path(v))
		}
		if got := strings.Join(paths, " "); err != nil || got != want {
			t.Errorf("paths of %s = %q, %v, want %q", x, got, err, want)
		}
	}
}
