package snapshot_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"tenon/fhir/snapshot"
)

func TestBytesStay(t *testing.T) {
	text := `{ "resourceType" : "StructureDefinition",
  "url":"urn:test:p", "type":"Observation","derivation":"constraint", "kind":"resource",
  "baseDefinition":"http://hl7.org/fhir/StructureDefinition/Observation",
  "differential" : { "element" : [ {"path":"Observation.value[x]","patternQuantity" : {"value" : 1.00, "unit":"\u00b5g"}, "type":[{"code":"Quantity"}]} ] }, "date":"2026" }`
	made, err := snapshot.Generate(parse(t, text), library(t))
	if err != nil {
		t.Fatal(err)
	}
	from := strings.Index(string(made), `"snapshot":`)
	to := strings.Index(string(made), `"differential"`)
	if got := string(made[:from]) + string(made[to:]); got != text {
		t.Errorf("without the snapshot = %s, want the source as it was", got)
	}
	elementsOf(parse(t, string(made))).says(t, "Observation.value[x]", "patternQuantity", `{"value" : 1.00, "unit":"\u00b5g"}`)
	again, err := snapshot.Generate(parse(t, string(made)), library(t))
	if err != nil || string(again) != string(made) {
		t.Errorf("made anew it differs (%v)", err)
	}
}

// made are differentials and what their snapshots must say.
var made = []struct {
	name, typ, base string
	elements, more  []string
	want            [][3]string // id, member, JSON; member "" asks that the element is there, JSON "-" that it is not
}{
	{"what is not said is inherited", "Observation", "Observation", []string{`{"path":"Observation.subject","min":1}`}, nil, [][3]string{
		{"Observation.subject", "min", "1"}, {"Observation.subject", "max", `"1"`}, {"Observation.status", "min", "1"},
		{"Observation.subject", "base", `{"path":"Observation.subject","min":0,"max":"1"}`},
	}},
	{"texts are replaced, or continued behind dots", "Observation", "urn:test:texts", []string{`{"path":"Observation.code","short":"new","definition":"...and more"}`},
		[]string{profile("texts", "Observation", "Observation", `{"path":"Observation.code","short":"old","definition":"old"}`)}, [][3]string{
			{"Observation.code", "short", `"new"`}, {"Observation.code", "definition", `"old\r\nand more"`},
		}},
	{"lists grow", "Observation", "urn:test:lists", []string{`{"path":"Observation.code","alias":["b","c"],"condition":["k-2"],"code":[{"code":"2"}],"mapping":[{"identity":"i","map":"2"}],"constraint":[{"key":"k-2","severity":"error","human":"h","expression":"true"}]}`},
		[]string{profile("lists", "Observation", "Observation", `{"path":"Observation.code","alias":["a","b"],"condition":["k-1"],"code":[{"code":"1"}],"mapping":[{"identity":"i","map":"1"}],"constraint":[{"key":"k-1","severity":"error","human":"h","expression":"true"}]}`)}, [][3]string{
			{"Observation.code", "alias", `["a","b","c"]`}, {"Observation.code", "condition", `["k-1","k-2"]`},
			{"Observation.code", "code", `[{"code":"1"},{"code":"2"}]`}, {"Observation.code", "mapping", `[{"identity":"i","map":"1"},{"identity":"i","map":"2"}]`},
		}},
	{"a binding inherits its value set", "Observation", "urn:test:bound", []string{`{"path":"Observation.method","binding":{"strength":"required"}}`},
		[]string{profile("bound", "Observation", "Observation", `{"path":"Observation.method","binding":{"strength":"extensible","valueSet":"urn:vs"}}`)}, [][3]string{
			{"Observation.method", "binding", `{"description":"Methods for simple observations.","valueSet":"urn:vs","strength":"required"}`},
		}},
	{"a reference inherits its targets", "Observation", "Observation", []string{`{"path":"Observation.encounter","type":[{"code":"Reference"}]}`}, nil, [][3]string{
		{"Observation.encounter", "type", `[{"code":"Reference","targetProfile":["http://hl7.org/fhir/StructureDefinition/Encounter"]}]`},
	}},
	{"a target becomes a profile of it", "Observation", "Observation", []string{`{"path":"Observation.subject","type":[{"code":"Reference","targetProfile":["urn:test:pat"]}]}`},
		[]string{profile("pat", "Patient", "Patient", `{"path":"Patient.name","min":1}`)}, [][3]string{
			{"Observation.subject", "type", `[{"code":"Reference","targetProfile":["urn:test:pat"]}]`},
		}},
	{"a fixed value replaces a pattern that it has", "Observation", "urn:test:pattern", []string{`{"path":"Observation.code","fixedCodeableConcept":{"text":"x","coding":[{"code":"1","system":"urn:s","display":"One"}]}}`},
		[]string{profile("pattern", "Observation", "Observation", `{"path":"Observation.code","patternCodeableConcept":{"coding":[{"system":"urn:s","code":"1"}]}}`)}, [][3]string{
			{"Observation.code", "patternCodeableConcept", ""}, {"Observation.code", "fixedCodeableConcept", `{"text":"x","coding":[{"code":"1","system":"urn:s","display":"One"}]}`},
		}},
	{"children of a data type", "Observation", "Observation", []string{`{"path":"Observation.code.coding.system","min":1,"fixedUri":"urn:s"}`}, nil, [][3]string{
		{"Observation.code.coding.system", "min", "1"}, {"Observation.code.coding.system", "base", `{"path":"Coding.system","min":0,"max":"1"}`},
		{"Observation.code.text", "", ""}, {"Observation.code.coding.display", "", ""}, {"Observation.method.coding", "", "-"},
	}},
	{"children of a primitive", "Patient", "Patient", []string{`{"path":"Patient.birthDate.extension","min":1}`}, nil, [][3]string{
		{"Patient.birthDate.extension", "min", "1"}, {"Patient.birthDate.extension", "base", `{"path":"Element.extension","min":0,"max":"*"}`},
	}},
	{"children of a type's profile", "Observation", "Observation", []string{`{"path":"Observation.value[x]","type":[{"code":"Quantity","profile":["urn:test:q"]}]}`, `{"path":"Observation.value[x].unit","min":1}`},
		[]string{definitionOf("q", "Quantity", "Quantity", "constraint", "complex-type", `{"path":"Quantity.system","fixedUri":"http://unitsofmeasure.org"}`)}, [][3]string{
			{"Observation.value[x].system", "fixedUri", `"http://unitsofmeasure.org"`}, {"Observation.value[x].unit", "min", "1"},
		}},
	{"the content of a contentReference", "Questionnaire", "Questionnaire", []string{`{"path":"Questionnaire.item.item.item.linkId","short":"third"}`}, nil, [][3]string{
		{"Questionnaire.item.item.item.linkId", "short", `"third"`}, {"Questionnaire.item.item", "contentReference", ""}, {"Questionnaire.item.item.linkId", "min", "1"},
		{"Questionnaire.item.item.item.item", "contentReference", `"#Questionnaire.item"`}, {"Questionnaire.item.item", "type", `[{"code":"BackboneElement"}]`},
	}},
	{"a slice has what is sliced has", "Observation", "Observation", []string{sliced, `{"path":"Observation.category.text","min":1}`, sliceA, `{"path":"Observation.category.coding.code","fixedCode":"x"}`}, nil, [][3]string{
		{"Observation.category:a", "sliceName", `"a"`}, {"Observation.category:a", "path", `"Observation.category"`}, {"Observation.category:a", "slicing", ""},
		{"Observation.category:a.text", "min", "1"}, {"Observation.category:a.coding.code", "fixedCode", `"x"`}, {"Observation.category", "min", "1"},
		{"Observation.category.coding.code", "", "-"}, {"Observation.category:a", "max", `"*"`},
	}},
	{"slices are optional unless they say so", "Patient", "Patient", []string{`{"path":"Patient.name","min":1,"slicing":{"discriminator":[{"type":"value","path":"use"}],"rules":"open"}}`, `{"path":"Patient.name","sliceName":"a"}`}, nil, [][3]string{
		{"Patient.name:a", "min", "0"}, {"Patient.name", "min", "1"},
	}},
	{"a slice in inherited slicing", "Observation", "urn:test:sl", []string{`{"id":"Observation.category:a.text","path":"Observation.category.text","min":1}`, `{"path":"Observation.category","sliceName":"b"}`},
		[]string{profile("sl", "Observation", "Observation", sliced, sliceA)}, [][3]string{
			{"Observation.category:a.text", "min", "1"}, {"Observation.category:a", "min", "1"}, {"Observation.category:b", "min", "0"}, {"Observation.category.text", "", "-"},
		}},
	{"a slice of a slice", "Observation", "urn:test:sl", []string{`{"path":"Observation.category","sliceName":"a","slicing":{"discriminator":[{"type":"value","path":"text"}],"rules":"open"}}`, `{"path":"Observation.category","sliceName":"a/x","max":"1"}`, `{"path":"Observation.category.text","fixedString":"x"}`, `{"path":"Observation.category","sliceName":"c"}`},
		[]string{profile("sl", "Observation", "Observation", sliced, sliceA, `{"path":"Observation.category","sliceName":"b"}`)}, [][3]string{
			{"Observation.category:a/x.text", "fixedString", `"x"`}, {"Observation.category:a/x", "sliceName", `"a/x"`}, {"Observation.category:a/x", "min", "0"}, {"Observation.category:a", "min", "1"},
		}},
	{"what slices of slices need, all need", "Observation", "urn:test:sl", []string{`{"path":"Observation.category","sliceName":"b","slicing":{"discriminator":[{"type":"value","path":"text"}],"rules":"open"}}`, `{"path":"Observation.category","sliceName":"b/x","min":1}`, `{"path":"Observation.category","sliceName":"b/y","min":2}`},
		[]string{profile("sl", "Observation", "Observation", sliced, sliceA, `{"path":"Observation.category","sliceName":"b"}`)}, [][3]string{
			{"Observation.category:b", "min", "3"}, {"Observation.category:a", "min", "1"}, {"Observation.category", "min", "4"},
		}},
	{"inherited discriminators stay", "Observation", "urn:test:sl", []string{`{"path":"Observation.category","slicing":{"discriminator":[{"type":"value","path":"text"}],"rules":"closed"}}`},
		[]string{profile("sl", "Observation", "Observation", sliced, sliceA)}, [][3]string{
			{"Observation.category", "slicing", `{"discriminator":[{"type":"value","path":"coding.code"},{"type":"value","path":"text"}],"rules":"closed"}`},
		}},
	{"a choice by its type's name", "Observation", "Observation", []string{`{"path":"Observation.valueQuantity","min":0}`, `{"path":"Observation.valueQuantity.code","min":1}`}, nil, [][3]string{
		{"Observation.value[x]", "slicing", `{"discriminator":[{"type":"type","path":"$this"}],"ordered":false,"rules":"open"}`},
		{"Observation.value[x]:valueQuantity", "type", `[{"code":"Quantity"}]`}, {"Observation.value[x]:valueQuantity", "path", `"Observation.value[x]"`},
		{"Observation.value[x]:valueQuantity.code", "min", "1"}, {"Observation.value[x]:valueQuantity.code", "path", `"Observation.value[x].code"`}, {"Observation.valueQuantity", "", "-"},
	}},
	{"a required choice leaves no other", "Observation", "Observation", []string{`{"path":"Observation.valueQuantity","min":1}`}, nil, [][3]string{
		{"Observation.value[x]", "type", `[{"code":"Quantity"}]`}, {"Observation.value[x]", "min", "1"},
	}},
	{"both spellings of a choice", "Observation", "Observation", []string{`{"path":"Observation.value[x]","type":[{"code":"Quantity"},{"code":"string"}]}`, `{"id":"Observation.value[x]:valueQuantity","path":"Observation.value[x]","sliceName":"valueQuantity"}`, `{"path":"Observation.valueQuantity.code","min":1}`}, nil, [][3]string{
		{"Observation.value[x]:valueQuantity", "type", `[{"code":"Quantity"}]`}, {"Observation.value[x]:valueQuantity.code", "min", "1"},
	}},
	{"a choice by its type's name, named so once more", "Observation", "Observation", []string{`{"id":"Observation.value[x]:valueQuantity","path":"Observation.valueQuantity","sliceName":"valueQuantity","mustSupport":true}`}, nil, [][3]string{
		{"Observation.value[x]:valueQuantity", "mustSupport", "true"}, {"Observation.value[x]:valueQuantity:valueQuantity", "", "-"},
	}},
	{"below a choice of one type", "Observation", "Observation", []string{`{"path":"Observation.value[x]","type":[{"code":"Quantity"}]}`, `{"path":"Observation.value[x].code","min":1}`}, nil, [][3]string{
		{"Observation.value[x].code", "min", "1"},
	}},
	{"a choice of one type by its type's name", "Observation", "Observation", []string{`{"path":"Observation.value[x]","type":[{"code":"Quantity"}]}`, `{"path":"Observation.valueQuantity.code","min":1}`}, nil, [][3]string{
		{"Observation.value[x].code", "min", "1"}, {"Observation.value[x]", "slicing", ""}, {"Observation.value[x]:valueQuantity", "", "-"},
	}},
	{"what all types of a choice have", "Observation", "Observation", []string{`{"path":"Observation.value[x].extension","max":"0"}`}, nil, [][3]string{
		{"Observation.value[x].extension", "max", `"0"`}, {"Observation.value[x].code", "", "-"},
	}},
	{"extensions are sliced by url", "Patient", "Patient", []string{`{"path":"Patient.extension","sliceName":"place","type":[{"code":"Extension","profile":["` + hl7 + `patient-birthPlace"]}]}`, `{"path":"Patient.extension.value[x]","short":"where"}`}, nil, [][3]string{
		{"Patient.extension", "slicing", `{"discriminator":[{"type":"value","path":"url"}],"ordered":false,"rules":"open"}`},
		{"Patient.extension:place.url", "fixedUri", `"http://hl7.org/fhir/StructureDefinition/patient-birthPlace"`}, {"Patient.extension:place.value[x]", "short", `"where"`},
		{"Patient.extension:place.value[x]", "type", `[{"code":"Address"}]`}, {"Patient.extension:place", "min", "0"},
	}},
	{"an extension within an extension", "Extension", "Extension", []string{`{"path":"Extension.extension","sliceName":"part","min":1}`, `{"path":"Extension.extension.url","fixedUri":"part"}`, `{"path":"Extension.extension.value[x]","type":[{"code":"string"}]}`, `{"path":"Extension.url","fixedUri":"urn:test:e"}`, `{"path":"Extension.value[x]","max":"0"}`}, nil, [][3]string{
		{"Extension.extension:part.url", "fixedUri", `"part"`}, {"Extension.extension:part.value[x]", "type", `[{"code":"string"}]`}, {"Extension.extension", "min", "1"}, {"Extension.value[x]", "max", `"0"`},
	}},
	{"a modifier extension modifies", "Patient", "Patient", []string{`{"path":"Patient.modifierExtension","sliceName":"m","type":[{"code":"Extension","profile":["urn:test:m"]}]}`},
		[]string{definitionOf("m", "Extension", "Extension", "constraint", "complex-type", `{"path":"Extension","short":"It modifies","isModifier":true,"isModifierReason":"so"}`)}, [][3]string{
			{"Patient.modifierExtension:m", "isModifier", "true"}, {"Patient.modifierExtension:m", "short", `"It modifies"`},
		}},
	{"elements of a resource in a resource", "Bundle", "Bundle", []string{`{"path":"Bundle.entry","slicing":{"discriminator":[{"type":"type","path":"resource"}],"rules":"open"}}`, `{"path":"Bundle.entry","sliceName":"q"}`, `{"path":"Bundle.entry.resource","type":[{"code":"Questionnaire"}]}`, `{"path":"Bundle.entry.resource.item","min":1}`}, nil, [][3]string{
		{"Bundle.entry:q.resource.item", "min", "1"}, {"Bundle.entry:q.resource.item.item", "contentReference", `"http://hl7.org/fhir/StructureDefinition/Questionnaire#Questionnaire.item"`},
		{"Bundle.entry:q.resource.contained", "", ""}, {"Bundle.entry.resource.item", "", "-"},
	}},
	{"what several resources have in common", "Bundle", "Bundle", []string{`{"path":"Bundle.entry.resource","type":[{"code":"Patient"},{"code":"Device"}]}`, `{"path":"Bundle.entry.resource.text","min":1}`}, nil, [][3]string{
		{"Bundle.entry.resource.text", "min", "1"}, {"Bundle.entry.resource.name", "", "-"},
	}},
	{"parameters within parameters", "Parameters", "Parameters", []string{`{"path":"Parameters.parameter","slicing":{"discriminator":[{"type":"value","path":"name"}],"rules":"closed"}}`, `{"path":"Parameters.parameter","sliceName":"one"}`, `{"path":"Parameters.parameter.part","slicing":{"discriminator":[{"type":"value","path":"name"}],"rules":"open"}}`, `{"path":"Parameters.parameter.part","sliceName":"in"}`, `{"path":"Parameters.parameter.part.name","fixedString":"in"}`, `{"path":"Parameters.parameter.part","sliceName":"out"}`}, nil, [][3]string{
		{"Parameters.parameter:one.part:in.name", "fixedString", `"in"`}, {"Parameters.parameter:one.part:out", "sliceName", `"out"`}, {"Parameters.parameter:one.part:in.value[x]", "", ""},
	}},
	{"a profile on a profile without snapshot", "Observation", "urn:test:two", []string{`{"path":"Observation.code","mustSupport":true}`},
		[]string{profile("one", "Observation", "vitalsigns", `{"path":"Observation.subject","mustSupport":true}`), profile("two", "Observation", "urn:test:one", `{"path":"Observation.method","max":"0"}`)}, [][3]string{
			{"Observation.code", "mustSupport", "true"}, {"Observation.subject", "mustSupport", "true"}, {"Observation.method", "max", `"0"`},
			{"Observation.category:VSCat.coding.code", "fixedCode", `"vital-signs"`},
		}},
	{"siblings out of order have their base's order", "Patient", "Patient", []string{`{"path":"Patient.birthDate","min":1}`, `{"path":"Patient.identifier","min":1}`}, nil, [][3]string{
		{"Patient.birthDate", "min", "1"}, {"Patient.identifier", "min", "1"},
	}},
}

func TestMade(t *testing.T) {
	for _, c := range made {
		t.Run(c.name, func(t *testing.T) {
			got := generate(t, profile("p", c.typ, c.base, c.elements...), c.more...)
			for _, w := range c.want {
				switch {
				case w[1] != "":
					got.says(t, w[0], w[1], w[2])
				case got.has(w[0]) == (w[2] == "-"):
					t.Errorf("has %s = %t", w[0], got.has(w[0]))
				}
			}
		})
	}
}

func TestConstraintSource(t *testing.T) {
	got := generate(t, profile("p", "Observation", "Observation", `{"path":"Observation","constraint":[{"key":"p-1","severity":"error","human":"h","expression":"true"}]}`))
	list := got.byID["Observation"].Field("constraint")
	last := list.Index(list.Len() - 1)
	if last.Field("key").Str() != "p-1" || last.Field("source").Str() != "urn:test:p" || list.First().Field("key").Str() != "dom-2" {
		t.Errorf("constraints = %s, want the base's, then p-1 of urn:test:p", list.Raw())
	}
}

func TestOrder(t *testing.T) {
	got := generate(t, profile("p", "Observation", "Observation", sliced, sliceA,
		`{"path":"Observation.category","sliceName":"b"}`, `{"path":"Observation.category.text","min":1}`,
		`{"path":"Observation.category","sliceName":"a/x"}`, `{"path":"Observation.code.text","min":1}`))
	var shown []string
	for _, id := range got.ids {
		if strings.HasPrefix(id, "Observation.c") && strings.Count(id, ".") == 1 {
			shown = append(shown, strings.TrimPrefix(id, "Observation."))
		}
	}
	want := []string{"contained", "category", "category:a", "category:a/x", "category:b", "code", "component"}
	if !slices.Equal(shown, want) {
		t.Errorf("order = %v, want %v", shown, want)
	}
}

func TestSpecializations(t *testing.T) {
	got := generate(t, definitionOf("Cup", "Cup", "Element", "specialization", "logical",
		`{"path":"Cup","short":"A cup"}`, `{"path":"Cup.size","min":1,"max":"1","type":[{"code":"Quantity"}]}`,
		`{"path":"Cup.handle","min":0,"max":"*","type":[{"code":"BackboneElement"}]}`, `{"path":"Cup.handle.length","min":0,"max":"1","type":[{"code":"decimal"}]}`,
		`{"path":"Cup.handle.inner","min":0,"max":"*","contentReference":"#Cup.handle"}`))
	want := []string{"Cup", "Cup.id", "Cup.extension", "Cup.size", "Cup.handle", "Cup.handle.id", "Cup.handle.extension", "Cup.handle.modifierExtension", "Cup.handle.length", "Cup.handle.inner"}
	if !slices.Equal(got.ids, want) {
		t.Errorf("ids = %v, want %v", got.ids, want)
	}
	got.says(t, "Cup.size", "base", `{"path":"Cup.size","min":1,"max":"1"}`)
	got.says(t, "Cup.id", "base", `{"path":"Element.id","min":0,"max":"1"}`)
	got.says(t, "Cup", "short", `"A cup"`)
	if !strings.Contains(string(got.byID["Cup.size"].Field("constraint").Raw()), "ele-1") {
		t.Errorf("a new element has no ele-1")
	}
	cup := definitionOf("Cup", "urn:test:Cup", "Element", "specialization", "logical", `{"path":"Cup","short":"A cup"}`, `{"path":"Cup.size","min":0,"max":"1","type":[{"code":"Quantity"}]}`)
	mug := generate(t, strings.Replace(profile("mug", "urn:test:Cup", "urn:test:Cup", `{"path":"Cup.size","min":1}`), `"resource"`, `"logical"`, 1), cup)
	mug.says(t, "Cup.size", "min", "1")
	mug.says(t, "Cup.size", "base", `{"path":"Cup.size","min":0,"max":"1"}`)
}

func TestBounds(t *testing.T) {
	// each level slices what it got ten times, and a slice copies all below
	var elements []string
	path := "Observation"
	for range 8 {
		path += ".extension"
		elements = append(elements, `{"path":"`+path+`","slicing":{"discriminator":[{"type":"value","path":"url"}],"rules":"open"}}`)
	}
	for len(path) > len("Observation.extension") {
		for _, name := range strings.Split("abcdefghij", "") {
			elements = append(elements, `{"id":"`+path+`:`+name+`","path":"`+path+`","sliceName":"`+name+`"}`)
		}
		path = strings.TrimSuffix(path, ".extension")
	}
	issues := refused(t, profile("p", "Observation", "Observation", elements...))
	if issues[len(issues)-1].Rule != "snapshot-size" {
		t.Errorf("Generate = %v, want snapshot-size", issues)
	}
}

// TestHostile: lists that are long where each item is held against each other
// one are judged in a moment.
func TestHostile(t *testing.T) {
	var targets, types, members []string
	for i := range 4000 {
		targets = append(targets, fmt.Sprintf(`"urn:test:t%d"`, i))
		types = append(types, fmt.Sprintf(`{"code":"Reference","targetProfile":["urn:test:t%d"]}`, i))
		members = append(members, fmt.Sprintf(`{"path":"Many.e%d","min":0,"max":"1","type":[{"code":"string"}]}`, i))
	}
	for name, text := range map[string]string{
		"targets":  profile("p", "Observation", "urn:test:q", `{"path":"Observation.subject","type":[{"code":"Reference","targetProfile":[`+strings.Join(targets, ",")+`]}]}`),
		"types":    profile("p", "Observation", "urn:test:q", `{"path":"Observation.subject","type":[`+strings.Join(types, ",")+`]}`, `{"path":"Observation.subject.display","min":1}`),
		"elements": definitionOf("Many", "Many", "Element", "specialization", "logical", append([]string{`{"path":"Many"}`}, members...)...),
	} {
		t.Run(name, func(t *testing.T) {
			base := profile("q", "Observation", "Observation", `{"path":"Observation.subject","type":[{"code":"Reference","targetProfile":["`+hl7+`Patient"]}]}`)
			start := time.Now()
			_, err := snapshot.Generate(parse(t, text), library(t, base))
			if took := time.Since(start); took > 5*time.Second {
				t.Errorf("Generate took %v (%v)", took, err)
			}
		})
	}
}

func TestProfileElement(t *testing.T) {
	part := profile("part", "Observation", "Observation", `{"path":"Observation.component.code.text","fixedString":"x"}`)
	bundle := generate(t, profile("p", "Bundle", "Bundle",
		`{"path":"Bundle.entry.resource","type":[{"code":"Observation","profile":["urn:test:part"],"_profile":[{"extension":[{"url":"`+hl7+`elementdefinition-profile-element","valueString":"Observation.component"}]}]}]}`,
		`{"path":"Bundle.entry.resource.code.text","short":"y"}`), part)
	bundle.says(t, "Bundle.entry.resource.code.text", "fixedString", `"x"`)
}
