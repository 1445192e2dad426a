package validate_test

import (
	"testing"

	"tenon/fhir/schema"
	"tenon/profiles/r4"
)

// TestProfileMin makes each element of some types required.
func TestProfileMin(t *testing.T) {
	n := 0
	for _, name := range fixedTypes {
		typ := r4.Model().Type(name)
		for i := range typ.Elements {
			e := &typ.Elements[i]
			if e.Min > 0 || e.Choice && len(e.Types) > 20 || completed(name)[e.Types[0].JSONName] != nil || e.Name == "meta" || e.Name == "contained" || e.Name == "extension" || e.Name == "modifierExtension" {
				continue
			}
			n++
			t.Run(e.Path, func(t *testing.T) {
				s := setOf(profileOf("min", name, `{"id":"`+name+`"},{"id":"`+elementID(e, name)+`","min":1}`))
				fault(t, s, claim(write(least(typ)), "min"), name+" profile-min", nil)
				at, _ := place(e, name)
				fault(t, s, claim(write(at(least(typ), oneOf(e))), "min"), "", nil)
			})
		}
	}
	atLeast(t, n, 60)
}

// TestProfileMax prohibits each element of some types, or lets it stand once.
func TestProfileMax(t *testing.T) {
	n := 0
	for _, name := range fixedTypes {
		typ := r4.Model().Type(name)
		for i := range typ.Elements {
			e := &typ.Elements[i]
			if e.Min > 0 || completed(name)[e.Types[0].JSONName] != nil || e.Name == "meta" || e.Name == "contained" || e.Name == "extension" || e.Name == "modifierExtension" {
				continue
			}
			n++
			t.Run(e.Path, func(t *testing.T) {
				at, _ := place(e, name)
				s := setOf(profileOf("max", name, `{"id":"`+name+`"},{"id":"`+elementID(e, name)+`","max":"0"}`))
				fault(t, s, claim(write(least(typ)), "max"), "", nil)
				fault(t, s, claim(write(at(least(typ), oneOf(e))), "max"), name+" profile-max", nil)
				if e.Max == 1 {
					return
				}
				s = setOf(profileOf("max", name, `{"id":"`+name+`"},{"id":"`+elementID(e, name)+`","max":"1"}`))
				twice := least(typ)
				twice[e.Types[0].JSONName] = []any{oneOf(e), oneOf(e)}
				fault(t, s, claim(write(at(least(typ), oneOf(e))), "max"), "", nil)
				fault(t, s, claim(write(twice), "max"), name+" profile-max", nil)
			})
		}
	}
	atLeast(t, n, 60)
}

func elementID(e *schema.Element, typ string) string {
	id := typ + "." + e.Name
	if e.Choice {
		id += "[x]"
	}
	return id
}

const codeTree = `{"resourceType":"CodeSystem","url":"http://t/tree","status":"active","content":"complete","hierarchyMeaning":"is-a","concept":[{"code":"above","concept":[{"code":"below"}]}]}`

// TestProfile: each document breaks one rule of a profile, or none.
func TestProfile(t *testing.T) {
	obs := func(members string) string { return with("Observation", members) }
	pat := func(members string) string { return with("Patient", members) }
	for _, tc := range []struct{ name, typ, elements, src, want string }{
		// types
		{"type of a choice", "Observation", `{"id":"Observation"},{"id":"Observation.value[x]","type":[{"code":"Quantity"}]}`, obs(`"valueString":"x"`), "Observation.value type-not-allowed"},
		{"type of a choice right", "Observation", `{"id":"Observation"},{"id":"Observation.value[x]","type":[{"code":"Quantity"}]}`, obs(`"valueQuantity":{"value":1}`), ""},
		{"one of two types", "Observation", `{"id":"Observation"},{"id":"Observation.value[x]","type":[{"code":"Quantity"},{"code":"string"}]}`, obs(`"valueString":"x"`), ""},
		{"none of two types", "Observation", `{"id":"Observation"},{"id":"Observation.value[x]","type":[{"code":"Quantity"},{"code":"string"}]}`, obs(`"valueBoolean":true`), "Observation.value type-not-allowed"},
		{"below a choice of one type", "Observation", `{"id":"Observation"},{"id":"Observation.value[x]","type":[{"code":"Quantity"}]},{"id":"Observation.value[x].code","min":1}`, obs(`"valueQuantity":{"value":1}`), "Observation.value profile-min"},
		// bounds
		{"least integer", "Observation", `{"id":"Observation"},{"id":"Observation.value[x]","type":[{"code":"integer"}],"minValueInteger":3}`, obs(`"valueInteger":2`), "Observation.value min-value"},
		{"least integer reached", "Observation", `{"id":"Observation"},{"id":"Observation.value[x]","type":[{"code":"integer"}],"minValueInteger":3}`, obs(`"valueInteger":3`), ""},
		{"greatest integer", "Observation", `{"id":"Observation"},{"id":"Observation.value[x]","type":[{"code":"integer"}],"maxValueInteger":3}`, obs(`"valueInteger":4`), "Observation.value max-value"},
		{"least quantity", "Observation", `{"id":"Observation"},{"id":"Observation.value[x]","type":[{"code":"Quantity"}],"minValueQuantity":{"value":3,"system":"http://unitsofmeasure.org","code":"g"}}`, obs(`"valueQuantity":{"value":2999,"system":"http://unitsofmeasure.org","code":"mg"}`), "Observation.value min-value"},
		{"least quantity in another unit", "Observation", `{"id":"Observation"},{"id":"Observation.value[x]","type":[{"code":"Quantity"}],"minValueQuantity":{"value":3,"system":"http://unitsofmeasure.org","code":"g"}}`, obs(`"valueQuantity":{"value":1,"system":"http://unitsofmeasure.org","code":"kg"}`), ""},
		{"least date", "Patient", `{"id":"Patient"},{"id":"Patient.birthDate","minValueDate":"1900-01-01"}`, pat(`"birthDate":"1899-12-31"`), "Patient.birthDate min-value"},
		{"greatest date", "Patient", `{"id":"Patient"},{"id":"Patient.birthDate","maxValueDate":"2020-01-01"}`, pat(`"birthDate":"2020-01-02"`), "Patient.birthDate max-value"},
		{"date within", "Patient", `{"id":"Patient"},{"id":"Patient.birthDate","minValueDate":"1900-01-01","maxValueDate":"2020-01-01"}`, pat(`"birthDate":"1974-12-25"`), ""},
		{"greatest decimal of a part", "RiskAssessment", `{"id":"RiskAssessment"},{"id":"RiskAssessment.prediction.relativeRisk","maxValueDecimal":1.5}`, with("RiskAssessment", `"prediction":[{"relativeRisk":1.51}]`), "RiskAssessment.prediction[0].relativeRisk max-value"},
		{"least time", "Observation", `{"id":"Observation"},{"id":"Observation.value[x]","type":[{"code":"time"}],"minValueTime":"10:00:00"}`, obs(`"valueTime":"09:59:59"`), "Observation.value min-value"},
		{"length", "Patient", `{"id":"Patient"},{"id":"Patient.name.family","maxLength":3}`, pat(`"name":[{"family":"abcd"}]`), "Patient.name[0].family max-length"},
		{"length in characters", "Patient", `{"id":"Patient"},{"id":"Patient.name.family","maxLength":3}`, pat(`"name":[{"family":"欧阳氏"}]`), ""},
		// invariants
		{"invariant of the root", "Patient", `{"id":"Patient","constraint":[{"key":"t-1","severity":"error","human":"x","expression":"name.exists()"}]}`, pat(``), "Patient t-1"},
		{"invariant held", "Patient", `{"id":"Patient","constraint":[{"key":"t-1","severity":"error","human":"x","expression":"name.exists()"}]}`, pat(`"name":[{"text":"x"}]`), ""},
		{"invariant of an element", "Patient", `{"id":"Patient"},{"id":"Patient.name","constraint":[{"key":"t-2","severity":"error","human":"x","expression":"family.exists()"}]}`, pat(`"name":[{"family":"a"},{"text":"x"}]`), "Patient.name[1] t-2"},
		{"invariant of a primitive", "Patient", `{"id":"Patient"},{"id":"Patient.birthDate","constraint":[{"key":"t-3","severity":"error","human":"x","expression":"toString().length() = 10"}]}`, pat(`"birthDate":"2020"`), "Patient.birthDate t-3"},
		{"invariant that warns", "Patient", `{"id":"Patient","constraint":[{"key":"t-1","severity":"warning","human":"x","expression":"name.exists()"}]}`, pat(``), ""},
		{"invariant that no one can compile", "Patient", `{"id":"Patient","constraint":[{"key":"t-1","severity":"error","human":"x","expression":"name.("}]}`, pat(``), ""},
		{"invariant that errs", "Patient", `{"id":"Patient","constraint":[{"key":"t-1","severity":"error","human":"x","expression":"name.single().exists()"}]}`, pat(`"name":[{"text":"x"},{"text":"y"}]`), ""},
		{"conformsTo", "Bundle", `{"id":"Bundle"},{"id":"Bundle.entry","constraint":[{"key":"t-4","severity":"error","human":"x","expression":"resource.conformsTo('http://hl7.org/fhir/StructureDefinition/Patient')"}]}`, with("Bundle", `"entry":[{"fullUrl":"urn:uuid:c757873d-ec9a-4326-a141-556f43239520","resource":{"resourceType":"Group","type":"person","actual":true}}]`), "Bundle.entry[0] t-4"},
		{"memberOf", "Patient", `{"id":"Patient"},{"id":"Patient.gender","constraint":[{"key":"t-5","severity":"error","human":"x","expression":"memberOf('http://hl7.org/fhir/ValueSet/item-type')"}]}`, pat(`"gender":"male"`), "Patient.gender t-5"},
		{"subsumes", "Observation", `{"id":"Observation"},{"id":"Observation.code","constraint":[{"key":"t-6","severity":"error","human":"x","expression":"coding.first().subsumes(%resource.category.coding.first())"}]}`, obs(`"code":` + coding("http://t/tree", "above") + `,"category":[` + coding("http://t/tree", "below") + `]`), ""},
		{"does not subsume", "Observation", `{"id":"Observation"},{"id":"Observation.code","constraint":[{"key":"t-6","severity":"error","human":"x","expression":"coding.first().subsumes(%resource.category.coding.first())"}]}`, obs(`"code":` + coding("http://t/tree", "below") + `,"category":[` + coding("http://t/tree", "above") + `]`), "Observation.code t-6"},
		{"subsumedBy", "Observation", `{"id":"Observation"},{"id":"Observation.code","constraint":[{"key":"t-6","severity":"error","human":"x","expression":"subsumedBy(%resource.category.first())"}]}`, obs(`"code":` + coding("http://t/tree", "below") + `,"category":[` + coding("http://t/tree", "above") + `]`), ""},
		// depth
		{"min two levels down", "Patient", `{"id":"Patient"},{"id":"Patient.contact.name.family","min":1}`, pat(`"contact":[{"name":{"text":"x"}}]`), "Patient.contact[0].name profile-min"},
		{"min below what is not there", "Patient", `{"id":"Patient"},{"id":"Patient.contact.name.family","min":1}`, pat(``), ""},
		{"max of a repeating primitive", "Patient", `{"id":"Patient"},{"id":"Patient.name.given","max":"1"}`, pat(`"name":[{"given":["a","b"]}]`), "Patient.name[0] profile-max"},
		{"required by an extension alone", "Patient", `{"id":"Patient"},{"id":"Patient.birthDate","min":1}`, pat(`"_birthDate":{"extension":[{"url":"http://hl7.org/fhir/StructureDefinition/data-absent-reason","valueCode":"unknown"}]}`), ""},
		{"fixed in a data type", "Patient", `{"id":"Patient"},{"id":"Patient.identifier.system","fixedUri":"http://tenon.test/mrn"}`, pat(`"identifier":[{"system":"http://tenon.test/other","value":"1"}]`), "Patient.identifier[0].system fixed-value"},
		{"pattern of two codings, one right", "Observation", `{"id":"Observation"},{"id":"Observation.code","patternCodeableConcept":{"coding":[{"system":"http://x","code":"a"}]}}`, obs(`"code":{"coding":[{"system":"http://y","code":"b"},{"system":"http://x","code":"a","display":"A"}]}`), ""},
		{"pattern halves of two codings", "Observation", `{"id":"Observation"},{"id":"Observation.code","patternCodeableConcept":{"coding":[{"system":"http://x","code":"a"}]}}`, obs(`"code":{"coding":[{"system":"http://y","code":"a"},{"system":"http://x","code":"b"}]}`), "Observation.code pattern-value"},
		{"decimal of another precision is not the fixed one", "Observation", `{"id":"Observation"},{"id":"Observation.value[x]","type":[{"code":"Quantity"}]},{"id":"Observation.value[x].value","fixedDecimal":1.0}`, obs(`"valueQuantity":{"value":1.00}`), "Observation.value.value fixed-value"},
		{"contentReference is followed", "Questionnaire", `{"id":"Questionnaire"},{"id":"Questionnaire.item.text","min":1}`, with("Questionnaire", `"item":[{"linkId":"1","text":"a","type":"group","item":[{"linkId":"2","type":"string"}]}]`), "Questionnaire.item[0].item[0] profile-min"},
		{"profile of another type", "Patient", `{"id":"Patient"}`, with("Group", ``), "Group profile-type"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			fault(t, setOf(define(codeTree), profileOf("p", tc.typ, tc.elements)), claim(tc.src, "p"), tc.want, nil)
		})
	}
}
