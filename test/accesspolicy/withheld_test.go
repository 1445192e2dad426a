package accesspolicy

import (
	"fmt"
	"strings"
	"testing"

	"tenon/server/app"
	"tenon/server/store/pgtest"
	"tenon/test/servertest"
)

// TestWithheld: what a patient withholds from one clinician of the hospital is not
// there for him at any door, and is for his colleague.
func TestWithheld(t *testing.T) {
	for _, engine := range []string{"SQLite", "PostgreSQL"} {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			c := app.Config{Exchange: app.Exchange{Endpoints: "any", Region: "any"}}
			if engine == "PostgreSQL" {
				c.Database = pgtest.Database(t, "empty", nil)
			}
			newWard(t, c).tests(t)
		})
	}
}

// ward is a patient, what is about him, and two clinicians.
type ward struct {
	*servertest.Server
	shut, open string // tokens
}

func newWard(t *testing.T, c app.Config) *ward {
	w := &ward{Server: servertest.Start(t, c)}
	role := func(id string) string {
		return put("Practitioner", id, `,"active":true`) + "," + put("PractitionerRole", id, fmt.Sprintf(`,"active":true,"practitioner":{"reference":"Practitioner/%s"},
			"organization":{"reference":"Organization/h"},"code":[{"coding":[{"system":"urn:tenon:role","code":"CLIN"}]}]`, id))
	}
	w.bundle(t, "", put("Organization", "h", `,"active":true,"name":"h","type":[{"coding":[{"system":"urn:tenon:side","code":"hospital"}]}]`), role("shut"), role("open"))
	w.bundle(t, "Organization/h", put("Patient", "p", `,"active":true`), put("RelatedPerson", "guardian", `,"active":true,"patient":{"reference":"Patient/p"}`),
		put("Observation", "o", `,"status":"final","code":{"coding":[{"system":"urn:c","code":"red"}]},"subject":{"reference":"Patient/p"}`),
		put("DiagnosticReport", "d", `,"status":"final","code":{"text":"x"},"subject":{"reference":"Patient/p"},"result":[{"reference":"Observation/o"}]`),
		put("Patient", "q", `,"active":true`))
	w.shut, w.open = w.Token(t, "PractitionerRole/shut"), w.Token(t, "PractitionerRole/open")
	return w
}

func (w *ward) bundle(t *testing.T, org string, entries ...string) {
	t.Helper()
	(&world{Server: w.Server}).bundle(t, org, []string{strings.Join(entries, ",")})
}

// consent puts the Consent with these provisions.
func (w *ward) consent(t *testing.T, status, provision string) {
	t.Helper()
	w.bundle(t, "Organization/h", put("Consent", "c", fmt.Sprintf(`,"status":%q,"scope":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/consentscope","code":"patient-privacy"}]},
		"category":[{"coding":[{"system":"http://loinc.org","code":"59284-0"}]}],"patient":{"reference":"Patient/p"},"performer":[{"reference":"RelatedPerson/guardian"}],
		"policyRule":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ActCode","code":"OPTIN"}]},"provision":%s`, status, provision)))
}

// sees tells what comes when somebody asks for a thing in every way. Of an old
// version no index tells what it holds: it may be withheld though the thing is not.
func (w *ward) sees(t *testing.T, token, ref string, header map[string]string) bool {
	t.Helper()
	staff := token == w.shut || token == w.open
	typ, id, _ := strings.Cut(ref, "/")
	read := w.Send(t, servertest.Request{Token: token, Path: "/fhir/" + ref, Header: header})
	for name, q := range map[string]servertest.Request{
		"search":       {Path: "/fhir/" + typ + "?_id=" + id},
		"everything":   {Path: "/fhir/?_id=" + id + "&_type=" + typ},
		"history":      {Path: "/fhir/" + typ + "/_history"},
		"old version":  {Path: "/fhir/" + ref + "/_history/1"},
		"GraphQL":      {Method: "POST", Path: "/fhir/$graphql", Body: fmt.Appendf(nil, `{"query":"{%s(id:\"%s\"){id}}"}`, typ, id), Header: map[string]string{"Content-Type": "application/json"}},
		"as a batch":   {Method: "POST", Path: "/fhir", Body: fmt.Appendf(nil, `{"resourceType":"Bundle","type":"batch","entry":[{"request":{"method":"GET","url":%q}}]}`, ref)},
		"to a change":  {Method: "PATCH", Path: "/fhir/" + ref, Body: []byte(`[{"op":"test","path":"/id","value":"` + id + `"}]`), Header: map[string]string{"Content-Type": "application/json-patch+json"}},
		"explanation":  {Path: "/fhir/" + ref + "/$explain-access"},
		"by reference": {Path: "/fhir/" + typ + "?_id=" + id + "&_include=*&_revinclude=*"},
	} {
		if header != nil && q.Method != "" || !staff && name == "to a change" { // an emergency reads, and so does a patient
			continue
		}
		if q.Token = token; q.Header == nil {
			q.Header = header
		}
		a := w.Send(t, q)
		got := a.Status < 300 && strings.Contains(string(a.Body), `"`+id+`"`)
		if name == "explanation" {
			got = strings.Contains(string(a.Body), `"valueBoolean":true`)
		}
		if got != (read.Status == 200) && (got || name != "old version") {
			t.Errorf("%s: read = %d, but %s shows it = %v: %d %.300s", ref, read.Status, name, got, a.Status, a.Body)
		}
	}
	return read.Status == 200
}

func (w *ward) tests(t *testing.T) {
	shut := `"actor":[{"role":{"text":"x"},"reference":{"reference":"PractitionerRole/shut"}}]`
	for _, c := range []struct {
		name, status, provision string
		seen                    string // of Patient, Observation, DiagnosticReport by the first; the second sees all
	}{
		{"nothing is withheld", "inactive", `{"type":"deny",` + shut + `}`, "pod"},
		{"all is withheld", "active", `{"type":"deny",` + shut + `}`, ""},
		{"all but a type", "active", `{"type":"deny",` + shut + `,"provision":[{"type":"permit","class":[{"system":"http://hl7.org/fhir/resource-types","code":"Patient"}]}]}`, "p"},
		{"a code", "active", `{"type":"deny",` + shut + `,"code":[{"coding":[{"system":"urn:c","code":"red"}]}]}`, "pd"},
		{"what it names", "active", `{"type":"deny",` + shut + `,"data":[{"meaning":"instance","reference":{"reference":"DiagnosticReport/d"}}]}`, "po"},
		{"and what that refers to", "active", `{"type":"deny",` + shut + `,"data":[{"meaning":"related","reference":{"reference":"DiagnosticReport/d"}}]}`, ""},
		{"what depends on it", "active", `{"type":"deny",` + shut + `,"data":[{"meaning":"dependents","reference":{"reference":"Observation/o"}}]}`, "p"},
		{"its time is over", "active", `{"type":"deny",` + shut + `,"period":{"end":"2001"}}`, "pod"},
		{"it is withdrawn", "inactive", `{"type":"deny",` + shut + `}`, "pod"},
	} {
		t.Run("R001-150 "+c.name, func(t *testing.T) {
			w.consent(t, c.status, c.provision)
			for letter, ref := range map[string]string{"p": "Patient/p", "o": "Observation/o", "d": "DiagnosticReport/d"} {
				if got := w.sees(t, w.shut, ref, nil); got != strings.Contains(c.seen, letter) {
					t.Errorf("the one sees %s = %v", ref, got)
				}
				if !w.sees(t, w.open, ref, nil) {
					t.Errorf("the other does not see %s", ref)
				}
			}
			if !w.sees(t, w.shut, "Patient/q", nil) || !w.sees(t, w.shut, "Consent/c", nil) {
				t.Error("another patient, or the Consent itself, is withheld")
			}
		})
	}
	t.Run("R001-150 the guardian who gave it reads on", w.giver)
	t.Run("R001-150 an emergency passes it", w.emergency)
	t.Run("R001-150 an explanation names it", w.explains)
}

func (w *ward) giver(t *testing.T) {
	w.consent(t, "active", `{"type":"deny"}`)
	if !w.sees(t, w.Token(t, "RelatedPerson/guardian"), "RelatedPerson/guardian", nil) {
		t.Error("withheld from who gave it")
	}
	if !w.sees(t, w.Token(t, "Patient/p"), "Patient/p", nil) || w.sees(t, w.open, "Patient/p", nil) {
		t.Error("withheld from the patient, or from nobody")
	}
}

func (w *ward) emergency(t *testing.T) {
	w.Expect(t, 200, servertest.Request{Token: w.shut, Method: "POST", Path: "/fhir/Patient/p/$break-glass", Body: glass("acute-care", ","+because)})
	btg := map[string]string{"X-Purpose-Of-Use": "BTG"}
	w.consent(t, "active", `{"type":"deny"}`)
	if !w.sees(t, w.shut, "Observation/o", btg) || w.sees(t, w.shut, "Observation/o", nil) {
		t.Error("an emergency does not pass a Consent, or its absence does")
	}
	w.consent(t, "active", `{"type":"deny","purpose":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ActReason","code":"BTG"},
		{"system":"http://terminology.hl7.org/CodeSystem/v3-ActReason","code":"TREAT"}]}`)
	if w.sees(t, w.shut, "Observation/o", btg) {
		t.Error("an emergency passes a Consent that names it")
	}
}

func (w *ward) explains(t *testing.T) {
	w.consent(t, "active", `{"type":"deny","actor":[{"role":{"text":"x"},"reference":{"reference":"PractitionerRole/shut"}}]}`)
	w.bundle(t, "", put("PractitionerRole", "sec", `,"active":true,"practitioner":{"reference":"Practitioner/open"},"organization":{"reference":"Organization/h"},"code":[{"coding":[{"system":"urn:tenon:role","code":"SEC"}]}]`))
	a := w.Expect(t, 200, servertest.Request{Token: w.Token(t, "PractitionerRole/sec"), Path: "/fhir/Observation/o/$explain-access?person=PractitionerRole/shut"})
	x, err := explanation(a.Body)
	if err != nil || x.result || x.states["organization"] != "met" || x.states["consent"] != "unmet" || !strings.Contains(string(a.Body), `"Consent/c"`) {
		t.Errorf("%v %+v %s", err, x, a.Body)
	}
}
