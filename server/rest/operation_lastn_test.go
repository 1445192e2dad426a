package rest_test

// https://hl7.org/fhir/R4/observation-operation-lastn.html

import (
	"fmt"
	"strings"
	"testing"
)

// observe stores an Observation and returns its id.
func observe(t *testing.T, h *house, patient, code, when, more string, headers ...string) string {
	t.Helper()
	effective := ""
	if when != "" {
		effective = `,"effectiveDateTime":"` + when + `"`
	}
	return create(t, h, `{"resourceType":"Observation","status":"final","category":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/observation-category","code":"vital-signs"}]}],"code":`+code+
		`,"subject":{"reference":"Patient/`+patient+`"}`+effective+more+`}`, headers...)
}

func TestLastn(t *testing.T) {
	onEngines(t, func(t *testing.T, h *house) {
		p := create(t, h, `{"resourceType":"Patient"}`, "As: clin")
		other := create(t, h, `{"resourceType":"Patient"}`, "As: clin")
		coded := func(codes ...string) string {
			list := []string{}
			for _, c := range codes {
				list = append(list, fmt.Sprintf(`{"system":"http://loinc.org","code":%q}`, c))
			}
			return `{"coding":[` + strings.Join(list, ",") + `]}`
		}
		names := map[string]string{}
		put := func(name, code, when, more string) { names[observe(t, h, p, code, when, more, "As: clin")] = name }
		put("w1", coded("weight"), "2024-01-01", "")
		put("w3", coded("weight", "w|eird"), "2024-03-01", "")
		put("w2", coded("mass", "weight"), "2024-02-01", "")
		put("w4", coded("mass"), "2024-01-15", "")
		put("h1", coded("height"), "2023-01-01T10:00:00Z", "")
		put("h2", coded("height"), "2023-01-01T10:00:00Z", "") // the same moment
		put("t1", `{"text":"Pain  score"}`, "2022-01-01", "")
		put("t2", `{"text":"pain score"}`, "2022-02-01", "")
		put("none", coded("undated"), "", "")
		wrong := observe(t, h, p, coded("weight"), "2025-01-01", "", "As: clin")
		must(t, h, 200, "PATCH", "/fhir/Observation/"+wrong, `[{"op":"replace","path":"/status","value":"entered-in-error"}]`, "As: clin", "Content-Type: application/json-patch+json")
		names[wrong] = "wrong"
		hidden := observe(t, h, p, coded("weight"), "2026-01-01", "")
		observe(t, h, other, coded("weight"), "2026-02-01", "", "As: clin")

		ask := func(query string, headers ...string) string {
			ids, _, _ := find(t, h, "Observation/$lastn?"+query, append(headers, "As: clin")...)
			list := []string{}
			for _, id := range ids {
				if id == hidden {
					t.Errorf("%s shows what is out of reach", query)
				}
				list = append(list, names[id])
			}
			return strings.Join(list, " ")
		}
		for _, c := range [][2]string{
			{"patient=" + p + "&category=vital-signs", "w3 h2 t2 none"},
			{"subject=Patient/" + p + "&category=vital-signs&max=2", "w3 w2 h2 h1 t2 t1 none"},
			{"patient=Patient/" + p + "&code=http://loinc.org|weight&max=1000", "w3 w2 w1"},
			{"patient=" + p + "&code=mass&max=3", "w2 w4"},
			{"patient=" + p + "&category=vital-signs&date=lt2024-02-10", "w2 h2 t2"},
			{"patient=" + p + "&code=weight&status=entered-in-error", "wrong"},
			{"patient=none&category=vital-signs", ""},
		} {
			if got := ask(c[0]); got != c[1] {
				t.Errorf("$lastn?%s = %s, want %s", c[0], got, c[1])
			}
		}
		body := `{"resourceType":"Parameters","parameter":[{"name":"patient","valueReference":{"reference":"Patient/` + p + `"}},{"name":"code","valueCodeableConcept":{"coding":[{"system":"http://loinc.org","code":"mass"}]}},{"name":"max","valuePositiveInt":1}]}`
		w := must(t, h, 200, "POST", "/fhir/Observation/$lastn", body, "As: clin")
		if got := w.Body.String(); strings.Count(got, `"fullUrl"`) != 1 || !strings.Contains(got, `"total":1`) || !strings.Contains(got, `"2024-02-01"`) {
			t.Errorf("POST $lastn = %s, want the one of February", got)
		}
		for _, query := range []string{"", "patient=" + p, "category=vital-signs", "patient=" + p + "&code=x&max=0", "patient=" + p + "&code=x&max=x", "patient=" + p + "&code=x&max=1&max=2",
			"patient=" + p + "&code=x&_sort=date", "patient=" + p + "&code=x&_include=Observation:subject", "patient=" + p + "&code=x&date=soon", "patient=" + p + "&code=x&_count=2"} {
			must(t, h, 400, "GET", "/fhir/Observation/$lastn?"+query, "", "As: clin")
		}
		must(t, h, 400, "GET", "/fhir/Observation/$lastn?patient="+p+"&code=x&nonsense=1", "", "As: clin", "Prefer: handling=strict")
		if ids, _, _ := find(t, h, "Observation/$lastn?patient="+p+"&category=vital-signs", "As: stranger"); len(ids) != 0 {
			t.Errorf("a stranger finds %v", ids)
		}
		must(t, h, 401, "GET", "/fhir/Observation/$lastn?patient="+p+"&code=x", "", "As: nobody")
	})
}

// A long history of one code does not hide the others, and is not read to its end.
func TestLastnOfALongHistory(t *testing.T) {
	onEngines(t, func(t *testing.T, h *house) {
		p := create(t, h, `{"resourceType":"Patient"}`)
		entries := []string{}
		for i := range 900 {
			code := "pulse"
			if i == 0 {
				code = "rare"
			}
			entries = append(entries, fmt.Sprintf(`{"resource":{"resourceType":"Observation","status":"final","code":{"coding":[{"system":"urn:c","code":%q}]},"subject":{"reference":"Patient/%s"},"effectiveDateTime":"2024-01-01T%02d:%02d:00Z"},"request":{"method":"POST","url":"Observation"}}`,
				code, p, i/60, i%60))
		}
		must(t, h, 200, "POST", "/fhir", `{"resourceType":"Bundle","type":"transaction","entry":[`+strings.Join(entries, ",")+`]}`)
		w := must(t, h, 200, "GET", "/fhir/Observation/$lastn?patient="+p+"&code=pulse,rare&max=2", "").Body.String()
		for _, want := range []string{"T14:59:00Z", "T14:58:00Z", "T00:00:00Z"} {
			if !strings.Contains(w, want) {
				t.Errorf("$lastn = %.600s, want the one of %s", w, want)
			}
		}
		if n := strings.Count(w, `"fullUrl"`); n != 3 {
			t.Errorf("$lastn gives %d, want 3", n)
		}
	})
}
