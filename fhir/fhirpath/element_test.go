package fhirpath_test

import (
	"testing"

	"tenon/fhir/fhirpath"
	"tenon/fhir/tree"
	"tenon/profiles/r4"
)

// TestElements: https://hl7.org/fhirpath/N1/#path-selection and
// https://hl7.org/fhir/R4/fhirpath.html
func TestElements(t *testing.T) {
	doc, _ := parsed(t, "testdata/patient.json")
	table(t, doc.Root(), [][2]string{
		{"name.given", "Peter ; James ; Jim ;  ; Peter ; James"},
		{"Patient.name.given.count()", "6"}, // a null with extensions is an element
		{"name.given.where(hasValue()).count()", "5"},
		{"name.given.where(extension('http://example.org/masked').exists()).count()", "1"},
		{"name.given.extension('http://example.org/masked').value", "masked"},
		{"name.family", "Chalmers ; "},
		{"name.family.id", "fam"},
		{"name.where(family.exists()).use", "official ; maiden"},
		{"name[1].family.exists()", "false"},
		{"name[2].family.hasValue()", "false"},
		{"name[2].family = 'x'", "false"},
		{"name[2].family < 'x'", ""},
		{"name[2].family.startsWith('x')", ""},
		{"birthDate.id", "bd"},
		{"birthDate.extension(%`ext-patient-birthTime`).value", "1974-12-25T14:35:45-05:00"},
		{"birthDate.extension.value < now()", "true"},
		{"birthDate.getValue() is System.Date", "true"},
		{"birthDate is System.Date", "false"},
		{"birthDate is date", "true"},
		{"birthDate.is(FHIR.date)", "true"},
		{"birthDate + 18 years <= today()", "true"},
		{"deceased", "false"},
		{"deceased is boolean", "true"},
		{"deceased.exists() and deceased != false", "false"},
		{"deceased.ofType(dateTime)", ""},
		{"multipleBirth = 2", "true"},
		{"multipleBirth.type().name", "integer"},
		{"extension('http://example.org/height').value > 170 'cm'", "true"},
		{"extension('http://example.org/height').value = 1.8 'm'", "true"},
		{"extension('http://example.org/height').value.value", "1.80"},
		{"extension('http://example.org/note').value", `a "quoted" note`},
		{"extension.value.ofType(Quantity).unit", "m"},
		{"(extension.value as string).length()", "15"},
		{"extension.value.as(string)", "error"}, // two items
		{"gender is string", "true"},
		{"gender.as(string)", ""},
		{"gender.ofType(code)", "male"},
		{"gender is HumanName", "false"},
		{"name is HumanName", "error"}, // three items
		{"name.first() is Element", "true"},
		{"contact.first() is BackboneElement", "true"},
		{"contact.relationship.coding.code", "N"},
		{"contact.name.family.upper()", "DU MARCHÉ"},
		{"contact.type().name", "Patient.contact"},
		{"$this is DomainResource", "true"},
		{"Resource.id", "p1"},
		{"DomainResource.contained.id", "org ; parent"},
		{"Observation.status", ""},
		{"Person.name.given | Patient.name.given.first()", "Peter"},
		{"contained.ofType(Organization).name", "Hospital ; Group"},
		{"contained.type().name", "Organization ; Organization"},
		{"contained.where($this is Patient)", ""},
		{"telecom.where(system = 'phone' and use = 'mobile').value", "(03) 3410 5613"},
		{"telecom.where(rank > 1).use", "mobile"},
		{"telecom.all(system.exists())", "false"},
		{"telecom.select(rank).aggregate($this + $total, 0)", "3"},
		{"name.exists(given contains 'Jim')", "true"},
		{"name.where(given.where(hasValue()) = 'Jim').use", "usual"},
		{"'Jim' in name.given", "true"},
		{"name.given.distinct().count()", "4"},
		{"nonsense", ""},
		{"name.nonsense.exists()", "false"},
		{"Patient.deceasedBoolean", "error"},
		{"contained.deceasedBoolean", ""},
		{"%resource.id", "p1"},
		{"contained.select(%resource.id)", "p1 ; p1"},
		{"%context.id", "p1"},
		{"%rootResource.id", "p1"},
		{"%nonsense", "error"},
		{"%`vs-observation-status`", "http://hl7.org/fhir/ValueSet/observation-status"},
		{"conformsTo('http://hl7.org/fhir/StructureDefinition/DomainResource')", "true"},
		{"conformsTo('http://example.org/unknown')", "error"},
		{"children().where($this is HumanName).count()", "3"},
		{"descendants().where($this is Coding).code", "N"},
		{"meta.lastUpdated is instant", "true"},
		{"is(Nonsense)", "error"},
		{"ofType(FHIR.Nonsense)", "error"},
		{"ofType(Nonsense.Patient)", "error"},
		{"active.not()", "false"},
		{"active and gender = 'male'", "true"},
		{"name.given.first().matches('^P.*r$')", "true"},
		{"name.given & 'x'", "error"},
		{"generalPractitioner.reference.first() & '!'", "Practitioner/9!"},
		{"name.first().subsetOf(name)", "true"},
		{"name.intersect(name.tail()).use", "usual ; maiden"},
		{"identifier.startsWith('x')", ""},
		{"name.first().startsWith('x')", "error"},
	})
}

// TestEqualityOfElements: the order of members, white space and the spelling of
// numbers do not matter; the order of items and a type do.
func TestEqualityOfElements(t *testing.T) {
	doc, err := tree.Parse([]byte(`{"resourceType":"Observation","status":"final","code":{"coding":[
		{"system":"s","code":"a"},{ "code" : "a" , "system":"\u0073"},{"code":"b","system":"s"}]},
		"referenceRange":[{"low":{"value":1.0,"unit":"g"}},{"low":{"unit":"g","value":1.00}},{"low":{"value":1.01,"unit":"g"}}],
		"component":[{"valueDateTime":"2020-01-01T10:00:00Z"},{"valueDateTime":"2020-01-01T12:00:00+02:00"},{"valueString":"2020-01-01T10:00:00Z"},
			{"code":{"text":"Ab c"}},{"code":{"text":"aB  C"}},{"dataAbsentReason":{"coding":[{"code":"1"},{"code":"2"}]}},{"dataAbsentReason":{"coding":[{"code":"2"},{"code":"1"}]}},
			{"dataAbsentReason":{"coding":[{"code":"1"}]}}]}`))
	if err != nil {
		t.Fatal(err)
	}
	table(t, doc.Root(), [][2]string{
		{"code.coding[0] = code.coding[1]", "true"},
		{"code.coding[0] = code.coding[2]", "false"},
		{"code.coding.distinct().count()", "2"},
		{"code.coding.isDistinct()", "false"},
		{"code.coding.count() = (code.coding | code.coding).count() + 1", "true"},
		{"referenceRange[0] = referenceRange[1]", "true"},
		{"referenceRange[0] = referenceRange[2]", "false"},
		{"component[0] = component[1]", "true"}, // one instant
		{"component[0] = component[2]", "false"},
		{"component[3] = component[4]", "false"},
		{"component[3] ~ component[4]", "true"},
		{"component[5] = component[6]", "false"},
		{"component[7] = component[5]", "false"},
		{"component[5] = component[7]", "false"},
	})
}

// TestModifiers: https://hl7.org/fhir/R4/extensibility.html#modifierExtension
func TestModifiers(t *testing.T) {
	doc, err := tree.Parse([]byte(`{"resourceType":"Patient","id":"m","modifierExtension":[{"url":"http://example.org/m","valueBoolean":true}]}`))
	if err != nil {
		t.Fatal(err)
	}
	table(t, doc.Root(), [][2]string{
		{"checkModifiers('http://example.org/m').id", "m"},
		{"checkModifiers('http://example.org/other').id", "error"},
		{"checkModifiers().id", "error"},
		{"name.checkModifiers()", ""},
	})
}

// TestNarrative: https://hl7.org/fhir/R4/narrative.html#xhtml
func TestNarrative(t *testing.T) {
	for div, want := range map[string]string{
		`<div xmlns=\"http://www.w3.org/1999/xhtml\"><p class=\"x\">a &nbsp; <b>b</b></p></div>`: "true",
		`<div xmlns=\"http://www.w3.org/1999/xhtml\"><img src=\"#x\" alt=\"x\"/></div>`:          "true",
		`<div xmlns=\"http://www.w3.org/1999/xhtml\"> <p> </p></div>`:                            "false",
		`<div><p>a</p></div>`: "false",
		`<div xmlns=\"http://www.w3.org/1999/xhtml\"><script>a()</script>b</div>`:                          "false",
		`<div xmlns=\"http://www.w3.org/1999/xhtml\"><p onclick=\"a()\">b</p></div>`:                       "false",
		`<div xmlns=\"http://www.w3.org/1999/xhtml\"><a href=\"javascript:a()\">b</a></div>`:               "false",
		`<div xmlns=\"http://www.w3.org/1999/xhtml\"><p>a</div>`:                                           "false",
		`<div xmlns=\"http://www.w3.org/1999/xhtml\">a</div><div xmlns=\"http://www.w3.org/1999/xhtml\"/>`: "false",
		`<!DOCTYPE x><div xmlns=\"http://www.w3.org/1999/xhtml\">a</div>`:                                  "false",
		`<p xmlns=\"http://www.w3.org/1999/xhtml\">a</p>`:                                                  "false",
	} {
		doc, err := tree.Parse([]byte(`{"resourceType":"Patient","text":{"status":"generated","div":"` + div + `"}}`))
		if err != nil {
			t.Fatal(err)
		}
		table(t, doc.Root(), [][2]string{{"text.`div`.htmlChecks()", want}, {"text.htmlChecks()", want}})
	}
}

// TestWithoutModel: the JSON tells what there is.
func TestWithoutModel(t *testing.T) {
	doc, _ := parsed(t, "testdata/patient.json")
	for _, row := range [][2]string{
		{"Patient.name.given.first()", "Peter"},
		{"Observation.status", ""},
		{"deceased", "false"},
		{"multipleBirth + 1", "3"},
		{"birthDate.extension('http://hl7.org/fhir/StructureDefinition/patient-birthTime').exists()", "true"},
		{"contained.where($this is Organization).id", "org ; parent"},
		{"generalPractitioner.where(resolve() is Organization).count()", "3"},
	} {
		c, err := evaluate(nil, row[0], doc.Root())
		if got := result(c); err != nil || got != row[1] {
			t.Errorf("%s = %q, %v, want %q", row[0], got, err, row[1])
		}
	}
}

// TestTypes tells what a search index needs: the node and its schema type.
func TestTypes(t *testing.T) {
	doc, _ := parsed(t, observation)
	for _, row := range [][3]string{
		{"Observation.code", "FHIR.CodeableConcept", "CodeableConcept"},
		{"component.value.first()", "FHIR.Quantity", "Quantity"},
		{"effective", "FHIR.dateTime", "dateTime"},
		{"component.first()", "FHIR.Observation.component", "Observation.component"},
		{"effective > @2020", "System.Boolean", ""},
		{"1.5", "System.Decimal", ""},
		{"id.type()", "System.TypeInfo", ""},
		{"$this", "FHIR.Observation", "Observation"},
	} {
		c, err := evaluate(r4Env, row[0], doc.Root())
		if err != nil || len(c) != 1 {
			t.Errorf("%s = %v, %v", row[0], c, err)
			continue
		}
		schema := ""
		if s := c[0].Schema(); s != nil {
			schema = s.Name
		}
		_, node := c[0].Node()
		if c[0].Type() != row[1] || schema != row[2] || node != (row[2] != "") {
			t.Errorf("%s has the type %s, schema %q, node %t, want %s, %q", row[0], c[0].Type(), schema, node, row[1], row[2])
		}
	}
}

// TestValuelessPrimitive: an element that has only extensions has no node.
func TestValuelessPrimitive(t *testing.T) {
	doc, _ := parsed(t, "testdata/patient.json")
	c, err := evaluate(r4Env, "name[1].given[1] | name[2].family", doc.Root())
	if err != nil || len(c) != 2 {
		t.Fatalf("%v, %v, want two elements", c, err)
	}
	for _, v := range c {
		if n, ok := v.Node(); !ok || n.Exists() || !v.Twin().Field("extension").Exists() || v.Type() != "FHIR.string" {
			t.Errorf("node %v, %t, twin %s, type %s", n.Kind(), ok, v.Twin().Raw(), v.Type())
		}
	}
}

// TestEvalValues evaluates on an element: what a validator does.
func TestEvalValues(t *testing.T) {
	doc, _ := parsed(t, "testdata/patient.json")
	name := fhirpath.Element(doc.Root().Field("name").Index(1), r4.Model().Type("HumanName"), tree.Node{})
	e := fhirpath.MustCompile("family.empty() and %resource.id = 'p1' and %context is HumanName", r4Env)
	c, err := e.EvalValues(nil, name)
	if ok, is := c.Bool(); err != nil || !ok || !is {
		t.Errorf("EvalValues(name[1]) = %v, %v, want true", result(c), err)
	}
	inner := fhirpath.Element(doc.Root().Field("contained").Index(0).Field("partOf"), r4.Model().Type("Reference"), tree.Node{})
	e = fhirpath.MustCompile("%resource.id & '/' & %rootResource.id & '/' & resolve().name", r4Env)
	c, err = e.EvalValues(nil, inner)
	if result(c) != "org/p1/Group" || err != nil {
		t.Errorf("in a contained resource: %q, %v, want org/p1/Group", result(c), err)
	}
}
