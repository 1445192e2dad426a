package fhirpath_test

import (
	"fmt"
	"strings"
	"testing"

	"tenon/fhir/fhirpath"
	"tenon/fhir/issue"
	"tenon/fhir/tree"
	"tenon/profiles/r4"
)

// TestWithoutHost: what needs definitions or terminology compiles everywhere
// and is empty where nobody can answer.
func TestWithoutHost(t *testing.T) {
	doc, _ := parsed(t, observation)
	for _, x := range []string{
		"Observation.code.memberOf('http://hl7.org/fhir/ValueSet/observation-codes')",
		"Observation.status.memberOf(%`vs-observation-status`)",
		"Observation.code.coding.subsumes(Observation.code)",
		"Observation.code.coding.first().subsumedBy(Observation.code)",
		"Observation.code.elementDefinition()",
		"Observation.slice('http://hl7.org/fhir/StructureDefinition/bp', 'SystolicBP')",
	} {
		c, err := evaluate(r4Env, x, doc.Root())
		if err != nil || len(c) > 0 {
			t.Errorf("%s = %v, %v, want nothing", x, c, err)
		}
	}
	for x, want := range map[string]string{
		"memberOf()":               "column 1: memberOf() takes one argument, not 0",
		"5.memberOf('x')":          "memberOf() works on codes",
		"status.memberOf(5)":       "argument 1 of memberOf() is String, not System.Integer",
		"slice('x')":               "slice() takes two arguments, not 1",
		"true.subsumes(code)":      "subsumes() works on codes",
		"code\n .memberOf('x', 1)": "line 2, column 3",
	} {
		_, err := fhirpath.Compile(x, &fhirpath.Env{Model: r4.Model(), Root: "Observation"})
		if f := issue.As(err); f == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Compile(%q): %v, want %q", x, err, want)
		}
	}
}

// TestTrace: the hook gets the name and the items, the expression its input.
func TestTrace(t *testing.T) {
	doc, _ := parsed(t, observation)
	var lines []string
	ctx := &fhirpath.Context{Trace: func(name string, items fhirpath.Collection) {
		types := map[string]bool{}
		for _, v := range items {
			types[v.Type()] = true
		}
		lines = append(lines, fmt.Sprintf("%s %d %v", name, len(items), types))
	}}
	for x, want := range map[string]string{
		"Observation.component.trace('parts').count()":              "parts 3 map[FHIR.Observation.component:true]",
		"Observation.component.trace('codes', code.coding).count()": "codes 3 map[FHIR.Coding:true]",
		"Observation.component.where(false).trace('none').count()":  "none 0 map[]",
		"(1 | 'a').trace('mixed').count()":                          "mixed 2 map[System.Integer:true System.String:true]",
	} {
		lines = nil
		if _, err := fhirpath.MustCompile(x, r4Env).Eval(ctx, doc.Root()); err != nil || len(lines) != 1 || lines[0] != want {
			t.Errorf("%s traced %q, %v, want %q", x, lines, err, want)
		}
		before, err := fhirpath.MustCompile(x, r4Env).Eval(nil, doc.Root())
		after, err2 := fhirpath.MustCompile(strings.NewReplacer(".trace('parts')", "", ".trace('codes', code.coding)", "", ".trace('none')", "", ".trace('mixed')", "").Replace(x), r4Env).Eval(nil, doc.Root())
		if err != nil || err2 != nil || before[0].Str() != after[0].Str() {
			t.Errorf("%s = %v without a hook, want %v", x, before, after)
		}
	}
}

// TestTotals: https://hl7.org/fhirpath/#aggregates
func TestTotals(t *testing.T) {
	doc, err := tree.Parse([]byte(`{"resourceType":"Patient"}`))
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range [][2]string{
		{"(1 | 2 | 4).sum()", "7"},
		{"(1.5 | 2).sum()", "3.5"},
		{"(1 'g' | 500 'mg').sum() = 1.5 'g'", "true"},
		{"(1 'g' | 1 'm').sum()", ""},
		{"(1 | 2 | 4 | 5).avg()", "3"},
		{"(1 | 2).avg()", "1.5"},
		{"(1 'm' | 300 'cm').avg() = 2 'm'", "true"},
		{"(3 | 1 | 2).min()", "1"},
		{"(3 | 1 | 2).max()", "3"},
		{"('b' | 'a').min()", "a"},
		{"(@2020 | @2021-05).max()", "2021-05"},
		{"{}.sum()", ""}, {"{}.min()", ""}, {"{}.avg()", ""},
	} {
		c, err := evaluate(r4Env, row[0], doc.Root())
		got := ""
		if len(c) == 1 {
			got = c[0].Str()
		}
		if err != nil || got != row[1] || len(c) > 1 {
			t.Errorf("%s = %v, %v, want %q", row[0], c, err, row[1])
		}
	}
	for _, x := range []string{"('a' | 1).sum()", "('a' | 1).min()", "true.sum()"} {
		if c, err := evaluate(r4Env, x, doc.Root()); issue.As(err) == nil {
			t.Errorf("%s = %v, want a failure", x, c)
		}
	}
}
