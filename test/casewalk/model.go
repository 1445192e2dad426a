package casewalk

import (
	"slices"
	"strings"
)

// Sub-states of a stage (urn:tenon:substate); future: it has no Task yet.
const (
	future     = "future"
	handedOver = "handed-over"
	received   = "received"
	judgedOK   = "judged-conform"
	judgedNot  = "judged-nonconform"
	accepted   = "accepted"
	working    = "working"
	completed  = "completed"
	returned   = "returned"
	failed     = "failed"
	// on hold, with the reason
	onChange        = "change-pending"
	onNonconformity = "nonconformity"
)

// statusOf is the Task.status of a sub-state.
var statusOf = map[string]string{
	handedOver: "requested", received: "received", judgedOK: "received", judgedNot: "received", accepted: "accepted", working: "in-progress",
	completed: "completed", returned: "rejected", failed: "failed", onChange: "on-hold", onNonconformity: "on-hold",
}

// Model is what the model knows of one case. It never asks the server; what the
// server names (references, versions) is told to it after a step.
type Model struct {
	p      *Process
	clock  int // counts the steps
	people map[string]*Person
	stages map[string]*stageState
	parts  map[string]*partState
	marks  []mark
	root   string
	// undisclosed: no stage opens the case to the manufacturer.
	undisclosed bool
	x           *exceptionState // that is open
	revoked     bool            // the consent is not in force
	machine     bool            // it may still print what was put on hold
	made        bool            // a device was ever made, although its stage may be done anew
	dead        bool            // the patient
	closed      string          // organisation that is closed: "maker", "hospital"
	deputies    map[string]*deputy
	admitted    bool     // a change names the new member
	joined      bool     // who is of the team now
	unread      []string // Tasks that he has not read
	over        bool     // nothing is to come: cancelled, or its device ended
	typeEnded   bool     // no design of its type is written any more
	followed    bool     // a new demand opened another case
	attending   string   // the attending clinician after a hand-over
	generation  int      // how often stages were opened anew
	past        []string // Tasks of stages that were opened anew
	// beside is what keeps stages from ending that no step of the walk does.
	beside map[string]string
}

type stageState struct {
	state, task, version string
	// parked: on hold for want of a consent; a person sets it to work again.
	parked   bool
	received int
	created  int
}

type partState struct {
	ref, version string
	named        bool
	defect       string
	written      int
}

// mark is a signature.
type mark struct {
	by                             *Person
	role, purpose, target, version string
	at                             int
}

func newModel(p *Process, people map[string]*Person) *Model {
	m := &Model{p: p, people: people, stages: map[string]*stageState{}, beside: map[string]string{}, deputies: map[string]*deputy{}, parts: map[string]*partState{}}
	m.undisclosed = !slices.ContainsFunc(p.Stages, func(s Stage) bool { return s.Opens })
	for _, s := range p.Stages {
		m.stages[s.Code] = &stageState{state: future}
	}
	return m
}

// sight is whether a person sees the case.
type sight int

const (
	unseen sight = iota
	unsure
	seen
)

// sees follows the disclosure rule: engineering users see nothing before the
// clinician confirmed the data and the agreement is in force.
func (m *Model) sees(p *Person) sight {
	switch {
	case p.ID == m.p.Opener:
		return seen
	case p.Maker && m.revoked && p.Role == "PROD" && m.machine:
		return unsure // he is asked whether the machine stands
	case p.Maker && m.revoked:
		return unseen
	case p.ID == "stranger", p.Out && m.outside(p) && !m.undisclosed:
		return unseen
	case p.Role == "PAT":
		return unsure
	case m.undisclosed:
		return unsure
	case p.Maker && !m.disclosed():
		return unseen
	case p.Maker:
		return seen
	case m.stages[m.p.Stages[0].Code].state == completed:
		return seen // the hospital's part of the team
	}
	return unsure
}

func (m *Model) disclosed() bool {
	for _, s := range m.p.Stages {
		if s.Opens && m.stages[s.Code].state != completed {
			return false
		}
	}
	return true
}

// signed tells whether a role signed the current version of a target.
func (m *Model) signed(role, purpose, target, version, person string) *mark {
	for i := len(m.marks) - 1; i >= 0; i-- {
		k := &m.marks[i]
		if slices.Contains(strings.Split(role, "|"), k.role) && k.purpose == purpose && k.target == target && k.version == version && (person == "" || k.by.ID == person) {
			return k
		}
	}
	return nil
}

// signedPart is signed for the current version of a part.
func (m *Model) signedPart(s Signature) *mark {
	p := m.parts[s.Part]
	if p == nil {
		return nil
	}
	return m.signed(s.Role, s.Purpose, p.ref, p.version, m.acts(s.Person))
}

// unmet is what keeps a stage from ending.
func (m *Model) unmet(s *Stage) (all []Reason) {
	add := func(why, rule string, status ...int) { all = append(all, Reason{status, rule, why}) }
	either := []int{s.Status}
	if s.Status != 422 {
		either = append(either, 422)
	}
	if s.Gate == "G-DISCLOSE" {
		either = append(either, 403)
	}
	for i := range s.Parts {
		part := &s.Parts[i]
		p := m.parts[s.Code+"/"+part.Key]
		switch {
		case (part.Optional || part.Free) && (p == nil || !p.named):
		case part.Or != "" && m.parts[s.Code+"/"+part.Or] != nil && m.parts[s.Code+"/"+part.Or].named && (p == nil || !p.named):
		case p == nil || part.As != Beside && !p.named:
			add("no "+part.Key, "", append(s.lacks(part, s.Status), either...)...)
		}
		if p != nil && p.defect != "" && (part.As == Beside || p.named) {
			d := part.defect(p.defect)
			add(part.Key+": "+p.defect, d.Rule, either...)
		}
	}
	for _, k := range s.Signatures {
		if m.signedPart(k) == nil {
			add("not signed by "+k.Role+" for "+k.Purpose+": "+k.Part, k.Rule, either...)
		} else if k.Other != "" && !m.distinct(k) {
			add("two roles of one person signed "+k.Part, "", 422)
		}
	}
	for _, w := range s.Waivers {
		if m.signed(w.Role, "waive:"+w.Condition, m.root, "", "") == nil {
			add("not answered: "+w.Condition, "", append(either, 409)...)
		}
	}
	for _, o := range s.Orders {
		if m.tooOld(o) {
			add(o.Part+" is older than the "+o.Purpose, "", either...)
		}
	}
	if why := m.beside[s.Code]; why != "" {
		add(why, "", either...)
	}
	for _, path := range s.EndParts {
		if p := m.parts[path]; p == nil || !p.named || p.defect != "" {
			add("no sound "+path, "", either...)
		}
	}
	return all
}

// tooOld tells that a part was written before the first signature that it follows on.
func (m *Model) tooOld(o Order) bool {
	p, signed := m.parts[o.Part], m.parts[o.Signed]
	if p == nil || signed == nil {
		return false
	}
	for _, k := range m.marks {
		if k.role == o.Role && k.purpose == o.Purpose && k.target == signed.ref && k.version == signed.version {
			return p.written < k.at
		}
	}
	return false
}

// unsure tells that the sources do not agree whether a stage may end.
func (m *Model) unsure(s *Stage) bool {
	return slices.ContainsFunc(s.EndStages, func(other string) bool { return m.stages[other].state != completed })
}

// distinct tells that somebody else than the other role's person signed.
func (m *Model) distinct(s Signature) bool {
	p := m.parts[s.Part]
	for _, a := range m.marks {
		if a.role != s.Role || a.purpose != s.Purpose || a.target != p.ref || a.version != p.version {
			continue
		}
		twice := false
		for _, b := range m.marks {
			twice = twice || b.role == s.Other && b.target == p.ref && b.version == p.version && b.by.Human == a.by.Human
		}
		if !twice {
			return true
		}
	}
	return false
}

func (p *Part) defect(name string) *Defect {
	for i := range p.Defects {
		if p.Defects[i].Name == name {
			return &p.Defects[i]
		}
	}
	return &Defect{}
}

// unstarted is what keeps an accepted stage from being worked on.
func (m *Model) unstarted(s *Stage) (all []Reason) {
	status := s.WorkStatus
	if status == 0 {
		status = s.Status
	}
	for _, need := range s.WorkNeeds {
		if p := m.parts[need]; p == nil || !p.named {
			all = append(all, Reason{[]int{status, 422}, "", "no " + need})
		}
	}
	for _, w := range s.Waivers {
		if w.Work && m.signed(w.Role, "waive:"+w.Condition, m.root, "", "") == nil {
			all = append(all, Reason{[]int{w.Status, 422}, "", "not answered: " + w.Condition})
		}
	}
	return all
}

// successors are stages whose every predecessor is completed.
func (m *Model) successors() (all []string) {
	for _, s := range m.p.Stages {
		ready := m.stages[s.Code].state == future && len(s.After) > 0
		for _, before := range s.After {
			ready = ready && m.stages[before].state == completed
		}
		if ready {
			all = append(all, s.Code)
		}
	}
	return all
}

// ended tells that every stage is completed.
func (m *Model) ended() bool {
	for _, s := range m.stages {
		if s.state != completed {
			return false
		}
	}
	return true
}

func roles(list string) []string { return strings.Split(list, "|") }
