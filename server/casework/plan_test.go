package casework_test

import (
	"encoding/json"
	"strings"
	"testing"

	"tenon/fhir/issue"
	"tenon/fhir/tree"
	"tenon/profiles"
	"tenon/server/access"
	"tenon/server/casework"
)

func TestEmbeddedPlansCompile(t *testing.T) {
	stages := map[string]int{"implant": 20, "agreement": 1}
	for id, want := range stages {
		p, err := casework.CompilePlan(definition(t, id).Root)
		if err != nil {
			t.Fatalf("CompilePlan(%s) = %v", id, err)
		}
		if len(p.Stages) != want {
			t.Errorf("CompilePlan(%s) has %d stages, want %d", id, len(p.Stages), want)
		}
	}
}

// TestEveryGateHasRows holds the plan against the gate table of stages.md §5.
func TestEveryGateHasRows(t *testing.T) {
	p := plan(t)
	for gate, status := range map[string]int{
		"G-CONSENT": 409, "G-DISCLOSE": 403, "G-ORDER": 422, "G-INPUT": 422, "G-OUTPUT": 422, "G-VERIFY": 422, "G-CONFIRM": 422,
		"G-PRODUCE": 409, "G-RELEASE": 422, "G-RECEIVE": 422, "G-JUDGE": 422, "G-ACCEPT": 422, "G-USE": 409, "G-CLOSE": 422,
	} {
		g, rows := p.Gate(gate), 0
		for _, s := range p.Stages {
			for _, c := range s.Conditions {
				if c.Gate == gate {
					rows++
				}
			}
		}
		if g == nil || g.Status != status || rows < 3 {
			t.Errorf("%s = %v with %d conditions, want status %d and at least 3", gate, g, rows, status)
		}
	}
}

// planWith is the implant plan with one change.
func planWith(t testing.TB, change func(p obj)) tree.Node {
	t.Helper()
	for _, body := range profiles.Definitions() {
		var p obj
		if err := json.Unmarshal(body, &p); err != nil {
			t.Fatal(err)
		}
		if p["resourceType"] != "PlanDefinition" || p["id"] != "implant" {
			continue
		}
		change(p)
		changed, err := json.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		return resource(changed, 1).Root
	}
	t.Fatal("no plan")
	return tree.Node{}
}

// action is a stage of a plan as JSON.
func action(p obj, id string) obj {
	for _, a := range p["action"].([]any) {
		if a.(obj)["id"] == id {
			return a.(obj)
		}
	}
	return nil
}

// expression changes the expression of a condition.
func expression(stage, id, text string) func(p obj) {
	return func(p obj) {
		for _, c := range action(p, stage)["condition"].([]any) {
			if e := c.(obj)["expression"].(obj); e["name"] == id {
				e["expression"] = text
			}
		}
	}
}

func TestPlansRefused(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(p obj)
		want   string
	}{
		{"unknown predicate", expression("S10", "form-dated", "formIsDated()"), "form-dated"},
		{"predicate with too few arguments", expression("S10", "form-dated", "output('S10')"), "form-dated"},
		{"predicate with an argument of another type", expression("S10", "form-dated", "completed(5)"), "form-dated"},
		{"expression that does not parse", expression("S10", "form-dated", "Composition.where("), "form-dated"},
		{"expression that is no boolean", expression("S10", "form-dated", "1 + 1"), "not a boolean"},
		{"unknown stage in an expression", expression("S10", "form-dated", "completed('S99')"), `"S99"`},
		{"unknown document in an expression", expression("S10", "form-dated", "output('S10','poem').exists()"), `"poem"`},
		{"unknown input in an expression", expression("S11", "machine-validated", "input('S11','device').exists()"), `"device"`},
		{"unknown role in an expression", expression("S10", "form-dated", "output('S10','confirmation-form').signed('CHEF','order')"), `"CHEF"`},
		{"unknown setting in an expression", expression("S17", "image-age", "ImagingStudy.youngerThan('age')"), `"age"`},
		{"unknown variable", expression("S17", "right-hospital", "Device.owner.reference = %clinic"), "clinic"},
		{"unknown owner", func(p obj) { action(p, "S10")["extension"].([]any)[0].(obj)["valueCode"] = "CHEF" }, `"CHEF"`},
		{"unknown participant", func(p obj) {
			action(p, "S10")["participant"] = arr{obj{"type": "practitioner", "role": concept("urn:tenon:role", "CHEF")}}
		}, `"CHEF"`},
		{"unknown document type", func(p obj) { action(p, "S10")["output"].([]any)[0].(obj)["type"] = "Poem" }, "Poem"},
		{"unknown stage before", func(p obj) { action(p, "S10")["relatedAction"].([]any)[0].(obj)["actionId"] = "S99" }, `"S99"`},
		{"cycle", func(p obj) {
			action(p, "S07")["relatedAction"] = arr{obj{"actionId": "S10", "relationship": "after-end"}}
		}, "cycle"},
		{"stage that waits for itself", func(p obj) {
			action(p, "S07")["relatedAction"] = arr{obj{"actionId": "S07", "relationship": "after-end"}}
		}, "cycle"},
		{"two beginnings", func(p obj) { delete(action(p, "S07"), "relatedAction") }, "exactly one stage"},
		{"relationship that is not understood", func(p obj) { action(p, "S07")["relatedAction"].([]any)[0].(obj)["relationship"] = "before-start" }, "before-start"},
		{"no due time", func(p obj) { delete(action(p, "S07"), "timingDuration") }, "9.3.7"},
		{"condition without Chinese", func(p obj) {
			delete(action(p, "S10")["condition"].([]any)[0].(obj)["expression"].(obj), "_description")
		}, "Chinese"},
		{"condition without id", func(p obj) {
			delete(action(p, "S10")["condition"].([]any)[0].(obj)["expression"].(obj), "name")
		}, "expression.name"},
		{"condition without clause", func(p obj) { delete(action(p, "S10")["condition"].([]any)[0].(obj), "extension") }, "clause"},
		{"condition of another kind", func(p obj) { action(p, "S10")["condition"].([]any)[0].(obj)["kind"] = "applicability" }, "applicability"},
		{"condition in another language", func(p obj) {
			action(p, "S10")["condition"].([]any)[0].(obj)["expression"].(obj)["language"] = "text/cql"
		}, "text/cql"},
		{"an id twice", func(p obj) {
			list := action(p, "S10")["condition"].([]any)
			action(p, "S10")["condition"] = append(list, list[0])
		}, "twice"},
		{"a stage twice", func(p obj) { p["action"] = append(p["action"].([]any), action(p, "S10")) }, "twice"},
		{"no version", func(p obj) { delete(p, "version") }, "version"},
		{"no stage", func(p obj) { delete(p, "action") }, "at least one stage"},
		{"another resource", func(p obj) { p["resourceType"] = "ActivityDefinition" }, "PlanDefinition"},
	} {
		t.Run("R001-035 "+c.name, func(t *testing.T) {
			_, err := casework.CompilePlan(planWith(t, c.change))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("CompilePlan = %v, want a refusal that names %s", err, c.want)
			}
		})
	}
}

// TestOwnPlanKeepsTheFloor opens cases on a hospital's own version of the plan.
func TestOwnPlanKeepsTheFloor(t *testing.T) {
	own := func(change func(p obj)) casework.Resource {
		n := planWith(t, func(p obj) { p["version"] = "hospital-1"; change(p) })
		r := resource(n.Raw(), 1)
		return r
	}
	doc, err := tree.Parse([]byte(parameters))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name   string
		change func(p obj)
		want   string
	}{
		{"R001-035 the same", func(obj) {}, ""},
		{"R001-035 one condition more", func(p obj) {
			list := action(p, "S16")["condition"].([]any)
			more := obj{}
			body, _ := json.Marshal(list[0])
			_ = json.Unmarshal(body, &more)
			more["expression"].(obj)["name"] = "own-rule"
			action(p, "S16")["condition"] = append(list, more)
		}, ""},
		{"R001-133 a condition dropped", func(p obj) {
			list := action(p, "S10")["condition"].([]any)
			action(p, "S10")["condition"] = list[1:]
		}, "validation-sections"},
		{"R001-133 a condition loosened", expression("S10", "form-binds-file", "true"), "form-binds-file"},
		{"R001-133 a condition made waivable", func(p obj) {
			for _, x := range action(p, "S10")["condition"].([]any) {
				x.(obj)["extension"] = append(x.(obj)["extension"].([]any), ext("waiver", "valueCode", "CLIN"))
			}
		}, "form-binds-file"},
		{"R001-126 a signature dropped", func(p obj) {
			kept := arr{}
			for _, e := range action(p, "S09")["extension"].([]any) {
				if e.(obj)["url"] != "urn:tenon:extension:signature" {
					kept = append(kept, e)
				}
			}
			action(p, "S09")["extension"] = kept
		}, "verified-by-reviewer"},
		{"R001-035 a predecessor dropped", func(p obj) {
			action(p, "S06")["relatedAction"] = arr{obj{"actionId": "S04", "relationship": "after-end"}}
		}, "S03b"},
		{"R001-035 an output made optional", func(p obj) {
			action(p, "S04")["output"].([]any)[0].(obj)["extension"] = arr{ext("min", "valueInteger", 0)}
		}, "output"},
		{"R001-035 a profile that the guide lacks", func(p obj) {
			action(p, "S04")["output"].([]any)[0].(obj)["profile"] = arr{"urn:tenon:profile:none"}
		}, "not one of the guide"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := casework.NewEngine().Open(casework.Opening{Plan: own(c.change), Params: doc.Root(), Actor: clin, Now: stop(t, "closed").now})
			if c.want == "" && err != nil {
				t.Errorf("Open = %v, want no refusal", err)
			}
			if c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("Open = %v, want a refusal that names %s", err, c.want)
			}
		})
	}
}

func TestEmbeddedPlanIsTakenFromTheBinary(t *testing.T) {
	w := stop(t, "S10 working")
	unsigned("Composition/form", "design-confirmation", access.PROD)(w)
	w.directory = append([]casework.Resource{resource(planWith(t, func(p obj) {
		delete(action(p, "S10"), "condition")
		delete(action(p, "S10"), "extension")
	}).Raw(), 9)}, w.directory...)
	refused(t, w.try("S10", casework.Stop), 422, "G-CONFIRM", "confirmed-by-production", "R001-133")
}

func TestOpenRefusals(t *testing.T) {
	for _, c := range []struct {
		name, from, to string
		actor          *access.Context
		status         int
		want           string
	}{
		{"R001-008 no case number", `"C-2026-001"`, `" "`, clin, 422, "case-number"},
		{"R001-036 no patient", `"Patient/p"`, `"Group/p"`, clin, 422, "subject"},
		{"R001-164 no number of samples", `"retained-samples"`, `"x"`, clin, 422, "retained-samples"},
		{"R001-164 no samples", `"valueInteger":2`, `"valueInteger":0`, clin, 422, "retained-samples"},
		{"R001-220 visits in words", `"followup-visits","valueInteger":2`, `"followup-visits","valueString":"two"`, clin, 422, "followup-visits"},
		{"R001-220 no duration", `"value":5`, `"value":0`, clin, 422, "followup-duration"},
		{"R001-220 a duration in an unknown unit", `"unit":"min","system":"http://unitsofmeasure.org","code":"min"`, `"unit":"fortnight","code":"fn"`, clin, 422, "followup-duration"},
		{"R001-214 no image age", `"image-age"`, `"x"`, clin, 422, "image-age"},
		{"R001-005 a designer opens", `x`, `x`, des, 403, "CLIN"},
		{"R001-005 an operator opens", `x`, `x`, dev, 403, "CLIN"},
		{"R001-005 nobody opens", `x`, `x`, nil, 403, "CLIN"},
	} {
		t.Run(c.name, func(t *testing.T) {
			doc, err := tree.Parse([]byte(strings.Replace(parameters, c.from, c.to, 1)))
			if err != nil {
				t.Fatal(err)
			}
			_, err = casework.NewEngine().Open(casework.Opening{Plan: definition(t, "implant"), Params: doc.Root(), Actor: c.actor, Now: stop(t, "closed").now})
			f := issue.As(err)
			if f == nil || f.HTTPStatus() != c.status || !strings.Contains(err.Error(), c.want) {
				t.Errorf("Open = %v, want %d naming %s", err, c.status, c.want)
			}
		})
	}
}

func TestReport(t *testing.T) {
	w := stop(t, "S11 accepted")
	r := w.engine.Report(w.snapshot())
	if r.Plan != "urn:tenon:plan:implant|1.0.0" || r.Status != "in-progress" || len(r.Stages) != 20 {
		t.Fatalf("Report = %q %q with %d stages", r.Plan, r.Status, len(r.Stages))
	}
	s := findStage(r, "S11")
	if s.State != casework.Accepted || s.Owner != prod.Principal || s.Due.IsZero() || len(s.Unmet) != 1 || s.Unmet[0].Condition != "machine-capability" ||
		s.Unmet[0].State != casework.NotEvaluated || s.Unmet[0].Clause != "R001-154 R001-155" {
		t.Errorf("R001-154 S11 = %+v, want accepted and machine-capability not evaluated", s)
	}
	if s := findStage(r, "S13"); s.State != "future" || s.Task != "" || len(s.Unmet) < 1 || s.Unmet[0].Condition != "after-S11" {
		t.Errorf("S13 = %+v, want future, waiting for S11", s)
	}
	if s := findStage(r, "S10"); s.State != casework.Completed || len(s.Unmet) > 0 || len(s.Next) > 0 {
		t.Errorf("S10 = %+v, want completed", s)
	}
	late := w.at(t)
	late.now = late.now.AddDate(0, 1, 0)
	if s := findStage(late.engine.Report(late.snapshot()), "S11"); !s.Overdue {
		t.Error("R001-214 S11 is not overdue a month later")
	}
	pending := stop(t, "S08 working")
	drop("Observation/watertight")(pending)
	s = findStage(pending.engine.Report(pending.snapshot()), "S08")
	if len(s.Unmet) != 1 || s.Unmet[0].Condition != "model-watertight" || s.Unmet[0].State != casework.Pending {
		t.Errorf("R001-090 S08 = %+v, want the check of the model pending", s.Unmet)
	}
	drop("DocumentReference/model")(pending)
	for _, u := range findStage(pending.engine.Report(pending.snapshot()), "S08").Unmet {
		if u.Condition == "model-watertight" && u.State != casework.Unsatisfied {
			t.Errorf("R001-090 without a model its check is %s, want unmet: nothing is pending", u.State)
		}
	}
	judge(t, r.Parameters())
}
