package audit

import (
	"encoding/json"
	"strings"
	"testing"

	"tenon/test/servertest"
)

// used is one use in a report.
type used map[string]any

func (w *world) uses(t *testing.T, token, path string) (uses []used, next string) {
	t.Helper()
	var p struct {
		Parameter []struct {
			Name     string
			ValueURI string `json:"valueUri"`
			Part     []map[string]any
		}
	}
	if err := json.Unmarshal(w.get(t, 200, token, path), &p); err != nil {
		t.Fatal(err)
	}
	for _, x := range p.Parameter {
		switch x.Name {
		case "use":
			u := used{}
			for _, part := range x.Part {
				for k, v := range part {
					if k != "name" {
						u[part["name"].(string)] = v
					}
				}
			}
			uses = append(uses, u)
		case "next":
			next = x.ValueURI[strings.Index(x.ValueURI, "/fhir/"):]
		}
	}
	return uses, next
}

// report: the patient, the mother and auditors of the house see who used the
// record of the patient and nothing of others.
func (w *world) report(t *testing.T) {
	clin := w.as(t, "clin0")
	w.get(t, 200, clin, "/fhir/Patient/p2/Observation")
	w.get(t, 200, clin, "/fhir/Patient?_id=p1,p2&_revinclude=Observation:subject")
	glass := `{"resourceType":"Parameters","parameter":[{"name":"reason","valueCoding":{"system":"urn:tenon:emergency-reason","code":"acute-care"}},{"name":"text","valueString":"unconscious"}]}`
	other := w.as(t, "clin1")
	w.Expect(t, 200, servertest.Request{Token: other, Method: "POST", Path: "/fhir/Patient/p1/$break-glass", Body: []byte(glass)})
	w.Expect(t, 200, servertest.Request{Token: other, Path: "/fhir/Patient/p1", Header: map[string]string{"X-Purpose-Of-Use": "BTG"}})
	path := "/fhir/Patient/p1/$access-report"
	for _, who := range []string{"Patient/p1", "RelatedPerson/mother", "aud0"} {
		uses, _ := w.uses(t, w.as(t, who), path+"?_count=1000")
		all, _ := json.Marshal(uses)
		for _, not := range []string{"Patient/p2", "Patient/p3", "unconscious"} {
			if strings.Contains(string(all), not) {
				t.Errorf("the report to %s names %s: %s", who, not, all)
			}
		}
		glasses, deleted := 0, 0
		for _, u := range uses {
			if u["emergency"] == true {
				glasses++
				if ref, _ := u["who"].(map[string]any); ref["reference"] != "PractitionerRole/clin1" || ref["display"] != "Name clin1" || !strings.Contains(u["text"].(string), "紧急访问") || !strings.Contains(u["text-en"].(string), "emergency") {
					t.Errorf("%v", u)
				}
				if org, there := u["organization"].(map[string]any); there && org["display"] != "House h1" {
					t.Errorf("%v", u)
				}
			}
			if u["action"] == "D" {
				deleted++
			}
		}
		if glasses < 2 || deleted != 1 {
			t.Errorf("the report to %s has %d emergency uses and %d deletions: %s", who, glasses, deleted, all)
		}
	}
	for who, status := range map[string]int{"clin0": 403, "des": 403, "clin1": 404, "aud1": 404, "audm": 404, "sec": 404, "Patient/p2": 404, "RelatedPerson/aunt": 403} {
		w.get(t, status, w.as(t, who), path)
	}
	w.get(t, 404, w.as(t, "Patient/p1"), "/fhir/Patient/p2/$access-report")
	w.get(t, 404, w.as(t, "aud0"), "/fhir/Patient/none/$access-report")
	w.Expect(t, 401, servertest.Request{Path: path})
	me := w.as(t, "Patient/p1")
	for _, bad := range []string{"?start=x", "?_count=0", "?who=clin0", "?_cursor=1"} {
		w.get(t, 400, me, path+bad)
	}
	if uses, _ := w.uses(t, me, path+"?end=2020"); len(uses) != 0 {
		t.Errorf("%d uses before the first", len(uses))
	}
	whole, _ := w.uses(t, me, path+"?_count=1000")
	seen, next := w.uses(t, me, path+"?start=2020&_count=4")
	for next != "" {
		var more []used
		more, next = w.uses(t, me, next)
		seen = append(seen, more...)
	}
	if len(seen) < len(whole) {
		t.Errorf("pages hold %d uses, want the %d of one", len(seen), len(whole))
	}
	found := false
	for _, u := range whole {
		op, _ := u["operation"].(map[string]any)
		found = found || op["code"] == "access-report"
	}
	if !found {
		t.Error("the report does not tell of the reports before it")
	}
}
