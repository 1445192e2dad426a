package casework

import (
	"fmt"
	"slices"
	"strings"

	"tenon/fhir/tree"
	"tenon/server/access"
)

// Decide judges a change to a case: before and after are the case without and
// with it, before is nil when the case is being opened. It refuses what the
// protocol of stages, a guard or a gate forbids, and says what follows from what
// is allowed. It does not look at how the resources got there, so a raw PUT and
// an entry of a transaction are judged alike.
func (e *Engine) Decide(before, after *Snapshot, actor *access.Context) Decision {
	plan, err := e.planOf(after)
	if err != nil {
		return Decision{Status: 409, Refusal: []Unmet{{Condition: "plan", State: Unsatisfied, Clause: "R001-035",
			Text: "The case has no plan that can run: " + err.Error(), Chinese: "病例没有可执行的流程计划。"}}}
	}
	d := &decider{plan: plan, actor: actor, after: newView(after, plan), ended: map[string]bool{}, controlled: map[string]int{}}
	if before == nil {
		d.opened()
	} else {
		d.before = newView(before, plan)
		d.changes()
	}
	if len(d.refusal) > 0 {
		return Decision{Refusal: d.refusal, Status: d.status}
	}
	d.follow()
	return Decision{Effects: d.effects, Grants: d.after.grants()}
}

// decider is one decision on its way.
type decider struct {
	plan          *Plan
	actor         *access.Context
	before, after *view

	refusal  []Unmet
	status   int
	moved    []move
	excepted []excepted
	answers  []answer
	effects  []Effect

	updates    []update
	ended      map[string]bool // devices that end now
	controlled map[string]int  // controls that are sent now, by job
}

// move is one stage that changed its sub-state.
type move struct {
	stage    *Stage
	task     *Resource
	from, to Substate
}

// refuse notes why not; the first refusal gives the status.
func (d *decider) refuse(status int, unmet ...Unmet) {
	if len(unmet) == 0 {
		return
	}
	if d.status == 0 {
		d.status = status
	}
	d.refusal = append(d.refusal, unmet...)
}

func (d *decider) say(status int, s *Stage, id, english, chinese string) {
	d.refuse(status, d.after.guard(s, id, "R001-035", english, chinese))
}

// opened judges a new case: the root Task and the Task of the first stage.
func (d *decider) opened() {
	if d.after.root == nil || d.after.root.Root.Field("status").Str() != "in-progress" {
		d.say(409, nil, "case-root", "A case is opened with PlanDefinition/$apply.", "病例须通过 PlanDefinition/$apply 开启。")
		return
	}
	for code, tasks := range d.after.tasks {
		s := d.plan.Stage(code)
		if s == nil || len(s.After) > 0 || len(tasks) != 1 || substateOf(tasks[0].Root) != HandedOver {
			d.say(409, s, "case-first-stage", "A new case has the Task of its first stage alone, handed over.", "新病例仅包含首个阶段任务。")
		}
	}
}

// difference is one member before, nil when it is new, and after.
type difference struct{ was, now *Resource }

// differing are the members that a change writes or brings in.
func (d *decider) differing() (all []difference) {
	for i := range d.after.s.Resources {
		now := &d.after.s.Resources[i]
		was := d.before.byRef[now.Ref()]
		if was == nil || was.Version != now.Version || was.Digest != now.Digest {
			all = append(all, difference{was, now})
		}
	}
	return all
}

// changes judges each difference, and first whether the case may be written at all.
func (d *decider) changes() {
	d.secrecy()
	d.guest()
	for _, c := range d.differing() {
		was, now := c.was, c.now
		if isParticipation(now) || isParticipation(was) {
			d.participationChanged(was, now)
		}
		switch {
		case now.ID == d.after.s.Case && now.Type == "Task":
			d.rootChanged(was, now)
		case now.Type == "Task" && (stageOf(now.Root) != "" || was != nil && stageOf(was.Root) != ""):
			d.stageChanged(was, now)
		case now.Type == "Task" && codeOf(now.Root.Field("code"), systemOperation) != "":
			d.operationChanged(was, now)
		case now.Type == "Task" && (exceptionOf(now.Root) != "" || was != nil && exceptionOf(was.Root) != ""):
			d.exceptionChanged(was, now)
		case now.Type == "Task" && (d.after.isControl(now.Root) || was != nil && d.before.isControl(was.Root)):
			d.controlChanged(was, now)
		case was != nil:
			d.memberChanged(was, now)
		default:
			d.joined(now)
		}
	}
	for i := range d.before.s.Resources {
		if gone := &d.before.s.Resources[i]; d.after.byRef[gone.Ref()] == nil {
			d.say(409, nil, "member-deleted", gone.Ref()+" is part of the case and cannot be taken away.", gone.Ref()+" 属于病例记录，不可删除。")
		}
	}
}

// stageChanged judges one stage Task: was is nil when it is new.
func (d *decider) stageChanged(was, now *Resource) {
	if was == nil {
		d.stageMade(now)
		return
	}
	s := d.plan.Stage(stageOf(was.Root))
	if s == nil {
		d.say(409, nil, "stage-unknown", "The plan of the case has no stage "+stageOf(was.Root)+".", "计划中没有该阶段。")
		return
	}
	from, to := substateOf(was.Root), substateOf(now.Root)
	if !d.mayTouch(s, was, now, from) {
		return
	}
	if to == "" {
		d.say(409, s, "substate", fmt.Sprintf("Task.status %q and Task.businessStatus %q are no sub-state of a stage; set both (mission table of sub-states).",
			now.Root.Field("status").Str(), codeOf(now.Root.Field("businessStatus"), systemSubstate)), "任务状态与业务状态不匹配。")
		return
	}
	if to == from {
		if from == HandedOver {
			d.say(409, s, "not-received", s.Code+" is not received yet; receive it before you work on it.", s.Code+" 尚未接收。")
		}
		return
	}
	d.transition(s, was, now, from, to)
}

// mayTouch judges what holds for every change of a stage Task.
func (d *decider) mayTouch(s *Stage, was, now *Resource, from Substate) bool {
	n := len(d.refusal)
	if !from.open() {
		d.say(409, s, "stage-closed", fmt.Sprintf("%s (%s) is %s and cannot be changed; a correction opens the stage anew.", s.Code, was.Ref(), from),
			fmt.Sprintf("%s 已处于 %s，不可更改。", s.Code, from))
		return false
	}
	if root := d.before.root; root == nil || root.Root.Field("status").Str() != "in-progress" {
		d.say(409, s, "case-closed", "The case is not in progress.", "病例未在进行中。")
		return false
	}
	if cur := d.before.current(s.Code); cur == nil || cur.ID != was.ID || !d.before.grounded(s) {
		d.say(409, s, "stage-superseded", fmt.Sprintf("%s (%s) was overtaken: an earlier stage is open anew, and this one will be handed over again.", s.Code, was.Ref()),
			fmt.Sprintf("%s 已失效：前序阶段已重新打开。", s.Code))
		return false
	}
	if names := tampered(was.Root, now.Root); len(names) > 0 {
		d.say(409, s, "stage-elements", fmt.Sprintf("%s: only the server writes %s.", s.Code, strings.Join(names, ", ")), "这些字段仅由服务器写入。")
	}
	if len(d.refusal) > n {
		return false
	}
	if d.byMachine(s, was, now, from) {
		return true
	}
	// What stands against the person or the consent does not end the judgement:
	// whoever holds the role is told the conditions of the step too.
	d.refuse(403, d.after.guards(s, d.actor, s.Roles...)...)
	d.refuse(409, d.after.consented(s)...)
	if d.actor == nil || d.actor.Kind != access.Person {
		return false
	}
	_, held := d.after.roleOf(d.actor, s.Roles)
	return held
}

// byMachine tells whether the change is one that a machine of the manufacturer may
// make: the agreement names it, production is at work, and it names what it made
// as output and leaves all else as it is.
func (d *decider) byMachine(s *Stage, was, now *Resource, from Substate) bool {
	if d.actor == nil || d.actor.Kind != access.System || !opensProduction(s) || from != Working || substateOf(now.Root) != Working {
		return false
	}
	if !slices.Contains(d.after.machines(d.after.disclosed()), d.actor.Principal) {
		return false
	}
	for name, child := range now.Root.Fields() {
		if name != "output" && name != "meta" && !sameTree(child, was.Root.Field(name)) {
			return false
		}
	}
	for i := range was.Root.Field("output").Len() {
		if !sameTree(was.Root.Field("output").Index(i), now.Root.Field("output").Index(i)) {
			return false
		}
	}
	return true
}

// afterRelease are the operations that may still be recorded when production is
// completed: what happens to the device once it has left.
var afterRelease = []string{"dispatch", "shipped"}

// stageMade refuses a stage Task that a caller made, and says what stands
// between the case and that stage.
func (d *decider) stageMade(now *Resource) {
	code := stageOf(now.Root)
	s := d.plan.Stage(code)
	if d.actor == nil || d.actor.Kind != access.Person {
		d.refuse(403, d.after.guards(&Stage{Code: code}, d.actor)...)
	}
	d.say(409, s, "stage-made-by-server", fmt.Sprintf("Only the server makes the Task of a stage; %s is handed over when the stages before it are completed.", code),
		fmt.Sprintf("阶段任务仅由服务器创建；前序阶段完成后移交 %s。", code))
	if s != nil {
		d.refuse(409, d.before.waiting(s)...)
		d.refuse(409, d.before.unmet(s, Start)...)
	}
}

// waiting names the stages before s that are not completed.
func (v *view) waiting(s *Stage) []Unmet {
	var all []Unmet
	for _, code := range s.After {
		if !v.completed(code) {
			all = append(all, v.guard(s, "after-"+code, "R001-035 R001-179",
				fmt.Sprintf("%s waits for %s, which is not completed.", s.Code, code), fmt.Sprintf("%s 须待 %s 完成。", s.Code, code)))
		}
	}
	return all
}

// operationChanged lets operations of production be written only while the stage
// that they are part of is at work: nothing is made before G-PRODUCE is open.
func (d *decider) operationChanged(was, now *Resource) {
	code := d.after.stageOfOperation(now)
	s := d.plan.Stage(code)
	if s == nil {
		d.say(409, nil, "operation-stage", fmt.Sprintf("The operation %s is part of no current stage (partOf).", now.Ref()), "工序不属于任何当前阶段。")
		return
	}
	switch substateOf(d.after.current(code).Root) {
	case Working:
		return
	case Completed:
		if was == nil && slices.Contains(afterRelease, codeOf(now.Root.Field("code"), systemOperation)) {
			return
		}
	}
	if was != nil && sameTree(was.Root.Field("status"), now.Root.Field("status")) {
		return
	}
	d.say(409, s, "operation-early", fmt.Sprintf("%s is not at work, so no operation of it can be recorded.", code), fmt.Sprintf("%s 未在进行中，不能记录工序。", code))
	d.refuse(409, d.before.unmet(s, Start)...)
}

// memberChanged judges a change of a member that is no Task of the process.
func (d *decider) memberChanged(was, now *Resource) {
	if d.actor != nil && d.actor.Kind == access.Server {
		return // an effect of what was judged in another case
	}
	d.owned(was)
	d.withdrawn(was)
	d.sealed(was, now)
	switch {
	case now.Type == "Device":
		d.deviceChanged(was, now)
	case now.Type == "CareTeam":
		d.teamChanged(was, now)
	case isNotice(was, ""):
		d.say(409, nil, "notice-fixed", was.Ref()+" was written by the server to tell people; it stays as it was sent.", "通知由服务器发出，不可更改。")
	}
}

// sealed refuses a change to a document of a completed stage that is sealed. An
// agreement can still be ended.
func (d *decider) sealed(was, now *Resource) {
	if ends(was, now) {
		return
	}
	for s, doc := range d.before.broughtAs(was) {
		if !doc.Sealed || substateOf(d.before.current(s.Code).Root) != Completed {
			continue
		}
		if d.before.unsealed(was.Ref()) {
			return
		}
		d.refuse(409, d.after.guard(s, "document-sealed", strings.Join(append([]string{"R001-035"}, s.Clauses...), " "),
			fmt.Sprintf("%s is the %s of %s, which is completed: it is never edited. A correction opens the stage anew and makes a new document.", was.Ref(), doc.Code, s.Code)+amendable(was),
			fmt.Sprintf("%s 属于已完成的 %s，不可修改。", was.Ref(), s.Code)))
		return
	}
}

// withdrawn refuses a change of what a stage brought by the manufacturer's people
// once the patient's consent is lost: the case is closed to them.
func (d *decider) withdrawn(was *Resource) {
	if d.actor == nil || d.actor.Kind != access.Person || d.actor.Side != access.Manufacturer || len(d.before.consented(nil)) == 0 {
		return
	}
	for s := range d.before.broughtAs(was) {
		d.refuse(409, d.before.consented(s)...)
		return
	}
}

// owned refuses a change to consent, team or agreement by whoever holds no role of
// their stage: they decide who sees the case.
func (d *decider) owned(was *Resource) {
	if d.actor != nil && d.actor.Kind == access.Operator {
		return
	}
	for s, doc := range d.before.broughtAs(was) {
		if !doc.Own {
			continue
		}
		if d.actor != nil && d.actor.Kind == access.Person {
			if _, held := d.before.roleOf(d.actor, s.Roles); held {
				continue
			}
		}
		d.refuse(403, d.after.guard(s, "document-owner", "R001-055 R001-150",
			fmt.Sprintf("%s is the %s of the case; %s alone change it.", was.Ref(), doc.Code, list(s.Roles)), fmt.Sprintf("%s 仅可由 %s 修改。", was.Ref(), list(s.Roles))))
	}
}

// hasReason tells whether a Task says why (statusReason).
func hasReason(task tree.Node) bool {
	reason := task.Field("statusReason")
	return reason.Field("text").Str() != "" || reason.Field("coding").Len() > 0
}
