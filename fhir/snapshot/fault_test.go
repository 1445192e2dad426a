package snapshot_test

import (
	"strings"
	"testing"

	"tenon/fhir/snapshot"
)

const (
	sliced   = `{"id":"Observation.category","path":"Observation.category","slicing":{"discriminator":[{"type":"value","path":"coding.code"}],"rules":"open"}}`
	closed   = `{"path":"Observation.category","slicing":{"discriminator":[{"type":"value","path":"coding.code"}],"rules":"closed"}}`
	sliceA   = `{"path":"Observation.category","sliceName":"a","min":1}`
	ordered  = `{"path":"Observation.category","slicing":{"discriminator":[{"type":"value","path":"coding.code"}],"ordered":true,"rules":"openAtEnd"}}`
	observed = "Observation"
)

// faults are differentials on Observation, or on the profile "parent" of it,
// with one fault each.
var faults = []struct {
	name     string
	parent   []string // the differential of the parent, none for Observation itself
	elements []string
	rule     string
	path     string // behind StructureDefinition.differential
	mentions string
}{
	{"min below the base's", nil, []string{`{"path":"Observation.status","min":0}`}, "min-widened", ".element[0].min", "at least 1"},
	{"min below the profile's", []string{`{"path":"Observation.subject","min":1}`}, []string{`{"path":"Observation.subject","min":0}`}, "min-widened", ".element[0].min", "at least 1"},
	{"max above the base's", nil, []string{`{"path":"Observation.status","max":"2"}`}, "max-widened", ".element[0].max", "1 at most"},
	{"max * above a profile's", []string{`{"path":"Observation.category","max":"2"}`}, []string{`{"path":"Observation.category","max":"*"}`}, "max-widened", ".element[0].max", "2 at most"},
	{"max is no number", nil, []string{`{"path":"Observation.category","max":"many"}`}, "max-form", ".element[0].max", "a number or *"},
	{"min above max", nil, []string{`{"path":"Observation.category","min":3,"max":"2"}`}, "cardinality-empty", ".element[0]", "3 times"},
	{"a type the base has not", nil, []string{`{"path":"Observation.value[x]","type":[{"code":"Attachment"}]}`}, "type-widened", ".element[0].type", "Quantity, CodeableConcept"},
	{"a type the profile excluded", []string{`{"path":"Observation.value[x]","type":[{"code":"Quantity"}]}`}, []string{`{"path":"Observation.value[x]","type":[{"code":"string"}]}`}, "type-widened", ".element[0].type", "Quantity"},
	{"a target the base has not", nil, []string{`{"path":"Observation.subject","type":[{"code":"Reference","targetProfile":["` + hl7 + `Medication"]}]}`}, "type-widened", ".element[0].type", "Medication"},
	{"a profile of another type", []string{`{"path":"Observation.value[x]","type":[{"code":"Quantity","profile":["` + hl7 + `SimpleQuantity"]}]}`}, []string{`{"path":"Observation.value[x]","type":[{"code":"Quantity","profile":["` + hl7 + `Age"]}]}`}, "type-widened", ".element[0].type", "SimpleQuantity"},
	{"a weaker binding", nil, []string{`{"path":"Observation.status","binding":{"strength":"extensible","valueSet":"http://hl7.org/fhir/ValueSet/observation-status"}}`}, "binding-weakened", ".element[0].binding.strength", `"required"`},
	{"a binding weaker than the profile's", []string{`{"path":"Observation.code","binding":{"strength":"extensible","valueSet":"urn:vs"}}`}, []string{`{"path":"Observation.code","binding":{"strength":"example"}}`}, "binding-weakened", ".element[0].binding.strength", `"extensible"`},
	{"an unknown element", nil, []string{`{"path":"Observation.colour","min":1}`}, "path-unknown", ".element[0]", "colour"},
	{"an unknown element of a type", nil, []string{`{"path":"Observation.code.shade","min":1}`}, "path-unknown", ".element[0]", "shade"},
	{"an element below a string of FHIRPath", nil, []string{`{"path":"Observation.id.foo","min":1}`}, "path-unknown", ".element[0]", "foo"},
	{"another type's path", nil, []string{`{"path":"Observation"}`, `{"path":"Patient.name","min":1}`}, "path-root", ".element[1]", "Observation"},
	{"a path without end", nil, []string{`{"path":"Observation` + strings.Repeat(".extension", 50) + `","min":1}`}, "path-root", ".element[0]", "deep"},
	{"no path", nil, []string{`{"path":"Observation"}`, `{"id":"Observation.code","min":1}`}, "path-root", ".element[1]", "path"},
	{"a choice of no such type", nil, []string{`{"path":"Observation.valueBla","min":1}`}, "choice-type", ".element[0]", "value[x]"},
	{"below a choice of several types", nil, []string{`{"path":"Observation.value[x].code","min":1}`}, "type-ambiguous", ".element[0]", "slice it by type"},
	{"a slice without slicing", nil, []string{`{"path":"Observation.category","sliceName":"a"}`}, "slicing-missing", ".element[0]", "discriminator"},
	{"below a slice that is not there", nil, []string{sliced, `{"id":"Observation.category:b.text","path":"Observation.category.text","min":1}`}, "slice-unknown", ".element[1]", `"b"`},
	{"a slice of a slice that is not there", nil, []string{sliced, `{"path":"Observation.category","sliceName":"x/y"}`}, "slice-unknown", ".element[1]", `"x"`},
	{"a slice in a closed slicing", []string{closed, sliceA}, []string{`{"path":"Observation.category","sliceName":"b"}`}, "slicing-closed", ".element[0]", `"b"`},
	{"a closed slicing opened", []string{closed, sliceA}, []string{sliced}, "slicing-opened", ".element[0].slicing.rules", `"closed"`},
	{"openAtEnd opened", []string{ordered, sliceA}, []string{`{"path":"Observation.category","slicing":{"discriminator":[{"type":"value","path":"coding.code"}],"rules":"open"}}`}, "slicing-opened", ".element[0].slicing.rules", `"openAtEnd"`},
	{"an order taken back", []string{ordered, sliceA}, []string{`{"path":"Observation.category","slicing":{"discriminator":[{"type":"value","path":"coding.code"}],"ordered":false,"rules":"openAtEnd"}}`}, "slicing-ordered", ".element[0].slicing.ordered", "order"},
	{"slices that need more than there may be", nil, []string{`{"path":"Observation.category","slicing":{"discriminator":[{"type":"value","path":"coding.code"}],"rules":"open"},"max":"1"}`, sliceA, `{"path":"Observation.category","sliceName":"b","min":1}`}, "slices-min", ".element[0]", "2 together"},
	{"a slicing behind its slice", nil, []string{sliceA, sliced}, "element-order", ".element[1]", "before them"},
	{"a parent behind its child", nil, []string{`{"path":"Observation.code.text","min":1}`, `{"path":"Observation.code","min":1}`}, "element-order", ".element[1]", "before them"},
	{"an element twice", nil, []string{`{"path":"Observation.code","min":1}`, `{"path":"Observation.code","mustSupport":true}`}, "element-twice", ".element[1]", "[0]"},
	{"a slice twice", nil, []string{sliced, sliceA, sliceA}, "element-twice", ".element[2]", "[1]"},
	{"another fixed value", []string{`{"path":"Observation.status","fixedCode":"final"}`}, []string{`{"path":"Observation.status","fixedCode":"amended"}`}, "fixed-changed", ".element[0].fixedCode", `"final"`},
	{"a pattern that the fixed value has not", []string{`{"path":"Observation.status","fixedCode":"final"}`}, []string{`{"path":"Observation.status","patternCode":"amended"}`}, "fixed-changed", ".element[0].patternCode", "another value"},
	{"a pattern that demands less", []string{`{"path":"Observation.code","patternCodeableConcept":{"coding":[{"system":"urn:s","code":"1"}]}}`}, []string{`{"path":"Observation.code","patternCodeableConcept":{"text":"one"}}`}, "pattern-changed", ".element[0].patternCodeableConcept", "urn:s"},
	{"a fixed value of another type", nil, []string{`{"path":"Observation.status","fixedInteger":1}`}, "value-type", ".element[0].fixedInteger", "code"},
	{"a pattern of another type", nil, []string{`{"path":"Observation.code","patternQuantity":{"value":1}}`}, "value-type", ".element[0].patternQuantity", "CodeableConcept"},
	{"mustSupport taken back", []string{`{"path":"Observation.code","mustSupport":true}`}, []string{`{"path":"Observation.code","mustSupport":false}`}, "must-support", ".element[0].mustSupport", "take that back"},
	{"a modifier no more", nil, []string{`{"path":"Observation.status","isModifier":false}`}, "is-modifier", ".element[0].isModifier", "true"},
	{"made a modifier", nil, []string{`{"path":"Observation.method","isModifier":true,"isModifierReason":"because"}`}, "is-modifier", ".element[0].isModifier", "false"},
	{"a greater maxLength", []string{`{"path":"Observation.implicitRules","maxLength":10}`}, []string{`{"path":"Observation.implicitRules","maxLength":11}`}, "max-length-widened", ".element[0].maxLength", "10"},
	{"a lower minValue", []string{`{"path":"Observation.value[x]","type":[{"code":"integer"}],"minValueInteger":3}`}, []string{`{"path":"Observation.value[x]","minValueInteger":2}`}, "bound-widened", ".element[0].minValueInteger", "3"},
	{"a higher maxValue, in decimals", []string{`{"path":"Observation.value[x]","type":[{"code":"Quantity"}],"maxValueQuantity":{"value":3.10,"code":"g"}}`}, []string{`{"path":"Observation.value[x]","maxValueQuantity":{"value":3.101,"code":"g"}}`}, "bound-widened", ".element[0].maxValueQuantity", "3.10"},
	{"content from elsewhere", nil, []string{`{"path":"Observation.component","contentReference":"#Observation.referenceRange"}`}, "content-reference", ".element[0].contentReference", "type"},
}

func TestFaults(t *testing.T) {
	for _, c := range faults {
		t.Run(c.name, func(t *testing.T) {
			base, more := observed, []string(nil)
			if c.parent != nil {
				base, more = "urn:test:parent", []string{profile("parent", observed, observed, c.parent...)}
			}
			issues := refused(t, profile("child", observed, base, c.elements...), more...)
			if len(issues) != 1 {
				t.Fatalf("Generate found %d faults, want 1: %v", len(issues), issues)
			}
			is := issues[0]
			if is.Rule != c.rule || is.Path != "StructureDefinition.differential"+c.path {
				t.Errorf("Generate = %s at %s, want %s at StructureDefinition.differential%s", is.Rule, is.Path, c.rule, c.path)
			}
			if !strings.Contains(is.Text, c.mentions) {
				t.Errorf("the text %q does not mention %q", is.Text, c.mentions)
			}
			if is.Chinese == "" || is.Chinese == is.Text {
				t.Errorf("no Chinese text: %q", is.Chinese)
			}
		})
	}
}

func TestNoSnapshot(t *testing.T) {
	a := profile("a", observed, "urn:test:b", `{"path":"Observation"}`)
	b := profile("b", observed, "urn:test:a", `{"path":"Observation"}`)
	around := profile("around", observed, observed, `{"path":"Observation.extension","slicing":{"discriminator":[{"type":"value","path":"url"}],"rules":"open"}}`,
		`{"path":"Observation.extension","sliceName":"x","type":[{"code":"Extension","profile":["urn:test:self"]}]}`,
		`{"path":"Observation.extension.url","min":1}`)
	self := definitionOf("self", "Extension", "Extension", "constraint", "complex-type", `{"path":"Extension.extension","sliceName":"y","type":[{"code":"Extension","profile":["urn:test:self"]}]}`,
		`{"path":"Extension.extension.url","min":1}`)
	for _, c := range []struct {
		name, text, rule string
		more             []string
	}{
		{"no such base", profile("p", observed, "urn:test:none", `{"path":"Observation"}`), "base-missing", nil},
		{"no such base of the base", profile("p", observed, "urn:test:q", `{"path":"Observation"}`), "base-missing", []string{profile("q", observed, "urn:test:none", `{"path":"Observation"}`)}},
		{"its own base", profile("p", observed, "urn:test:p", `{"path":"Observation"}`), "definition-circle", []string{profile("p", observed, "urn:test:p", `{"path":"Observation"}`)}},
		{"two that derive from each other", a, "definition-circle", []string{a, b}},
		{"an extension that holds itself", around, "definition-circle", []string{self}},
		{"no differential", profile("p", observed, observed), "differential-missing", nil},
		{"no definition", `{"resourceType":"Patient"}`, "definition-type", nil},
		{"a base that is wrong itself", profile("p", observed, "urn:test:q", `{"path":"Observation"}`), "min-widened", []string{profile("q", observed, observed, `{"path":"Observation.status","min":0}`)}},
	} {
		t.Run(c.name, func(t *testing.T) {
			issues := refused(t, c.text, c.more...)
			if issues[0].Rule != c.rule || issues[0].Chinese == "" {
				t.Errorf("Generate = %v, want %s", issues, c.rule)
			}
		})
	}
}

func TestCheck(t *testing.T) {
	text := profile("p", "Patient", "Patient", `{"path":"Patient.birthDate","min":1}`, `{"path":"Patient.identifier","min":1}`, `{"path":"Patient.name.family"}`, `{"path":"Patient.name.use"}`)
	body, issues := snapshot.Check(parse(t, text), library(t))
	if len(issues) != 2 || issues[0].Rule != "element-order" || issues[1].Rule != "element-order" {
		t.Fatalf("Check = %v, want two faults of order", issues)
	}
	for i, path := range []string{"[2]", "[0]"} {
		if want := "StructureDefinition.differential.element" + path; issues[i].Path != want {
			t.Errorf("fault %d at %s, want %s", i, issues[i].Path, want)
		}
	}
	if same, err := snapshot.Generate(parse(t, text), library(t)); err != nil || string(same) != string(body) {
		t.Errorf("Generate: %v; what is meant is clear", err)
	}
	for _, good := range []string{
		profile("p", "Patient", "Patient", `{"path":"Patient.identifier"}`, `{"path":"Patient.birthDate","min":1}`),
		profile("p", "Observation", "Observation", `{"path":"Observation.value[x]"}`, `{"path":"Observation.valueString","min":0}`, `{"path":"Observation.method"}`),
	} {
		if _, issues := snapshot.Check(parse(t, good), library(t)); issues != nil {
			t.Errorf("Check = %v, want none", issues)
		}
	}
}
