package main

import (
	"bytes"
	"testing"

	"tenon/fhir/definition"
	"tenon/fhir/tree"
)

func TestStrip(t *testing.T) {
	for _, tc := range []struct{ name, src, want string }{
		{
			"white space and what stands about a resource",
			`{ "resourceType" : "ValueSet", "id":"v", "meta":{"lastUpdated":"2019"}, "text":{"div":"<div/>"}, "url":"http://v", "contact":[{"name":"x"}], "description":"stays", "_description":{"id":"a"}}`,
			`{"resourceType":"ValueSet","id":"v","url":"http://v","description":"stays","_description":{"id":"a"}}`,
		},
		{
			"spelling of numbers and strings",
			`{"resourceType":"CodeSystem","concept":[{"code":"\u0041\/","property":[{"code":"p","valueDecimal":1.00}]}]}`,
			`{"resourceType":"CodeSystem","concept":[{"code":"\u0041\/","property":[{"code":"p","valueDecimal":1.00}]}]}`,
		},
		{
			"text of a deeper element is no narrative",
			`{"resourceType":"ConceptMap","group":[{"element":[{"text":"stays"}]}]}`,
			`{"resourceType":"ConceptMap","group":[{"element":[{"text":"stays"}]}]}`,
		},
		{
			"element definitions",
			`{"resourceType":"StructureDefinition","mapping":[{"identity":"rim"}],"snapshot":{"element":[{"path":"A","short":"s","definition":"d","comment":"c","_comment":{"id":"x"},"requirements":"r","alias":["a"],"min":0,"constraint":[{"key":"k","xpath":"x","requirements":"r","human":"h"}],"mapping":[{"map":"m"}],"example":[{"label":"l"}]}]}}`,
			`{"resourceType":"StructureDefinition","snapshot":{"element":[{"path":"A","short":"s","definition":"d","min":0,"constraint":[{"key":"k","human":"h"}]}]}}`,
		},
		{
			"extensions of the publisher, and what they leave empty",
			`{"resourceType":"StructureDefinition","extension":[{"url":"http://hl7.org/fhir/StructureDefinition/structuredefinition-fmm","valueInteger":1},{"url":"http://hl7.org/fhir/StructureDefinition/structuredefinition-standards-status","valueCode":"normative"}],"baseDefinition":"b","_baseDefinition":{"extension":[{"url":"http://hl7.org/fhir/StructureDefinition/structuredefinition-codegen-super","valueString":"x"}]}}`,
			`{"resourceType":"StructureDefinition","extension":[{"url":"http://hl7.org/fhir/StructureDefinition/structuredefinition-standards-status","valueCode":"normative"}],"baseDefinition":"b"}`,
		},
		{
			"extensions by the beginning of their URL",
			`{"resourceType":"CodeSystem","extension":[{"url":"http://terminology.hl7.org/StructureDefinition/ext-mif-assocConceptProp"}],"url":"u"}`,
			`{"resourceType":"CodeSystem","url":"u"}`,
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			doc, err := tree.Parse([]byte(tc.src))
			if err != nil {
				t.Fatal(err)
			}
			if got := string(strip(doc.Root())); got != tc.want {
				t.Errorf("strip(%s)\n  = %s\nwant %s", tc.src, got, tc.want)
			}
		})
	}
}

func TestIsExample(t *testing.T) {
	for url, want := range map[string]bool{
		"http://hl7.org/fhir/ValueSet/example":                     true,
		"http://hl7.org/fhir/ConceptMap/example2":                  true,
		"http://hl7.org/fhir/ValueSet/example-filter":              true,
		"http://hl7.org/fhir/ValueSet/examplescenario-actor-type":  false,
		"http://hl7.org/fhir/StructureDefinition/ExampleScenario":  false,
		"http://hl7.org/fhir/ValueSet/list-example-codes":          false,
		"http://hl7.org/fhir/SearchParameter/ExampleScenario-date": false,
	} {
		if got := isExample(url); got != want {
			t.Errorf("isExample(%s) = %v, want %v", url, got, want)
		}
	}
}

func TestSupersede(t *testing.T) {
	system := func(url, concepts string) entry {
		return entry{definition.Resource{Type: "CodeSystem", URL: url}, []byte(`{"concept":[` + concepts + `]}`)}
	}
	old := []entry{
		system("same", `{"code":"a"}`),
		system("more", `{"code":"a"}`),
		system("deeper", `{"code":"a"},{"code":"b"}`),
		system("fewer", `{"code":"a","concept":[{"code":"b"}]}`),
		system("mangled", `{"code":"a"},{"code":"b\u00a0"}`),
		system("gone", `{"code":"a"}`),
	}
	newer := []entry{
		system("same", `{"code":"a"}`),
		system("more", `{"code":"b"},{"code":"a"}`),
		system("deeper", `{"code":"a","concept":[{"code":"b"}]}`),
		system("fewer", `{"code":"a"}`),
		system("mangled", `{"code":"a"}`),
	}
	if err := supersede(old, newer); err != nil {
		t.Fatal(err)
	}
	for i, want := range []bool{true, true, true, false, true, false} {
		if old[i].Superseded != want {
			t.Errorf("%s superseded = %v, want %v", old[i].URL, old[i].Superseded, want)
		}
	}
}

func TestPackIsDeterministic(t *testing.T) {
	entries := []entry{
		{definition.Resource{Type: "ValueSet", URL: "a", Package: "p#1"}, bytes.Repeat([]byte(" "), blockSize-10)},
		{definition.Resource{Type: "ValueSet", URL: "b", Package: "p#1"}, []byte("{}")},
		{definition.Resource{Type: "ValueSet", URL: "c", Package: "p#1"}, []byte("{         }")},
		{definition.Resource{Type: "CodeSystem", URL: "c", Package: "p#1"}, []byte("{}")},
		{definition.Resource{Type: "CodeSystem", URL: "c", Package: "q#1"}, []byte("{}")},
	}
	index, blocks, err := pack(entries)
	if err != nil {
		t.Fatal(err)
	}
	again, file, err := pack(entries)
	if err != nil || !bytes.Equal(again, index) || !bytes.Equal(file, blocks) {
		t.Errorf("pack writes other bytes the second time (%v)", err)
	}
	if n := bytes.Count(index, []byte("\n")); n != len(entries)+4 { // full, another type, another package
		t.Errorf("the index has %d lines:\n%s", n, index)
	}
	if _, _, err := pack([]entry{{definition.Resource{Name: "a\tb"}, []byte("{}")}}); err == nil {
		t.Error("pack writes a tab into the index")
	}
}
