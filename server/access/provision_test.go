package access_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"tenon/fhir/tree"
	"tenon/server/access"
)

func consentOf(t *testing.T, text string) tree.Node {
	t.Helper()
	d, err := tree.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return d.Root()
}

const (
	optIn  = `"policyRule":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ActCode","code":"OPTIN"}]}`
	optOut = `"policyRule":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ActCode","code":"OPTOUT"}]}`
	reason = `"purpose":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ActReason","code":"`
)

func actor(ref string) string {
	return `"actor":[{"role":{"text":"x"},"reference":{"reference":"` + ref + `"}}]`
}

// verdictOf is what a form says of the caller: passed, all or in part.
func verdictOf(c *access.Context, w *access.Withholding) string {
	if w == nil {
		return "passed"
	}
	known := &access.Consents{Clock: func() time.Time { return time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC) }}
	known.Know(map[string]*access.Form{w.Form.Hash(): &w.Form})
	c.Consents = known
	u := c.ReachTo(access.Read).(access.AllOf)[1].(access.Unwithheld)
	switch {
	case slices.Contains(u.Passed, w.Form.Hash()):
		return "passed"
	case len(u.Parts) == 1:
		return "part"
	}
	return "all"
}

// TestProvisions: who a Consent withholds something from, by FHIR R4.
func TestProvisions(t *testing.T) {
	clin := func() *access.Context {
		return &access.Context{Kind: access.Person, Principal: "PractitionerRole/a", Person: "Practitioner/a", Organization: "Organization/h", Side: access.Hospital, Roles: []access.Role{access.CLIN}}
	}
	for name, c := range map[string]struct{ text, want string }{
		"no provision":                        {optIn, "passed"},
		"opted out":                           {optOut, "all"},
		"opted out but for another":           {optOut + `,"provision":{"type":"permit",` + actor("Organization/x") + `}`, "all"},
		"opted out but for the caller's":      {optOut + `,"provision":{"type":"permit",` + actor("Organization/h") + `}`, "passed"},
		"a purpose of the case denies nobody": {`"scope":{"coding":[{"code":"treatment"}]},"provision":{"type":"permit",` + actor("CareTeam/t") + `}`, "passed"},
		"a privacy permit is all there is":    {`"scope":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/consentscope","code":"patient-privacy"}]},"provision":{"type":"permit",` + actor("Organization/x") + `}`, "all"},
		"denied to the person":                {optIn + `,"provision":{"type":"deny",` + actor("Practitioner/a") + `}`, "all"},
		"denied to another":                   {optIn + `,"provision":{"type":"deny",` + actor("Practitioner/b") + `}`, "passed"},
		"denied to a group":                   {optIn + `,"provision":{"type":"deny",` + actor("Group/g") + `}`, "all"},
		"a group is no exception":             {optIn + `,"provision":{"type":"deny","provision":[{"type":"permit",` + actor("Group/g") + `}]}`, "all"},
		"denied, the caller excepted":         {optIn + `,"provision":{"type":"deny","provision":[{"type":"permit",` + actor("PractitionerRole/a") + `}]}`, "passed"},
		"of two exceptions one denies": {optIn + `,"provision":{"type":"deny","provision":[{"type":"permit",` + actor("PractitionerRole/a") + `},
			{"type":"deny",` + actor("Organization/h") + `}]}`, "all"},
		"an exception to the exception": {optIn + `,"provision":{"provision":[{"type":"deny",` + actor("Organization/h") + `,"provision":[{"type":"permit",` + actor("Practitioner/a") + `,
			"provision":[{"type":"deny",` + reason + `TREAT"}]}]}]}]}`, "all"},
		"denied to a role":               {optIn + `,"provision":{"type":"deny","actor":[{"role":{"coding":[{"system":"urn:tenon:role","code":"CLIN"}]},"reference":{"reference":"Organization/h"}}]}`, "all"},
		"denied to another role":         {optIn + `,"provision":{"type":"deny","actor":[{"role":{"coding":[{"system":"urn:tenon:role","code":"IMG"}]},"reference":{"reference":"Organization/h"}}]}`, "passed"},
		"denied for research":            {optIn + `,"provision":{"type":"deny",` + reason + `HRESCH"}]}`, "passed"},
		"denied for treatment":           {optIn + `,"provision":{"type":"deny",` + reason + `TREAT"}]}`, "all"},
		"correction is not reading":      {optIn + `,"provision":{"type":"deny","action":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/consentaction","code":"correct"}]}]}`, "passed"},
		"an action that nobody knows":    {optIn + `,"provision":{"type":"deny","action":[{"text":"look"}]}`, "all"},
		"denied while it lasted":         {optIn + `,"provision":{"provision":[{"type":"deny","period":{"end":"2026-05"}}]}`, "passed"},
		"denied to the end of the month": {optIn + `,"provision":{"provision":[{"type":"deny","period":{"end":"2026-06"}}]}`, "all"},
		"of a type":                      {optIn + `,"provision":{"type":"deny","class":[{"system":"http://hl7.org/fhir/resource-types","code":"Observation"}]}`, "part"},
		"of a class that nobody knows":   {optIn + `,"provision":{"type":"deny","class":[{"system":"urn:x","code":"y"}]}`, "all"},
		"of a code":                      {optIn + `,"provision":{"type":"deny","code":[{"coding":[{"system":"http://loinc.org","code":"1-8"}]}]}`, "part"},
		"of a label":                     {optIn + `,"provision":{"type":"deny","securityLabel":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ActCode","code":"PSY"}]}`, "part"},
		"of what it names":               {optIn + `,"provision":{"type":"deny","data":[{"meaning":"instance","reference":{"reference":"Observation/o"}}]}`, "part"},
		"of a time of the data":          {optIn + `,"provision":{"type":"deny","dataPeriod":{"start":"2020"}}`, "all"},
		"a type that is no type":         {optIn + `,"provision":{"type":"allow"}`, "all"},
		"more than is read":              {optIn + `,"provision":{"type":"permit","provision":[` + strings.Repeat(`{"type":"permit"},`, 70) + `{"type":"permit"}]}`, "all"},
		"deeper than is read":            {optIn + `,"provision":` + strings.Repeat(`{"type":"permit","provision":[`, 12) + `{"type":"permit"}` + strings.Repeat(`]}`, 12), "all"},
	} {
		t.Run("R001-150 "+name, func(t *testing.T) {
			root := consentOf(t, `{"resourceType":"Consent","status":"active",`+c.text+`}`)
			if got := verdictOf(clin(), access.Withheld(root)); got != c.want {
				t.Errorf("withheld %s, want %s", got, c.want)
			}
			ended := consentOf(t, `{"resourceType":"Consent","status":"inactive",`+c.text+`}`)
			if access.Withheld(ended) != nil {
				t.Error("an inactive Consent withholds something")
			}
		})
	}
}

// TestEmergencyPassesConsent: what opens a record in an emergency is held up by a
// Consent only where that names the emergency.
func TestEmergencyPassesConsent(t *testing.T) {
	for name, c := range map[string]struct {
		text   string
		passed bool
	}{
		"opted out":                       {optOut, true},
		"denied to all":                   {optIn + `,"provision":{"type":"deny"}`, true},
		"denied for the emergency":        {optIn + `,"provision":{"type":"deny",` + reason + `BTG"}]}`, false},
		"in which more is denied":         {optIn + `,"provision":{"type":"deny",` + reason + `ETREAT"}],"provision":[{"type":"deny",` + actor("Organization/h") + `}]}`, false},
		"and the caller is the exception": {optIn + `,"provision":{"type":"deny",` + reason + `BTG"}],"provision":[{"type":"permit",` + actor("Organization/h") + `}]}`, true},
	} {
		t.Run("R001-150 "+name, func(t *testing.T) {
			w := access.Withheld(consentOf(t, `{"resourceType":"Consent","status":"active",`+c.text+`}`))
			known := &access.Consents{}
			known.Know(map[string]*access.Form{w.Form.Hash(): &w.Form})
			who := &access.Context{Kind: access.Person, Principal: "PractitionerRole/a", Organization: "Organization/h", Side: access.Hospital, Emergency: []string{"Patient/p"}, Consents: known}
			opened := who.ReachTo(access.Read).(access.AnyOf)[1].(access.AllOf)[1].(access.Unwithheld)
			if got := slices.Contains(opened.Passed, w.Form.Hash()); got != c.passed {
				t.Errorf("passes = %v, want %v", got, c.passed)
			}
		})
	}
}

// TestUnknownFormsWithhold: a caller to whom nobody has told the forms passes none.
func TestUnknownFormsWithhold(t *testing.T) {
	u := (&access.Context{Kind: access.Person, Principal: "PractitionerRole/a"}).Reach().(access.AllOf)[1].(access.Unwithheld)
	if len(u.Passed)+len(u.Parts) > 0 {
		t.Errorf("%+v passes forms that it does not know", u)
	}
}

// FuzzWithheld: whatever a Consent says is read without a panic, and its form is
// bounded and named the same each time.
func FuzzWithheld(f *testing.F) {
	f.Add(`{"resourceType":"Consent","status":"active",` + optOut + `}`)
	f.Add(`{"status":"active","provision":{"type":"deny","period":{"start":"x","end":"2026"},"data":[{"reference":{"reference":"A/b/_history/1"}}],"provision":[{"type":"permit"}]}}`)
	f.Fuzz(func(t *testing.T, text string) {
		d, err := tree.Parse([]byte(text))
		if err != nil {
			return
		}
		w := access.Withheld(d.Root())
		if w == nil {
			return
		}
		if again := access.Withheld(d.Root()); again.Form.Hash() != w.Form.Hash() || len(w.Data) > 64*64 {
			t.Errorf("the form of %q is %s and %s", text, w.Form.Hash(), again.Form.Hash())
		}
		verdictOf(&access.Context{Kind: access.Person, Principal: "PractitionerRole/a"}, w)
	})
}
