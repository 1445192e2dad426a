package casewalk

import (
	"slices"
	"strings"
)

// Predict says what must become of a step.
func (m *Model) Predict(s Step) (v Verdict) {
	by, st, stage := m.people[s.Who], m.stages[s.Stage], m.p.stage(s.Stage)
	m.seeing(&v, by)
	switch s.Kind {
	case Move, Put:
		m.predictMove(&v, s, by, st, stage)
	case Judge:
		m.predictJudge(&v, s, by, st, stage)
	case Take:
		m.predictTake(&v, by, st, stage)
	case Sign, Outdate:
		m.predictSign(&v, s, by)
	case Waive:
		m.predictWaive(&v, s, by, st, stage)
	case Make, Edit:
		m.predictWrite(&v, s, st)
	case Name, Foreign:
		m.predictName(&v, s, by, st, stage)
	case Forge:
		v.refuse("only the server makes Tasks of stages", "", 409, 403)
		if m.sees(by) == unsure {
			v.refuse(by.ID+" may not see the case", "", 404)
		}
	case Read:
		if m.sees(by) == unsure {
			v.Open = true
		}
	case Use:
		m.predictUse(&v)
	default:
		m.predictException(&v, s, by)
	}
	m.aside(&v, s)
	return v
}

// aside: while an exception is open the description tells what does not move, and
// little of what is written and signed beside it.
func (m *Model) aside(v *Verdict, s Step) {
	if m.x == nil && !m.revoked && !m.over && !m.typeEnded && !m.dead && m.closed == "" {
		return
	}
	switch s.Kind {
	case Move, Put:
		v.Open = v.Open || m.typeEnded // how far a case goes on whose type is used no more is not said
		return
	case Read, Use, Forge, File, Found, Revoke, Bring, Agree, Settle, Stands, Note, Demand, Leave, Back, Join, Counter, Die:
		return
	}
	v.Open = true
	if by := m.people[s.Who]; m.revoked && by.Maker && (s.Kind == Make || s.Kind == Edit) {
		v.Reasons = nil // what is no part of the case yet is his own
		if p := m.parts[s.Part]; p != nil && p.named {
			v.refuse("the case is closed to "+by.ID, "", 409, 404)
			return
		}
	}
	for i := range v.Reasons {
		v.Reasons[i].Statuses, v.Reasons[i].Rule = append(v.Reasons[i].Statuses, 409, 404, 403, 422), ""
	}
}

// seeing adds what a person may be told who does not see the case.
func (m *Model) seeing(v *Verdict, by *Person) {
	if shut := map[bool]string{true: "maker", false: "hospital"}[by.Maker]; m.closed != "" && m.closed == shut && by.ID != "patient" && by.ID != "stranger" {
		v.refuse(by.ID+" is of a closed organisation", "", 401, 403)
	}
	if m.sees(by) == unseen {
		v.refuse(by.ID+" does not see the case", "", 404, 403)
	}
}

func (m *Model) role(v *Verdict, by *Person, roles ...string) bool {
	if slices.Contains(roles, by.Role) {
		return true
	}
	statuses := []int{403}
	if m.sees(by) == unsure || by.Role == "PAT" {
		statuses = append(statuses, 404)
	}
	v.refuse(by.Role+" may not", "", statuses...)
	return false
}

// owner refuses who is not of the role that moves a stage.
func (m *Model) owner(v *Verdict, by *Person, stage *Stage) bool {
	if slices.Contains(stage.Also, by.Role) {
		v.Open = true
		return true
	}
	return m.role(v, by, stage.Owner)
}

// next is the protocol of every stage: what may follow on what.
func next(stage *Stage, from string) []string {
	switch from {
	case handedOver:
		return []string{received}
	case received:
		if stage.Judges {
			return []string{judgedOK, judgedNot, returned}
		}
		return []string{accepted, returned}
	case judgedOK:
		return []string{accepted, returned}
	case judgedNot:
		return []string{returned}
	case accepted:
		return []string{working, returned}
	case working:
		return []string{completed, failed}
	case onChange: // where it was parked
		return []string{working}
	}
	return nil
}

func (m *Model) predictMove(v *Verdict, s Step, by *Person, st *stageState, stage *Stage) {
	if st.state == future {
		v.Absent = true
		return
	}
	owner := m.owner(v, by, stage)
	if owner && m.sees(by) == unsure {
		v.Open = true
	}
	if rule := m.rests(s.Stage); rule != "" {
		if s.To == st.state && st.state != completed { // nothing is moved
			v.Open = true
			return
		}
		if from := st.state; from == onChange || from == onNonconformity || !slices.Contains(next(stage, from), s.To) || s.To == returned || s.To == failed {
			rule = "" // there are other reasons too
		}
		v.refuse(s.Stage+" rests", rule, 409, 422)
		return
	}
	if !slices.Contains(next(stage, st.state), s.To) {
		rule := "transition"
		switch {
		case s.To == st.state && st.state != completed:
			v.Open = true // nothing is moved
			return
		case !slices.Contains([]string{handedOver, received, judgedOK, judgedNot, accepted, working, onChange, onNonconformity}, st.state):
			rule = "stage-closed"
		case s.To == judgedOK || s.To == judgedNot:
			rule = ""
		case s.To == accepted && stage.Judges && st.state == received:
			rule = "judged-first"
		}
		v.refuse(st.state+" does not become "+s.To, rule, 409, 422)
		if slices.Contains(stage.Also, by.Role) {
			v.refuse("perhaps "+by.Role+" may not", "", 403)
		}
		if m.sees(by) == unsure {
			v.refuse(by.ID+" is in no team yet", "actor-role", 403, 404)
		}
		return
	}
	if st.state == onChange && !st.parked {
		v.refuse(st.state+" does not become "+s.To, "", 409, 422)
	}
	m.conditionsOf(v, s, st, stage)
	m.reads(v, by, st)
	if len(v.Reasons) > 0 && m.sees(by) == unsure {
		v.refuse(by.ID+" is in no team yet", "actor-role", 403, 404)
	}
	if len(v.Reasons) > 0 && slices.Contains(stage.Also, by.Role) {
		v.refuse("perhaps "+by.Role+" may not", "", 403)
	}
}

// conditionsOf are those of a move that the protocol allows.
func (m *Model) conditionsOf(v *Verdict, s Step, st *stageState, stage *Stage) {
	switch s.To {
	case judgedOK, judgedNot:
		purpose := "judgement"
		if s.To == judgedNot {
			purpose = "nonconform"
		}
		for _, before := range stage.After {
			pred := m.stages[before]
			k := m.signed(stage.Owner, purpose, pred.task, pred.version, "")
			switch {
			case k == nil:
				v.refuse(before+" is not judged", "predecessor-judged", 422)
			case k.at < st.received:
				v.Open = true // judged before this stage was received
			}
		}
		if s.To == judgedNot {
			v.Open = true // the protocol does not say whether all must be so judged
		}
	case accepted:
		if stage.Judges && m.signed(stage.Owner, "acceptance", st.task, st.version, "") == nil {
			v.refuse("not taken over by a signature", "", 422)
		}
	case working:
		v.Reasons = append(v.Reasons, m.unstarted(stage)...)
	case completed:
		v.Reasons = append(v.Reasons, m.unmet(stage)...)
		v.Open = v.Open || m.unsure(stage)
	case returned, failed:
		v.Open = true
	}
}

func (m *Model) predictJudge(v *Verdict, s Step, by *Person, st *stageState, stage *Stage) {
	pred := m.stages[s.Pred]
	if pred.state != completed || !slices.Contains(stage.After, s.Pred) {
		v.Absent = true
		return
	}
	var judges, also []string
	for _, other := range m.p.Stages {
		if other.Judges && slices.Contains(other.After, s.Pred) {
			judges, also = append(judges, other.Owner), append(also, other.Also...)
		}
	}
	if slices.Contains(also, by.Role) {
		v.Open = true
	} else if m.role(v, by, judges...) && (by.Role != stage.Owner || !stage.Judges || st.state != received) {
		v.Open = true
	}
}

func (m *Model) predictTake(v *Verdict, by *Person, st *stageState, stage *Stage) {
	if st.state == future {
		v.Absent = true
		return
	}
	if m.owner(v, by, stage) && (!stage.Judges || st.state != judgedOK) {
		v.Open = true
	}
}

// asked finds the stages that ask for a signature.
func (m *Model) asked(role, purpose, part string) (all []*Stage, which Signature) {
	for i := range m.p.Stages {
		for _, k := range m.p.Stages[i].Signatures {
			if slices.Contains(roles(k.Role), role) && k.Purpose == purpose && k.Part == part {
				all, which = append(all, &m.p.Stages[i]), k
			}
		}
	}
	return all, which
}

// askedOf tells whether any role is asked for a purpose on a part.
func (m *Model) askedOf(purpose, part string) bool {
	return slices.ContainsFunc(m.p.Stages, func(s Stage) bool {
		return slices.ContainsFunc(s.Signatures, func(k Signature) bool { return k.Purpose == purpose && k.Part == part })
	})
}

func (m *Model) predictSign(v *Verdict, s Step, by *Person) {
	p := m.parts[s.Part]
	if p == nil || !p.named || s.Kind == Outdate && p.version == "1" {
		v.Absent = true
		return
	}
	if s.Kind == Outdate {
		v.refuse("not the current version", "sign-version", 412)
	}
	m.role(v, by, s.Role)
	stages, asked := m.asked(s.Role, s.Purpose, s.Part)
	if len(stages) == 0 {
		rule := "" // the purpose is asked of nobody here
		if m.askedOf(s.Purpose, s.Part) {
			rule = "signature-role"
		}
		v.refuse("nobody asks "+s.Role+" to sign "+s.Part+" for "+s.Purpose, rule, 403)
		if m.sees(by) == unsure {
			v.refuse(by.ID+" may not see the case", "", 404)
		}
		return
	}
	rule := "two-persons"
	if !slices.ContainsFunc(stages, func(st *Stage) bool { return m.stages[st.Code].state == working }) {
		v.Open, rule = true, "" // which of two reasons is told first is not said
	}
	if asked.Person != "" && m.acts(asked.Person) != by.ID || m.sees(by) == unsure {
		v.Open = true // not the attending clinician
	}
	m.twoPersons(v, s, by, p, stages[0], rule)
}

// twoPersons: who signs in one of two roles must not stand behind the other.
func (m *Model) twoPersons(v *Verdict, s Step, by *Person, p *partState, stage *Stage, rule string) {
	_, part := m.p.part(s.Part)
	if review := s.Purpose == "plan-approval" || strings.HasSuffix(s.Purpose, "-review"); review && s.Role == "REV" && m.people[part.By].Human == by.Human {
		v.refuse("the same person wrote it", rule, 403)
		return
	}
	for _, k := range stage.Signatures {
		if k.Part != s.Part || k.Other == "" || s.Role != k.Role && s.Role != k.Other {
			continue
		}
		other := k.Other
		if s.Role == k.Other {
			other = k.Role
		}
		for _, a := range m.marks {
			if a.role == other && a.target == p.ref && a.version == p.version && a.by.Human == by.Human {
				v.refuse("the same person signed as "+other, rule, 403)
				return
			}
		}
		if by.ID == "rev-zhang" {
			v.Open = true // the designer has not signed yet
		}
	}
}

func (m *Model) predictWaive(v *Verdict, s Step, by *Person, st *stageState, stage *Stage) {
	for _, w := range stage.Waivers {
		if w.Condition != s.Purpose {
			continue
		}
		m.role(v, by, w.Role)
		if st.state == future || st.state == completed || m.sees(by) == unsure {
			v.Open = true
		}
		return
	}
	v.Absent = true
}

func (m *Model) predictWrite(v *Verdict, s Step, st *stageState) {
	stage, part := m.p.part(s.Part)
	p := m.parts[s.Part]
	if !m.has(part.Needs) {
		list, named := strings.CutSuffix(part.Needs[0], "!")
		if v.Absent = true; named && s.Kind == Make && p == nil && s.Who == m.acts(part.By) && m.has([]string{list}) && m.has(part.Needs[1:]) {
			v.Absent = false
			v.refuse("the delivery list is not named", "", 422, 404)
		}
		return
	}
	if d := part.defect(s.Defect); d.Personal && m.attending != "" || d.Unfit && (m.x != nil || m.revoked || m.over) {
		v.Absent = true
		return
	}
	if s.Defect != "" && part.defect(s.Defect).AtDoor {
		v.refuse("it does not even read as a "+part.Type, "", 422)
	}
	switch {
	case s.Part == "S01/consent" && st.state == completed && (m.x != nil && m.x.code != ending || m.done("S17") || m.dead):
		v.Absent = true // two exceptions at a time, or after the device was released: not walked
	case s.Kind == Make && p != nil, s.Kind == Edit && (p == nil || part.Body == nil || part.Given != "" || part.Edits != ""), s.Who != m.acts(part.By):
		v.Absent = true
	case s.Kind == Edit && part.Type == "Provenance":
		v.refuse("a Provenance is never written anew", "provenance-immutable", 409)
	case s.Kind == Edit && st.state == completed && s.Defect != "":
		v.Absent = true
	case s.Kind == Edit && st.state == completed && part.Sealed:
		v.refuse(stage.Code+" is completed", "document-sealed", 409)
	case part.Type == "ImagingStudy" && m.stages["S01"].state != completed:
		if c := m.parts["S01/consent"]; c != nil && m.signed("PAT", "consent", c.ref, c.version, "") != nil {
			v.Open = true // signed, but the stage is not completed
			return
		}
		v.refuse("no signed consent", "", 409, 403, 404)
	case part.Work && (st.state == onChange || st.state == onNonconformity):
		v.Open = true // what is done by then is written down
	case part.Work && st.state != working:
		if st.state == future || st.state == completed || st.state == returned || st.state == failed {
			v.Absent = true
			return
		}
		v.refuse(stage.Code+" is not at work", "", 409)
	case st.state == future || st.state == handedOver || st.state == completed:
		v.Absent = true
	}
}

func (m *Model) predictName(v *Verdict, s Step, by *Person, st *stageState, stage *Stage) {
	if st.state == future {
		v.Absent = true
		return
	}
	if s.Kind == Name {
		_, part := m.p.part(s.Part)
		if p := m.parts[s.Part]; p == nil || p.named || part.As == Beside || part.defect(p.defect).Unfit && (m.x != nil || m.revoked || m.over) {
			v.Absent = true
			return
		}
		if part.As == Input && st.state == working {
			v.Open = true
		}
	} else {
		rule := "other-patient"
		if by.Maker {
			rule = "" // out of the manufacturer's reach at all
		}
		v.refuse("about another patient", rule, 422)
	}
	if before := len(v.Reasons); !m.owner(v, by, stage) && len(v.Reasons) > before {
		last := &v.Reasons[len(v.Reasons)-1]
		last.Statuses = append(last.Statuses, 422) // what is not named yet is out of reach too
	}
	if m.sees(by) == unsure {
		v.Open = true
	}
	switch st.state {
	case received, judgedOK, accepted, working:
	case judgedNot, onChange, onNonconformity:
		v.Open = true
	default:
		v.refuse("nothing is named while it is "+st.state, "", 409)
	}
}

func (m *Model) predictUse(v *Verdict) {
	if m.parts["S11/device"] == nil || m.stages["S17"].state == completed {
		v.Absent = true
		return
	}
	v.refuse("the device is not released for use", "", 409)
}

// has tells whether the parts that another refers to are there.
func (m *Model) has(needs []string) bool {
	for _, need := range needs {
		path, named := strings.CutSuffix(need, "!")
		if p := m.parts[path]; p == nil || p.ref == "" || named && !p.named {
			return false
		}
	}
	return true
}
