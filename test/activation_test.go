package test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"tenon/profiles"
	"tenon/server/access"
	writing "tenon/server/record"
	"tenon/test/servertest"
)

// A hospital's own plan comes into force by two persons (design law 3), on both
// engines: what they sign, who they are, and what stays out of force.

var theOperator = &access.Context{Tenant: "main", Kind: access.Operator, Principal: "operator"}

// employ puts a person in a role on file, with a signing key: the secret is
// "secret of <role id>".
func (h *house) employ(role, person, organization string, codes ...string) {
	h.t.Helper()
	var code []string
	for _, c := range codes {
		code = append(code, fmt.Sprintf(`{"coding":[{"system":"urn:tenon:role","code":%q}]}`, c))
	}
	_, err := h.App.Recorder.Submit(h.t.Context(), theOperator, &writing.Draft{Door: "cli", Operation: "update", Ops: []writing.Op{
		{Method: "PUT", Type: "Practitioner", ID: person, Body: fmt.Appendf(nil, `{"resourceType":"Practitioner","id":%q,"active":true,"name":[{"text":"人"}]}`, person)},
		{Method: "PUT", Type: "PractitionerRole", ID: role, Body: fmt.Appendf(nil, `{"resourceType":"PractitionerRole","id":%q,"active":true,"practitioner":{"reference":"Practitioner/%s"},
			"organization":{"reference":"Organization/%s"},"code":[%s]}`, role, person, organization, strings.Join(code, ","))},
	}})
	if err != nil {
		h.t.Fatal(err)
	}
	if err := h.App.IssueSigner(h.t.Context(), "PractitionerRole/"+role, "secret of "+role); err != nil {
		h.t.Fatal(err)
	}
}

// ownPlan is the implant plan as a hospital's own: a draft of another version, with
// one condition more, and what a test changes.
func ownPlan(t testing.TB, version, rule string, changes ...func(p map[string]any)) string {
	t.Helper()
	for _, body := range profiles.Definitions() {
		var p map[string]any
		if err := json.Unmarshal(body, &p); err != nil {
			t.Fatal(err)
		}
		if p["resourceType"] != "PlanDefinition" || p["id"] != "implant" {
			continue
		}
		delete(p, "id")
		p["version"], p["status"] = version, "draft"
		first := p["action"].([]any)[0].(map[string]any)
		first["condition"] = append(first["condition"].([]any), json.RawMessage(`{"extension":[{"url":"urn:tenon:extension:clause","valueString":"R001-035"}],"kind":"stop",
			"expression":{"name":"`+rule+`","language":"text/fhirpath","expression":"CareTeam.participant.count() >= 3","description":"Three people at least act in a case.",
			"_description":{"extension":[{"url":"http://hl7.org/fhir/StructureDefinition/translation","extension":[{"url":"lang","valueCode":"zh"},{"url":"content","valueString":"团队至少三人。"}]}]}}}`))
		for _, change := range changes {
			change(p)
		}
		own, err := json.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		return string(own)
	}
	t.Fatal("no plan")
	return ""
}

// staffed are the people of the hospital and of another one.
func (h *house) staffed() {
	h.t.Helper()
	_, err := h.App.Recorder.Submit(h.t.Context(), theOperator, &writing.Draft{Door: "cli", Operation: "update", Ops: []writing.Op{
		{Method: "PUT", Type: "Organization", ID: "clinic", Body: []byte(`{"resourceType":"Organization","id":"clinic","active":true,"name":"另一医院","type":[{"coding":[{"system":"urn:tenon:side","code":"hospital"}]}]}`)}}})
	if err != nil {
		h.t.Fatal(err)
	}
	h.employ("adm-he", "he", "hospital", "ADMIN")
	h.employ("qa-lin", "lin", "hospital", "QA")
	h.employ("adm-lin", "lin", "hospital", "ADMIN") // the same person
	h.employ("both-sun", "sun", "hospital", "ADMIN", "QA")
	h.employ("adm-far", "far", "clinic", "ADMIN")
	h.employ("qa-far", "farther", "clinic", "QA")
	h.employ("clin-far", "farthest", "clinic", "CLIN")
	for _, id := range []string{"clin-wang", "qa-wu"} {
		if err := h.App.IssueSigner(h.t.Context(), "PractitionerRole/"+id, "secret of "+id); err != nil {
			h.t.Fatal(err)
		}
	}
}

// activates signs a plan for its activation and takes that status, and a refusal
// that names the rule.
func (h *house) activates(status int, rule, who, role, plan string, more ...string) *servertest.Answer {
	h.t.Helper()
	parameters := append([]string{fmt.Sprintf(`{"name":"role","valueCode":%q},{"name":"purpose","valueCode":"plan-activation"},{"name":"secret","valueString":"secret of %s"}`, role, who)}, more...)
	a := h.Send(h.t, servertest.Request{Token: h.as(who), Method: "POST", Path: "/fhir/" + plan + "/$sign",
		Body: []byte(`{"resourceType":"Parameters","parameter":[` + strings.Join(parameters, ",") + `]}`)})
	if a.Status != status || !strings.Contains(string(a.Body), rule) {
		h.t.Fatalf("%s signs %s as %s = %d %.600s, want %d %s", who, plan, role, a.Status, a.Body, status, rule)
	}
	return a
}

func (h *house) applies(status int, rule, who, plan string) *servertest.Answer {
	h.t.Helper()
	token := h.as(who)
	patient := h.Create(h.t, token, `{"resourceType":"Patient","name":[{"text":"张三"}],"gender":"male","birthDate":"1980-05-17"}`)
	a := h.Send(h.t, servertest.Request{Token: token, Method: "POST", Path: "/fhir/" + plan + "/$apply", Body: fmt.Appendf(nil,
		`{"resourceType":"Parameters","parameter":[{"name":"subject","valueReference":{"reference":%q}},{"name":"case-number","valueString":%q},
		{"name":"retained-samples","valueInteger":2},{"name":"followup-visits","valueInteger":2},
		{"name":"followup-duration","valueDuration":{"value":12,"unit":"mo","system":"http://unitsofmeasure.org","code":"mo"}},
		{"name":"image-age","valueDuration":{"value":90,"unit":"d","system":"http://unitsofmeasure.org","code":"d"}}]}`, patient, "N-"+patient)})
	if a.Status != status || !strings.Contains(string(a.Body), rule) {
		h.t.Fatalf("%s/$apply by %s = %d %.600s, want %d %s", plan, who, a.Status, a.Body, status, rule)
	}
	return a
}

// writes sends a plan and takes that status, and a refusal that names the rule.
func (h *house) writes(status int, rule, who, method, target, body string) *servertest.Answer {
	h.t.Helper()
	a := h.Send(h.t, servertest.Request{Token: h.as(who), Method: method, Path: "/fhir/" + target, Body: []byte(body)})
	if a.Status != status || !strings.Contains(string(a.Body), rule) {
		h.t.Fatalf("%s %s by %s = %d %.600s, want %d %s", method, target, who, a.Status, a.Body, status, rule)
	}
	return a
}

// remade is a resource with its id and other members changed.
func remade(t testing.TB, body, id string, members ...string) string {
	t.Helper()
	var p map[string]json.RawMessage
	if err := json.Unmarshal([]byte(body), &p); err != nil {
		t.Fatal(err)
	}
	p["id"] = json.RawMessage(fmt.Sprintf("%q", id))
	for i := 0; i < len(members); i += 2 {
		p[members[i]] = json.RawMessage(fmt.Sprintf("%q", members[i+1]))
	}
	out, _ := json.Marshal(p)
	return string(out)
}

// stageOf is the Task of a stage, by $case.
func (h *house) stageOf(root, code string) string {
	h.t.Helper()
	a := h.Expect(h.t, 200, servertest.Request{Token: h.as("clin-wang"), Path: "/fhir/" + root + "/$case"})
	for name, parts := range eachParameter(h.t, a.Body) {
		if name == "stage" && parts["code"] == code {
			return parts["task"]
		}
	}
	h.t.Fatalf("$case knows no stage %s", code)
	return ""
}

func (h *house) statusOf(ref string) string {
	h.t.Helper()
	var r struct{ Status string }
	a := h.Expect(h.t, 200, servertest.Request{Token: h.as("clin-wang"), Path: "/fhir/" + ref})
	if err := json.Unmarshal(a.Body, &r); err != nil {
		h.t.Fatal(err)
	}
	return r.Status
}

func TestOwnPlanIsActivatedByTwo(t *testing.T) {
	t.Parallel()
	onBothEngines(t, func(t *testing.T, h *house) {
		h.staffed()
		body := ownPlan(t, "own-1", "three-people")
		t.Run("R001-035 nobody writes a plan that is in force", func(t *testing.T) {
			for _, status := range []string{"active", "retired", "unknown"} {
				h.writes(409, "plan-activation", "adm-he", "POST", "PlanDefinition", strings.Replace(body, `"status":"draft"`, `"status":"`+status+`"`, 1))
			}
			h.writes(403, "role-lacks-verb", "clin-wang", "POST", "PlanDefinition", body)
			h.writes(409, "plan-version", "adm-he", "POST", "PlanDefinition", ownPlan(t, "1.0.0", "three-people"))
			h.writes(409, "plan-of-guide", "adm-he", "PUT", "PlanDefinition/implant", remade(t, body, "implant"))
			h.writes(409, "plan-of-guide", "adm-he", "DELETE", "PlanDefinition/implant", "")
		})
		plan := h.writes(201, "", "adm-he", "POST", "PlanDefinition", body).Ref()
		id := strings.TrimPrefix(plan, "PlanDefinition/")
		t.Run("R001-035 a draft opens no case", func(t *testing.T) { h.applies(409, "plan-activation", "clin-wang", plan) })
		t.Run("R001-035 who may not sign", func(t *testing.T) {
			h.activates(403, "activation-role", "clin-wang", "CLIN", plan)
			h.activates(403, "activation-role", "clin-wang", "QA", plan)
			h.activates(403, "activation-role", "qa-lin", "ADMIN", plan)
			h.activates(403, "activation-organisation", "qa-wu", "QA", plan) // the manufacturer's
			h.activates(403, "activation-organisation", "qa-far", "QA", plan)
			h.activates(403, "activation-organisation", "adm-far", "ADMIN", plan)
			h.activates(403, "activation-own", "adm-he", "ADMIN", "PlanDefinition/implant")
			h.activates(400, "sign-parameter", "adm-he", "ADMIN", plan, text("condition", "x"))
			h.activates(400, "sign-parameter", "adm-he", "ADMIN", plan, `{"name":"outcome","valueCode":"conform"}`)
		})
		t.Run("R001-035 one person twice", func(t *testing.T) {
			h.activates(201, "", "qa-lin", "QA", plan)
			h.activates(403, "two-persons", "qa-lin", "QA", plan)
			h.activates(403, "two-persons", "adm-lin", "ADMIN", plan) // by the other role
			h.activates(403, "activation-twice", "both-sun", "QA", plan)
			h.applies(409, "ADMIN", "clin-wang", plan)
		})
		t.Run("R001-035 a change after the first signature voids it", func(t *testing.T) {
			body = ownPlan(t, "own-1", "three-persons")
			h.writes(200, "", "adm-he", "PUT", plan, remade(t, body, id))
			h.activates(201, "", "both-sun", "ADMIN", plan)
			h.activates(403, "two-persons", "both-sun", "QA", plan)
			if got := h.statusOf(plan); got != "draft" {
				t.Errorf("the plan is %s by one signature over its version", got)
			}
			h.applies(409, "QA", "clin-wang", plan)
			h.activates(412, "sign-version", "qa-lin", "QA", plan, text("version", "1"))
		})
		t.Run("R001-035 a refusal to sign is no signature", func(t *testing.T) {
			h.activates(201, "", "qa-lin", "QA", plan, `{"name":"outcome","valueCode":"refused"},{"name":"comment","valueString":"not yet"}`)
			h.applies(409, "QA", "clin-wang", plan)
		})
		var root string
		t.Run("R001-035 two persons put it in force", func(t *testing.T) {
			h.activates(201, "", "qa-lin", "QA", plan)
			if got := h.statusOf(plan); got != "active" {
				t.Fatalf("the plan is %s, want active", got)
			}
			root = h.applies(201, "urn:tenon:plan:implant|own-1", "clin-wang", plan).Ref()
			h.activates(403, "activation-draft", "adm-he", "ADMIN", plan)
		})
		t.Run("R001-035 it is the hospital's own", func(t *testing.T) { h.applies(403, "plan-organisation", "clin-far", plan) })
		t.Run("R001-035 what is in force stays as it is", func(t *testing.T) {
			h.writes(409, "plan-sealed", "adm-he", "PUT", plan, remade(t, ownPlan(t, "own-1", "nobody"), id))
			h.writes(409, "plan-sealed", "adm-he", "PUT", plan, remade(t, ownPlan(t, "own-1", "nobody"), id, "status", "active"))
			h.writes(409, "plan-sealed", "adm-he", "PUT", plan, remade(t, body, id))
			h.writes(409, "plan-sealed", "adm-he", "DELETE", plan, "")
			h.writes(409, "plan-activation", "adm-he", "PUT", plan, remade(t, ownPlan(t, "own-2", "nobody"), id, "status", "active"))
		})
		t.Run("R001-035 a running case stays on its version", func(t *testing.T) {
			h.writes(200, "", "adm-he", "PUT", plan, remade(t, ownPlan(t, "own-2", "another-rule"), id))
			h.applies(409, "plan-activation", "clin-wang", plan)
			h.activates(201, "", "adm-he", "ADMIN", plan)
			h.activates(201, "", "qa-lin", "QA", plan)
			next := h.applies(201, "own-2", "clin-wang", plan).Ref()
			for at, want := range map[string]string{root: "three-persons", next: "another-rule"} {
				wang := h.as("clin-wang")
				for _, step := range [][2]string{{"received", "received"}, {"accepted", "accepted"}, {"in-progress", "working"}} {
					h.move(wang, h.stageOf(at, "S01"), "clin-wang", step[0], step[1], 200)
				}
				got := string(h.Expect(t, 200, servertest.Request{Token: wang, Path: "/fhir/" + at + "/$case"}).Body)
				if !strings.Contains(got, `"`+want+`"`) || strings.Contains(got, "three-persons") && strings.Contains(got, "another-rule") {
					t.Errorf("%s does not run on the rules of %s alone", at, want)
				}
			}
		})
		t.Run("R001-035 a number is given once", func(t *testing.T) {
			for _, version := range []string{"own-1", "own-2"} {
				twin := h.writes(201, "", "adm-far", "POST", "PlanDefinition", ownPlan(t, version, "hijacked")).Ref()
				h.activates(409, "plan-version", "adm-far", "ADMIN", twin)
			}
		})
		t.Run("R001-035 retired, it opens no case", func(t *testing.T) {
			h.writes(200, "", "adm-he", "PUT", plan, remade(t, ownPlan(t, "own-2", "another-rule"), id, "status", "retired"))
			h.applies(409, "plan-activation", "clin-wang", plan)
			h.writes(409, "plan-sealed", "adm-he", "PUT", plan, remade(t, ownPlan(t, "own-2", "another-rule"), id, "status", "active"))
			h.Expect(t, 200, servertest.Request{Token: h.as("clin-wang"), Path: "/fhir/" + root + "/$case"})
		})
	})
}

// TestActivationOfAFaultyPlan: server and `tenon plan check` say the same of what
// loosens the floor or is no sound plan.
func TestActivationOfAFaultyPlan(t *testing.T) {
	t.Parallel()
	onBothEngines(t, func(t *testing.T, h *house) {
		h.staffed()
		action := func(p map[string]any, i int) map[string]any { return p["action"].([]any)[i].(map[string]any) }
		for name, loosen := range map[string]func(p map[string]any){
			"R001-035 a condition of the floor dropped": func(p map[string]any) { action(p, 0)["condition"] = action(p, 0)["condition"].([]any)[1:] },
			"R001-035 a stage dropped":                  func(p map[string]any) { p["action"] = p["action"].([]any)[:19] },
			"R001-005 a stage moved by more roles": func(p map[string]any) {
				action(p, 6)["participant"] = append(action(p, 6)["participant"].([]any), json.RawMessage(`{"type":"practitioner","role":{"coding":[{"system":"urn:tenon:role","code":"LOG"}]}}`))
			},
			"R001-021 a qualification dropped": func(p map[string]any) {
				for _, e := range p["extension"].([]any) {
					if x := e.(map[string]any); x["url"] == "urn:tenon:extension:role" {
						x["extension"] = x["extension"].([]any)[:1]
					}
				}
			},
			"R001-035 a plan after none": func(p map[string]any) { p["url"] = "urn:own:plan" },
			"R001-035 no sound plan":     func(p map[string]any) { delete(action(p, 3), "timingDuration") },
		} {
			t.Run(name, func(t *testing.T) {
				body := ownPlan(t, "loose", "three-people", loosen)
				plan := h.writes(201, "", "adm-he", "POST", "PlanDefinition", body).Ref()
				a := h.activates(422, "plan", "adm-he", "ADMIN", plan)
				h.applies(409, "plan-activation", "clin-wang", plan)
				file := filepath.Join(t.TempDir(), "plan.json")
				if err := os.WriteFile(file, []byte(body), 0o600); err != nil {
					t.Fatal(err)
				}
				said, _ := exec.CommandContext(t.Context(), binary(t), "plan", "check", file).CombinedOutput()
				var told struct {
					Issue []struct{ Details struct{ Text string } }
				}
				if err := json.Unmarshal(a.Body, &told); err != nil || len(told.Issue) == 0 {
					t.Fatalf("%v: %s", err, a.Body)
				}
				for _, i := range told.Issue {
					if !bytes.Contains(said, []byte(i.Details.Text)) {
						t.Errorf("the server says %q, tenon plan check says\n%.2000s", i.Details.Text, said)
					}
				}
			})
		}
	})
}

// TestOperatorsPlan: a plan that the operator wrote is the hospital's that it names.
func TestOperatorsPlan(t *testing.T) {
	t.Parallel()
	onBothEngines(t, func(t *testing.T, h *house) {
		h.staffed()
		owned := func(by string) func(p map[string]any) {
			return func(p map[string]any) {
				p["extension"] = append(p["extension"].([]any), map[string]any{"url": "urn:tenon:extension:plan-owner", "valueReference": map[string]any{"reference": "Organization/" + by}})
			}
		}
		posted := func(id, body string) string {
			_, err := h.App.Recorder.Submit(t.Context(), theOperator, &writing.Draft{Door: "cli", Operation: "update", Ops: []writing.Op{
				{Method: "PUT", Type: "PlanDefinition", ID: id, Body: []byte(remade(t, body, id))}}})
			if err != nil {
				t.Fatal(err)
			}
			return "PlanDefinition/" + id
		}
		t.Run("R001-035 one that names nobody", func(t *testing.T) {
			plan := posted("nobodys", ownPlan(t, "op-0", "three-people"))
			h.activates(403, "activation-owner", "adm-he", "ADMIN", plan)
			h.applies(403, "plan-organisation", "clin-wang", plan)
		})
		t.Run("R001-035 one that names a hospital", func(t *testing.T) {
			plan := posted("operators", ownPlan(t, "op-1", "three-people", owned("hospital")))
			h.activates(403, "activation-organisation", "adm-far", "ADMIN", plan)
			h.activates(201, "", "adm-lin", "ADMIN", plan)
			h.activates(403, "two-persons", "qa-lin", "QA", plan)
			h.applies(409, "plan-activation", "clin-wang", plan)
			h.activates(201, "", "both-sun", "QA", plan)
			if got := h.statusOf(plan); got != "active" {
				t.Fatalf("signed by two, the plan is %s", got)
			}
			h.applies(201, "op-1", "clin-wang", plan)
			h.applies(403, "plan-organisation", "clin-far", plan)
		})
		t.Run("R001-035 a hospital's own names no other", func(t *testing.T) {
			h.writes(409, "plan-owner", "adm-far", "POST", "PlanDefinition", ownPlan(t, "op-2", "three-people", owned("hospital")))
			h.writes(201, "", "adm-far", "POST", "PlanDefinition", ownPlan(t, "op-2", "three-people", owned("clinic")))
		})
	})
}

// TestActivationAtTheSameMoment: two who sign at once put the plan in force; none of
// both waits for the other for ever.
func TestActivationAtTheSameMoment(t *testing.T) {
	t.Parallel()
	onBothEngines(t, func(t *testing.T, h *house) {
		h.staffed()
		for i := range 3 {
			plan := h.writes(201, "", "adm-he", "POST", "PlanDefinition", ownPlan(t, fmt.Sprintf("own-%d", i), "three-people")).Ref()
			var wg sync.WaitGroup
			for who, role := range map[string]string{"adm-he": "ADMIN", "qa-lin": "QA"} {
				wg.Go(func() {
					a, err := h.Try(t.Context(), servertest.Request{Token: h.as(who), Method: "POST", Path: "/fhir/" + plan + "/$sign", Body: fmt.Appendf(nil,
						`{"resourceType":"Parameters","parameter":[{"name":"role","valueCode":%q},{"name":"purpose","valueCode":"plan-activation"},{"name":"secret","valueString":"secret of %s"}]}`, role, who)})
					if err != nil || a.Status != 201 {
						t.Errorf("%s signs = %v %v", who, a, err)
					}
				})
			}
			wg.Wait()
			if got := h.statusOf(plan); got != "active" {
				t.Errorf("after both signed, the plan is %s", got)
			}
		}
	})
}
