package record_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"tenon/fhir/tree"
	"tenon/server/access"
	"tenon/server/dispatch"
	"tenon/server/record"
	"tenon/server/search"
)

// TestEscalation: an emergency access that nobody reviews goes to the next, after
// the times that are set, once, and no further when it was reviewed. Its timers are
// in the database, so that they outlive the server.
func TestEscalation(t *testing.T) {
	now := time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)
	var told []string
	s := newServer(t, func(o *record.Options) {
		o.Clock = func() time.Time { return now }
		o.Unreviewed = func(_ context.Context, _ string, to access.Role) { told = append(told, string(to)) }
	})
	other := *clin
	other.Organization, other.Principal, other.Person = "Organization/elsewhere", "PractitionerRole/other", "Practitioner/other"
	patient := s.must(clin, post(`{"resourceType":"Patient","gender":"female"}`)).ID
	params := `{"resourceType":"Parameters","parameter":[{"name":"reason","valueCoding":{"system":"urn:tenon:emergency-reason","code":"life-threat"}},{"name":"text","valueString":"Unconscious, no papers"}]}`
	glass := func() (review string) {
		t.Helper()
		doc, err := tree.Parse([]byte(params))
		if err != nil {
			t.Fatal(err)
		}
		out, err := s.BreakGlass(t.Context(), &other, patient, doc.Root())
		if err != nil {
			t.Fatal(err)
		}
		_, rest, _ := strings.Cut(string(out), `"reference":"Task/`)
		review, _, _ = strings.Cut(rest, `"`)
		return review
	}
	timers := func() (left []dispatch.Message) { // what falls due by now
		t.Helper()
		all, err := s.store.Claim(t.Context(), 100, time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range all {
			if m.Sink == "deadline" {
				left = append(left, m)
			}
		}
		return left
	}
	tasks := func() (roles []string) {
		t.Helper()
		hosp := *clin
		hosp.Roles = []access.Role{access.HOSP}
		page, _, err := s.Search(t.Context(), &hosp, "Task", []search.Param{{Name: "code", Value: "urn:tenon:record|emergency-unreviewed"}}, true)
		if err != nil {
			t.Fatal(err)
		}
		for _, h := range page.Hits {
			var task struct {
				PerformerType []struct{ Coding []struct{ Code string } }
			}
			if err := json.Unmarshal(h.Body, &task); err != nil {
				t.Fatal(err)
			}
			roles = append(roles, task.PerformerType[0].Coding[0].Code)
			if strings.Contains(string(h.Body), patient) || strings.Contains(string(h.Body), "Unconscious") {
				t.Errorf("an escalation names the patient or the reason: %s", h.Body)
			}
		}
		return roles
	}
	deliver := func(m dispatch.Message) {
		t.Helper()
		for range 2 {
			if err := (record.Timers{Recorder: s.Recorder}).Deliver(t.Context(), m); err != nil {
				t.Fatal(err)
			}
		}
	}
	glass()
	now = now.Add(4*time.Hour - time.Second)
	if early := timers(); len(early) != 0 {
		t.Fatalf("timers = %+v before 4 h", early)
	}
	now = now.Add(time.Second)
	first := timers()
	if len(first) != 1 {
		t.Fatalf("timers = %+v, want one after 4 h", first)
	}
	deliver(first[0])
	if got := strings.Join(tasks(), " "); got != "HOSP" || strings.Join(told, " ") != "HOSP" {
		t.Fatalf("after 4 h %q and %v are asked, want HOSP once", got, told)
	}
	_ = s.store.Done(t.Context(), first[0].ID)
	now = now.Add(20*time.Hour - time.Second)
	if early := timers(); len(early) != 0 {
		t.Fatalf("timers = %+v before 24 h", early)
	}
	now = now.Add(time.Second)
	second := timers()
	if len(second) != 1 {
		t.Fatalf("timers = %+v, want another one 24 h after the access", second)
	}
	deliver(second[0])
	if got := strings.Join(told, " "); got != "HOSP ADMIN" || len(tasks()) != 2 || len(timers()) != 0 {
		t.Fatalf("after 24 h %q, %d Tasks, %d timers, want HOSP ADMIN, 2 and none", got, len(tasks()), len(timers()))
	}
	_ = s.store.Done(t.Context(), second[0].ID)
	closed := glass()
	sec := &access.Context{Tenant: "main", Kind: access.Person, Side: access.Hospital, Principal: "PractitionerRole/sec", Person: "Practitioner/sec", Organization: clin.Organization, Roles: []access.Role{access.SEC}}
	outcome, _ := tree.Parse([]byte(`{"resourceType":"Parameters","parameter":[{"name":"outcome","valueCoding":{"system":"urn:tenon:emergency-outcome","code":"justified"}},{"name":"text","valueString":"Treated at once, seen in the log"}]}`))
	if _, err := s.Review(t.Context(), sec, closed, outcome.Root()); err != nil {
		t.Fatal(err)
	}
	now = now.Add(5 * time.Hour)
	third := timers()
	if len(third) != 1 {
		t.Fatalf("timers = %+v, want that of the second access", third)
	}
	deliver(third[0])
	if len(told) != 2 || len(tasks()) != 2 {
		t.Errorf("a reviewed access was escalated: %v, %d Tasks", told, len(tasks()))
	}
	if err := (record.Timers{Recorder: s.Recorder}).Deliver(t.Context(), dispatch.Message{Sink: "deadline", Kind: "emergency", Key: "emergency/" + closed + "/7"}); err == nil {
		t.Error("a step that is none was delivered")
	}
}
