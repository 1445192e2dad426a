package casework

// Openness is what the access table of a case rests on.
type Openness struct {
	Gated     bool // a disclosure gate stands before the manufacturer
	Disclosed bool // its conditions hold
	Consented bool // a consent is in force, or none was given yet
}

// Openness tells it of a case as it is. A case without a plan that runs is open to
// nobody by a stage.
func (e *Engine) Openness(s *Snapshot) Openness {
	plan, err := e.planOf(s)
	if err != nil {
		return Openness{Gated: true}
	}
	v := newView(s, plan)
	consent := v.consentStage()
	return Openness{
		Gated: plan.Gate(gateDisclose) != nil, Disclosed: v.disclosed(),
		Consented: consent == nil || !v.consentGiven(consent) || v.consentCovers("custom-device-treatment", nil),
	}
}
