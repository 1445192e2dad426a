package casewalk

import "slices"

// predictException says what becomes of a step of an exception flow.
func (m *Model) predictException(v *Verdict, s Step, by *Person) {
	switch s.Kind {
	case File:
		m.predictFile(v, s, by)
	case Found:
		if v.Absent = m.x != nil || m.revoked || m.dead || !m.done("S11") || m.ended() || m.over || s.Who != m.acts(attendance); !v.Absent {
			v.Reasons = nil
		}
	case Revoke:
		consent := m.parts["S01/consent"]
		v.Absent = m.x != nil || m.revoked || m.dead || consent == nil || !m.done("S01") || m.done("S17") || s.Who != m.acts(attendance)
	case Bring:
		v.Absent = m.x == nil || len(flows[m.x.code].Brings) == 0 || m.x.brought != "" || s.Who != m.brings()
	case Agree:
		m.predictAgree(v, s, by)
	case Settle:
		m.predictSettle(v, s, by)
	case Stands:
		if v.Absent = m.x == nil || !m.machine || s.Who != "prod-zhou"; m.revoked {
			v.Reasons, v.Open = nil, true // the case is closed to him, yet he is asked
		}
	case Note:
		v.Absent = m.x == nil || m.x.code != unfit || s.Who != m.first(s.Role)
	case Demand:
		m.predictDemand(v, s)
	case Leave:
		m.predictLeave(v, s, by)
	case Back:
		m.predictBack(v, s, by)
	case Join:
		m.predictJoin(v, s)
	case Counter:
		m.predictCounter(v, s)
	case Die:
		m.predictDie(v, s)
	}
}

// brings is who writes the outputs of the open exception.
func (m *Model) brings() string {
	if m.x.code == ending {
		return "hosp-chen"
	}
	return m.acts(attendance)
}

func (m *Model) member(v *Verdict, by *Person, which []string) {
	switch {
	case m.asDeputy(by):
		v.Open = true // not said of deputies
	case m.outside(by):
		v.refuse(by.ID+" is not of the team", "", 403, 404)
	case !slices.Contains(which, by.Role):
		v.refuse(by.Role+" does not file this", "", 403, 409, 422)
	}
}

func (m *Model) predictFile(v *Verdict, s Step, by *Person) {
	if v.Absent = m.x != nil || m.revoked || m.dead || m.over || m.ended() || !m.done("S01"); v.Absent {
		return
	}
	m.member(v, by, flows[s.Purpose].Files)
	switch s.Purpose {
	case changed:
		of, _ := m.p.part(s.Part)
		if m.from(s.To) == "" {
			m.predictStill(v, s, of)
			return
		}
		if v.Absent = of == nil || m.parts[s.Part] == nil || !m.parts[s.Part].named || !slices.Contains(m.p.onward(m.from(s.To)), of.Code); v.Absent {
			return // signatures over the document that it names would count no more: it is one of those that are written anew
		}
		if !m.done("S06") {
			v.refuse("S06 is not completed", "", 409, 422, 403, 404)
			return
		}
		from := m.stages[m.from(s.To)]
		if v.Absent = from == nil || from.state == future || m.done("S13") && m.done("S14"); v.Absent {
			return
		}
		if s.To == "clinical-requirement" && m.done("S10") {
			v.refuse("it is a new demand", "new-demand", 409)
		}
		if s.Defect == "no path" {
			v.refuse("no stage and no document is named", "", 422)
		}
		if s.Defect == "no reason" {
			v.refuse("no reason in words", "", 422)
		}
	case withdrawn:
		v.Absent = !m.done("S11") || m.done("S17")
	case handedTo:
		v.Absent = m.done("S19") || !m.done("S06") || s.To == m.acts(attendance)
	}
}

// predictStill: a change that opens no stage anew.
func (m *Model) predictStill(v *Verdict, s Step, of *Stage) {
	v.Absent = of == nil || m.parts[s.Part] == nil || !m.done("S06") || m.done("S17") || m.stages[s.Stage] == nil ||
		s.To == "team-member" && (m.admitted || m.joined) || s.To != "team-member" && m.stages[of.Code].state != working
}

func (m *Model) predictAgree(v *Verdict, s Step, by *Person) {
	if v.Absent = m.x == nil || s.Purpose != flows[m.x.code].Purpose; v.Absent {
		return
	}
	if !slices.Contains(flows[m.x.code].Signs, s.Role) || by.Role != s.Role || m.outside(by) {
		v.refuse(by.Role+" does not sign this as "+s.Role, "", 403, 404, 409, 422)
	}
	v.Open = v.Open || m.asDeputy(by)
	if m.x.code == handedTo && s.Role == "CLIN" && by.ID != m.x.heir {
		v.refuse("it is "+m.x.heir+" who takes over", "", 403)
	}
}

func (m *Model) predictSettle(v *Verdict, s Step, by *Person) {
	if v.Absent = m.x == nil; v.Absent {
		return
	}
	f := flows[m.x.code]
	attends := by.ID == m.acts(attendance)
	signs := slices.Contains(f.Signs, by.Role) && !m.outside(by) && (m.x.code != handedTo || by.Role == "HOSP" || by.ID == m.x.heir)
	v.Open = v.Open || m.asDeputy(by)
	switch s.To {
	case "completed":
		m.predictCarryOut(v, signs)
	case "rejected":
		if v.Absent = !f.Back; !signs {
			v.refuse("who does not sign does not decline", "", 403, 404, 409, 422)
		}
	case "cancelled":
		if v.Absent = !f.Back; by.ID != m.x.by && !attends {
			v.refuse("who did not file it does not take it back", "", 403, 404, 409, 422)
		}
	}
}

func (m *Model) predictCarryOut(v *Verdict, signs bool) {
	f := flows[m.x.code]
	if !signs {
		v.refuse("none of those who sign", "", 403, 404, 409, 422)
	}
	if len(f.Brings) > 0 && m.x.brought == "" {
		v.refuse("its outputs are not written", "", 422, 409)
	}
	for _, role := range f.Signs {
		if m.signed(role, f.Purpose, m.x.task, "", "") == nil {
			v.refuse("not signed by "+role, "", 422, 409)
		}
	}
	if m.machine && m.x.code != handedTo && m.x.code != reviewed {
		v.refuse("the machine may still print", "", 409, 422)
	}
	if m.x.code == unfit && !m.noted() {
		v.Open = true // the protocol does not say that closing waits for the acknowledgements
	}
}

// noted tells that designer and producer acknowledged the news.
func (m *Model) noted() bool {
	return m.signed("DES", "acknowledgement", m.x.task, "notice", "") != nil && m.signed("PROD", "acknowledgement", m.x.task, "notice", "") != nil
}

// predictDemand: a new case after the confirmed design (X4).
func (m *Model) predictDemand(v *Verdict, s Step) {
	order := m.parts["S06/order"]
	if v.Absent = order == nil || order.ref == "" || m.followed || m.p.Settings == nil || m.revoked || s.Who != m.acts(attendance); v.Absent {
		return
	}
	switch {
	case m.over, m.dead:
		v.Open = true
	case !m.done("S10"):
		v.refuse("before S10 it is a change", "", 409)
	case m.x != nil && (m.x.code == changed || m.x.code == unfit):
		v.refuse("a change or nonconformity is open", "prior-unsettled", 409)
	case m.x != nil:
		v.Open = true
	}
}
