package casework

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"tenon/fhir/tree"
	"tenon/server/access"
)

// Work is one open stage as a worklist tells of it: where it may go, and what is
// seen to stand in its way without judging the conditions of the plan.
type Work struct {
	StageReport
	Version int64  // of the Task
	Case    string // Task/x, the root
	Number  string // of the case, in the hospital
	Patient string // Patient/x, or ""
	Mine    bool   // the actor is its owner
	For     string // who is away and for whom the actor stands in here now, PractitionerRole/x, or ""
	// Conditions are those of the plan that the next step will be judged by;
	// $case judges them now.
	Conditions int
}

// Work tells of a Task what a worklist shows; false when it is no stage that the
// actor may move: overtaken, done, or of other roles. The snapshot needs the
// Tasks of the case and its signatures alone (and the plan, where it is not an
// embedded one): what a document says is not looked at.
func (e *Engine) Work(s *Snapshot, task string, actor *access.Context) (Work, bool) {
	plan, err := e.planOf(s)
	if err != nil {
		return Work{}, false
	}
	v := newView(s, plan)
	if v.root == nil || v.root.Root.Field("status").Str() != "in-progress" {
		return Work{}, false
	}
	for _, stage := range plan.Stages {
		t := v.current(stage.Code)
		if t == nil || t.Ref() != task {
			continue
		}
		if !v.grounded(stage) || !substateOf(t.Root).open() || !slices.ContainsFunc(stage.Roles, actor.Has) {
			return Work{}, false
		}
		w := v.work(stage, t)
		w.Mine = w.Owner == actor.Principal
		w.For = v.standsInFor(actor.Principal, w.Owner)
		return w, true
	}
	return Work{}, false
}

func (v *view) work(s *Stage, task *Resource) Work {
	w := Work{
		StageReport: StageReport{Code: s.Code, Title: s.Title, Chinese: s.Chinese, Role: s.Owner, Task: task.Ref(),
			Owner: referenceOf(task.Root.Field("owner")), State: substateOf(task.Root)},
		Version: task.Version, Case: v.root.Ref(), Number: v.root.Root.Path("groupIdentifier", "value").Str(), Patient: referenceOf(task.Root.Field("for")),
	}
	if _, end, ok := span(task.Root.Path("restriction", "period", "end").Str()); ok {
		w.Due, w.Overdue = end, v.s.Now.After(end)
	}
	w.Next = next[w.State]
	kind := Kind("")
	switch w.State {
	case Received, JudgedConform:
		w.Unmet = v.before(s, task, w.State)
	case Accepted, ChangePending, Nonconformity:
		kind = Start
	case Working:
		kind = Stop
		w.Unmet = append(v.unnamed(s, task.Root), v.unsigned(s)...)
	}
	for i := range s.Conditions {
		if s.Conditions[i].Kind == kind {
			w.Conditions++
		}
	}
	return w
}

// unnamed are the outputs that the Task does not name yet.
func (v *view) unnamed(s *Stage, task tree.Node) []Unmet {
	var all []Unmet
	for i := range s.Outputs {
		d := &s.Outputs[i]
		n := 0
		for out := range task.Field("output").Items() {
			if hasCode(out.Field("type"), systemDocument, d.Code) {
				n++
			}
		}
		if n < d.Min {
			all = append(all, v.fewOutputs(s, d, n))
		}
	}
	return all
}

// unsigned are the signatures of which none was made for the stage yet. One over
// a version that was replaced counts here; $case sees the difference.
func (v *view) unsigned(s *Stage) []Unmet {
	var all []Unmet
	for i := range s.Signatures {
		r := &s.Signatures[i]
		if r.Optional || slices.ContainsFunc(v.toSign(r), func(target string) bool {
			return slices.ContainsFunc(v.signatures[target], func(sig Signature) bool {
				return sig.Purpose == r.Purpose && slices.Contains(r.Roles, sig.Role)
			})
		}) {
			continue
		}
		all = append(all, Unmet{Gate: r.Gate, Condition: r.ID, State: Unsatisfied, Clause: strings.Join(r.Clauses, " "), Text: r.Text, Chinese: r.Chinese})
	}
	return all
}

// fewOutputs says that a stage names fewer documents than the plan asks for.
func (v *view) fewOutputs(s *Stage, d *Document, n int) Unmet {
	return Unmet{
		Condition: "output-" + d.Code, State: Unsatisfied, Clause: strings.Join(s.Clauses, " "),
		Text:    fmt.Sprintf("%s names %d of at least %d outputs %s (%s); add them to Task.output.", s.Code, n, d.Min, d.Code, strings.Join(d.Types, " or ")),
		Chinese: fmt.Sprintf("%s 的输出 %s 有 %d 项，至少需 %d 项。", s.Code, d.Code, n, d.Min),
	}
}

// toSign are the documents that a rule of signature is about, as the Task of
// their stage names them.
func (v *view) toSign(r *SignatureRule) []string {
	task := v.current(r.Stage)
	if task == nil {
		return nil
	}
	var refs []string
	for out := range task.Root.Field("output").Items() {
		if hasCode(out.Field("type"), systemDocument, r.Document) {
			refs = append(refs, referenceOf(valueOf(out)))
		}
	}
	return refs
}

// Movers are the roles whose stages somebody with these roles may move, by the
// embedded plans, and the roles themselves.
func (e *Engine) Movers(roles []access.Role) []string {
	all := []string{}
	note := func(r access.Role) {
		if !slices.Contains(all, string(r)) {
			all = append(all, string(r))
		}
	}
	for _, r := range roles {
		note(r)
	}
	plans, err := e.embedded()
	if err != nil {
		return all
	}
	for _, p := range plans {
		for _, s := range p.Stages {
			if slices.ContainsFunc(s.Roles, func(r access.Role) bool { return slices.Contains(roles, r) }) {
				note(s.Owner)
			}
		}
	}
	slices.Sort(all)
	return all
}

// Knows tells whether a plan, "url|version", is one of those in the binary.
func (e *Engine) Knows(canonical string) bool {
	plans, err := e.embedded()
	return err == nil && plans[canonical] != nil
}

// Parameter renders the stage as one "item" of Task/$worklist, with the parts
// task, version, case, case-number, patient, stage, title, title-zh, role, state,
// owner, mine, deputy-for, due, overdue, next 0..*, blocking 0..* (gate, condition, clause,
// text, text-zh) and conditions.
func (w Work) Parameter() json.RawMessage {
	n := w.Conditions
	p := []parameterOut{
		{Name: "task", ValueReference: to(w.Task)}, {Name: "version", ValueString: strconv.FormatInt(w.Version, 10)}, {Name: "case", ValueReference: to(w.Case)},
	}
	if w.Number != "" {
		p = append(p, parameterOut{Name: "case-number", ValueString: w.Number})
	}
	if w.Patient != "" {
		p = append(p, parameterOut{Name: "patient", ValueReference: to(w.Patient)})
	}
	p = append(p, parameterOut{Name: "stage", ValueCode: w.Code}, parameterOut{Name: "title", ValueString: w.Title}, parameterOut{Name: "title-zh", ValueString: w.Chinese},
		parameterOut{Name: "role", ValueCode: string(w.Role)}, parameterOut{Name: "state", ValueCode: string(w.State)})
	if w.Owner != "" {
		p = append(p, parameterOut{Name: "owner", ValueReference: to(w.Owner)})
	}
	p = append(p, parameterOut{Name: "mine", ValueBoolean: &w.Mine})
	if w.For != "" {
		p = append(p, parameterOut{Name: "deputy-for", ValueReference: to(w.For)})
	}
	if !w.Due.IsZero() {
		p = append(p, parameterOut{Name: "due", ValueInstant: instant(w.Due)}, parameterOut{Name: "overdue", ValueBoolean: &w.Overdue})
	}
	for _, s := range w.Next {
		p = append(p, parameterOut{Name: "next", ValueCode: string(s)})
	}
	for _, u := range w.Unmet {
		p = append(p, parameterOut{Name: "blocking", Part: u.parts()})
	}
	p = append(p, parameterOut{Name: "conditions", ValueInteger: &n})
	return marshal(parameterOut{Name: "item", Part: p})
}
