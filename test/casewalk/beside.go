package casewalk

import (
	"slices"
	"time"
)

// What happens beside the stages without holding them: somebody is away and
// another stands in, a new member joins the team; and the death of the patient.

// deputy is somebody who stands in.
type deputy struct{ task, away string }

// outside tells that a person has no part in the case: neither of its team nor in
// the place of somebody who is.
func (m *Model) outside(p *Person) bool {
	return p.ID == "patient" || p.ID == "stranger" || p.Out && !m.joined && m.deputies[p.ID] == nil
}

// asDeputy tells that a person acts only because another is away.
func (m *Model) asDeputy(p *Person) bool { return p.Out && !m.joined && m.deputies[p.ID] != nil }

// rested tells that something holds the whole case: nothing begins beside it.
func (m *Model) rested() bool {
	return m.x != nil || m.revoked || m.dead || m.over || m.typeEnded || m.closed != "" || m.ended() || !m.done("S01")
}

// predictLeave: the deputy has the same role and organisation, is another person,
// and is named in the agreement (all of the cast are).
func (m *Model) predictLeave(v *Verdict, s Step, by *Person) {
	to := m.people[s.To]
	if v.Absent = m.rested() || to == nil || m.deputies[s.To] != nil || m.joined && to.Out || !m.done("S05"); v.Absent {
		return
	}
	if m.outside(by) || m.asDeputy(by) {
		v.refuse(by.ID+" is not of the team", "", 403, 404, 422)
	}
	if to.Human == by.Human || to.Role != by.Role || to.Maker != by.Maker {
		v.refuse(s.To+" cannot stand in for "+by.ID, "", 422, 403)
	}
	if s.Defect == "over" {
		v.refuse("the leave is over", "", 422, 403)
	}
	v.Open = v.Open || by.Role == "REV" // whose grade is enough is not said
}

func (m *Model) predictBack(v *Verdict, s Step, by *Person) {
	d := m.deputies[s.To]
	if v.Absent = d == nil || m.rested(); !v.Absent && by.ID != d.away && by.ID != m.acts(attendance) {
		v.refuse("who did not file it does not take it back", "", 403, 404, 409, 422)
	}
}

// predictJoin: a new member comes by a change alone.
func (m *Model) predictJoin(v *Verdict, s Step) {
	if v.Absent = m.rested() || m.joined || s.Who != m.acts(attendance) || !m.done("S06"); !v.Absent && !m.admitted {
		v.refuse("no change names the new member", "team-by-change", 409)
	}
}

// predictCounter: a new member reads what was open when he came.
func (m *Model) predictCounter(v *Verdict, s Step) {
	st := m.stages[s.Stage]
	v.Absent = m.rested() || !m.joined || s.Who != newcomer || st == nil || st.task == "" || !slices.Contains(m.unread, st.task) || m.p.stage(s.Stage).Owner != "DES"
	v.Open = v.Open || st != nil && st.state == completed
}

// newcomer joins the team later, and stands in for the designer.
const newcomer = "des-liu"

// reads adds that a new member has not read a stage yet.
func (m *Model) reads(v *Verdict, by *Person, st *stageState) {
	if m.joined && by.ID == newcomer && slices.Contains(m.unread, st.task) {
		v.refuse("not read by the new member", "counter-read", 409)
		for i := range v.Reasons {
			v.Reasons[i].Rule = "" // which is told first is not said
		}
	}
}

// predictDie: before use nothing goes on, afterwards the follow-up is written.
func (m *Model) predictDie(v *Verdict, s Step) {
	v.Absent = m.rested() || m.p.Settings == nil || s.Who != m.acts(attendance) || m.done("S17") && !m.wasUsed()
}

func (m *Model) wasUsed() bool {
	return m.parts["S18/use-record"] != nil || m.parts["S18/usage-report"] != nil
}

// stuck: nothing leads on any more.
func (m *Model) stuck() bool { return m.dead && m.x == nil && !m.done("S17") }

// aside carries a step beside the stages out.
func (c *Case) besides(by *Person, s Step) (*Answer, error) {
	switch s.Kind {
	case Leave:
		now := time.Now()
		from, to := now.Add(-time.Hour), now.Add(24*time.Hour)
		if s.Defect == "over" {
			from, to = from.Add(-time.Hour), now.Add(-time.Hour)
		}
		return c.w.send(by, "POST", "Task", Obj{
			"resourceType": "Task", "status": "requested", "intent": "proposal", "code": coded("exception", "deputy"), "partOf": refs(c.root), "for": ref(c.patient.Ref),
			"requester": ref(by.Ref), "authoredOn": instant(now), "reasonCode": text("leave"), "owner": ref(c.people[s.To].Ref),
			"restriction": Obj{"period": Obj{"start": instant(from), "end": instant(to)}},
		})
	case Back:
		return c.w.send(by, "PATCH", c.deputies[s.To].task, encode(Arr{
			Obj{"op": "replace", "path": "/status", "value": "cancelled"}, Obj{"op": "add", "path": "/statusReason", "value": text("back again")},
		}), "Content-Type", "application/json-patch+json")
	case Join:
		w := c.writer(by)
		w.Joined = true
		o := careTeam(w)
		p := c.parts["S01/care-team"]
		o["id"] = p.ref[len("CareTeam/"):]
		return c.w.send(by, "PUT", p.ref, o)
	case Counter:
		return c.signature(by, c.stages[s.Stage].task, by.Role, "counter-read", "")
	}
	return c.w.send(by, "PATCH", c.patient.Ref, encode(Arr{Obj{"op": "add", "path": "/deceasedBoolean", "value": true}}), "Content-Type", "application/json-patch+json")
}

// besidesTaken tells the model what it did.
func (c *Case) besidesTaken(s Step, a *Answer) error {
	switch s.Kind {
	case Leave:
		c.deputies[s.To] = &deputy{a.Ref(), s.Who}
		c.w.Flows["deputy "+s.To]++
	case Back:
		delete(c.deputies, s.To)
	case Join:
		c.joined, c.parts["S01/care-team"].version = true, a.version()
		delete(c.deputies, newcomer)
		for code, st := range c.stages {
			if st.task != "" && st.state != completed && c.p.stage(code).Owner == "DES" {
				c.unread = append(c.unread, st.task)
			}
		}
		c.w.Flows["team-member joined"]++
	case Counter:
		task := c.stages[s.Stage].task
		c.unread = slices.DeleteFunc(c.unread, func(t string) bool { return t == task })
	case Die:
		c.dead = true
		c.w.Flows["patient died"]++
		c.hold()
		if c.produced() && !c.wasUsed() {
			return c.opened(ending)
		}
	}
	return nil
}
