package casework

import "slices"

// follow works out what an allowed change brings: Tasks of the next stages, a
// stage opened anew, the job order to the manufacturer's MES, stages put on hold
// when the consent ends, the end of the case.
func (d *decider) follow() {
	if d.after.root == nil || d.after.root.Root.Field("status").Str() != "in-progress" {
		return
	}
	for _, m := range d.moved {
		switch m.to {
		case Returned, Failed:
			d.reopen(m)
		case Working:
			d.stamp(m, "start")
			if m.from == Accepted && opensProduction(m.stage) {
				d.effects = append(d.effects, Effect{Message: d.after.jobOrder(m.task)})
			}
		case Completed:
			d.stamp(m, "end")
			d.storeVerdict(m.stage, m.task)
			d.handOver()
			d.close()
		}
	}
	if d.before != nil {
		d.hold()
		d.stopUse()
	}
}

// handOver makes the Task of every stage whose predecessors are all completed and
// that has no Task yet which follows them.
func (d *decider) handOver() {
	for _, s := range d.plan.Stages {
		if len(s.After) == 0 || slices.ContainsFunc(s.After, func(code string) bool { return !d.after.completed(code) }) {
			continue
		}
		if task := d.after.current(s.Code); task != nil && d.after.grounded(s) {
			continue
		}
		d.effects = append(d.effects, Effect{Create: d.after.briefFor(s).body()})
	}
}

// reopen makes a new Task of the stage that the plan returns to. What followed
// the old one is not grounded any more, so it will be handed over again.
func (d *decider) reopen(m move) {
	b := d.after.briefFor(d.plan.Stage(m.stage.ReturnTo))
	b.reason = m.task.Ref()
	d.effects = append(d.effects, Effect{Create: b.body()})
}

// close completes the case when its last stage is.
func (d *decider) close() {
	for _, s := range d.plan.Stages {
		if !d.after.completed(s.Code) {
			return
		}
	}
	d.effects = append(d.effects, Effect{Update: moved(d.after.root.Root, Completed, "")})
}

// hold puts stages at work on hold when the consent ends.
func (d *decider) hold() {
	if len(d.after.consented(nil)) == 0 {
		return
	}
	for _, s := range d.plan.Stages {
		if s.output("consent") != nil {
			continue
		}
		if task := d.after.current(s.Code); task != nil && substateOf(task.Root) == Working {
			d.effects = append(d.effects, Effect{Update: moved(task.Root, ChangePending, "The patient's consent is not in force.")})
		}
	}
}

// stamp writes into the Task of a stage when work on it began and ended: the
// server's clock, which nobody else sets. Work that goes on after a hold began
// when it first did.
func (d *decider) stamp(m move, end string) {
	p := period{Start: m.task.Root.Path("executionPeriod", "start").Str(), End: m.task.Root.Path("executionPeriod", "end").Str()}
	now := instant(d.after.s.Now)
	switch {
	case end == "end":
		p.End = now
	case p.Start == "":
		p.Start = now
	default:
		return
	}
	d.effects = append(d.effects, Effect{Update: edited(m.task.Root, member{"executionPeriod", string(marshal(p))})})
}
