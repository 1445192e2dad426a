package rest_test

import (
	"strings"
	"testing"
)

// https://hl7.org/fhir/R4/search.html#summary and #elements: mandatory and
// modifier elements stay, and the part is tagged SUBSETTED.
func TestViews(t *testing.T) {
	m, h := door(t)
	m.put("Observation", "o", `{"resourceType":"Observation","meta":{"tag":[{"code":"x"}]},"text":{"status":"empty","div":"<div xmlns=\"http://www.w3.org/1999/xhtml\"/>"},`+
		`"status":"final","_status":{"id":"s"},"code":{"text":"c"},"valueQuantity":{"value":1.00},"note":[{"text":"n"}],`+
		`"component":[{"code":{"text":"k"},"valueString":"v","referenceRange":[{"text":"r"}]}]}`)
	const tag, labels = `{"system":"http://terminology.hl7.org/CodeSystem/v3-ObservationValue","code":"SUBSETTED"}`,
		`,"security":[{"system":"urn:tenon:data-level","code":"L3"},{"system":"urn:tenon:integrity","code":"Q2"},{"system":"http://terminology.hl7.org/CodeSystem/v3-Confidentiality","code":"M"}]`
	head := `{"resourceType":"Observation","id":"o","meta":{"versionId":"1","lastUpdated":"2024-05-01T08:30:10.120Z","tag":[{"code":"x"},` + tag + `]` + labels + `}`
	for query, want := range map[string]string{
		"_elements=note":  `,"status":"final","_status":{"id":"s"},"code":{"text":"c"},"note":[{"text":"n"}]}`,
		"_elements=value": `,"status":"final","_status":{"id":"s"},"code":{"text":"c"},"valueQuantity":{"value":1.00}}`,
		"_summary=text":   `,"text":{"status":"empty","div":"<div xmlns=\"http://www.w3.org/1999/xhtml\"/>"},"status":"final","_status":{"id":"s"},"code":{"text":"c"}}`,
		"_summary=data": `,"status":"final","_status":{"id":"s"},"code":{"text":"c"},"valueQuantity":{"value":1.00},"note":[{"text":"n"}],` +
			`"component":[{"code":{"text":"k"},"valueString":"v","referenceRange":[{"text":"r"}]}]}`,
		"_summary=true": `,"status":"final","_status":{"id":"s"},"code":{"text":"c"},"valueQuantity":{"value":1.00},"component":[{"code":{"text":"k"},"valueString":"v"}]}`,
	} {
		if got := do(h, "GET", "/fhir/Observation/o?"+query, "").Body.String(); got != head+want {
			t.Errorf("%s\n got %s\nwant %s", query, got, head+want)
		}
	}
	m.put("Patient", "m", `{"resourceType":"Patient","active":false,"gender":"male","name":[{"family":"x"}]}`)
	if got := do(h, "GET", "/fhir/Patient/m?_elements=name", "").Body.String(); !strings.Contains(got, `"active":false,"name"`) || strings.Contains(got, "gender") {
		t.Errorf("_elements=name = %s, want active too, which changes the meaning", got)
	}
	if w := do(h, "GET", "/fhir/Observation/o?_summary=maybe", ""); w.Code != 400 {
		t.Errorf("_summary=maybe = %d, want 400", w.Code)
	}
}
