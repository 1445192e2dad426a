package rest_test

// https://hl7.org/fhir/uv/ipa/OperationDefinition-docref.html

import (
	"strings"
	"testing"
)

func TestDocref(t *testing.T) {
	onEngines(t, func(t *testing.T, h *house) {
		p := create(t, h, `{"resourceType":"Patient"}`, "As: clin")
		names := map[string]string{}
		put := func(name, typ, date, period, more string, headers ...string) string {
			context := ""
			if period != "" {
				from, to, _ := strings.Cut(period, " ")
				context = `,"context":{"period":{"start":"` + from + `","end":"` + to + `"}}`
			}
			id := create(t, h, `{"resourceType":"DocumentReference","status":"current","type":{"coding":[{"system":"http://loinc.org","code":"`+typ+`"}]},"subject":{"reference":"Patient/`+p+`"},"date":"`+date+
				`","content":[{"attachment":{"url":"urn:x"}`+more+`}]`+context+`}`, headers...)
			names[id] = name
			return id
		}
		put("old", "34133-9", "2022-01-01T00:00:00Z", "2021-12-01 2021-12-31", "", "As: clin")
		put("summary", "34133-9", "2023-01-01T00:00:00Z", "2022-12-01 2022-12-31", "", "As: clin")
		put("letter", "18842-5", "2024-01-01T00:00:00Z", "2023-12-01 2024-01-31", `,"format":{"system":"urn:ietf:rfc:3986","code":"http://p.example/letter"}`, "As: clin")
		put("hidden", "34133-9", "2025-01-01T00:00:00Z", "2023-12-01 2024-01-31", "")
		gone := put("superseded", "34133-9", "2024-06-01T00:00:00Z", "2023-12-01 2024-01-31", "", "As: clin")
		must(t, h, 200, "PATCH", "/fhir/DocumentReference/"+gone, `[{"op":"replace","path":"/status","value":"superseded"}]`, "As: clin", "Content-Type: application/json-patch+json")

		ask := func(query string) string {
			ids, _, _ := find(t, h, "DocumentReference/$docref?"+query, "As: clin")
			list := []string{}
			for _, id := range ids {
				list = append(list, names[id])
			}
			return strings.Join(list, " ")
		}
		for _, c := range [][2]string{
			{"patient=" + p, "letter summary"},
			{"patient=Patient/" + p + "&type=34133-9", "summary"},
			{"patient=" + p + "&type=34133-9&type=18842-5", "summary letter"},
			{"patient=" + p + "&start=2021", "letter summary old"},
			{"patient=" + p + "&start=2022-06-01&end=2023", "letter summary"},
			{"patient=" + p + "&end=2022-12-15", "summary old"},
			{"patient=" + p + "&end=2022-12-15&type=http://loinc.org|18842-5", ""},
			{"patient=" + p + "&start=2021&profile=http://p.example/letter", "letter"},
			{"patient=" + p + "&on-demand=true", ""},
			{"patient=" + p + "&on-demand=false", "letter summary"},
			{"patient=none&start=2021", ""},
		} {
			if got := ask(c[0]); got != c[1] {
				t.Errorf("$docref?%s = %s, want %s", c[0], got, c[1])
			}
		}
		if w := must(t, h, 200, "GET", "/fhir/DocumentReference/$docref?patient="+p+"&on-demand=true", "", "As: clin").Body.String(); !strings.Contains(w, "docref-on-demand") {
			t.Errorf("on-demand = %s, want that it is told", w)
		}
		seen, next := "", "DocumentReference/$docref?patient="+p+"&start=2021&_count=1"
		for range 5 {
			if next == "" {
				break
			}
			var ids []string
			ids, _, next = find(t, h, next, "As: clin")
			for _, id := range ids {
				seen += names[id] + " "
			}
		}
		if seen != "letter summary old " {
			t.Errorf("pages hold %s, want letter summary old", seen)
		}
		body := `{"resourceType":"Parameters","parameter":[{"name":"patient","valueId":"` + p + `"},{"name":"type","valueCodeableConcept":{"coding":[{"system":"http://loinc.org","code":"34133-9"}]}}]}`
		if w := must(t, h, 200, "POST", "/fhir/DocumentReference/$docref", body, "As: clin").Body.String(); strings.Count(w, `"fullUrl"`) != 1 {
			t.Errorf("POST $docref = %s, want one", w)
		}
		for _, query := range []string{"", "start=2021", "patient=", "patient=a,b", "patient=" + p + "&start=soon", "patient=" + p + "&start=gt2021", "patient=" + p + "&on-demand=yes", "patient=" + p + "&nonsense=1",
			"patient=" + p + "&patient=" + p, "patient=" + p + "&_count=2", "patient=" + p + "&start=2021&_cursor=x"} {
			must(t, h, 400, "GET", "/fhir/DocumentReference/$docref?"+query, "", "As: clin")
		}
		if ids, _, _ := find(t, h, "DocumentReference/$docref?patient="+p+"&start=2020", "As: stranger"); len(ids) != 0 {
			t.Errorf("a stranger finds %v", ids)
		}
		must(t, h, 401, "GET", "/fhir/DocumentReference/$docref?patient="+p, "", "As: nobody")
	})
}
