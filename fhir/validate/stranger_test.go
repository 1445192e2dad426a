package validate_test

import (
	"strings"
	"testing"
)

// TestUUIDTarget: a urn:uuid tells the type of its target only in the Bundle.
func TestUUIDTarget(t *testing.T) {
	const urn = "urn:uuid:c757873d-ec9a-4326-a141-556f43239520"
	for _, tc := range []struct{ name, target, want string }{
		{"of the type", `{"resourceType":"Patient"}`, ""},
		{"of another", `{"resourceType":"Practitioner"}`, "Bundle.entry[1].resource.subject reference-target"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			doc := strings.Replace(inBundle(urn, tc.target, urn), `"meta":{"profile":["`+own+`p"]},`, "", 1)
			fault(t, whole(), doc, tc.want, nil)
		})
	}
}

// TestExistsAnswer: the answer to exists is a boolean (que-7).
func TestExistsAnswer(t *testing.T) {
	for _, tc := range []struct{ answer, want string }{
		{`"answerBoolean":true`, ""},
		{`"answerString":"true"`, "Questionnaire.item[1].enableWhen[0] que-7"},
	} {
		fault(t, whole(), `{"resourceType":"Questionnaire","status":"draft","item":[{"linkId":"a","type":"string"},
			{"linkId":"b","type":"string","enableWhen":[{"question":"a","operator":"exists",`+tc.answer+`}]}]}`, tc.want, nil)
	}
}

// TestExtensionPart: an extension has the parts that its definition names, open
// as its slicing is.
func TestExtensionPart(t *testing.T) {
	const animal = `{"resourceType":"Patient","extension":[{"url":"http://hl7.org/fhir/StructureDefinition/patient-animal","extension":[
		{"url":"species","valueCodeableConcept":{"text":"x"}},{"url":"URL","valueCodeableConcept":{"text":"x"}}]}]}`
	for _, tc := range []struct{ url, want string }{
		{"breed", ""},
		{"colour", "Patient.extension[0].extension[1] extension-part"},
		{"http://t/own", ""},
	} {
		fault(t, whole(), strings.Replace(animal, "URL", tc.url, 1), tc.want, nil)
	}
}

// TestValueSetAsSystem: a coding names a code system, not a value set.
func TestValueSetAsSystem(t *testing.T) {
	for system, want := range map[string]string{
		"http://hl7.org/fhir/ValueSet/administrative-gender": "Observation.code.coding[0].system system-valueset",
		"http://hl7.org/fhir/administrative-gender":          "",
		"http://t/nowhere": "",
	} {
		fault(t, whole(), with("Observation", `"code":`+coding(system, "male")), want, nil)
	}
}

// TestContainedBinding: "#v" of a profile is what the profile contains, not the
// resource.
func TestContainedBinding(t *testing.T) {
	p := object{
		"resourceType": "StructureDefinition", "url": own + "p", "name": "P", "status": "active", "kind": "resource", "abstract": false,
		"type": "Observation", "baseDefinition": "http://hl7.org/fhir/StructureDefinition/Observation", "derivation": "constraint",
		"contained": []any{object{"resourceType": "ValueSet", "id": "v", "status": "active", "compose": object{"include": []any{
			object{"system": "http://t/c", "concept": []any{object{"code": "red"}}}}}}},
		"differential": object{"element": []any{object{"id": "Observation", "path": "Observation"},
			object{"id": "Observation.code", "path": "Observation.code", "binding": object{"strength": "required", "valueSet": "#v"}}}},
	}
	s := setOf(define(write(p)))
	for code, want := range map[string]string{"red": "", "blue": "Observation.code binding-required"} {
		fault(t, s, claim(with("Observation", `"code":`+coding("http://t/c", code)), "p"), want, nil)
	}
}
