package accesspolicy

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"tenon/server/access"
	"tenon/server/ledger"
	"tenon/server/record"
	"tenon/test/servertest"
)

const because = `{"name":"text","valueString":"Unconscious in the emergency room, implant unknown"}`

func glass(reason, more string) []byte {
	return fmt.Appendf(nil, `{"resourceType":"Parameters","parameter":[{"name":"reason","valueCoding":{"system":"urn:tenon:emergency-reason","code":%q}}%s]}`, reason, more)
}

// emergency: a clinician of the second hospital opens the record of a patient of
// the first one; everybody who may not, does not; every step is audited.
func (w *world) emergency(t *testing.T) {
	var clin, maker, app *person
	for _, p := range w.people {
		switch {
		case p.kind == staff && !p.app && p.org == "Organization/h1" && clin == nil:
			clin = p
		case p.kind == staff && !p.app && !p.hospital:
			maker = p
		case p.kind == staff && p.app && p.hospital:
			app = p
		}
	}
	var x, other *thing // patients of the first hospital whom the clinician does not reach
	for _, y := range w.pats {
		if y.owner == "Organization/h0" && !clin.may("r", y, y.now()) && (x == nil || y.study != "") {
			x, other = y, x
		}
	}
	for _, y := range w.pats {
		if y != x && !clin.may("r", y, y.now()) {
			other = y
		}
	}
	ask := func(token string, body []byte) *servertest.Answer {
		return w.Send(t, servertest.Request{Token: token, Method: "POST", Path: "/fhir/" + x.ref() + "/$break-glass", Body: body})
	}
	btg := map[string]string{"X-Purpose-Of-Use": "BTG"}
	get := func(token, path string, header map[string]string) *servertest.Answer {
		return w.Send(t, servertest.Request{Token: token, Path: path, Header: header})
	}
	refused := func(name string, a *servertest.Answer, status int, rule string) {
		t.Helper()
		if a.Status != status || !strings.Contains(string(a.Body), rule) {
			t.Errorf("%s = %d %.300s, want %d %s", name, a.Status, a.Body, status, rule)
		}
	}
	refused("a manufacturer's person", ask(maker.token, glass("acute-care", ","+because)), 403, "emergency-role")
	refused("an app", ask(app.token, glass("acute-care", ","+because)), 403, "emergency-role")
	refused("an administrator", ask(w.Token(t, "PractitionerRole/watch0"), glass("acute-care", ","+because)), 403, "emergency-role")
	refused("no reason", ask(clin.token, []byte(`{"resourceType":"Parameters","parameter":[`+because+`]}`)), 400, "emergency-input")
	refused("a reason of one's own", ask(clin.token, glass("curious", ","+because)), 400, "emergency-input")
	refused("no words", ask(clin.token, glass("acute-care", "")), 400, "emergency-input")
	refused("for ever", ask(clin.token, glass("acute-care", ","+because+`,{"name":"minutes","valueInteger":100000}`)), 400, "emergency-input")
	refused("the purpose alone", get(clin.token, "/fhir/"+x.ref(), btg), 403, "no-emergency")
	forged := fmt.Sprintf(`{"resourceType":"Task","status":"requested","intent":"order","code":{"coding":[{"system":"urn:tenon:access-rule","code":"emergency"}]},"requester":{"reference":%q},
		"for":{"reference":"Patient/none"},"authoredOn":"2999-01-01T00:00:00Z","executionPeriod":{"end":"2999-01-01T00:00:00Z"}}`, clin.principal)
	w.Send(t, servertest.Request{Token: clin.token, Method: "POST", Path: "/fhir/Task", Body: []byte(forged)})
	refused("a Task of one's own making", get(clin.token, "/fhir/"+x.ref(), btg), 403, "no-emergency")

	a := ask(clin.token, glass("acute-care", ","+because))
	_, rest, _ := strings.Cut(string(a.Body), `"reference":"`)
	task, _, _ := strings.Cut(rest, `"`)
	if a.Status != 200 || !strings.HasPrefix(task, "Task/") {
		t.Fatalf("$break-glass = %d %s", a.Status, a.Body)
	}
	refused("without the purpose", get(clin.token, "/fhir/"+x.ref(), nil), 404, "not-found")
	refused("a wrong purpose", get(clin.token, "/fhir/"+x.ref(), map[string]string{"X-Purpose-Of-Use": "TREAT"}), 400, "purpose")
	w.Expect(t, 200, servertest.Request{Token: clin.token, Path: "/fhir/" + x.ref(), Header: btg})
	found := string(get(clin.token, "/fhir/Observation?patient="+x.ref()+"&_count=1000", btg).Body)
	for _, y := range w.things {
		if v := y.now(); y.typ == "Observation" && v.patient == x.ref() && !v.deleted && !strings.Contains(found, `"id":"`+y.id+`"`) {
			t.Errorf("%s about the patient is not found", y.ref())
		}
	}
	refused("another patient", get(clin.token, "/fhir/"+other.ref(), btg), 404, "not-found")
	refused("a colleague", get(w.colleague(clin).token, "/fhir/"+x.ref(), btg), 403, "no-emergency")
	refused("a write", w.Send(t, servertest.Request{Token: clin.token, Method: "POST", Path: "/fhir/Observation", Header: btg, Body: []byte(`{"resourceType":"Observation","status":"final","code":{"text":"x"}}`)}), 403, "emergency-reads")
	refused("an update", w.Send(t, servertest.Request{Token: clin.token, Method: "DELETE", Path: "/fhir/" + x.ref()}), 404, "not-found")

	t.Run("R000-018 each access is audited with its purpose, and so is each refusal", func(t *testing.T) {
		var rows bytes.Buffer
		if err := w.App.WriteAudit(t.Context(), &rows, ledger.AuditFilter{Person: clin.principal, Patient: x.ref()}, false); err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{`"operation":"break-glass"`, `"operation":"read"`, `"operation":"search-type"`} {
			if !regexp.MustCompile(want + `[^\n]*"purpose":"BTG"`).Match(rows.Bytes()) {
				t.Errorf("no row has %s with the purpose BTG in %.1500s", want, rows.Bytes())
			}
		}
		rows.Reset()
		if err := w.App.WriteAudit(t.Context(), &rows, ledger.AuditFilter{Person: maker.principal}, false); err != nil || !regexp.MustCompile(`"operation":"break-glass","[^\n]*"outcome":403`).Match(rows.Bytes()) {
			t.Errorf("the refusal of the manufacturer is not audited: %v", err)
		}
	})
	sec, elsewhere, twin := w.Token(t, "PractitionerRole/watch0"), w.Token(t, "PractitionerRole/watch3"), w.Token(t, "PractitionerRole/twin")
	t.Run("the security administrator of the patient's hospital is told, others see nothing of it", func(t *testing.T) {
		found := string(get(sec, "/fhir/Task?code=urn:tenon:access-rule|emergency&status=requested", nil).Body)
		if !strings.Contains(found, strings.TrimPrefix(task, "Task/")) {
			t.Errorf("the administrator finds %.300s", found)
		}
		refused("the record itself", get(sec, "/fhir/"+x.ref(), nil), 404, "not-found")
		for _, token := range []string{clin.token, elsewhere, maker.token, w.colleague(w.people[0]).token} {
			refused("the review", get(token, "/fhir/"+task, nil), 404, "not-found")
		}
	})
	close := func(token, outcome string) *servertest.Answer {
		return w.Send(t, servertest.Request{Token: token, Method: "POST", Path: "/fhir/" + task + "/$review", Body: fmt.Appendf(nil,
			`{"resourceType":"Parameters","parameter":[{"name":"outcome","valueCoding":{"system":"urn:tenon:emergency-outcome","code":%q}},{"name":"text","valueString":"The patient was treated, seen in the log"}]}`, outcome)})
	}
	t.Run("the review is closed by another person, with an outcome", func(t *testing.T) {
		refused("by the clinician", close(clin.token, "justified"), 404, "not-found")
		refused("by another hospital", close(elsewhere, "justified"), 404, "not-found")
		if clin.principal != "" && strings.HasSuffix(clin.org, "h1") { // Practitioner/h1 has both roles
			refused("by the clinician as administrator", close(twin, "justified"), 403, "review-role")
		}
		refused("without an outcome", close(sec, "fine"), 400, "emergency-input")
		refused("by a change of the Task", w.Send(t, servertest.Request{Token: sec, Method: "PATCH", Path: "/fhir/" + task, Body: []byte(`[{"op":"replace","path":"/status","value":"completed"}]`),
			Header: map[string]string{"Content-Type": "application/json-patch+json"}}), 403, "role-lacks-verb")
		w.Expect(t, 200, servertest.Request{Token: clin.token, Path: "/fhir/" + x.ref(), Header: btg})
		if a := close(sec, "unjustified"); a.Status != 200 || !strings.Contains(string(a.Body), `"completed"`) {
			t.Errorf("$review = %d %.300s", a.Status, a.Body)
		}
		refused("twice", close(sec, "justified"), 409, "review-done")
		refused("the access after the review", get(clin.token, "/fhir/"+x.ref(), btg), 403, "no-emergency")
	})
	t.Run("it ends by itself", func(t *testing.T) {
		a := ask(clin.token, glass("life-threat", ","+because+`,{"name":"minutes","valueInteger":5}`))
		_, rest, _ := strings.Cut(string(a.Body), `"reference":"Task/`)
		id, _, _ := strings.Cut(rest, `"`)
		w.Expect(t, 200, servertest.Request{Token: clin.token, Path: "/fhir/" + x.ref(), Header: btg})
		_, err := w.App.Recorder.Submit(t.Context(), &access.Context{Tenant: "main", Kind: access.Operator, Principal: "operator"}, &record.Draft{Door: "cli", Operation: "test",
			Ops: []record.Op{{Method: "PATCH", Type: "Task", ID: id, Format: record.MergePatch, Body: []byte(`{"executionPeriod":{"start":"2020-01-01T00:00:00Z","end":"2020-01-01T00:05:00Z"}}`)}}})
		if err != nil {
			t.Fatal(err)
		}
		refused("later", get(clin.token, "/fhir/"+x.ref(), btg), 403, "no-emergency")
	})
}

// colleague is another person of the same organisation.
func (w *world) colleague(of *person) *person {
	for _, p := range w.people {
		if p != of && p.kind == staff && !p.app && p.org == of.org {
			return p
		}
	}
	return nil
}
