package casework

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"tenon/server/access"
)

// timer is the body of a message to the sink "deadline": when it falls due, the
// case is looked at again, and what is late is told (mission/stages.md §6). It
// holds nothing that must be true by then: the case says what is.
type timer struct {
	Case  string `json:"case"`            // id of the root Task
	About string `json:"about"`           // stage, number of a control, or reference
	From  string `json:"from"`            // instant: authoredOn of the round that it is about
	Due   string `json:"due,omitempty"`   // instant
	Again int    `json:"again,omitempty"` // how often it was told
}

// message is the timer as an entry of the outbox. The same timer has the same
// key, so that it is set once.
func (t timer) message(kind string, at time.Time) *Message {
	return &Message{Sink: "deadline", Kind: kind, Key: fmt.Sprintf("%s/%s/%s/%s/%d", kind, t.Case, t.About, t.From, t.Again), Body: marshal(t), Due: at}
}

// stageTimer is set when a stage is handed over: at the share of its time that
// the plan names, nil when the plan reminds of nothing.
func (p *Plan) stageTimer(caseID, stage string, from, due, now time.Time) *Message {
	rule := p.Exceptions.Deadline("stage")
	if rule == nil {
		return nil
	}
	t := timer{Case: caseID, About: stage, From: instant(from), Due: instant(due)}
	return t.message("stage", nextTold(rule, from, due, now))
}

// nextTold is the next moment after now at which a stage is reminded of: at the
// share of its time, when it is due, and then again and again.
func nextTold(rule *Deadline, from, due, now time.Time) time.Time {
	if first := from.Add(due.Sub(from) * time.Duration(rule.Percent) / 100); first.After(now) {
		return first
	}
	if due.After(now) || rule.Repeat <= 0 {
		return due
	}
	return due.Add((now.Sub(due)/rule.Repeat + 1) * rule.Repeat)
}

// Due says what follows when a timer of a case falls due: the notices, and the
// timer after it. kind and body are those of its message. Nothing follows once
// what it waited for has come.
func (e *Engine) Due(s *Snapshot, kind string, body []byte) (d Decision, err error) {
	plan, err := e.planOf(s)
	if err != nil {
		return Decision{}, err
	}
	var t timer
	if err := json.Unmarshal(body, &t); err != nil {
		return Decision{}, err
	}
	v := newView(s, plan)
	defer func() { d.Grants = v.grants() }()
	if v.root == nil || v.root.Root.Field("status").Str() != "in-progress" && kind != "control" {
		return d, nil
	}
	switch kind {
	case "stage":
		d.Effects = v.stageDue(t)
	case "control":
		d.Effects = v.controlDue(t)
	case "acknowledgement":
		d.Effects = v.acknowledgementDue(t)
	case "deputy":
		d.Effects = v.deputyDue(t)
	case documentParticipation:
		d.Effects = v.participationDue(t)
	case "account", "type":
		d.Effects = concern(plan, v, kind)
	default:
		return Decision{}, fmt.Errorf("casework: no timer is of the kind %q", kind)
	}
	return d, nil
}

// concern looks at what happened outside of the case: an account was closed, or a
// type of device stopped.
func concern(plan *Plan, v *view, kind string) []Effect {
	d := &decider{plan: plan, after: v, ended: map[string]bool{}, controlled: map[string]int{}}
	if kind == "account" {
		d.accountDue()
	} else {
		d.typeDue()
	}
	d.settle()
	return d.effects
}

// stageDue reminds owner and team of a stage that is open.
func (v *view) stageDue(t timer) []Effect {
	s, task, rule := v.plan.Stage(t.About), v.current(t.About), v.plan.Exceptions.Deadline("stage")
	if s == nil || task == nil || rule == nil || authored(task) != t.From || !substateOf(task.Root).open() || !v.grounded(s) {
		return nil
	}
	from, _, _ := span(t.From)
	due, _, ok := span(task.Root.Path("restriction", "period", "end").Str())
	if !ok {
		return nil
	}
	t.Again++
	next := t.message("stage", nextTold(rule, from, due, v.s.Now))
	if st := substateOf(task.Root); st == ChangePending || st == Nonconformity {
		return []Effect{{Message: next}} // it rests: nobody is late
	}
	n := notice{kind: "reminder", about: []string{task.Ref()}, to: v.owners(s, task),
		english: fmt.Sprintf("%s (%s) is due at %s.", s.Code, s.Title, instant(due)), chinese: fmt.Sprintf("%s（%s）应于 %s 完成。", s.Code, s.Chinese, instant(due))}
	if !v.s.Now.Before(due) {
		n.kind = "overdue"
		n.english = fmt.Sprintf("%s (%s) was due at %s and is not completed.", s.Code, s.Title, instant(due))
		n.chinese = fmt.Sprintf("%s（%s）应于 %s 完成，已逾期。", s.Code, s.Chinese, instant(due))
	}
	return append(v.notify(n), Effect{Message: next})
}

// owners are who is told of a stage: its owner, else those who could be, and the
// team.
func (v *view) owners(s *Stage, task *Resource) []string {
	to := []string{referenceOf(task.Root.Field("owner"))}
	to = append(to, v.holders(s.Roles...)...)
	for _, m := range v.members() {
		to = append(to, m.ref)
	}
	return append(to, v.clinician)
}

// controlDue tells that the MES has not answered: until it does, or PROD signs.
func (v *view) controlDue(t timer) []Effect {
	c, rule := v.controlNumbered(t.About), v.plan.Exceptions.Deadline("job-acknowledgement")
	if c == nil || rule == nil || v.answered(c) {
		return nil
	}
	effects := v.notify(notice{kind: "job-control", about: []string{c.Ref()}, to: v.holders(access.PROD, access.MFR, access.QA, access.CLIN),
		english: fmt.Sprintf("The MES has not carried out %s of the job (%s): stop the machine by hand and sign %s with the purpose %s.", controlOf(c.Root), t.About, c.Ref(), purposeJobStopped),
		chinese: fmt.Sprintf("MES 未执行作业指令 %s：请人工停机，并以 %s 为目的签署 %s。", t.About, purposeJobStopped, c.Ref())})
	if rule.Repeat > 0 {
		t.Again++
		effects = append(effects, Effect{Message: t.message("control", v.s.Now.Add(rule.Repeat))})
	}
	return effects
}

// acknowledgementDue tells that DES or PROD have not acknowledged a problem.
func (v *view) acknowledgementDue(t timer) []Effect {
	rule := v.plan.Exceptions.Deadline("nonconformity-notice")
	var silent []access.Role
	for _, role := range []access.Role{access.DES, access.PROD} {
		if v.plan.Role(role) != nil && !v.acknowledged("nonconformity", t.About, role) {
			silent = append(silent, role)
		}
	}
	open := slices.ContainsFunc(v.openOnes(exceptionNonconformity), func(x exception) bool { return referenceOf(x.task.Root.Field("reasonReference")) == t.About })
	if rule == nil || !open || len(silent) == 0 {
		return nil
	}
	effects := v.notify(notice{kind: "nonconformity-overdue", about: []string{t.About}, to: append(v.holders(silent...), v.holders(access.CLIN, access.QA, access.MFR)...),
		english: fmt.Sprintf("%s: %s have not acknowledged the notice in time (clause 9.4.1).", t.About, list(silent)), chinese: fmt.Sprintf("%s：%s 未按时签署确认（9.4.1）。", t.About, list(silent))})
	if rule.Repeat > 0 {
		t.Again++
		effects = append(effects, Effect{Message: t.message("acknowledgement", v.s.Now.Add(rule.Repeat))})
	}
	return effects
}

// agreed is the time that the agreement in force gives a stage, 0 when it says
// nothing: Contract.term.extension completion-time {stage, time} (clause 9.3.7).
func (v *view) agreed(stage string) time.Duration {
	for _, c := range v.contracts() {
		for term := range c.Root.Field("term").Items() {
			for _, ext := range extensions(term, extensionPrefix+"completion-time") {
				if d, ok := duration(valueOf(extension(ext, "time"))); ok && part(ext, "stage") == stage {
					return d
				}
			}
		}
	}
	return 0
}

// timeOf is how long a stage may take.
func (v *view) timeOf(s *Stage) time.Duration {
	if d := v.agreed(s.Code); d > 0 {
		return d
	}
	return time.Duration(s.Days) * 24 * time.Hour
}

// remaining is how long the stages after s take until the device may be used:
// the longest way. ok is false when the device is not used after s.
func (v *view) remaining(s *Stage) (longest time.Duration, ok bool) {
	uses := v.plan.useStages()
	if slices.Contains(uses, s.Code) {
		return 0, true
	}
	for _, next := range v.plan.Stages {
		if !slices.Contains(next.After, s.Code) {
			continue
		}
		if rest, reaches := v.remaining(next); reaches {
			ok = true
			longest = max(longest, rest+v.timeOf(next))
		}
	}
	return longest, ok
}

// needed is the date for which the device was ordered.
func (v *view) needed() (time.Time, bool) {
	for _, order := range v.named("order") {
		if _, need, ok := span(order.Root.Path("occurrencePeriod", "end").Str()); ok {
			return need, true
		}
	}
	return time.Time{}, false
}
