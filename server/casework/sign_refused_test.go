package casework_test

import (
	"slices"
	"strings"
	"testing"

	"tenon/server/access"
	"tenon/server/casework"
)

// TestCountersignature lets the clinician countersign what the agent signed, and
// nobody else anything else.
func TestCountersignature(t *testing.T) {
	w := stop(t, "S13 working")
	w.mustSign(agent, "SupplyDelivery/delivery", access.AGENT, "receipt")
	byAgent := "Provenance/" + w.signatures[len(w.signatures)-1].Provenance
	others := ""
	for _, s := range w.signatures {
		if s.Role != access.AGENT {
			others = "Provenance/" + s.Provenance
		}
	}
	for _, ref := range []string{byAgent, others} {
		w.must(agent, obj{"resourceType": "Provenance", "id": strings.TrimPrefix(ref, "Provenance/"), "target": arr{obj{"reference": "SupplyDelivery/delivery"}},
			"recorded": w.stamp(0), "agent": arr{obj{"who": obj{"reference": agent.Principal}}}})
	}
	for _, c := range []struct {
		name   string
		actor  *access.Context
		target string
		role   access.Role
		want   string
	}{
		{"R001-208 the agent countersigns the own signature", agent, byAgent, access.AGENT, "countersignature-place"},
		{"R001-208 the logistics manager countersigns", logist, byAgent, access.LOG, "countersignature-place"},
		{"R001-208 a signature that is not the agent's", clin, others, access.CLIN, "countersignature-place"},
		{"R001-208 what is no signature", clin, "SupplyDelivery/delivery", access.CLIN, "countersignature-place"},
		{"R001-208 a machine", &access.Context{Kind: access.System, Principal: "Device/mes"}, byAgent, access.CLIN, "signer-is-person"},
		{"R001-208 the clinician countersigns the agent", clin, byAgent, access.CLIN, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			stage, refusal := w.sign(c.actor, c.target, c.role, "countersignature")
			if c.want == "" && (len(refusal) > 0 || stage != "S13") {
				t.Fatalf("MaySign = %q, %s", stage, told(refusal))
			}
			if c.want != "" && !slices.ContainsFunc(refusal, func(u casework.Unmet) bool { return u.Condition == c.want }) {
				t.Fatalf("MaySign = %q, %s, want %s", stage, told(refusal), c.want)
			}
		})
	}
}

// TestRefusedIsNoSignature takes a signature that a stage needs and turns it into
// a refusal, or lets a refusal follow it.
func TestRefusedIsNoSignature(t *testing.T) {
	t.Run("R001-011 refused", func(t *testing.T) {
		w := stop(t, "S10 working")
		w.mustSign(clin, "Composition/form", access.CLIN, "design-confirmation")
		w.signatures[len(w.signatures)-1].Outcome = casework.Refused
		d := w.try("S10", casework.Stop)
		if !slices.ContainsFunc(d.Refusal, func(u casework.Unmet) bool {
			return strings.Contains(u.Text, clin.Principal+" refused to sign") && strings.Contains(u.Chinese, "拒绝签署")
		}) {
			t.Errorf("%s", told(d.Refusal))
		}
	})
	t.Run("R001-011 signed, and refused later", func(t *testing.T) {
		w := stop(t, "S10 working")
		w.unsign("Composition/form", "design-confirmation", access.PROD) // so that trying completes nothing
		signed := func() bool {
			return !slices.ContainsFunc(w.try("S10", casework.Stop).Refusal, func(u casework.Unmet) bool {
				return strings.Contains(u.Text, "CLIN") && strings.Contains(u.Text, "design-confirmation") || strings.Contains(u.Text, clin.Principal+" refused")
			})
		}
		w.mustSign(clin, "Composition/form", access.CLIN, "design-confirmation")
		if !signed() {
			t.Fatalf("signed: %s", told(w.try("S10", casework.Stop).Refusal))
		}
		w.mustSign(clin, "Composition/form", access.CLIN, "design-confirmation")
		w.signatures[len(w.signatures)-1].Outcome = casework.Refused
		if signed() {
			t.Error("the refusal of the same person did not take the signature back")
		}
		w.mustSign(clin, "Composition/form", access.CLIN, "design-confirmation")
		if !signed() {
			t.Error("a signature after the refusal does not count")
		}
	})
}

func TestMayRefuse(t *testing.T) {
	for _, c := range []struct{ purpose, reason, want string }{
		{"design-confirmation", "the margin is too thin", ""}, {"order", "价格未定", ""},
		{"order", "", "refusal-reason"}, {"order", "  \n", "refusal-reason"}, {"order", strings.Repeat("x", 4001), "refusal-reason"},
		{"judgement", "r", "refusal-purpose"}, {"nonconform", "r", "refusal-purpose"}, {"acceptance", "r", "refusal-purpose"},
		{"cancel", "r", "refusal-purpose"}, {"waive", "r", "refusal-purpose"}, {"waive:x", "r", "refusal-purpose"}, {"countersignature", "r", "refusal-purpose"},
	} {
		got := ""
		if unmet := casework.MayRefuse(c.purpose, c.reason); len(unmet) > 0 {
			got = unmet[0].Condition
		}
		if got != c.want {
			t.Errorf("R001-011 MayRefuse(%q, %.20q) = %q, want %q", c.purpose, c.reason, got, c.want)
		}
	}
}
