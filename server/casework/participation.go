package casework

import (
	"fmt"
	"slices"

	"tenon/server/access"
)

// Taking part in follow-up (clause 10.1.4): the attending clinician asks a designer
// or producer of the team by a Task of code participation. While follow-up goes on
// and until the end that the Task names, the case is open to that person for
// reading, whatever became of the agreement; then it closes by itself.
const (
	documentParticipation = "participation"
	clauseParticipation   = "R001-225"
)

func isParticipation(r *Resource) bool {
	return r != nil && r.Type == "Task" && hasCode(r.Root.Field("code"), systemDocument, documentParticipation)
}

// participants are the persons to whom such a Task opens the case now.
func (v *view) participants() []string {
	if !v.followedUp() {
		return nil
	}
	var refs []string
	for i := range v.s.Resources {
		r := &v.s.Resources[i]
		if isParticipation(r) && referenceOf(r.Root.Field("requester")) == v.clinician && v.asked(r) {
			refs = append(refs, referenceOf(r.Root.Field("owner")))
		}
	}
	return refs
}

// asked tells whether a Task asks, now, a designer or producer of the team.
func (v *view) asked(r *Resource) bool {
	switch r.Root.Field("status").Str() {
	case "requested", "received", "accepted", "ready", "in-progress", "on-hold":
	default:
		return false
	}
	period := r.Root.Path("restriction", "period")
	owner := referenceOf(r.Root.Field("owner"))
	return period.Field("end").Exists() && inPeriod(period, v.s.Now) && slices.ContainsFunc(v.members(), func(m participant) bool {
		return m.ref == owner && (m.role == access.DES || m.role == access.PROD)
	})
}

// followedUp tells whether the stage that takes such Tasks is open, under a consent
// that is in force.
func (v *view) followedUp() bool {
	for _, s := range v.plan.Stages {
		if s.output(documentParticipation) != nil {
			task := v.current(s.Code)
			return task != nil && substateOf(task.Root).open() && v.grounded(s) && len(v.consented(s)) == 0
		}
	}
	return false
}

// participationChanged lets the attending clinician alone ask, and change whom and
// until when.
func (d *decider) participationChanged(was, now *Resource) {
	fixed := was != nil && isParticipation(was) && !slices.ContainsFunc([]string{"code", "requester", "owner", "restriction"}, func(name string) bool {
		return !sameTree(was.Root.Field(name), now.Root.Field(name))
	})
	if fixed || d.actor != nil && (d.actor.Kind == access.Server || d.actor.Principal == d.before.clinician) {
		return
	}
	d.refuse(403, d.after.guard(nil, "participation-asked", clauseParticipation,
		"The attending clinician alone asks somebody to take part in follow-up, and says until when.", "仅主治医生可请人员参与随访并确定期限。"))
}

// guest refuses what a person writes to whom the case is open for taking part
// alone, but for the answer to the request.
func (d *decider) guest() {
	if d.actor == nil || d.actor.Kind != access.Person || !slices.Contains(d.before.participants(), d.actor.Principal) || d.before.admitted()[d.actor.Principal] > 0 {
		return
	}
	for _, c := range d.differing() {
		if isParticipation(c.was) && referenceOf(c.was.Root.Field("owner")) == d.actor.Principal {
			continue
		}
		d.refuse(403, d.after.guard(nil, "participation-reads", clauseParticipation,
			fmt.Sprintf("%s takes part in follow-up by reading; %s is written by others.", d.actor.Principal, c.now.Ref()), "参与随访人员仅可查阅。"))
		return
	}
}

// invite sets the timers that open and close the case to whom the change asks, and
// tells them.
func (d *decider) invite() {
	for _, c := range d.differing() {
		if !isParticipation(c.now) || c.was != nil && sameTree(c.was.Root.Field("restriction"), c.now.Root.Field("restriction")) {
			continue
		}
		period := c.now.Root.Path("restriction", "period")
		t := timer{Case: d.after.s.Case, About: c.now.Ref(), From: instant(d.after.s.Now)}
		if at, _, ok := span(period.Field("start").Str()); ok && at.After(d.after.s.Now) {
			d.effects = append(d.effects, Effect{Message: t.message(documentParticipation, at)})
		}
		if _, at, ok := span(period.Field("end").Str()); ok && at.After(d.after.s.Now) {
			t.Again = 1
			d.effects = append(d.effects, Effect{Message: t.message(documentParticipation, at)})
		}
		if d.after.followedUp() && d.after.asked(c.now) {
			d.effects = append(d.effects, d.after.invited(c.now)...)
		}
	}
}

func (v *view) invited(task *Resource) []Effect {
	owner, until := referenceOf(task.Root.Field("owner")), task.Root.Path("restriction", "period", "end").Str()
	return v.notify(notice{kind: documentParticipation, about: []string{task.Ref()}, to: []string{owner, v.clinician},
		english: fmt.Sprintf("%s is asked to take part in follow-up and reads the case until %s.", owner, until),
		chinese: fmt.Sprintf("请 %s 参与随访，可查阅病例至 %s。", owner, until)})
}

// participationDue tells who takes part that the time has begun. That it is over
// needs no words: the access table of the case follows by itself.
func (v *view) participationDue(t timer) []Effect {
	task := v.byRef[t.About]
	if t.Again > 0 || !isParticipation(task) || !v.followedUp() || !v.asked(task) {
		return nil
	}
	return v.invited(task)
}
