package casewalk

import (
	"maps"
	"math/rand/v2"
	"slices"
)

// how often an exception begins: one in so many steps.
const seldom = 90

// exceptional begins an exception, where the case stands so.
func (c *Case) exceptional(dice *rand.Rand) Step {
	attends := c.acts(attendance)
	if dice.IntN(3) == 0 {
		return c.anyBeside(dice)
	}
	switch dice.IntN(9) {
	case 0, 1, 2, 3:
		return c.anyChange(dice)
	case 4, 5:
		return Step{Kind: Found, Who: attends, Stage: "S15"}
	case 6:
		if dice.IntN(3) > 0 {
			return Step{}
		}
		return Step{Kind: File, Who: pick(dice, []string{attends, "hosp-chen", "prod-zhou", "des-zhang", "qa-wu"}), Purpose: withdrawn}
	case 7:
		if dice.IntN(3) > 0 {
			return Step{}
		}
		return Step{Kind: Revoke, Who: attends, Stage: "S01"}
	}
	if dice.IntN(3) == 0 {
		return Step{Kind: Demand, Who: attends}
	}
	return Step{Kind: File, Who: pick(dice, []string{"hosp-chen", "hosp-chen", "des-zhang"}), Purpose: handedTo, To: pick(dice, []string{attendance, successor})}
}

func (c *Case) anyChange(dice *rand.Rand) Step {
	s := Step{Kind: File, Who: c.anybody(dice), Purpose: changed, To: pick(dice, slices.Sorted(maps.Keys(changeFrom)))}
	if dice.IntN(3) > 0 {
		s.Who = pick(dice, []string{"des-zhang", "prod-zhou", c.acts(attendance), "qa-wu"})
	}
	if dice.IntN(6) == 0 {
		s.Defect = pick(dice, []string{"no path", "no reason"})
	}
	if c.from(s.To) == "" {
		return c.stillChange(dice, s)
	}
	stage := c.p.stage(c.from(s.To))
	if stage == nil {
		return Step{}
	}
	for i := range stage.Parts {
		if path := stage.Code + "/" + stage.Parts[i].Key; c.parts[path] != nil && c.parts[path].named && stage.Parts[i].As == Output {
			s.Part = path
			break
		}
	}
	return s
}

// stillChange is a change that opens no stage anew: it concerns the team, or a
// document of a stage at work.
func (c *Case) stillChange(dice *rand.Rand, s Step) Step {
	at := c.near(dice)
	s.Defect, s.Stage, s.Part = "", at.Code, "S01/care-team"
	if s.To == "team-member" {
		return s
	}
	for i := range at.Parts {
		if path := at.Code + "/" + at.Parts[i].Key; c.parts[path] != nil && c.parts[path].named && at.Parts[i].As == Output {
			s.Part = path
			return s
		}
	}
	return Step{}
}

// anyBeside is a step beside the stages, sensible or not.
func (c *Case) anyBeside(dice *rand.Rand) Step {
	attends := c.acts(attendance)
	switch dice.IntN(12) {
	case 0, 1, 2:
		return Step{Kind: Leave, Who: "des-zhang", To: newcomer}
	case 3:
		s := Step{Kind: Leave, Who: c.anybody(dice), To: c.anybody(dice)}
		if dice.IntN(4) == 0 {
			s.Defect = "over"
		}
		return s
	case 4, 5:
		return Step{Kind: Back, Who: pick(dice, []string{"des-zhang", "des-zhang", attends, c.anybody(dice)}), To: newcomer}
	case 6:
		return Step{Kind: Back, Who: attends, To: pick(dice, []string{attendance, successor})}
	case 7, 8:
		return Step{Kind: Join, Who: attends, Stage: "S01"}
	case 9:
		return Step{Kind: Counter, Who: newcomer, Stage: c.near(dice).Code}
	case 10:
		return Step{Kind: File, Who: attends, Purpose: changed, To: "team-member", Stage: c.near(dice).Code, Part: "S01/care-team"}
	}
	if dice.IntN(3) > 0 {
		return Step{}
	}
	return Step{Kind: Die, Who: attends}
}

// settling are the legal steps that an open exception waits for.
func (c *Case) settling(dice *rand.Rand) (all []Step) {
	f := flows[c.x.code]
	if c.machine {
		all = append(all, Step{Kind: Stands, Who: "prod-zhou", Stage: "S11"})
	}
	if len(f.Brings) > 0 && c.x.brought == "" {
		return append(all, Step{Kind: Bring, Who: c.brings(), Purpose: c.x.code, To: c.disposition(dice)})
	}
	if c.x.code == unfit {
		for _, role := range []string{"DES", "PROD"} {
			if c.signed(role, "acknowledgement", c.x.task, "notice", "") == nil {
				all = append(all, Step{Kind: Note, Who: c.first(role), Role: role, Purpose: "acknowledgement"})
			}
		}
	}
	for _, role := range f.Signs {
		if c.signed(role, f.Purpose, c.x.task, "", "") == nil {
			who := c.first(role)
			if role == "CLIN" && c.x.code == handedTo {
				who = c.x.heir
			}
			all = append(all, Step{Kind: Agree, Who: who, Role: role, Purpose: f.Purpose})
		}
	}
	if len(all) == 0 {
		who := c.first(f.Signs[0])
		if c.x.code == changed {
			who = c.first(pick(dice, f.Signs))
		}
		all = append(all, Step{Kind: Settle, Who: who, To: "completed", Purpose: c.x.code})
	}
	return all
}

// disposition is one that the state of the case allows.
func (c *Case) disposition(dice *rand.Rand) string {
	switch c.x.code {
	case unfit:
		all := []string{"remake", "redesign", "return", "destroy", "retain"}
		if c.stages["S15"].state != future {
			all = append(all, "rework", "rework", "rework")
		}
		return pick(dice, all)
	case reviewed:
		return "finding"
	case typeReview:
		return pick(dice, []string{"continue", "continue", "end"})
	}
	return pick(dice, []string{"destroy", "retain"})
}

// unsettled is any step of anybody about the open exception.
func (c *Case) unsettled(dice *rand.Rand) Step {
	f, s := flows[c.x.code], Step{Who: c.anybody(dice)}
	switch dice.IntN(3) {
	case 0:
		s.Kind, s.Role, s.Purpose = Agree, pick(dice, f.Signs), f.Purpose
	case 1:
		s.Kind, s.To, s.Purpose = Settle, "completed", c.x.code
	case 2:
		s.Kind, s.To, s.Purpose = Settle, pick(dice, []string{"rejected", "cancelled"}), c.x.code
	}
	return s
}

// regain are the steps by which a consent is in force again.
func (c *Case) regain() []Step {
	p := c.parts["S01/consent"]
	if p.defect != "" {
		return []Step{{Kind: Edit, Who: c.acts(attendance), Stage: "S01", Part: "S01/consent"}}
	}
	return []Step{{Kind: Sign, Who: "patient", Stage: "S01", Part: "S01/consent", Purpose: "consent", Role: "PAT"}}
}
