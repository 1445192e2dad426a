package casework_test

import (
	"slices"
	"testing"

	"tenon/server/access"
	"tenon/server/casework"
)

func TestMaySign(t *testing.T) {
	for _, c := range []struct {
		name    string
		at      string
		actor   *access.Context
		target  string
		role    access.Role
		purpose string
		prior   removal
		want    string // condition of the refusal, "" if allowed
		stage   string
	}{
		{"R001-133 the clinician confirms", "S10 working", clin, "Composition/form", "CLIN", "design-confirmation", nil, "", "S10"},
		{"R001-133 another clinician of the team confirms", "S10 working", clin2, "Composition/form", "CLIN", "design-confirmation", nil, "", "S10"},
		{"R001-133 the designer confirms", "S10 working", des, "Composition/form", "DES", "design-confirmation", nil, "signature-role", ""},
		{"R001-133 the designer claims another role", "S10 working", des, "Composition/form", "PROD", "design-confirmation", nil, "actor-role", ""},
		{"R001-126 the designer's own person reviews", "S09 working", revSame, "DocumentReference/model", "REV", "verification", nil, "two-persons", ""},
		{"R001-126 the person who signed as designer reviews what another wrote", "S09 working", revSame, "DocumentReference/model", "REV", "verification",
			writtenBy("DocumentReference/model", des2), "two-persons", ""},
		{"R001-089 the designer reviews his own input", "S07 working", revSame, "Composition/input", "REV", "input-review", unsigned("Composition/input", "design-input", access.DES), "two-persons", ""},
		{"R001-089 a reviewer of the same grade", "S07 working", rev, "Composition/input", "REV", "input-review",
			directory("PractitionerRole/rev-huang", "extension", arr{ext("grade", "valueInteger", 2)}), "reviewer-grade", ""},
		{"R001-089 a reviewer of higher grade", "S07 working", rev, "Composition/input", "REV", "input-review", nil, "", "S07"},
		{"R001-086 an operator signs", "S10 working", dev, "Composition/form", "CLIN", "design-confirmation", nil, "signer-is-person", ""},
		{"R001-086 a machine signs", "S10 working", &access.Context{Kind: access.System, Principal: "Device/mes"}, "Composition/form", "CLIN", "design-confirmation", nil, "signer-is-person", ""},
		{"R001-086 nobody signs", "S10 working", nil, "Composition/form", "CLIN", "design-confirmation", nil, "signer-is-person", ""},
		{"R001-035 a document that no stage asks for", "S10 working", clin, "Condition/defect", "CLIN", "design-confirmation", nil, "signature-asked", ""},
		{"R001-035 a purpose that nobody knows", "S10 working", clin, "Composition/form", "CLIN", "blessing", nil, "signature-asked", ""},
		{"R001-035 before the stage is at work", "S10 accepted", clin, "DocumentReference/model", "DES", "verification", nil, "signature-role", ""},
		{"R001-010 a clinician without licence", "S10 working", clin, "Composition/form", "CLIN", "design-confirmation",
			directory("Practitioner/clin-wang", "qualification", arr{}), "actor-qualified", ""},
		{"R001-055 a signer whom the agreement does not name", "S10 working", prod, "Composition/form", "PROD", "design-confirmation", unnamed(prod), "actor-in-agreement", ""},
		{"R001-009 a signer outside the team", "S10 working", prod, "Composition/form", "PROD", "design-confirmation", cut("CareTeam/team", "participant", member(prod)), "actor-in-team", ""},
		{"R001-036 the patient consents", "S01 working", pat, "Consent/consent", "PAT", "consent", nil, "", "S01"},
		{"R001-036 another patient consents", "S01 working", &access.Context{Kind: access.Patient, Principal: "Patient/other", Roles: []access.Role{"PAT"}}, "Consent/consent", "PAT", "consent", nil, "signer-is-patient", ""},
		{"R001-036 the clinician consents for the patient", "S01 working", clin, "Consent/consent", "PAT", "consent", nil, "signer-is-patient", ""},
		{"R001-037 the representative whom the consent names", "S01 working", &access.Context{Kind: access.Patient, Principal: "RelatedPerson/mother", Roles: []access.Role{"PAT"}}, "Consent/consent", "PAT", "consent",
			put("Consent/consent", "performer", arr{ref("RelatedPerson/mother")}), "", "S01"},
		{"R001-208 the agent receives", "S13 working", agent, "SupplyDelivery/delivery", "AGENT", "receipt", nil, "", "S13"},
		{"R001-208 the agent accepts the device", "S16 working", agent, "Composition/acceptance", "AGENT", "device-acceptance", nil, "signature-role", ""},
		{"R001-154 the producer answers for the machine", "S11 accepted", prod, "Task/root", "PROD", "waive:machine-capability", nil, "", "S11"},
		{"R001-154 a plain waive", "S11 accepted", prod, "Task/root", "PROD", "waive", nil, "", "S11"},
		{"R001-154 the designer answers for the machine", "S11 accepted", des, "Task/root", "DES", "waive:machine-capability", nil, "waiver-role", ""},
		{"R001-154 a waiver over another Task", "S11 accepted", prod, "S11", "PROD", "waive:machine-capability", nil, "waiver-root", ""},
		{"R001-133 a condition that the server evaluates is not waived", "S11 accepted", prod, "Task/root", "PROD", "waive:design-confirmed", nil, "waiver-condition", ""},
		{"R001-035 a waiver for a stage that is not open", "S09 working", prod, "Task/root", "PROD", "waive:machine-capability", nil, "waiver-stage", ""},
		{"R001-035 nothing to waive", "S09 working", qa, "Task/root", "QA", "waive", nil, "waiver-condition", ""},
		{"R001-178 a judgement of what is no predecessor", "S10 working", clin, "S09", "CLIN", "judgement", nil, "judgement-place", ""},
		{"R001-207 acceptance of somebody else's stage", "S10 handed-over", clin, "S10", "CLIN", "acceptance", nil, "acceptance-place", ""},
		{"R001-035 cancelling by the designer", "S10 working", des, "Task/root", "DES", "cancel", nil, "cancel-root", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := stop(t, c.at)
			if c.prior != nil {
				c.prior(w)
			}
			target := c.target
			if len(target) < 5 {
				target = w.task(target)
			}
			stage, refusal := w.sign(c.actor, target, c.role, c.purpose)
			if c.want == "" && (len(refusal) > 0 || stage != c.stage) {
				t.Fatalf("MaySign = %q, %s\nwant %q and no refusal", stage, told(refusal), c.stage)
			}
			if c.want != "" && !slices.ContainsFunc(refusal, func(u casework.Unmet) bool { return u.Condition == c.want && u.Text != "" && u.Chinese != "" }) {
				t.Fatalf("MaySign = %q, %s\nwant the refusal %s", stage, told(refusal), c.want)
			}
		})
	}
}

func TestMaySignOnlyMembersInTheirCurrentVersion(t *testing.T) {
	w := stop(t, "S10 working")
	target := w.members["Composition/form"]
	target.Version--
	_, refusal := w.engine.MaySign(w.snapshot(), target, access.CLIN, "design-confirmation", clin)
	if len(refusal) != 1 || refusal[0].Condition != "signed-current" {
		t.Errorf("R001-086 an old version: %s", told(refusal))
	}
	for _, r := range w.directory {
		if r.Type == "Practitioner" {
			_, refusal = w.engine.MaySign(w.snapshot(), r, access.CLIN, "design-confirmation", clin)
			if len(refusal) != 1 || refusal[0].Condition != "signed-member" {
				t.Errorf("R001-035 what is no member: %s", told(refusal))
			}
			return
		}
	}
}

// TestWaiverHoldsForOneRound signs for a condition, returns the stage and expects
// that the signature does not hold for the new Task.
func TestWaiverHoldsForOneRound(t *testing.T) {
	w := stop(t, "S08 working")
	w.must(des, reason(w.set("S08", des, "failed", "failed")))
	w.accept("S07", des, access.DES)
	w.must(des, w.set("S07", des, "in-progress", "working"))
	workInput(w)
	w.must(des, w.set("S07", des, "completed", "completed"))
	w.accept("S08", des, access.DES)
	w.must(des, w.set("S08", des, "in-progress", "working"))
	refused(t, w.try("S08", casework.Stop), 422, "G-OUTPUT", "machine-fit", "R001-114")
}

// TestPlainWaiveNamesItsConditions lets a signature with the purpose waive count
// for the conditions that it names and for no other.
func TestPlainWaiveNamesItsConditions(t *testing.T) {
	w := stop(t, "S11 accepted")
	w.mustSign(prod, "Task/root", access.PROD, "waive")
	last := &w.signatures[len(w.signatures)-1]
	refused(t, w.try("S11", casework.Start), 409, "G-PRODUCE", "machine-capability", "R001-154")
	last.Conditions = []string{"design-confirmed"}
	refused(t, w.try("S11", casework.Start), 409, "G-PRODUCE", "machine-capability")
	last.Conditions = []string{"machine-capability"}
	last.Role = access.DES
	refused(t, w.try("S11", casework.Start), 409, "G-PRODUCE", "machine-capability")
	last.Role = access.PROD
	if d := w.try("S11", casework.Start); len(d.Refusal) > 0 {
		t.Errorf("R001-154 waived, and refused: %s", told(d.Refusal))
	}
}

// writtenBy says that somebody else wrote a version.
func writtenBy(ref string, author *access.Context) removal {
	return func(w *world) {
		r := w.members[ref]
		r.Author = author.Principal
		w.members[ref] = r
	}
}
