package casewalk

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"time"
)

// family is the type of device that the cases of a process are of.
var family = map[string]string{"implant": "DeviceDefinition/family-cranial-plate", "socket": "DeviceDefinition/family-transtibial-socket"}

// terminationProcess ends the use of a type of device (5.5.3, X5).
func terminationProcess(of string) *Process {
	const decision = "T01/type-decision"
	return &Process{
		Plan: "termination", Opener: "hosp-chen",
		Stages: []Stage{{
			Code: "T01", Owner: "HOSP", Status: 422,
			Parts: []Part{
				{Key: "agreement", Type: "Contract", By: "hosp-chen", Given: "agreement"},
				{Key: "re-evaluation", Type: "MeasureReport", By: "hosp-chen", Body: func(w *Writer) Obj {
					return w.ofCase(Obj{
						"resourceType": "MeasureReport", "status": "complete", "type": "summary", "measure": "urn:tenon:measure:type-evaluation",
						"period": Obj{"start": day(w.Now.AddDate(-1, 0, 0)), "end": day(w.Now)}, "date": instant(w.Now),
					})
				}, Defects: []Defect{{Name: "pending", Clause: []string{"R001-147"}, Spoil: set("status", "pending")}}},
				{Key: "type-decision", Type: "Composition", By: "hosp-chen", Needs: []string{"T01/re-evaluation"}, Body: func(w *Writer) Obj {
					o := as("type-decision", composed("the type is used no more", "performance"))(w)
					o["subject"] = ref(of)
					return o
				}, Defects: []Defect{{Name: "preliminary", Clause: []string{"R001-147"}, Spoil: set("status", "preliminary")}}},
			},
			Signatures: []Signature{
				{Role: "HOSP", Purpose: "type-termination", Part: decision}, {Role: "QA|MFR", Purpose: "type-termination", Part: decision},
			},
		}},
	}
}

// terminate ends the type of the cases of a walk; every open one that has a
// design of it rests and is reviewed, and goes on or ends as that decides.
func (w *World) terminate(p *Process, t *Tally, dice *rand.Rand, cases []*Case) error {
	of := family[p.Plan]
	if of == "" {
		return nil
	}
	end, err := w.Open(terminationProcess(of))
	if err == nil {
		err = end.Straight(dice.Uint64())
	}
	if err != nil {
		return fmt.Errorf("X5: %v", err) // no trace of a case of this process
	}
	w.Flows["X5 type ended"]++
	w.final = true
	var all []error
	for _, c := range cases {
		if c == nil || c.over || c.ended() || c.x != nil || c.revoked {
			continue
		}
		if err := c.typeEnds(t, dice); err != nil {
			d := &Disagreement{err, c.trace, c.standing()}
			if all = append(all, d); w.Tell != nil {
				w.Tell(d)
			}
		}
	}
	return errors.Join(all...)
}

// typeEnds walks a case through the review of its ended type.
func (c *Case) typeEnds(t *Tally, dice *rand.Rand) error {
	c.typeEnded = true
	if design := c.parts["S08/design-definition"]; design != nil && design.named && !c.wasUsed() { // who uses a device is told to follow it up
		err := errors.New("")
		for began := time.Now(); err != nil && time.Since(began) < 15*time.Second; time.Sleep(100 * time.Millisecond) {
			err = c.opened(typeReview) // the cases are told one after the other
		}
		if err != nil {
			return err
		}
	}
	for i := 0; i < 300 && !c.over && !c.ended() && (c.x != nil || i < 20); i++ {
		s := c.Choose(dice, leadsOn)
		if s.Kind == File || s.Kind == Found || s.Kind == Revoke || s.Kind == Demand {
			continue // no further exception
		}
		if err := t.step(c, s); err != nil {
			return err
		}
	}
	return nil
}
