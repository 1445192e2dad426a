package casework_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"tenon/fhir/issue"
	"tenon/fhir/tree"
	"tenon/profiles"
	"tenon/server/access"
	"tenon/server/casework"
)

// raisedGuide is the guide with one floor condition of the agreement made stricter.
func raisedGuide(t *testing.T) func() [][]byte {
	t.Helper()
	var out [][]byte
	changed := false
	for _, body := range profiles.Definitions() {
		if bytes.Contains(body, []byte(`"url": "urn:tenon:plan:agreement"`)) && bytes.Contains(body, []byte(`"PlanDefinition"`)) {
			doc, err := tree.Parse(body)
			if err != nil {
				t.Fatal(err)
			}
			text := doc.Root().Field("action").Index(0).Field("condition").Index(0).Path("expression", "expression").Raw()
			body, changed = bytes.Replace(body, text, append(append([]byte(`"true and (`), text[1:len(text)-1]...), `)"`...), 1), true
		}
		out = append(out, body)
	}
	if !changed {
		t.Fatal("the guide has no agreement")
	}
	return func() [][]byte { return out }
}

// TestRaisedFloor: a guide that raises its floor stops no case that runs on a
// hospital's own plan, opens no new one on it, and says what to do.
func TestRaisedFloor(t *testing.T) {
	own := planText(t, "agreement", `"version": "1.0.0",`, `"version": "own-1",`)
	plan := casework.Resource{Type: "PlanDefinition", ID: "own", Version: 2, Digest: [32]byte{7}, Root: own}
	root, _ := tree.Parse([]byte(`{"resourceType":"Task","id":"root","status":"in-progress","intent":"plan","instantiatesCanonical":"` + own.Field("url").Str() + `|own-1"}`))
	running := &casework.Snapshot{Case: "root", Now: time.Now(), Resources: []casework.Resource{{Type: "Task", ID: "root", Version: 1, Root: root.Root()}}, Directory: []casework.Resource{plan}}
	params, _ := tree.Parse([]byte(`{"resourceType":"Parameters","parameter":[{"name":"case-number","valueString":"N1"}]}`))
	opening := casework.Opening{Plan: plan, Params: params.Root(), Now: time.Now(), Actor: &access.Context{
		Kind: access.Person, Side: access.Hospital, Principal: "PractitionerRole/x", Person: "Practitioner/x", Organization: "Organization/hospital", Roles: []access.Role{access.HOSP}}}
	for name, c := range map[string]struct {
		engine *casework.Engine
		raised bool
	}{"guide": {casework.NewEngine(), false}, "raised": {casework.NewEngineOf(raisedGuide(t)), true}} {
		t.Run("R001-035 a running case under the "+name, func(t *testing.T) {
			if r := c.engine.Report(running); len(r.Stages) == 0 || r.Plan != own.Field("url").Str()+"|own-1" {
				t.Errorf("Report() = %+v, want the stages of the plan that the case pins", r)
			}
			d := c.engine.Decide(running, running, opening.Actor)
			for _, u := range d.Refusal {
				t.Errorf("refused: %+v", u)
			}
		})
		t.Run("R001-035 a new case under the "+name, func(t *testing.T) {
			_, err := c.engine.Open(opening)
			f := issue.As(err)
			if !c.raised {
				if err != nil {
					t.Errorf("Open() = %v", err)
				}
				return
			}
			if f == nil || f.HTTPStatus() != 409 || f.Issues[0].Rule != "plan-floor" || len(f.Issues) < 2 || !strings.Contains(f.Issues[0].Text, "another version") || f.Issues[0].Chinese == "" {
				t.Errorf("Open() = %v, want 409 plan-floor with what is missing and what to do", err)
			}
			if len(c.engine.CheckPlan(own)) == 0 {
				t.Error("CheckPlan() finds nothing")
			}
		})
	}
}

// TestRaisedRetention: what a later guide keeps longer, an older plan keeps as long.
func TestRaisedRetention(t *testing.T) {
	own := planText(t, "agreement", `"version": "1.0.0",`, `"version": "own-1",`)
	var out [][]byte
	for _, body := range profiles.Definitions() {
		if bytes.Contains(body, []byte(`"url": "urn:tenon:plan:agreement"`)) {
			body = bytes.Replace(body, []byte(`{"value": 5, "unit": "a",`), []byte(`{"value": 9, "unit": "a",`), 1)
		}
		out = append(out, body)
	}
	root, _ := tree.Parse([]byte(`{"resourceType":"Task","id":"root","status":"completed","intent":"plan","instantiatesCanonical":"` + own.Field("url").Str() + `|own-1"}`))
	device, _ := tree.Parse([]byte(`{"resourceType":"Device","id":"d","expirationDate":"2020-12-31"}`))
	s := &casework.Snapshot{Case: "root", Resources: []casework.Resource{{Type: "Task", ID: "root", Root: root.Root()}, {Type: "Device", ID: "d", Root: device.Root()}},
		Directory: []casework.Resource{{Type: "PlanDefinition", ID: "own", Root: own}}}
	at := time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)
	if !casework.NewEngine().Retention(s).Due(at) {
		t.Error("R001-166 five years after its validity it is not due")
	}
	raised := casework.NewEngineOf(func() [][]byte { return out }).Retention(s)
	if raised.Due(at) || !raised.Due(at.AddDate(4, 0, 0)) {
		t.Errorf("R001-166 under a guide that keeps nine years: %+v", raised)
	}
}
