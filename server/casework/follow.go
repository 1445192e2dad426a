package casework

import "slices"

// follow works out what an allowed change brings: Tasks of the next stages, a
// stage opened anew, the job order to the manufacturer's MES, stages put on hold
// when the consent ends, the end of the case.
func (d *decider) follow() {
	defer d.settle()
	d.answered()
	if d.after.root == nil || d.after.root.Root.Field("status").Str() != "in-progress" {
		return
	}
	if d.before == nil {
		d.timed()
	}
	for _, m := range d.moved {
		switch m.to {
		case Returned, Failed:
			d.reopen(m)
		case Working:
			d.stamp(m, "start")
			switch {
			case !opensProduction(m.stage):
			case m.from == Accepted:
				d.effects = append(d.effects, Effect{Message: d.after.jobOrder(m.task)})
			default:
				d.control(m.task, "resume", "consent")
			}
		case Completed:
			d.stamp(m, "end")
			d.storeVerdict(m.stage, m.task)
			d.terminate(m.stage)
			d.handOver()
			d.close()
		}
	}
	if d.before != nil {
		d.invite()
		d.except()
		d.lostGround()
		d.stopUse()
		d.detectHazards()
		d.reviewed()
	}
}

// timed sets the timer of the first stage of a new case.
func (d *decider) timed() {
	for code, tasks := range d.after.tasks {
		due, _, _ := span(tasks[0].Root.Path("restriction", "period", "end").Str())
		made, _, _ := span(authored(tasks[0]))
		if m := d.plan.stageTimer(d.after.s.Case, code, made, due, d.after.s.Now); m != nil {
			d.effects = append(d.effects, Effect{Message: m})
		}
	}
}

// except carries out what was filed and decided beside the stages.
func (d *decider) except() {
	for _, x := range d.excepted {
		switch x.rule.Code {
		case exceptionChange:
			d.changeFollows(x)
		case exceptionNonconformity:
			if x.to == "completed" {
				d.disposed(x.now)
			}
		case exceptionWithdrawal:
			d.takeBack(x)
			d.goOn()
		case exceptionStop:
			if x.to == "completed" {
				d.stopped(x.now)
			}
		case exceptionType:
			if x.to == "completed" {
				d.typeDecided(x.now)
			}
		case exceptionDeputy:
			if x.to == "" {
				d.deputised(x.now)
			}
		}
	}
}

// changeFollows rests the stages while a change is open, and opens anew or goes
// on when it is decided.
func (d *decider) changeFollows(x excepted) {
	switch x.to {
	case "":
		if x.was == nil {
			d.restForChange(x.now.Ref(), "The change "+x.now.Ref()+" is open.")
		}
	case "completed":
		if from := d.after.restart(x.now); from != "" {
			d.restartFrom(from, x.now, "")
		}
		d.goOn()
	default:
		d.goOn()
	}
}

// restForChange rests the stages at work while a change is open, and tells
// everybody; about is the change, or what it follows from.
func (d *decider) restForChange(about, why string) {
	d.rest(ChangePending, "change", why, func(s *Stage) bool { return s.output("consent") == nil })
	d.tell(notice{kind: "change", about: []string{about}, to: d.after.holders(d.after.rolesIn()...),
		english: "A change is proposed: " + about + ". All stages rest until it is signed, declined or taken back.", chinese: "已提出变更 " + about + "，决定之前所有阶段暂停。"})
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
		d.hand(d.after.briefFor(s))
	}
}

// reopen makes a new Task of the stage that the plan returns to. What followed
// the old one is not grounded any more, so it will be handed over again.
func (d *decider) reopen(m move) {
	b := d.after.briefFor(d.plan.Stage(m.stage.ReturnTo))
	b.reason = m.task.Ref()
	if opensProduction(m.stage) && m.to == Failed {
		d.control(m.task, "cancel", string(Failed))
	}
	d.hand(b)
}

// close completes the case when its last stage is.
func (d *decider) close() {
	for _, s := range d.plan.Stages {
		if !d.after.completed(s.Code) {
			return
		}
	}
	d.move(d.after.root, Completed, "", "")
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
	d.update(m.task, member{"executionPeriod", string(marshal(p))})
}
