package access_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"tenon/server/access"
)

// held is a resource as the predicate sees it.
type held struct {
	typ, id, owner, patient string
	level                   access.Level
	withheld                bool
	cases                   []heldCase
}

type heldCase struct {
	id, patient string
	open        map[string]access.Level
}

// meets is the predicate in plain loops.
func (x *held) meets(p access.Predicate) bool {
	switch p := p.(type) {
	case access.Everything:
		return true
	case access.AnyOf:
		return slices.ContainsFunc(p, x.meets)
	case access.AllOf:
		return !slices.ContainsFunc(p, func(one access.Predicate) bool { return !x.meets(one) })
	case access.TypeIn:
		return slices.Contains(p, x.typ)
	case access.OwnedBy:
		loose := len(x.cases) == 0 || (x.typ == "Device" || x.typ == "Substance") && x.patient == ""
		return p.Organization != "" && x.owner == p.Organization && (!p.Loose || loose)
	case access.InCase:
		return slices.ContainsFunc(x.cases, func(c heldCase) bool {
			return slices.ContainsFunc(p.Principals, func(who string) bool { return c.open[who] > 0 && x.level <= c.open[who] })
		})
	case access.AnyCase:
		return len(x.cases) > 0 && x.level <= p.Ceiling
	case access.Is:
		return x.typ == p.Type && x.id == p.ID
	case access.Unwithheld:
		return !x.withheld
	case access.About:
		return x.patient == p.Patient || x.patient == "" && slices.ContainsFunc(x.cases, func(c heldCase) bool { return c.patient == p.Patient })
	}
	return false
}

func (x *held) facts(who *access.Context) *access.Facts {
	f := &access.Facts{Type: x.typ, ID: x.id, Owner: x.owner, Patient: x.patient, Level: x.level}
	for _, c := range x.cases {
		ceiling, open := c.open[who.Principal]
		f.Cases = append(f.Cases, access.CaseFacts{ID: c.id, Open: open, Ceiling: ceiling, Gated: true, Disclosed: open, Consented: true})
	}
	return f
}

// TestExplanationIsTheDecision: what the conjuncts of an explanation amount to is
// what the predicate decides, whoever asks about whatever for any verb.
func TestExplanationIsTheDecision(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 20261123)) //nolint:gosec // the same people each time
	told := map[bool]int{}
	for range 60_000 {
		who, x := someone(r), something(r)
		verb := among(r, access.Create, access.Update, access.Delete, access.Read, access.Search)
		all, err := who.Explain(verb, x.facts(who), func(p access.Predicate) (bool, error) { return x.meets(p), nil })
		if err != nil {
			t.Fatal(err)
		}
		want := x.meets(who.ReachTo(verb))
		told[want]++
		if got := access.Decided(all); got != want {
			t.Fatalf("Explain(%d) of %+v about %+v = %v: %+v, but the predicate says %v", verb, who, x, got, all, want)
		}
	}
	if told[true] < 5000 || told[false] < 5000 {
		t.Errorf("%v decisions: the people and things are too alike to prove anything", told)
	}
}

func among[T any](r *rand.Rand, of ...T) T { return of[r.IntN(len(of))] }

func someone(r *rand.Rand) *access.Context {
	org := among(r, "Organization/h", "Organization/m", "Organization/r")
	c := &access.Context{Tenant: "main", Kind: among(r, access.Person, access.Person, access.Person, access.Patient, access.System, access.Operator, access.Server, access.Nobody),
		Principal: among(r, "PractitionerRole/1", "PractitionerRole/2"), Organization: org, Side: map[string]access.Side{"Organization/h": access.Hospital, "Organization/m": access.Manufacturer}[org]}
	switch c.Kind {
	case access.Person:
		for range 1 + r.IntN(2) {
			c.Roles = append(c.Roles, among(r, access.CLIN, access.DES, access.ETH, access.REG, access.SEC, access.AUD, access.ADMIN, access.HOSP))
		}
		if r.IntN(5) == 0 {
			c.Emergency = []string{among(r, "Patient/1", "Patient/2")}
		}
	case access.Patient:
		c.Principal, c.Organization, c.Side = among(r, "Patient/1", "Patient/2"), "", access.NoSide
	case access.System:
		c.Principal = among(r, "Device/1", org)
	}
	if r.IntN(3) == 0 {
		c.Scopes = &access.Scopes{Client: "app", Patient: among(r, "", "Patient/1", "Patient/2")}
		for range r.IntN(3) {
			whose := among(r, access.UserScope, access.SystemScope, access.PatientScope)
			if c.Scopes.Patient == "" && whose == access.PatientScope {
				whose = access.UserScope
			}
			c.Scopes.List = append(c.Scopes.List, access.Scope{For: whose, Type: among(r, "*", "Patient", "Observation", "Device", "Practitioner"), Verbs: access.Verbs(r.IntN(32))})
		}
	}
	return c
}

func something(r *rand.Rand) *held {
	x := &held{typ: among(r, "Patient", "Observation", "Device", "Practitioner", "Task", "Subscription", "Substance"), id: among(r, "1", "2"),
		owner: among(r, "", "Organization/h", "Organization/m", access.SecurityOf("Organization/h")), patient: among(r, "", "Patient/1", "Patient/2"), level: access.Level(1 + r.IntN(5))}
	x.withheld = r.IntN(6) == 0
	for i := range r.IntN(3) {
		c := heldCase{id: fmt.Sprint(i), patient: among(r, "", "Patient/1", "Patient/2"), open: map[string]access.Level{}}
		for range r.IntN(4) {
			c.open[among(r, "PractitionerRole/1", "PractitionerRole/2", "Patient/1", "Device/1", "Organization/h")] = access.Level(1 + r.IntN(5))
		}
		x.cases = append(x.cases, c)
	}
	return x
}
