package casewalk

import (
	"slices"
	"strings"
)

// Codes of the exception flows (urn:tenon:exception).
const (
	changed    = "X1"
	unfit      = "X2"
	withdrawn  = "X3"
	ending     = "stop"
	handedTo   = "handover"
	reviewed   = "review"
	typeReview = "X5"
	attendance = "clin-wang" // stands for the attending clinician in the tables
	successor  = "clin-zhao" // takes over as such
)

// flow is what the description says of an exception (§4 of the stages, and the
// table of the protocol).
type flow struct {
	Files   []string // roles that file it; none: the server does
	Signs   []string
	Purpose string
	Brings  []string // outputs before it is carried out
	// Back tells that it can be declined or taken back.
	Back bool
}

var flows = map[string]flow{
	changed: {
		Files: []string{"CLIN", "IMG", "HOSP", "AGENT", "DES", "REV", "PROD", "QA", "MFR", "LOG"}, Signs: []string{"CLIN", "DES", "PROD"}, Purpose: "change", Back: true,
	},
	unfit:     {Signs: []string{"CLIN", "QA"}, Purpose: "nonconformity-closing", Brings: []string{"cause", "disposition"}},
	withdrawn: {Files: []string{"CLIN", "HOSP", "PROD", "QA", "MFR"}, Signs: []string{"CLIN", "QA"}, Purpose: "withdrawal", Brings: []string{"disposition", "evidence"}, Back: true},
	ending:    {Signs: []string{"HOSP"}, Purpose: "case-ending", Brings: []string{"disposition"}},
	handedTo:  {Files: []string{"HOSP"}, Signs: []string{"HOSP", "CLIN"}, Purpose: "handover", Back: true},
	reviewed:  {Signs: []string{"CLIN"}, Purpose: "change-review", Brings: []string{"finding"}},
	// the type of the device is used no more
	typeReview: {Signs: []string{"CLIN", "QA"}, Purpose: "type-review", Brings: []string{"decision"}},
}

// changeFrom is the stage that each kind of change opens anew, "" for none.
var changeFrom = map[string]string{
	"patient-condition": "S02", "images-valid": "S04", "clinical-requirement": "S06", "image-format": "S03a", "processing-software": "S03a",
	"design-input": "S07", "design-parameter": "S08", "material": "S09", "origin": "S09", "process": "S09", "machine": "S11", "label-ifu": "S13",
	"software-version": "", "team-member": "",
}

// dispositions of an unfit device, and the stage that each opens anew.
var dispositions = map[string]string{"rework": "S15", "remake": "S11", "redesign": "", "return": "", "destroy": "", "retain": ""}

// exceptionState is an exception that is open.
type exceptionState struct {
	code, kind, task string
	by               string // who filed it; "": the server
	from             string // stage that a change opens anew
	documents        []string
	brought          string // disposition, once its outputs are written
	heir             string // who takes over
}

// acts is who acts where the tables name the attending clinician.
func (m *Model) acts(id string) string {
	if id == attendance && m.attending != "" {
		return m.attending
	}
	return id
}

// first acts for a role on the straight way.
func (m *Model) first(role string) string { return m.acts(firstOf[role]) }

// from is the stage that a kind of change opens anew in this process.
func (m *Model) from(kind string) string {
	if kind == "machine" && m.p.Plan == "socket" {
		return "S11a" // the build file is made for one machine
	}
	return changeFrom[kind]
}

// onward are the stages that follow on one, and itself.
func (p *Process) onward(code string) (all []string) {
	all = []string{code}
	for again := true; again; {
		again = false
		for _, s := range p.Stages {
			if !slices.Contains(all, s.Code) && slices.ContainsFunc(s.After, func(b string) bool { return slices.Contains(all, b) }) {
				all, again = append(all, s.Code), true
			}
		}
	}
	return all
}

// rests is the rule by which a stage does not move now, "" for none.
func (m *Model) rests(stage string) string {
	behind := stage != "S11" && slices.Contains(m.p.onward("S11"), stage)
	switch {
	case m.closed == "hospital":
		return "hospital-closed"
	case m.closed == "maker" && m.done("S05") && m.ofMaker(stage):
		return "manufacturer-closed"
	case m.dead && stage != "S18" && stage != "S19":
		return "patient-deceased"
	case m.revoked:
		return "consent-in-force"
	case m.x == nil:
		return ""
	case m.x.code == changed:
		return "change-open"
	case m.x.code == typeReview:
		return "type-ended"
	case m.x.code == unfit && behind:
		return "nonconformity-open"
	case m.x.code == reviewed && (stage == "S11" || stage == "S17"):
		return "review-open"
	}
	return ""
}

// ofMaker tells that a stage needs the manufacturer: it is his, or orders from him.
func (m *Model) ofMaker(stage string) bool {
	s := m.p.stage(stage)
	return s != nil && (stage == "S06" || slices.Contains([]string{"DES", "PROD", "LOG", "MFR", "QA", "REV"}, s.Owner))
}

// hold puts the stages at work that rest on hold, and those that do so no more
// back to work.
func (m *Model) hold() {
	for code, st := range m.stages {
		rule := m.rests(code)
		switch {
		case st.state == working && rule == "nonconformity-open":
			st.state, st.version = onNonconformity, ""
		case st.state == working && rule != "" && rule != "review-open":
			st.state, st.version, m.machine = onChange, "", m.machine || code == "S11"
			st.parked = rule == "consent-in-force" || rule == "patient-deceased"
		case (st.state == onChange || st.state == onNonconformity) && rule == "" && !st.parked:
			st.state, st.version, m.machine = working, "", m.machine && code != "S11"
		}
	}
}

// park: what was held meanwhile for another reason does not go on by itself when
// the consent is in force again.
func (m *Model) park() {
	for _, st := range m.stages {
		st.parked = st.parked || st.state == onChange
	}
}

// reopen opens a stage anew: what was done from there on is done again, with
// documents and signatures of its own.
func (m *Model) reopen(from string) {
	all := m.p.onward(from)
	for _, code := range all {
		st := m.stages[code]
		if st.task != "" {
			m.past = append(m.past, st.task)
		}
		m.forget(code, st.task)
		*st = stageState{state: future}
	}
	m.stages[from].state, m.machine = handedOver, m.machine && !slices.Contains(all, "S11")
	m.generation++
}

// forget drops documents and signatures of a stage.
func (m *Model) forget(code, task string) {
	gone := []string{task}
	for path, p := range m.parts {
		if stage, _, _ := strings.Cut(path, "/"); stage == code {
			_, part := m.p.part(path)
			if part.Edits == "" && part.Given == "" {
				gone = append(gone, p.ref)
			}
			delete(m.parts, path)
		}
	}
	s := m.p.stage(code)
	m.marks = slices.DeleteFunc(m.marks, func(k mark) bool {
		for _, asked := range s.Signatures {
			if p := m.parts[asked.Part]; p != nil && p.ref == k.target && asked.Purpose == k.purpose {
				return true
			}
		}
		for _, w := range s.Waivers {
			if k.purpose == "waive:"+w.Condition {
				return true
			}
		}
		return slices.Contains(gone, k.target)
	})
}

// produced tells that the work of production began.
func (m *Model) produced() bool {
	st := m.stages["S11"]
	return st != nil && slices.Contains([]string{working, completed, onChange, onNonconformity}, st.state)
}

func (m *Model) done(stage string) bool {
	st := m.stages[stage]
	return st != nil && st.state == completed
}

// begins opens an exception.
func (m *Model) begins(x *exceptionState) {
	m.x = x
	m.hold()
}

// ends closes the exception; what it brought is taken over before.
func (m *Model) ends() {
	m.x = nil
	m.hold()
}
