package casework

import (
	"fmt"
	"slices"
	"strings"

	"tenon/fhir/fhirpath"
	"tenon/server/access"
)

// A signature over the root Task by which the role that the plan names takes a
// condition on itself that the server cannot evaluate. It names the condition,
// in the purpose itself ("waive:machine-fit") or in Signature.Conditions.
const (
	purposeWaive = "waive"
	waive        = purposeWaive + ":"
)

// judge evaluates one condition; ok is true when it holds or is waived.
func (v *view) judge(s *Stage, c *Condition) (u Unmet, ok bool) {
	state, e, fault := v.evaluate(c)
	if state == Satisfied || state == NotEvaluated && v.waived(s, c) {
		return Unmet{}, true
	}
	u = Unmet{Gate: c.Gate, Condition: c.ID, State: state, Clause: strings.Join(c.Clauses, " "), Text: c.Text, Chinese: c.Chinese}
	switch {
	case fault != nil:
		u.Text += " It cannot be judged: " + fault.Error()
		u.Chinese += "（无法评估）"
	case state == NotEvaluated:
		u.Text, u.Chinese = e.told(u.Text, u.Chinese)
		u.Text += fmt.Sprintf(" The server cannot evaluate this; %s must sign the root Task for it with the purpose %q.", c.Waiver, waive+c.ID)
		u.Chinese += fmt.Sprintf("系统无法评估，须由 %s 以 %q 为目的在根任务上签字。", c.Waiver, waive+c.ID)
	case state == Pending:
		u.Text += " The check has not answered yet; try again."
		u.Chinese += "检查尚未完成，请稍后重试。"
	default:
		u.Text, u.Chinese = e.told(u.Text, u.Chinese)
	}
	return u, false
}

// evaluate runs the expression. Nothing but a single true is a yes.
func (v *view) evaluate(c *Condition) (State, *evaluation, error) {
	e := &evaluation{view: v}
	ctx := &fhirpath.Context{Now: v.s.Now, Resolve: v.resolve, Vars: v.vars(), Data: e}
	result, err := c.expr.Eval(ctx, v.focus...)
	if err != nil {
		return Unsatisfied, e, err
	}
	value, ok := result.Bool()
	switch {
	case ok && value:
		return Satisfied, e, nil
	case len(result) == 0 && c.Waiver != "":
		return NotEvaluated, e, nil
	case len(result) == 0 && c.Job && len(e.notes) == 0:
		return Pending, e, nil
	}
	return Unsatisfied, e, nil
}

// told appends the reasons that predicates gave.
func (e *evaluation) told(english, chinese string) (string, string) {
	for _, n := range e.notes {
		english += " " + n.english
		chinese += n.chinese
	}
	return english, chinese
}

// waived tells whether the named role signed for the condition since the current
// Task of the stage was made: a waiver holds for one round, not for the next.
func (v *view) waived(s *Stage, c *Condition) bool {
	task := v.current(s.Code)
	if task == nil || v.root == nil {
		return false
	}
	made, _, ok := span(authored(task))
	return slices.ContainsFunc(v.signatures[v.root.Ref()], func(sig Signature) bool {
		names := sig.Purpose == waive+c.ID || sig.Purpose == purposeWaive && slices.Contains(sig.Conditions, c.ID)
		return ok && names && sig.Role == c.Waiver && !sig.When.Before(made)
	})
}

// unmet are the conditions of a stage that do not hold: those of its start, or
// those of its completion with outputs and signatures.
func (v *view) unmet(s *Stage, kind Kind) []Unmet {
	var all []Unmet
	if kind == Stop {
		all = append(all, v.missingOutputs(s)...)
		all = append(all, v.missingSignatures(s)...)
	}
	for i := range s.Conditions {
		if s.Conditions[i].Kind != kind {
			continue
		}
		if u, ok := v.judge(s, &s.Conditions[i]); !ok {
			all = append(all, u)
		}
	}
	return all
}

func (v *view) missingOutputs(s *Stage) []Unmet {
	var all []Unmet
	for i := range s.Outputs {
		d := &s.Outputs[i]
		docs := v.documents("output", s.Code, d.Code)
		for _, r := range docs {
			all = append(all, v.unlike(s, d, r)...)
		}
		if n := len(docs); n < d.Min {
			all = append(all, v.fewOutputs(s, d, n))
		}
	}
	return all
}

func (v *view) missingSignatures(s *Stage) []Unmet {
	var all []Unmet
	for i := range s.Signatures {
		if u, ok := v.judgeSignature(&s.Signatures[i]); !ok {
			all = append(all, u)
		}
	}
	return all
}

// judgeSignature tells whether every document that the rule is about bears the
// signature over its current version.
func (v *view) judgeSignature(r *SignatureRule) (Unmet, bool) {
	e := &evaluation{view: v}
	docs := v.documents("output", r.Stage, r.Document)
	ok := r.Optional || len(docs) > 0
	for _, d := range docs {
		if v.signedBy(d, r.Purpose, r.Roles...) == nil {
			e.sayUnsigned(d, r.Purpose, r.Roles...)
			ok = false
		}
	}
	if ok {
		return Unmet{}, true
	}
	if len(docs) == 0 {
		e.because(fmt.Sprintf("%s has no %s to sign.", r.Stage, r.Document), fmt.Sprintf("%s 没有可签署的 %s。", r.Stage, r.Document))
	}
	u := Unmet{Gate: r.Gate, Condition: r.ID, State: Unsatisfied, Clause: strings.Join(r.Clauses, " "), Text: r.Text, Chinese: r.Chinese}
	u.Text, u.Chinese = e.told(u.Text, u.Chinese)
	return u, false
}

// gateStatus is the HTTP status of a refusal: the gate's own when all conditions
// belong to gates of one status, else 422. The profile of a document has no say
// where a condition has: a consent that is not active breaks both.
func (p *Plan) gateStatus(unmet []Unmet) int {
	status := 0
	for _, u := range unmet {
		if strings.HasPrefix(u.Condition, profileCondition) {
			continue
		}
		g := p.Gate(u.Gate)
		if g == nil || status != 0 && g.Status != status {
			return 422
		}
		status = g.Status
	}
	if status == 0 {
		return 422
	}
	return status
}

// gradeOf is the grade of a PractitionerRole (extension grade), 0 if unknown.
func (v *view) gradeOf(principal string) int {
	r := v.byRef[principal]
	if r == nil {
		return 0
	}
	n := 0
	if _, err := fmt.Sscan(valueOf(extension(r.Root, extensionGrade)).Text(), &n); err != nil {
		return 0
	}
	return n
}

// holdsRole tells whether a PractitionerRole of the directory is that of the
// actor's person and gives the role now.
func (v *view) holdsRole(actor *access.Context, role access.Role) bool {
	r := v.byRef[actor.Principal]
	if r == nil || r.Type != "PractitionerRole" || !actor.Has(role) {
		return false
	}
	if r.Root.Field("active").Exists() && !r.Root.Field("active").Bool() {
		return false
	}
	if r.Root.Field("period").Exists() && !inPeriod(r.Root.Field("period"), v.s.Now) {
		return false
	}
	return hasCode(r.Root.Field("code"), systemRole, string(role))
}
