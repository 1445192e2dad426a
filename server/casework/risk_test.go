package casework_test

import "testing"

// TestRiskDecision: each stage from order to acceptance decides on its risks, or a
// person says that there is none, and why (clause 3.5).
func TestRiskDecision(t *testing.T) {
	finish := func(w *world) obj { return w.set("S07", des, "completed", "completed") }
	t.Run("R001-007 no decision", func(t *testing.T) {
		w := stop(t, "S07 working")
		undecided("S07")(w)
		refused(t, w.write(des, finish(w)), 422, "", "risk-decided-s07", "R001-007")
	})
	t.Run("R001-007 no new risk, without a reason", func(t *testing.T) {
		w := stop(t, "S07 working")
		undecided("S07", "")(w)
		refused(t, w.write(des, finish(w)), 422, "", "risk-decided-s07", "R001-007")
	})
	t.Run("R001-007 no new risk, with the reason", func(t *testing.T) {
		w := stop(t, "S07 working")
		undecided("S07", "the input changes nothing that was not assessed")(w)
		w.must(des, finish(w))
	})
	t.Run("R001-007 a hazard without its control", func(t *testing.T) {
		w := stop(t, "S07 working")
		put("RiskAssessment/risk-S07", "mitigation", nil)(w)
		refused(t, w.write(des, finish(w)), 422, "", "profile-risk-decision", "R001-007")
	})
	t.Run("R001-007 of another patient", func(t *testing.T) {
		w := stop(t, "S07 working")
		put("RiskAssessment/risk-S07", "subject", ref(other))(w)
		refused(t, w.write(des, finish(w)), 422, "", "risk-decided-s07", "R001-007")
	})
}
