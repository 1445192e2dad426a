package main

import (
	"testing"

	"tenon/fhir/definition"
)

func TestCorrect(t *testing.T) {
	const tho = "http://terminology.hl7.org/"
	structure := func(url, base, path, strength, valueSet string) string {
		e := `{"element":[{"path":"Observation"},{"path":"` + path + `","binding":{"strength":"` + strength + `","valueSet":"` + valueSet + `"}}]}`
		return `{"url":"` + url + `","baseDefinition":"` + base + `","snapshot":` + e + `,"differential":` + e + `}`
	}
	for _, tc := range []struct{ name, typ, src, want string }{
		{
			"vital signs", "StructureDefinition",
			structure(vitalSigns, "b", "Observation.component.value[x]", "required", vitalUnits),
			structure(vitalSigns, "b", "Observation.component.value[x]", "extensible", vitalUnits),
		},
		{
			"a vital sign", "StructureDefinition",
			structure("http://x", vitalSigns, "Observation.component.value[x]", "required", vitalUnits),
			structure("http://x", vitalSigns, "Observation.component.value[x]", "extensible", vitalUnits),
		},
		{
			"another profile", "StructureDefinition",
			structure("http://x", "http://y", "Observation.component.value[x]", "required", vitalUnits),
			structure("http://x", "http://y", "Observation.component.value[x]", "required", vitalUnits),
		},
		{
			"another element", "StructureDefinition",
			structure(vitalSigns, "b", "Observation.value[x]", "required", vitalUnits),
			structure(vitalSigns, "b", "Observation.value[x]", "required", vitalUnits),
		},
		{
			"a version that nobody published", "StructureDefinition",
			structure("x", "y", "Extension.value[x]", "required", tho+"v|4.0.1"),
			structure("x", "y", "Extension.value[x]", "required", tho+"v"),
		},
		{
			"a version that is there", "StructureDefinition",
			structure("x", "y", "Extension.value[x]", "required", tho+"v|3.0"),
			structure("x", "y", "Extension.value[x]", "required", tho+"v|3.0"),
		},
		{
			"another publisher's version", "StructureDefinition",
			structure("x", "y", "Extension.value[x]", "required", "http://other|1"),
			structure("x", "y", "Extension.value[x]", "required", "http://other|1"),
		},
		{
			"pinned code systems", "ValueSet",
			`{"compose":{"include":[{"system":"` + tho + `v","version":"2.0.0"},{"version":"2.0.0","system":"` + tho + `v"},{"system":"` + tho + `v","version":"3.0.0"},{"system":"` + tho + `none","version":"2.0.0"}],"exclude":[{"system":"` + tho + `v","version":"1","concept":[{"code":"a"}]}]}}`,
			`{"compose":{"include":[{"system":"` + tho + `v"},{"system":"` + tho + `v"},{"system":"` + tho + `v","version":"3.0.0"},{"system":"` + tho + `none","version":"2.0.0"}],"exclude":[{"system":"` + tho + `v","concept":[{"code":"a"}]}]}}`,
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			entries := []entry{
				{definition.Resource{Type: tc.typ, URL: "x"}, []byte(tc.src)},
				{definition.Resource{Type: "CodeSystem", URL: tho + "v", Version: "3.0.0"}, nil},
				{definition.Resource{Type: "CodeSystem", URL: "http://other", Version: "2"}, nil},
			}
			if err := correct(entries); err != nil {
				t.Fatal(err)
			}
			if got := string(entries[0].body); got != tc.want {
				t.Errorf("correct(%s)\n  = %s\nwant %s", tc.src, got, tc.want)
			}
		})
	}
}
