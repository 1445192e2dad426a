package casework

import "slices"

// rest puts stages at work on hold, and holds the job of production at the MES.
// code is the cause (urn:tenon:hold); which tells the stages concerned.
func (d *decider) rest(to Substate, code, why string, which func(*Stage) bool) {
	for _, s := range d.plan.Stages {
		task := d.after.current(s.Code)
		if task == nil || !which(s) || substateOf(task.Root) != Working || d.touched(task) {
			continue
		}
		d.move(task, to, code, why)
		if opensProduction(s) {
			d.control(task, "hold", code)
		}
	}
}

// resumed are the causes of a hold that end without a person setting the stage to
// work again.
var resumed = []string{"change", "account", "type"}

// heldBy tells whether a stage is on hold for one of the causes.
func heldBy(task *Resource, as Substate, causes ...string) bool {
	return substateOf(task.Root) == as && slices.Contains(causes, codeOf(task.Root.Field("statusReason"), systemHold))
}

// goOn sets stages to work again that the server held for a change or a
// nonconformity, once nothing is in their way.
func (d *decider) goOn() {
	for _, s := range d.plan.Stages {
		task := d.after.current(s.Code)
		if task == nil || d.touched(task) || !d.after.grounded(s) {
			continue
		}
		cause := codeOf(task.Root.Field("statusReason"), systemHold)
		if !heldBy(task, ChangePending, resumed...) && !heldBy(task, Nonconformity, "nonconformity") || len(d.after.obstructed(s)) > 0 || len(d.after.consented(s)) > 0 || len(d.ended) > 0 && d.after.ofDevice(s) && d.after.untilUse(s) {
			continue
		}
		d.move(task, Working, "", "")
		if opensProduction(s) {
			d.control(task, d.resumption(), cause)
		}
	}
}

// resumption is what a held job is told when it goes on: as before, or by the
// order as it is after a change.
func (d *decider) resumption() string {
	if slices.ContainsFunc(d.excepted, func(x excepted) bool { return x.rule.Code == exceptionChange && x.to == "completed" }) {
		return "change"
	}
	return "resume"
}

// restartFrom opens a stage anew. What was at work from there on is overtaken; a
// job that runs is cancelled at the MES; a device that was made by then is never
// used, whoever holds it.
func (d *decider) restartFrom(code string, because *Resource, history string) {
	s, task := d.plan.Stage(code), d.after.current(code)
	if s == nil || task == nil || !d.after.grounded(s) {
		return
	}
	set := d.plan.from(code)
	d.cancelJobs(set, because.Ref())
	for _, stage := range d.plan.Stages {
		if t := d.after.current(stage.Code); set[stage.Code] && t != nil && substateOf(t.Root).open() {
			d.move(t, Cancelled, "", "Overtaken by "+because.Ref())
		}
	}
	if made := d.plan.deviceStage(); made != nil && set[made.Code] {
		for _, device := range d.after.devices() {
			d.end(device, "superseded")
		}
	}
	b := d.after.briefFor(s)
	b.reason, b.history = because.Ref(), d.after.provenances(because)
	if history != "" {
		b.history = append(b.history, history)
	}
	d.hand(b)
	for code := range set { // who reads the case is decided on what is done from now on
		at := d.after.standings[code]
		at.completed = false
		d.after.standings[code] = at
	}
}

// provenances are the signatures over a resource, for Task.relevantHistory.
func (v *view) provenances(r *Resource) []string {
	var refs []string
	for _, sig := range v.signatures[r.Ref()] {
		if sig.Provenance != "" {
			refs = append(refs, "Provenance/"+sig.Provenance)
		}
	}
	return refs
}

// The bookkeeping of effects: one resource is written once, whatever led to it.

type update struct {
	of      *Resource
	members []member
}

// touched tells whether a Task gets another state already.
func (d *decider) touched(r *Resource) bool {
	return slices.ContainsFunc(d.updates, func(u update) bool {
		return u.of == r && slices.ContainsFunc(u.members, func(m member) bool { return m.name == "status" })
	})
}

// update sets members of a resource; later ones win.
func (d *decider) update(r *Resource, members ...member) {
	i := slices.IndexFunc(d.updates, func(u update) bool { return u.of == r })
	if i < 0 {
		i, d.updates = len(d.updates), append(d.updates, update{of: r})
	}
	for _, m := range members {
		at := slices.IndexFunc(d.updates[i].members, func(o member) bool { return o.name == m.name })
		if at >= 0 {
			d.updates[i].members[at] = m
			continue
		}
		d.updates[i].members = append(d.updates[i].members, m)
	}
}

// move gives a Task another sub-state, with the cause and words for it.
func (d *decider) move(task *Resource, to Substate, cause, why string) {
	members := []member{{"status", `"` + statusOf[to] + `"`}, {"businessStatus", string(marshal(coded(systemSubstate, string(to), "")))}}
	if why != "" {
		reason := concept{Text: why}
		if cause != "" {
			reason.Coding = []coding{{System: systemHold, Code: cause}}
		}
		members = append(members, member{"statusReason", string(marshal(reason))})
	}
	d.update(task, members...)
}

func (d *decider) create(body []byte) { d.effects = append(d.effects, Effect{Create: body}) }

// hand makes the Task of a stage, with the timer that reminds of it.
func (d *decider) hand(b brief) {
	d.create(b.body())
	if m := d.plan.stageTimer(d.after.s.Case, b.stage.Code, b.now, b.due, b.now); m != nil {
		d.effects = append(d.effects, Effect{Message: m})
	}
}

// settle turns the updates into effects.
func (d *decider) settle() {
	for _, u := range d.updates {
		d.effects = append(d.effects, Effect{Update: edited(u.of.Root, u.members...)})
	}
	d.updates = nil
}
