package access_test

import (
	"reflect"
	"strings"
	"testing"

	"tenon/fhir/issue"
	"tenon/server/access"
)

// https://hl7.org/fhir/smart-app-launch/STU2.2/scopes-and-launch-context.html#scopes-for-requesting-fhir-resources
func TestParseScope(t *testing.T) {
	for text, want := range map[string]string{
		"patient/Observation.rs":   "patient/Observation.rs",
		"user/*.cruds":             "user/*.cruds",
		"system/*.rs":              "system/*.rs",
		"patient/Patient.r":        "patient/Patient.r",
		"patient/Observation.read": "patient/Observation.rs", // SMART 1.0: read, write, *
		"user/Task.write":          "user/Task.cud",
		"patient/*.*":              "patient/*.cruds",
		"patient/Observation.rs?category=http://terminology.hl7.org/CodeSystem/observation-category|laboratory": "patient/Observation.rs?category=http%3A%2F%2Fterminology.hl7.org%2FCodeSystem%2Fobservation-category%7Claboratory",
		"user/Condition.rs?category=a&code=b": "user/Condition.rs?category=a&code=b",
	} {
		s, err := access.ParseScope(text)
		if err != nil || s.String() != want {
			t.Errorf("ParseScope(%q) = %q, %v, want %q", text, s, err, want)
		}
		if again, err := access.ParseScope(s.String()); err != nil || again.String() != want {
			t.Errorf("ParseScope(%q) = %q, %v: the text of a scope does not read as itself", s, again, err)
		}
	}
}

// Attack 26: another spelling is another scope, which is none.
func TestParseScopeRefuses(t *testing.T) {
	for _, text := range []string{
		"", "openid", "launch/patient", "patient", "patient/", "patient/Observation", "patient/Observation.",
		"Patient/Observation.rs", "PATIENT/Observation.rs", "patient%2fObservation.rs", "patient%2FObservation.rs", "patient/%4fbservation.rs",
		"patient/observation.rs", "patient/Observation.sr", "patient/Observation.rr", "patient/Observation.RS", "patient/Observation.rsx", "patient/Observation.read.write",
		"patient//Observation.rs", "patient/Observation/1.rs", "patient/Observation.rs?", "patient/Observation.rs?category", "patient/Observation.rs?=x", "patient/Observation.rs?category=",
		"patient/Observation.read?category=x", "patient/*.rs?category=x",
		"patient/Observation.rs?category:not=x", "patient/Observation.rs?subject.name=x", "patient/Observation.rs?_has:Provenance:target:agent=x", "patient/Observation.rs?_filter=x", "patient/Observation.rs?_id=x",
		"patient/Observation.rs?category=%zz", "system/../user/*.rs", "user/*.rs ", "patient/Observation.rs?" + strings.Repeat("a=b&", 8) + "a=b",
		"patient/" + strings.Repeat("O", 600) + ".rs",
	} {
		if s, err := access.ParseScope(text); err == nil {
			t.Errorf("ParseScope(%q) = %q, want an error", text, s)
		}
	}
}

func FuzzParseScope(f *testing.F) {
	for _, s := range []string{"patient/Observation.rs?category=a|b&code=c", "user/*.*", "system/Task.cruds", "patient/Observation.sr"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s, err := access.ParseScope(text)
		if err != nil {
			return
		}
		again, err := access.ParseScope(s.String())
		if len(s.String()) <= 512 && (err != nil || again.String() != s.String() || again.Verbs != s.Verbs) {
			t.Errorf("ParseScope(%q) = %q, which reads as %q, %v", text, s, again, err)
		}
	})
}

// app is a clinician with an app between; no scopes are no rights.
func app(scopes ...string) *access.Context {
	c := &access.Context{Kind: access.Person, Side: access.Hospital, Principal: "PractitionerRole/p", Organization: "Organization/h",
		Roles: []access.Role{access.CLIN, access.ADMIN}, Scopes: &access.Scopes{Patient: "Patient/a", Client: "app"}}
	for _, text := range scopes {
		s, err := access.ParseScope(text)
		if err != nil {
			panic(err)
		}
		c.Scopes.List = append(c.Scopes.List, s)
	}
	return c
}

func status(err error) int {
	if f := issue.As(err); f != nil {
		return f.HTTPStatus()
	}
	return 0
}

func TestPermit(t *testing.T) {
	all := []access.Verb{access.Create, access.Read, access.Update, access.Delete, access.Search}
	for _, tt := range []struct {
		scopes []string
		typ    string
		want   string // the letters that are permitted
	}{
		{nil, "Observation", ""},
		{[]string{"patient/Observation.rs"}, "Observation", "rs"},
		{[]string{"patient/Observation.rs"}, "Patient", ""},
		{[]string{"patient/Observation.r", "user/Observation.c"}, "Observation", "cr"},
		{[]string{"user/*.cruds"}, "Device", "cruds"},
		{[]string{"patient/*.read"}, "", "rs"},
		{[]string{"patient/Observation.s"}, "", "s"},
	} {
		c, got := app(tt.scopes...), ""
		for i, v := range all {
			if err := c.Permit(v, tt.typ); err == nil {
				got += "cruds"[i : i+1]
			} else if status(err) != 403 || issue.As(err).Issues[0].Rule != access.InsufficientScope {
				t.Errorf("Permit = %v, want 403 insufficient-scope", err)
			}
		}
		if got != tt.want {
			t.Errorf("%v permits %q of %s, want %q", tt.scopes, got, tt.typ, tt.want)
		}
	}
	for _, v := range all {
		if err := (&access.Context{Kind: access.Person}).Permit(v, "Patient"); err != nil {
			t.Errorf("without an app: %v", err)
		}
	}
	if err := (*access.Context)(nil).Permit(access.Read, "Patient"); status(err) != 401 {
		t.Errorf("without a context: %v, want 401", err)
	}
}

func TestScopesNeverAdd(t *testing.T) {
	for _, tt := range []struct {
		name   string
		c      *access.Context
		v      access.Verb
		typ    string
		status int
	}{
		{"within", app("user/Observation.cu"), access.Create, "Observation", 0},
		{"verb that is not granted", app("user/Observation.r"), access.Create, "Observation", 403},
		{"an administrator's app edits no roles", app("user/*.cruds"), access.Update, "PractitionerRole", 403},
		{"an administrator's app edits no plans", app("user/*.cruds"), access.Create, "PlanDefinition", 403},
		{"a subscription, which keeps the scopes", app("user/*.cruds"), access.Create, "Subscription", 0},
		{"a subscription without a scope for it", app("user/Observation.cruds"), access.Create, "Subscription", 403},
		{"audit", app("user/*.cruds"), access.Create, "AuditEvent", 403},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := status(tt.c.Allow(tt.v, tt.typ)); got != tt.status {
				t.Errorf("Allow = %d, want %d", got, tt.status)
			}
		})
	}
	if app("user/*.cruds").Has(access.ADMIN) {
		t.Error("an app has the role of the administrator")
	}
}

func TestConfine(t *testing.T) {
	for _, tt := range []struct {
		scopes []string
		about  string
		status int
	}{
		{[]string{"patient/Observation.c"}, "Patient/a", 0},
		{[]string{"patient/Observation.c"}, "Patient/b", 403},
		{[]string{"patient/Observation.c"}, "", 403},
		{[]string{"user/Observation.c"}, "Patient/b", 0},
		{[]string{"user/Observation.r", "patient/Observation.c"}, "Patient/b", 403}, // a wide scope for one verb widens no other
		{[]string{"user/Observation.c?category=x"}, "Patient/a", 403},               // what a condition leaves cannot be told of what is not stored
	} {
		if got := status(app(tt.scopes...).Confine(access.Create, "Observation", tt.about)); got != tt.status {
			t.Errorf("%v writes about %q: %d, want %d", tt.scopes, tt.about, got, tt.status)
		}
	}
	none := app("patient/Observation.c")
	none.Scopes.Patient = ""
	if got := status(none.Confine(access.Create, "Observation", "")); got != 403 {
		t.Errorf("without a patient in context: %d, want 403", got)
	}
}

func TestPermitAll(t *testing.T) {
	for scope, want := range map[string]int{"user/*.r": 0, "user/*.rs": 0, "system/*.cruds": 0, "user/*.s": 403, "patient/*.rs": 403, "user/Task.rs": 403} {
		if got := status(app(scope).PermitAll(access.Read)); got != want {
			t.Errorf("%s: %d, want %d", scope, got, want)
		}
	}
	if status(app("user/*.cruds").NoApp()) != 403 || status((&access.Context{Kind: access.Person}).NoApp()) != 0 {
		t.Error("NoApp does not tell an app from none")
	}
}

func TestReachOfApps(t *testing.T) {
	own := (&access.Context{Kind: access.Person, Side: access.Hospital, Principal: "PractitionerRole/p", Organization: "Organization/h"}).Reach()
	both, ok := app("user/*.rs").Reach().(access.AllOf)
	if !ok || len(both) != 2 {
		t.Fatalf("Reach = %#v, want what is reached and what is granted", both)
	}
	if !reflect.DeepEqual(both[0].(access.AllOf)[0], own.(access.AllOf)[0]) {
		t.Errorf("the first part is %#v, want the own reach", both[0])
	}
	if got := app("user/*.s").Reach().(access.AllOf)[1].(access.AnyOf); len(got) != 0 {
		t.Errorf("a scope to search reads %#v", got)
	}
	if got := app("user/*.s").ReachTo(access.Search).(access.AllOf)[1].(access.AnyOf); len(got) != 1 {
		t.Errorf("a scope to search finds %#v", got)
	}
	var nobody *access.Context
	if nobody.ReachTo(access.Search) != (access.Nothing{}) || nobody.ReachNamed() != (access.Nothing{}) {
		t.Error("nobody reaches something")
	}
}
