package casework

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"tenon/server/access"
)

// Report tells where a case stands: every stage, those that have no Task yet too.
type Report struct {
	Case     string // Task/x
	Plan     string // canonical
	Status   string // of the root Task
	Revision int64
	Stages   []StageReport

	Exceptions []ExceptionReport
	Controls   []ControlReport
}

// StageReport tells where one stage stands and what keeps it from going on.
type StageReport struct {
	Code, Title, Chinese string
	Task                 string   // Task/x, or "" while the stage is not handed over
	State                Substate // or "future", or "overtaken" when an earlier stage is open anew
	Role                 access.Role
	Owner                string    // PractitionerRole/x, or ""
	Due                  time.Time // zero while there is no Task
	Overdue              bool
	Next                 []Substate // where it may go
	Unmet                []Unmet    // what does not hold yet for the next step
}

// States of a report that no Task has.
const (
	future    Substate = "future"
	overtaken Substate = "overtaken"
)

// Report reports on a case. A case without a plan that runs has no stages.
func (e *Engine) Report(s *Snapshot) Report {
	plan, err := e.planOf(s)
	if err != nil {
		return Report{Case: "Task/" + s.Case, Revision: s.Revision}
	}
	v := newView(s, plan)
	r := Report{Case: "Task/" + s.Case, Plan: plan.Canonical(), Status: v.root.Root.Field("status").Str(), Revision: s.Revision}
	for _, stage := range plan.Stages {
		r.Stages = append(r.Stages, v.report(stage))
	}
	r.Exceptions, r.Controls = v.exceptionReports(), v.controlReports()
	return r
}

func (v *view) report(s *Stage) StageReport {
	r := StageReport{Code: s.Code, Title: s.Title, Chinese: s.Chinese, Role: s.Owner, State: future}
	task := v.current(s.Code)
	if task == nil {
		r.Unmet = append(v.waiting(s), v.unmet(s, Start)...)
		return r
	}
	r.Task, r.Owner, r.State = task.Ref(), referenceOf(task.Root.Field("owner")), substateOf(task.Root)
	if _, end, ok := span(task.Root.Path("restriction", "period", "end").Str()); ok {
		r.Due, r.Overdue = end, r.State.open() && v.s.Now.After(end)
	}
	if !v.grounded(s) {
		r.State, r.Unmet = overtaken, v.waiting(s)
		return r
	}
	r.Next = next[r.State]
	r.Unmet = append(v.obstructed(s), v.before(s, task, r.State)...)
	if r.State == Completed || r.State == Cancelled {
		r.Unmet = nil
	}
	return r
}

// before is what stands between a stage and its next step.
func (v *view) before(s *Stage, task *Resource, state Substate) []Unmet {
	switch state {
	case Received:
		return v.unjudged(s, task)
	case JudgedConform:
		if v.signedBy(task, purposeAcceptance, s.Roles...) == nil {
			return []Unmet{v.guard(s, "acceptance-signed", "R001-207", fmt.Sprintf("%s signs %s with the purpose %s.", s.Owner, task.Ref(), purposeAcceptance),
				fmt.Sprintf("%s 须签署接受 %s。", s.Owner, task.Ref()))}
		}
	case Accepted, ChangePending, Nonconformity:
		return append(v.consented(s), v.unmet(s, Start)...)
	case Working:
		return append(v.consented(s), v.unmet(s, Stop)...)
	}
	return nil
}

func (v *view) unjudged(s *Stage, task *Resource) []Unmet {
	if !v.plan.principal(s) {
		return nil
	}
	var all []Unmet
	for _, ref := range linked(task.Root, "predecessor") {
		if v.judgement(ref, v.plan.principals(s)) != purposeJudgement {
			all = append(all, v.guard(s, "predecessor-judged", "R001-179 R001-178", fmt.Sprintf("%s judges %s by a signature with the purpose %s.", s.Owner, ref, purposeJudgement),
				fmt.Sprintf("%s 须签署对 %s 的判定。", s.Owner, ref)))
		}
	}
	return all
}

// parameterOut is a Parameters.parameter as the report writes it.
type parameterOut struct {
	Name           string         `json:"name"`
	ValueString    string         `json:"valueString,omitempty"`
	ValueCode      string         `json:"valueCode,omitempty"`
	ValueCanonical string         `json:"valueCanonical,omitempty"`
	ValueInstant   string         `json:"valueInstant,omitempty"`
	ValueBoolean   *bool          `json:"valueBoolean,omitempty"`
	ValueInteger   *int           `json:"valueInteger,omitempty"`
	ValueReference *reference     `json:"valueReference,omitempty"`
	Part           []parameterOut `json:"part,omitempty"`
}

// Parameters renders the report for $case: case, plan, status, and one parameter
// "stage" each, with the parts code, title, title-zh, task, state, role, owner,
// due, overdue, next, and one "unmet" for each condition with the parts gate,
// condition, state, clause, text, text-zh.
func (r Report) Parameters() json.RawMessage {
	out := struct {
		ResourceType string         `json:"resourceType"`
		Parameter    []parameterOut `json:"parameter"`
	}{ResourceType: "Parameters"}
	out.Parameter = append(out.Parameter, parameterOut{Name: "case", ValueReference: to(r.Case)})
	if r.Plan != "" {
		out.Parameter = append(out.Parameter, parameterOut{Name: "plan", ValueCanonical: r.Plan}, parameterOut{Name: "status", ValueCode: r.Status})
	}
	for _, s := range r.Stages {
		out.Parameter = append(out.Parameter, parameterOut{Name: "stage", Part: s.parts()})
	}
	for _, x := range r.Exceptions {
		out.Parameter = append(out.Parameter, parameterOut{Name: "exception", Part: x.parts()})
	}
	for _, c := range r.Controls {
		out.Parameter = append(out.Parameter, parameterOut{Name: "control", Part: c.parts()})
	}
	return marshal(out)
}

func (s StageReport) parts() []parameterOut {
	p := []parameterOut{
		{Name: "code", ValueCode: s.Code}, {Name: "title", ValueString: s.Title}, {Name: "title-zh", ValueString: s.Chinese},
		{Name: "state", ValueCode: string(s.State)}, {Name: "role", ValueCode: string(s.Role)},
	}
	if s.Task != "" {
		p = append(p, parameterOut{Name: "task", ValueReference: to(s.Task)})
	}
	if s.Owner != "" {
		p = append(p, parameterOut{Name: "owner", ValueReference: to(s.Owner)})
	}
	if !s.Due.IsZero() {
		p = append(p, parameterOut{Name: "due", ValueInstant: instant(s.Due)}, parameterOut{Name: "overdue", ValueBoolean: &s.Overdue})
	}
	for _, n := range s.Next {
		p = append(p, parameterOut{Name: "next", ValueCode: string(n)})
	}
	for _, u := range s.Unmet {
		p = append(p, parameterOut{Name: "unmet", Part: u.parts()})
	}
	return p
}

func (u Unmet) parts() []parameterOut {
	var p []parameterOut
	for _, f := range []struct{ name, value string }{
		{"gate", u.Gate}, {"condition", u.Condition}, {"state", string(u.State)}, {"clause", strings.TrimSpace(u.Clause)}, {"text", u.Text}, {"text-zh", u.Chinese},
	} {
		if f.value != "" {
			p = append(p, parameterOut{Name: f.name, ValueString: f.value})
		}
	}
	return p
}
