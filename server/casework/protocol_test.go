package casework_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"tenon/server/access"
	"tenon/server/casework"
)

// reason fills Task.statusReason.
func reason(b obj) obj {
	b["statusReason"] = obj{"text": "the reason"}
	return b
}

func TestIllegalTransitions(t *testing.T) {
	for _, c := range []struct {
		at, stage        string
		status, substate string
		want             string
	}{
		{"S02 handed-over", "S02", "accepted", "accepted", "transition"},
		{"S02 handed-over", "S02", "in-progress", "working", "transition"},
		{"S02 handed-over", "S02", "completed", "completed", "transition"},
		{"S02 accepted", "S02", "completed", "completed", "transition"},
		{"S02 accepted", "S02", "received", "received", "transition"},
		{"S02 working", "S02", "on-hold", "change-pending", "transition"},
		{"S02 working", "S02", "cancelled", "cancelled", "transition"},
		{"S02 working", "S02", "requested", "handed-over", "transition"},
		{"S02 working", "S02", "completed", "working", "substate"},
		{"S02 working", "S02", "in-progress", "invented", "substate"},
		{"S02 working", "S02", "draft", "handed-over", "substate"},
		{"S03a handed-over", "S02", "in-progress", "working", "stage-closed"},
		{"S03a handed-over", "S02", "completed", "completed", "stage-closed"},
		{"closed", "S19", "in-progress", "working", "stage-closed"},
	} {
		t.Run(fmt.Sprintf("R001-035 %s to %s/%s", c.at, c.status, c.substate), func(t *testing.T) {
			w := stop(t, c.at)
			if c.want == "stage-closed" {
				before := w.get(w.task(c.stage))
				before["note"] = arr{obj{"text": "changed"}}
				refused(t, w.write(ownerOf(c.stage), before), 409, "", "stage-closed")
			}
			refused(t, w.write(ownerOf(c.stage), w.set(c.stage, ownerOf(c.stage), c.status, c.substate)), 409, "", c.want, "R001-035")
		})
	}
}

func TestJumpNamesWhatItJumpsOver(t *testing.T) {
	t.Run("R001-133 R001-035 production set to work by a raw PUT", func(t *testing.T) {
		w := stop(t, "S11 accepted")
		anew("S10")(w)
		d := w.try("S11", casework.Start)
		refused(t, d, 409, "G-PRODUCE", "design-confirmed", "R001-133")
	})
	t.Run("R001-133 R001-035 a Task of S11 before S10", func(t *testing.T) {
		w := stop(t, "S10 working")
		d := w.write(prod, obj{"resourceType": "Task", "id": "mine", "status": "in-progress", "businessStatus": concept("urn:tenon:substate", "working"),
			"intent": "order", "partOf": arr{ref("Task/root")}, "code": concept("urn:tenon:stage", "S11")})
		refused(t, d, 409, "", "stage-made-by-server", "R001-035")
		refused(t, d, 409, "", "after-S10", "R001-179")
		refused(t, d, 409, "G-PRODUCE", "design-confirmed", "R001-133")
		refused(t, d, 409, "G-PRODUCE", "machine-validated", "R001-028")
	})
	t.Run("R001-035 S02 completed at once", func(t *testing.T) {
		w := stop(t, "S02 handed-over")
		d := w.write(img, w.set("S02", img, "completed", "completed"))
		refused(t, d, 409, "", "transition")
		refused(t, d, 409, "", "output-image-study")
		refused(t, d, 409, "", "acquisition-signed", "R001-151")
	})
	t.Run("R001-133 an operation of production before it starts", func(t *testing.T) {
		w := stop(t, "S11 accepted")
		d := w.write(prod, operation(w, "print"))
		refused(t, d, 409, "", "operation-early")
		refused(t, d, 409, "G-PRODUCE", "machine-capability")
	})
	t.Run("R001-035 an operation that is part of no stage", func(t *testing.T) {
		w := stop(t, "S11 accepted")
		b := operation(w, "print")
		b["partOf"] = arr{ref("Task/root")}
		refused(t, w.write(prod, b), 409, "", "operation-stage")
	})
}

func TestOnlyTheServerWritesWhatMakesAStage(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(b obj)
	}{
		{"code", func(b obj) { b["code"] = concept("urn:tenon:stage", "S17") }},
		{"partOf", func(b obj) { b["partOf"] = arr{ref("Task/other")} }},
		{"for", func(b obj) { b["for"] = ref("Patient/other") }},
		{"due date", func(b obj) { b["restriction"] = obj{"period": obj{"end": "2099-01-01"}} }},
		{"predecessor", func(b obj) { b["input"] = arr{} }},
		{"plan", func(b obj) { b["instantiatesCanonical"] = "urn:tenon:plan:implant|0" }},
		{"removed code", func(b obj) { delete(b, "code") }},
	} {
		t.Run("R001-035 "+c.name, func(t *testing.T) {
			w := stop(t, "S07 working")
			b := w.get(w.task("S07"))
			c.change(b)
			d := w.write(des, b)
			refused(t, d, 409, "", "stage-elements")
		})
	}
	t.Run("R001-035 the root Task", func(t *testing.T) {
		w := stop(t, "S07 working")
		b := w.get("Task/root")
		b["input"] = arr{}
		refused(t, w.write(clin, b), 409, "", "case-elements")
		b = w.get("Task/root")
		b["status"] = "completed"
		refused(t, w.write(clin, b), 409, "", "case-status")
	})
	t.Run("R001-035 a member taken away", func(t *testing.T) {
		w := stop(t, "S07 working")
		next := w.at(t)
		delete(next.members, "Consent/consent")
		refused(t, w.engine.Decide(w.snapshot(), next.snapshot(), clin), 409, "", "member-deleted")
	})
}

func TestWhoMayMove(t *testing.T) {
	with := func(c *access.Context, change func(c *access.Context)) *access.Context {
		copied := *c
		change(&copied)
		return &copied
	}
	for _, c := range []struct {
		name  string
		actor *access.Context
		prior removal
		want  string
	}{
		{"R001-035 wrong role", des, nil, "actor-role"},
		{"R001-035 a role that the token claims and the directory does not know", with(des, func(c *access.Context) { c.Roles = []access.Role{"CLIN", "DES"} }), nil, "actor-role"},
		{"R001-035 operator", dev, nil, "actor-is-person"},
		{"R001-035 server", &access.Context{Kind: access.Server, Principal: "server"}, nil, "actor-is-person"},
		{"R001-035 machine", &access.Context{Kind: access.System, Principal: "Device/mes", Roles: []access.Role{"CLIN"}}, nil, "actor-is-person"},
		{"R001-035 patient", pat, nil, "actor-is-person"},
		{"R001-010 licence expired", clin, directory("Practitioner/clin-wang", "qualification", arr{obj{"code": concept("urn:tenon:qualification", "licence"), "period": obj{"end": "2026-01-01"}}}), "actor-qualified"},
		{"R001-010 no special training", clin, directory("Practitioner/clin-wang", "qualification", arr{obj{"code": concept("urn:tenon:qualification", "licence"), "period": obj{"start": "2020-01-01"}}}), "actor-qualified"},
		{"R001-021 training overdue", clin, verification("clin-wang", "nextScheduled", "2026-02-28"), "actor-qualified"},
		{"R001-021 training failed", clin, verification("clin-wang", "status", "val-fail"), "actor-qualified"},
		{"R001-005 role ended", clin, directory("PractitionerRole/clin-wang", "period", obj{"end": "2026-02-28"}), "actor-role"},
		{"R001-005 role inactive", clin, directory("PractitionerRole/clin-wang", "active", false), "actor-role"},
		{"R001-009 not in the team", clin, cut("CareTeam/team", "participant", member(clin)), "actor-in-team"},
		{"R001-009 membership ended", clin, put("CareTeam/team", "participant", arr{obj{"member": ref(clin.Principal), "period": obj{"end": "2026-01-01"}}}), "actor-in-team"},
		{"R001-055 not named in the agreement", clin, withoutParties, "actor-in-agreement"},
		{"R001-055 agreement over", clin, later(expiry), "actor-in-agreement"},
		{"R001-036 consent withdrawn", clin, put("Consent/consent", "status", "inactive"), "consent-in-force"},
		{"R001-036 consent denies", clin, inProvision("provision", arr{obj{"type": "deny", "purpose": arr{obj{"code": "custom-device-treatment"}}}}), "consent-in-force"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := stop(t, "S06 working")
			if c.prior != nil {
				c.prior(w)
			}
			d := w.write(c.actor, w.set("S06", c.actor, "completed", "completed"))
			clause, _, _ := strings.Cut(c.name, " ")
			if c.want == "actor-role" {
				clause = "R001-035"
			}
			refused(t, d, 0, "", c.want, clause)
			if c.want != "consent-in-force" && d.Status != 403 {
				t.Errorf("status = %d, want 403", d.Status)
			}
		})
	}
	t.Run("R001-035 outputs named by a stranger to the stage", func(t *testing.T) {
		w := stop(t, "S06 working")
		b := w.get(w.task("S06"))
		b["output"] = arr{}
		refused(t, w.write(des, b), 403, "", "actor-role")
	})
	t.Run("R001-224 another clinician takes over by making himself the owner", func(t *testing.T) {
		w := stop(t, "S18 working")
		b := w.set("S18", clin2, "completed", "completed")
		b["owner"] = ref(clin.Principal)
		refused(t, w.write(clin2, b), 0, "", "owner")
	})
}

func member(c *access.Context) func(obj) bool {
	return func(p obj) bool { return p["member"].(obj)["reference"] == c.Principal }
}

// TestPrincipalsAloneJudge lets the other roles of a principal's stage sign what
// only the principal may: the judgement of the step before and the acceptance of
// their own stage (8.2.2, 9.2).
func TestPrincipalsAloneJudge(t *testing.T) {
	for _, c := range []struct {
		stage, before     string
		principal, helper *access.Context
		role, of          access.Role
	}{
		{"S12", "S10", prod, qa, access.PROD, access.QA},
		{"S09", "S08", des, rev, access.DES, access.REV},
		{"S16", "S15", clin, agent, access.CLIN, access.AGENT},
	} {
		t.Run("R001-178 R001-207 "+c.stage+" by "+string(c.of), func(t *testing.T) {
			w := stop(t, c.stage+" handed-over")
			w.must(c.principal, w.set(c.stage, c.principal, "received", "received"))
			before, own := w.task(c.before), w.task(c.stage)
			for _, sign := range []struct {
				target  string
				purpose string
				refused string
			}{{before, "judgement", "judgement-place"}, {own, "acceptance", "acceptance-place"}} {
				_, refusal := w.sign(c.helper, sign.target, c.of, sign.purpose)
				if !slices.ContainsFunc(refusal, func(u casework.Unmet) bool { return u.Condition == sign.refused }) {
					t.Errorf("%s by %s: %s, want %s", sign.purpose, c.of, told(refusal), sign.refused)
				}
				if stage, refusal := w.sign(c.principal, sign.target, c.role, sign.purpose); stage != c.stage || len(refusal) > 0 {
					t.Errorf("%s by %s: %q, %s, want %s", sign.purpose, c.role, stage, told(refusal), c.stage)
				}
			}
		})
	}
}

// TestWhoMovesAStage tries the roles that stages.md does not name for a stage:
// what they write and sign there they still may, its state they do not set.
func TestWhoMovesAStage(t *testing.T) {
	for _, c := range []struct {
		plan    *process
		stage   string
		may     *access.Context
		may2    *access.Context
		refused []*access.Context
	}{
		{implant, "S12", prod, nil, []*access.Context{qa, mfr}},
		{implant, "S14", mfr, logist, []*access.Context{prod, des, qa}},
		{socket, "S14", mfr, logist, []*access.Context{prod, des, qa}},
		{implant, "S16", clin, nil, []*access.Context{agent}},
		{socket, "S16", clin, nil, []*access.Context{agent}},
	} {
		for _, by := range c.refused {
			t.Run("R001-163 R001-173 R001-208 "+c.plan.plan+" "+c.stage+" by "+by.Principal, func(t *testing.T) {
				w := c.plan.handed(t, c.stage)
				refused(t, w.write(by, w.set(c.stage, by, "received", "received")), 403, "", "actor-role")
			})
		}
		for _, by := range []*access.Context{c.may, c.may2} {
			if by == nil {
				continue
			}
			t.Run("R001-167 R001-174 "+c.plan.plan+" "+c.stage+" by "+by.Principal, func(t *testing.T) {
				w := c.plan.handed(t, c.stage)
				if d := w.write(by, w.set(c.stage, by, "received", "received")); len(d.Refusal) > 0 {
					t.Errorf("refused: %s", told(d.Refusal))
				}
			})
		}
	}
}

// TestCustodianMovesS12: the custodian of the manufacturer's data moves the retained
// samples, which may be a copy of the data (clause 6.3); the hospital's does not.
func TestCustodianMovesS12(t *testing.T) {
	for _, c := range []struct {
		by    *access.Context
		moves bool
	}{{qa, true}, {agent, false}} {
		t.Run("R001-139 R001-163 a DBA of "+c.by.Organization, func(t *testing.T) {
			w := implant.handed(t, "S12")
			directory(c.by.Principal, "code", arr{concept("urn:tenon:role", "DBA")})(w)
			by := *c.by
			by.Roles = []access.Role{access.DBA}
			d := w.write(&by, w.set("S12", &by, "received", "received"))
			switch {
			case c.moves && len(d.Refusal) > 0:
				t.Errorf("refused: %s", told(d.Refusal))
			case !c.moves:
				refused(t, d, 403, "", "actor-role")
			}
		})
	}
}

// handed is the case when a stage has just been handed over.
func (p *process) handed(t *testing.T, stage string) *world {
	return p.stops()[stage+" handed-over"].at(t)
}

func TestJudgementAndAcceptance(t *testing.T) {
	received := func(t *testing.T) *world {
		w := stop(t, "S08 handed-over")
		w.must(des, w.set("S08", des, "received", "received"))
		return w
	}
	conform := func(w *world) casework.Decision {
		return w.write(des, w.set("S08", des, "received", "judged-conform"))
	}
	t.Run("R001-179 without a signed judgement", func(t *testing.T) {
		refused(t, conform(received(t)), 422, "", "predecessor-judged", "R001-179", "R001-178")
	})
	t.Run("R001-179 accepting without judging", func(t *testing.T) {
		w := received(t)
		refused(t, w.write(des, w.set("S08", des, "accepted", "accepted")), 409, "", "judged-first")
	})
	t.Run("R001-178 judged by another role", func(t *testing.T) {
		w := received(t)
		if _, refusal := w.sign(clin, w.task("S07"), access.CLIN, "judgement"); len(refusal) == 0 {
			t.Error("CLIN may judge for DES")
		}
	})
	t.Run("R001-179 nonconform", func(t *testing.T) {
		w := received(t)
		w.mustSign(des, w.task("S07"), access.DES, "nonconform")
		refused(t, conform(w), 422, "", "predecessor-judged")
		w.must(des, w.set("S08", des, "received", "judged-nonconform"))
		refused(t, w.write(des, w.set("S08", des, "accepted", "accepted")), 409, "", "transition")
		refused(t, w.write(des, w.set("S08", des, "rejected", "returned")), 422, "", "reason", "R001-011")
		w.must(des, reason(w.set("S08", des, "rejected", "returned")))
		if got := w.members[w.task("S07")].Root.Field("status").Str(); got != "requested" {
			t.Errorf("S07 is %q after S08 was returned, want handed over anew", got)
		}
	})
	t.Run("R001-179 an outcome nonconform of a judgement", func(t *testing.T) {
		w := received(t)
		w.mustSign(des, w.task("S07"), access.DES, "judgement")
		w.signatures[len(w.signatures)-1].Outcome = "nonconform"
		refused(t, conform(w), 422, "", "predecessor-judged")
	})
	t.Run("R001-179 judged nonconform after it was judged conform", func(t *testing.T) {
		w := received(t)
		w.mustSign(des, w.task("S07"), access.DES, "judgement")
		w.must(des, w.set("S08", des, "received", "judged-conform"))
		w.mustSign(des, w.task("S08"), access.DES, "acceptance")
		w.mustSign(des, w.task("S07"), access.DES, "nonconform")
		refused(t, w.write(des, w.set("S08", des, "accepted", "accepted")), 422, "", "predecessor-judged", "R001-179")
	})
	t.Run("R001-207 acceptance without signature, and over an older version", func(t *testing.T) {
		w := received(t)
		w.mustSign(des, w.task("S07"), access.DES, "judgement")
		w.mustSign(des, w.task("S08"), access.DES, "acceptance")
		w.must(des, w.set("S08", des, "received", "judged-conform"))
		refused(t, w.write(des, w.set("S08", des, "accepted", "accepted")), 422, "", "acceptance-signed", "R001-207")
		w.mustSign(des, w.task("S08"), access.DES, "acceptance")
		w.must(des, w.set("S08", des, "accepted", "accepted"))
	})
	t.Run("R001-178 a stage of no principal judges nothing", func(t *testing.T) {
		w := stop(t, "S02 handed-over")
		w.must(img, w.set("S02", img, "received", "received"))
		refused(t, w.write(img, w.set("S02", img, "received", "judged-conform")), 409, "", "no-judgement")
	})
}

func TestDoubleCompletion(t *testing.T) {
	w := stop(t, "S18 working")
	second := w.at(t)
	w.must(clin, w.set("S18", clin, "completed", "completed"))
	refused(t, w.write(clin2, w.set("S18", clin2, "completed", "completed")), 409, "", "stage-closed", "R001-035")
	// The other one judged on the same state: the case revision makes record ask again,
	// and then the answer is the one above.
	second.must(clin2, second.set("S18", clin2, "completed", "completed"))
	if got := len(stagesOf(w, "S19")); got != 1 {
		t.Errorf("S19 has %d Tasks, want 1", got)
	}
}

func stagesOf(w *world, stage string) []string {
	var refs []string
	for r, m := range w.members {
		if m.Type == "Task" && m.Root.Path("code", "coding", "code").Str() == stage {
			refs = append(refs, r)
		}
	}
	slices.Sort(refs)
	return refs
}

func TestDueDateKeepsTheNeedDate(t *testing.T) {
	for need, want := range map[string]string{
		"2026-03-03": "2026-03-04T00:00:00.000Z", // the end of that day
		"2026-12-31": "2026-03-08",               // seven days after the hand-over
		"2026-01-01": "2026-03-08",               // passed already
	} {
		t.Run("R001-082 R001-214 "+need, func(t *testing.T) {
			w := stop(t, "S06 working")
			put("DeviceRequest/order", "occurrencePeriod", obj{"end": need})(w)
			put("DeviceRequest/order", "authoredOn", "2025-12-01")(w)
			w.must(clin, w.set("S06", clin, "completed", "completed"))
			if got := w.members[w.task("S07")].Root.Path("restriction", "period", "end").Str(); !strings.HasPrefix(got, want) {
				t.Errorf("S07 is due %s, want %s", got, want)
			}
		})
	}
}

func TestSealedDocuments(t *testing.T) {
	w := stop(t, "S11 accepted")
	for _, doc := range []string{"DeviceRequest/order", "DocumentReference/model", "Composition/form"} {
		t.Run("R001-059 R001-049 "+doc, func(t *testing.T) {
			w := w.at(t)
			b := w.get(doc)
			b["language"] = "zh"
			refused(t, w.write(clin, b), 409, "", "document-sealed")
			refused(t, w.write(dev, b), 409, "", "document-sealed")
		})
	}
	t.Run("R001-059 the order is edited while it is a draft", func(t *testing.T) {
		w := stop(t, "S06 working")
		b := w.get("DeviceRequest/order")
		b["status"] = "draft"
		w.must(clin, b)
	})
}

// TestReturn fails verification and expects the walk to begin again at design.
func TestReturn(t *testing.T) {
	w := stop(t, "S09 working")
	refused(t, w.write(des, w.set("S09", des, "failed", "failed")), 422, "", "reason", "R001-011")
	w.must(des, reason(w.set("S09", des, "failed", "failed")))
	tasks := stagesOf(w, "S08")
	if len(tasks) != 2 {
		t.Fatalf("R001-118 S08 has the Tasks %v, want a second one", tasks)
	}
	anewTask := w.members[w.task("S08")].Root
	if got := anewTask.Path("reasonReference", "reference").Str(); got != stagesOf(w, "S09")[0] {
		t.Errorf("the new S08 has the reason %q, want the failed S09", got)
	}
	if s := findStage(w.engine.Report(w.snapshot()), "S09"); s.State != "overtaken" || len(s.Unmet) == 0 {
		t.Errorf("S09 is %s with %d unmet, want overtaken and what it waits for", s.State, len(s.Unmet))
	}
	refused(t, w.write(des, w.set("S09", des, "in-progress", "working")), 409, "", "stage-closed")
	w.accept("S08", des, access.DES)
	w.must(des, w.set("S08", des, "in-progress", "working"))
	d := w.try("S08", casework.Stop)
	refused(t, d, 422, "", "output-design-model")
	refused(t, d, 422, "G-OUTPUT", "machine-fit")
	workDesign(w)
	w.must(des, w.set("S08", des, "completed", "completed"))
	if got := len(stagesOf(w, "S09")); got != 2 {
		t.Errorf("S09 has %d Tasks after S08 was done again, want 2", got)
	}
	if s := findStage(w.engine.Report(w.snapshot()), "S09"); s.State != casework.HandedOver {
		t.Errorf("S09 is %s, want handed over again", s.State)
	}
	t.Run("R001-035 a parallel stage is overtaken by the return", func(t *testing.T) {
		w := stop(t, "S11 working")
		w.must(prod, reason(w.set("S11", prod, "failed", "failed")))
		if s := findStage(w.engine.Report(w.snapshot()), "S12"); s.State != "overtaken" {
			t.Errorf("S12 is %s, want overtaken: its design is open anew", s.State)
		}
	})
	t.Run("R001-035 no stage to return to", func(t *testing.T) {
		w := stop(t, "S01 working")
		refused(t, w.write(clin, reason(w.set("S01", clin, "failed", "failed"))), 409, "", "no-return")
	})
}

// TestMachine lets the MES record operations and name the device, and nothing else.
func TestMachine(t *testing.T) {
	mes := &access.Context{Kind: access.System, Principal: "Device/mes", Organization: "Organization/maker", Side: access.Manufacturer, Roles: []access.Role{access.MES}}
	working := func(t *testing.T) *world {
		w := stop(t, "S11 working")
		drop("Task/op-print")(w)
		w.alter(w.task("S11"), func(b obj) { delete(b, "output") })
		return w
	}
	t.Run("R001-161 an operation", func(t *testing.T) { w := working(t); w.must(mes, operation(w, "print")) })
	t.Run("R001-158 the device as output", func(t *testing.T) {
		w := working(t)
		b := w.get(w.task("S11"))
		b["output"] = arr{output("device", "Device/implant")}
		w.must(mes, b)
		b["output"] = arr{}
		refused(t, w.write(mes, b), 403, "", "actor-is-person")
	})
	for name, change := range map[string]func(b obj){
		"completion": func(b obj) {
			b["status"], b["businessStatus"] = "completed", concept("urn:tenon:substate", "completed")
		},
		"another note": func(b obj) { b["note"] = arr{obj{"text": "x"}} },
		"an input":     func(b obj) { b["input"] = append(b["input"].([]any), output("machine", "Device/printer-new")) },
	} {
		t.Run("R001-035 "+name, func(t *testing.T) {
			w := working(t)
			b := w.get(w.task("S11"))
			change(b)
			refused(t, w.write(mes, b), 403, "", "actor-is-person")
		})
	}
	t.Run("R001-055 a machine that the agreement does not name", func(t *testing.T) {
		w := working(t)
		b := w.get(w.task("S11"))
		b["output"] = arr{output("device", "Device/implant")}
		stranger := *mes
		stranger.Principal = "Device/stranger"
		refused(t, w.write(&stranger, b), 403, "", "actor-is-person")
	})
	t.Run("R001-159 the shipment after release, and nothing else", func(t *testing.T) {
		w := stop(t, "S13 working")
		shipped := operation(w, "shipped")
		w.must(mes, shipped)
		shipped["status"] = "failed"
		refused(t, w.write(mes, shipped), 409, "", "operation-early")
		late := operation(w, "print")
		late["id"] = "op-late"
		refused(t, w.write(mes, late), 409, "", "operation-early")
	})
}

func TestConsentWithdrawn(t *testing.T) {
	w := stop(t, "S08 working")
	consent := w.get("Consent/consent")
	consent["status"] = "inactive"
	w.must(clin, consent)
	if got := w.members[w.task("S08")].Root.Field("status").Str(); got != "on-hold" {
		t.Errorf("R001-036 S08 is %q after the withdrawal, want on-hold", got)
	}
	for _, g := range w.grants {
		if strings.HasPrefix(g.Principal, "PractitionerRole/des-") || g.Principal == prod.Principal {
			t.Errorf("R001-150 %s still reaches the case", g.Principal)
		}
	}
	refused(t, w.write(des, w.set("S08", des, "in-progress", "working")), 409, "", "consent-in-force", "R001-036")
	consent["status"] = "active"
	w.must(clin, consent)
	refused(t, w.write(des, w.set("S08", des, "in-progress", "working")), 409, "", "consent-in-force", "R001-036")
	w.mustSign(pat, "Consent/consent", access.PAT, "consent")
	w.must(des, w.set("S08", des, "in-progress", "working"))
}

func TestJobOrderIsSentOnce(t *testing.T) {
	w := stop(t, "S11 working")
	if len(w.messages) != 1 {
		t.Fatalf("R001-133 %d messages when production starts, want 1", len(w.messages))
	}
	consent := w.get("Consent/consent")
	for _, status := range []string{"inactive", "active"} {
		consent["status"] = status
		w.must(clin, consent)
	}
	w.mustSign(pat, "Consent/consent", access.PAT, "consent")
	w.must(prod, w.set("S11", prod, "in-progress", "working"))
	var kinds []string
	for _, m := range w.messages {
		kinds = append(kinds, m.Kind)
	}
	if !slices.Equal(kinds, []string{"job-order", "job-control", "job-control"}) {
		t.Errorf("the MES gets %v after a pause, want one job order, its hold and its resumption", kinds)
	}
}

func TestCancel(t *testing.T) {
	w := stop(t, "S07 working")
	cancelled := func() obj {
		b := w.get("Task/root")
		b["status"] = "cancelled"
		return b
	}
	d := w.write(clin, cancelled())
	refused(t, d, 422, "", "reason")
	refused(t, d, 422, "", "cancel-signed-CLIN")
	refused(t, d, 422, "", "cancel-signed-MFR")
	refused(t, w.write(des, reason(cancelled())), 403, "", "actor-role")
	w.mustSign(clin, "Task/root", access.CLIN, "cancel")
	w.mustSign(mfr, "Task/root", access.MFR, "cancel")
	w.must(clin, reason(cancelled()))
	if got := w.members[w.task("S07")].Root.Field("status").Str(); got != "cancelled" {
		t.Errorf("S07 is %q, want cancelled", got)
	}
}
