package access_test

import (
	"testing"

	"tenon/fhir/issue"
	"tenon/server/access"
)

func TestReachWithoutContext(t *testing.T) {
	var nobody *access.Context
	for name, c := range map[string]*access.Context{"nil": nobody, "zero": {}} {
		if got := c.Reach(); got != (access.Nothing{}) {
			t.Errorf("%s: Reach() = %#v, want Nothing", name, got)
		}
	}
}

func TestReach(t *testing.T) {
	everything := func(c *access.Context) bool { return c.Reach() == access.Predicate(access.Everything{}) }
	for kind, want := range map[access.Kind]bool{
		access.Operator: true, access.Server: true,
	} {
		if got := everything(&access.Context{Kind: kind}); got != want {
			t.Errorf("kind %d reaches everything = %v, want %v", kind, got, want)
		}
	}
	for _, kind := range []access.Kind{access.Person, access.Patient, access.System} {
		both, _ := (&access.Context{Kind: kind, Principal: "Patient/1"}).Reach().(access.AllOf)
		if len(both) != 2 {
			t.Fatalf("kind %d: Reach = %#v, want the grounds and what is not withheld", kind, both)
		}
		if _, isAny := both[0].(access.AnyOf); !isAny {
			t.Errorf("kind %d does not have a bounded reach", kind)
		}
	}
}

func TestReachOfRegulator(t *testing.T) {
	every := func(c *access.Context) bool {
		any, _ := c.Reach().(access.AllOf)[0].(access.AnyOf)
		for _, p := range any {
			if _, all := p.(access.AnyCase); all {
				return true
			}
		}
		return false
	}
	for name, c := range map[string]struct {
		side  access.Side
		roles []access.Role
		want  bool
	}{
		"R001-149 a regulator reaches every case":     {access.NoSide, []access.Role{access.REG}, true},
		"R001-149 who is of a hospital is none":       {access.Hospital, []access.Role{access.REG}, false},
		"R001-149 who is of a manufacturer is none":   {access.Manufacturer, []access.Role{access.REG}, false},
		"R001-149 who holds a role that acts is none": {access.NoSide, []access.Role{access.REG, access.QA}, false},
		"an ethics committee does not":                {access.NoSide, []access.Role{access.ETH}, false},
		"nobody does by no role":                      {access.NoSide, nil, false},
	} {
		t.Run(name, func(t *testing.T) {
			if got := every(&access.Context{Kind: access.Person, Principal: "PractitionerRole/r", Organization: "Organization/r", Side: c.side, Roles: c.roles}); got != c.want {
				t.Errorf("reaches every case = %v, want %v", got, c.want)
			}
		})
	}
}

func TestAllow(t *testing.T) {
	clin := &access.Context{Kind: access.Person, Side: access.Hospital, Roles: []access.Role{access.CLIN}}
	des := &access.Context{Kind: access.Person, Side: access.Manufacturer, Roles: []access.Role{access.DES}}
	reg := &access.Context{Kind: access.Person, Side: access.Hospital, Roles: []access.Role{access.REG}}
	pat := &access.Context{Kind: access.Patient}
	mes := &access.Context{Kind: access.System, Roles: []access.Role{access.MES}}
	dev := &access.Context{Kind: access.Operator}
	tests := []struct {
		name string
		c    *access.Context
		v    access.Verb
		typ  string
		want int // status of the refusal, 0 = allowed
	}{
		{"no context", nil, access.Create, "Patient", 401},
		{"clinician creates a patient", clin, access.Create, "Patient", 0},
		{"clinician edits a role", clin, access.Update, "PractitionerRole", 403},
		{"clinician edits the plan", clin, access.Update, "PlanDefinition", 403},
		{"clinician writes an audit event", clin, access.Create, "AuditEvent", 403},
		{"operator writes an audit event", dev, access.Create, "AuditEvent", 403},
		{"operator loads a plan", dev, access.Create, "PlanDefinition", 0},
		{"designer creates a design", des, access.Create, "DocumentReference", 0},
		{"designer writes an order", des, access.Create, "DeviceRequest", 403},
		{"designer edits the patient", des, access.Update, "Patient", 403},
		{"designer writes a consent", des, access.Create, "Consent", 403},
		{"regulator writes", reg, access.Create, "Observation", 403},
		{"patient answers", pat, access.Create, "QuestionnaireResponse", 0},
		{"patient edits an order", pat, access.Update, "DeviceRequest", 403},
		{"patient deletes", pat, access.Delete, "Observation", 403},
		{"machine reports", mes, access.Update, "Task", 0},
		{"machine reads in a design", mes, access.Create, "DocumentReference", 403},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := 0
			if f := issue.As(tt.c.Allow(tt.v, tt.typ)); f != nil {
				got = f.HTTPStatus()
			}
			if got != tt.want {
				t.Errorf("Allow(%v, %s) = %d, want %d", tt.v, tt.typ, got, tt.want)
			}
		})
	}
}
