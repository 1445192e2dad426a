package rest_test

import (
	"fmt"
	"strings"
	"testing"
)

// TestReachOfEveryQuestion: what one does not reach is in no answer, of whatever
// door, and counts for nothing in it.
func TestReachOfEveryQuestion(t *testing.T) {
	onEngines(t, func(t *testing.T, h *house) {
		patient := create(t, h, `{"resourceType":"Patient","meta":{"tag":[{"system":"urn:x","code":"hidden-tag"}]},"text":{"status":"generated","div":"<div xmlns=\"http://www.w3.org/1999/xhtml\">hidden-word</div>"},"identifier":[{"system":"urn:x","value":"hidden-number"}],"name":[{"family":"Hidden","given":["Name"]}],"gender":"female","birthDate":"1970-01-02"}`, "As: clin")
		note := create(t, h, fmt.Sprintf(`{"resourceType":"Observation","meta":{"profile":["http://example.org/hidden-profile"]},"status":"final","category":[{"coding":[{"code":"lab"}]}],"code":{"coding":[{"system":"urn:x","code":"hidden-code"}],"text":"hidden-text"},"subject":{"reference":"Patient/%s"},"valueString":"hidden-value"}`, patient), "As: clin")
		create(t, h, fmt.Sprintf(`{"resourceType":"DocumentReference","status":"current","subject":{"reference":"Patient/%s"},"description":"hidden-document","content":[{"attachment":{"title":"x"}}]}`, patient), "As: clin")
		list := create(t, h, fmt.Sprintf(`{"resourceType":"List","status":"current","mode":"working","entry":[{"item":{"reference":"Patient/%s"}}]}`, patient), "As: clin")
		for _, q := range []struct{ method, path, body string }{
			{"GET", "Patient?_text=hidden-word", ""},
			{"GET", "Patient?_content=hidden-word", ""},
			{"GET", "Observation?_content=hidden-value&_total=accurate", ""},
			{"GET", "Patient?_filter=name%20co%20%22hid%22&_total=estimate", ""},
			{"GET", "Observation?_filter=code%20eq%20urn:x%7Chidden-code", ""},
			{"GET", "Patient?_list=" + list, ""},
			{"GET", "?_type=Patient,Observation&_content=hidden-value", ""},
			{"GET", "Patient?_has:Observation:subject:code=hidden-code&_summary=count", ""},
			{"GET", "Observation?subject.name=Hidden&_total=estimate", ""},
			{"GET", "Patient?_tag=hidden-tag", ""},
			{"GET", "$meta", ""}, {"GET", "Patient/$meta", ""}, {"GET", "Observation/$meta", ""},
			{"GET", "Observation/$lastn?patient=" + patient + "&category=lab", ""},
			{"GET", "DocumentReference/$docref?patient=" + patient, ""},
			{"GET", "DocumentReference/$docref?patient=" + patient + "&start=1900", ""},
			{"GET", "Patient/$everything", ""},
			{"GET", "$graphql?query=%7BPatientList(name:%22hidden%22)%7Bid%20name%7Bfamily%7D%7D%20ObservationConnection(code:%22hidden-code%22)%7Bcount%20edges%7Bresource%7Bid%7D%7D%7D%7D", ""},
			{"POST", "Patient/$match", `{"resourceType":"Parameters","parameter":[{"name":"resource","resource":{"resourceType":"Patient","identifier":[{"system":"urn:x","value":"hidden-number"}],"name":[{"family":"Hidden"}],"birthDate":"1970-01-02"}}]}`},
			{"GET", "_history", ""}, {"GET", "Patient/_history", ""},
		} {
			var headers []string
			if q.body != "" {
				headers = append(headers, fhirJSON)
			}
			near := do(h, q.method, "/fhir/"+q.path, q.body, append(headers, "As: clin")...)
			far := do(h, q.method, "/fhir/"+q.path, q.body, append(headers, "As: stranger")...)
			if near.Code != 200 {
				t.Errorf("%s = %d %.200s, want 200", q.path, near.Code, near.Body)
			}
			told := strings.ReplaceAll(strings.ReplaceAll(far.Body.String(), strings.ReplaceAll(q.path, "&", `\u0026`), ""), q.path, "")
			told = told[strings.Index(told, `"entry"`)+1:] // links repeat what was asked
			for _, word := range []string{patient, note, "Hidden"} {
				if strings.Contains(told, `/`+word) || strings.Contains(told, `"`+word+`"`) {
					t.Errorf("%s tells a stranger %q: %.400s", q.path, word, told)
				}
			}
			if strings.Contains(q.path, "$meta") && strings.Contains(told, "hidden") {
				t.Errorf("%s tells a stranger of labels: %.300s", q.path, told)
			}
			if strings.Contains(far.Body.String(), `"total":`) && !strings.Contains(far.Body.String(), `"total":0`) || strings.Contains(told, `"count":1`) {
				t.Errorf("%s counts for a stranger: %.300s", q.path, far.Body)
			}
		}
		// absent and forbidden read the same
		for _, path := range []string{"Patient/%s", "Patient/%s/$everything", "Patient/%s/_history", "Patient/%s/_history/1", "Patient/%s/$meta", "Patient/%s/$graphql?query=%%7Bid%%7D", "Patient/%s/$validate", "Patient/%s/$bytes"} {
			hidden := do(h, "GET", "/fhir/"+fmt.Sprintf(path, patient), "", "As: stranger")
			absent := do(h, "GET", "/fhir/"+fmt.Sprintf(path, "00000000-0000-0000-0000-000000000000"), "", "As: stranger")
			if a, b := strings.ReplaceAll(hidden.Body.String(), patient, "X"), strings.ReplaceAll(absent.Body.String(), "00000000-0000-0000-0000-000000000000", "X"); hidden.Code != 404 || absent.Code != 404 || a != b {
				t.Errorf("%s: hidden %d %.200s, absent %d %.200s; want the same 404", path, hidden.Code, a, absent.Code, b)
			}
		}
	})
}
