package casewalk

import (
	"math/rand/v2"
	"slices"
)

// Choose picks the next step: mostly one that leads on, else anything at all.
func (c *Case) Choose(dice *rand.Rand, leadsOn float64) Step {
	for range 100 {
		var s Step
		if leadsOn < 1 && c.patient != nil && dice.IntN(seldom) == 0 {
			s = c.exceptional(dice)
		} else if dice.Float64() < leadsOn {
			s = c.onward(dice)
		} else {
			s = c.anything(dice)
		}
		if s.Kind != "" && !c.Predict(s).Absent {
			return s
		}
	}
	return Step{Kind: Read, Who: c.p.Opener}
}

// onward is a step of the straight way.
func (c *Case) onward(dice *rand.Rand) Step {
	var all []Step
	if c.x != nil && (c.x.code != ending || c.dead || dice.IntN(2) == 0) {
		all = c.settling(dice)
	} else if c.revoked {
		all = c.regain()
	}
	for i := range c.p.Stages {
		if s := &c.p.Stages[i]; c.rests(s.Code) == "" {
			all = append(all, c.lead(s)...)
		}
	}
	if len(all) == 0 {
		return Step{}
	}
	return all[dice.IntN(len(all))]
}

// lead are the legal steps that a stage waits for.
func (c *Case) lead(s *Stage) (all []Step) {
	st, owner := c.stages[s.Code], c.first(s.Owner)
	move := func(to string) Step { return Step{Kind: Move, Who: owner, Stage: s.Code, To: to} }
	switch st.state {
	case handedOver:
		return []Step{move(received)}
	case received:
		if !s.Judges {
			return []Step{move(accepted)}
		}
		for _, before := range s.After {
			p := c.stages[before]
			if k := c.signed(s.Owner, "judgement", p.task, p.version, ""); k == nil || k.at < st.received {
				all = append(all, Step{Kind: Judge, Who: owner, Stage: s.Code, Pred: before, Purpose: "judgement"})
			}
		}
		return alone(all, move(judgedOK))
	case judgedOK:
		if c.signed(s.Owner, "acceptance", st.task, st.version, "") == nil {
			all = append(all, Step{Kind: Take, Who: owner, Stage: s.Code, Purpose: "acceptance"})
		}
		return alone(all, move(accepted))
	case accepted:
		return alone(c.prepare(s), move(working))
	case working:
		return alone(c.fill(s), move(completed))
	case onChange:
		if st.parked {
			return []Step{move(working)}
		}
	}
	return nil
}

// alone is what remains to be done, or the step that follows on it.
func alone(first []Step, then Step) []Step {
	if len(first) > 0 {
		return first
	}
	return []Step{then}
}

// prepare are the steps before the work begins.
func (c *Case) prepare(s *Stage) (all []Step) {
	for _, need := range s.WorkNeeds {
		_, part := c.p.part(need)
		all = append(all, c.bring(s, part)...)
	}
	for _, w := range s.Waivers {
		if w.Work {
			all = append(all, c.answer(s, w)...)
		}
	}
	return all
}

// fill are the steps that a stage at work waits for.
func (c *Case) fill(s *Stage) (all []Step) {
	for i := range s.Parts {
		if part := &s.Parts[i]; !part.Optional {
			all = append(all, c.bring(s, part)...)
		}
	}
	if len(all) > 0 {
		return append(all, c.early(s)...)
	}
	for _, k := range s.Signatures {
		if c.signedPart(k) == nil || k.Other != "" && !c.distinct(k) {
			who := c.first(roles(k.Role)[len(roles(k.Role))-1])
			if k.Person != "" {
				who = c.acts(k.Person)
			}
			all = append(all, Step{Kind: Sign, Who: who, Stage: s.Code, Part: k.Part, Purpose: k.Purpose, Role: c.people[who].Role})
		}
	}
	if len(all) == 0 {
		all = append(all, c.stale(s)...)
	}
	for _, w := range s.Waivers {
		all = append(all, c.answer(s, w)...)
	}
	if len(all) > 0 {
		return all
	}
	for _, path := range s.EndParts {
		if p := c.parts[path]; p == nil || !p.named || p.defect != "" {
			return []Step{{Kind: Read, Who: c.p.Opener, Stage: s.Code}}
		}
	}
	return nil
}

func (c *Case) answer(s *Stage, w Waiver) []Step {
	if c.signed(w.Role, "waive:"+w.Condition, c.root, "", "") != nil {
		return nil
	}
	return []Step{{Kind: Waive, Who: c.first(w.Role), Stage: s.Code, Purpose: w.Condition}}
}

// bring makes a part, names it, or mends it.
func (c *Case) bring(s *Stage, part *Part) []Step {
	path := s.Code + "/" + part.Key
	p := c.parts[path]
	step := Step{Who: c.acts(part.By), Stage: s.Code, Part: path}
	switch {
	case p == nil:
		if !c.has(part.Needs) {
			return nil
		}
		for _, o := range s.Orders { // what must be signed before it is written
			if o.Part == path && (c.parts[o.Signed] == nil || c.signed(o.Role, o.Purpose, c.parts[o.Signed].ref, c.parts[o.Signed].version, "") == nil) {
				return nil
			}
		}
		step.Kind = Make
	case part.As != Beside && !p.named:
		step.Kind, step.Who = Name, c.first(s.Owner)
	case p.defect != "":
		step.Kind = Edit
	default:
		return nil
	}
	return []Step{step}
}

// early are the signatures that other parts wait for.
func (c *Case) early(s *Stage) (all []Step) {
	for _, o := range s.Orders {
		if p := c.parts[o.Signed]; p != nil && p.named && p.defect == "" && c.signed(o.Role, o.Purpose, p.ref, p.version, "") == nil {
			all = append(all, Step{Kind: Sign, Who: c.first(o.Role), Stage: s.Code, Part: o.Signed, Purpose: o.Purpose, Role: o.Role})
		}
	}
	return all
}

// stale are parts that must be written anew because what they follow was signed
// anew.
func (c *Case) stale(s *Stage) (all []Step) {
	for _, o := range s.Orders {
		if c.tooOld(o) {
			all = append(all, Step{Kind: Edit, Who: c.first(s.Owner), Stage: s.Code, Part: o.Part})
		}
	}
	return all
}

// anything is any step of anybody, sensible or not.
func (c *Case) anything(dice *rand.Rand) Step {
	if c.x != nil && dice.IntN(3) == 0 {
		return c.unsettled(dice)
	}
	s := c.near(dice)
	step := Step{Who: c.anybody(dice), Stage: s.Code}
	switch dice.IntN(16) {
	case 0, 1, 2:
		step.Kind, step.To = Move, pick(dice, []string{received, judgedOK, accepted, working, completed})
	case 3:
		step.Kind, step.To = Put, pick(dice, []string{received, judgedOK, accepted, working, completed})
	case 4:
		step.Kind, step.To, step.Who = Move, pick(dice, []string{received, judgedOK, accepted, working, completed}), c.first(s.Owner)
	case 5:
		if len(s.After) > 0 {
			step.Kind, step.Pred, step.Purpose = Judge, pick(dice, s.After), "judgement"
		}
	case 6:
		step.Kind, step.Purpose = Take, "acceptance"
	case 7, 8, 9:
		c.anySignature(dice, s, &step)
	case 10:
		if len(s.Waivers) > 0 {
			step.Kind, step.Purpose = Waive, pick(dice, s.Waivers).Condition
		}
	case 11, 12:
		c.anyWriting(dice, s, &step)
	case 13:
		if part := pick(dice, s.Parts); !part.Optional {
			step.Kind, step.Part = Name, s.Code+"/"+part.Key
		}
	case 14:
		step.Kind = pick(dice, []Kind{Forge, Foreign, Read, Use})
		if step.Kind == Foreign && c.patient == nil || step.Kind == Forge {
			step.Stage = pick(dice, c.p.Stages).Code
		}
	case 15:
		step.Kind = Read
	}
	if step.Kind == Use {
		step.Who = c.acts(c.p.Opener)
	}
	return step
}

// near is a stage that is open, or sometimes any.
func (c *Case) near(dice *rand.Rand) *Stage {
	var open []*Stage
	for i := range c.p.Stages {
		if st := c.stages[c.p.Stages[i].Code].state; st != future && st != completed {
			open = append(open, &c.p.Stages[i])
		}
	}
	if len(open) > 0 && dice.IntN(4) > 0 {
		return pick(dice, open)
	}
	return &c.p.Stages[dice.IntN(len(c.p.Stages))]
}

func (c *Case) anybody(dice *rand.Rand) string {
	var all []string
	for id := range c.people {
		all = append(all, id)
	}
	slices.Sort(all) // the same choice for the same seed
	return pick(dice, all)
}

func (c *Case) anySignature(dice *rand.Rand, s *Stage, step *Step) {
	if len(s.Signatures) == 0 {
		return
	}
	k := pick(dice, s.Signatures)
	step.Kind, step.Part, step.Purpose, step.Role = Sign, k.Part, k.Purpose, pick(dice, roles(k.Role))
	switch dice.IntN(5) {
	case 0:
		step.Role = c.people[step.Who].Role
	case 1:
		step.Who = c.first(step.Role)
	case 2:
		step.Purpose = pick(dice, pick(dice, c.p.Stages).signatures()).Purpose
	case 3:
		step.Kind, step.Who = Outdate, c.first(step.Role)
	}
}

func (s Stage) signatures() []Signature {
	if len(s.Signatures) == 0 {
		return []Signature{{Purpose: "order"}}
	}
	return s.Signatures
}

// anyWriting writes a part, often with a fault.
func (c *Case) anyWriting(dice *rand.Rand, s *Stage, step *Step) {
	part := pick(dice, s.Parts)
	step.Kind, step.Part, step.Who = Edit, s.Code+"/"+part.Key, c.acts(part.By)
	if c.parts[step.Part] == nil {
		step.Kind = Make
	}
	if len(part.Defects) > 0 && dice.IntN(2) == 0 {
		if d := pick(dice, part.Defects); d.Owed == "" {
			step.Defect = d.Name
		}
	}
}

func pick[T any](dice *rand.Rand, from []T) T { return from[dice.IntN(len(from))] }
