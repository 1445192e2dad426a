package casework

import (
	"fmt"
	"slices"
	"strings"

	"tenon/fhir/tree"
	"tenon/server/access"
)

// Control of a job at the manufacturer's MES (clause 5.3.7: a running production
// rests while a change is open). The server writes a Task and sends its message
// at once; the machine counts as printing until the answer says otherwise:
//
//	requested ──┬── completed  stopped, finished, cancelled or resumed: the machine does not print (or prints again, as asked)
//	            └── rejected   refused: it prints on; a later answer can still complete it
//
// PROD may answer in its place, by signing the Task with the purpose job-stopped:
// a person stands at the machine when the MES is silent.

// JobControl is the message to the MES.
type JobControl struct {
	Control  string    `json:"control"`  // number of this message, for the answer
	Action   string    `json:"action"`   // hold, resume, change, cancel
	JobOrder string    `json:"jobOrder"` // as in the job order
	Reason   string    `json:"reason"`   // code of urn:tenon:hold, or the exception: never about the patient
	Sent     string    `json:"sent"`     // instant
	AnswerBy string    `json:"answerBy,omitempty"`
	Order    *JobOrder `json:"order,omitempty"` // with change: what is made from now on
}

func controlOf(task tree.Node) string { return codeOf(task.Field("code"), systemControl) }

// numberOf is the number by which the MES knows a control.
func numberOf(task tree.Node) string {
	for id := range task.Field("identifier").Items() {
		if id.Field("system").Str() == systemControl {
			return id.Field("value").Str()
		}
	}
	return ""
}

// control tells the MES to hold, resume, change or cancel the job of a
// production Task, and writes that down.
func (d *decider) control(job *Resource, action, reason string) {
	n := 1
	for _, c := range d.after.controls {
		if slices.Contains(referencesOf(c.Root.Field("partOf")), job.Ref()) {
			n++
		}
	}
	n += d.controlled[job.Ref()]
	d.controlled[job.Ref()]++
	number := fmt.Sprintf("%s/%d", job.ID, n)
	now := d.after.s.Now
	message := JobControl{Control: number, Action: action, JobOrder: job.Ref(), Reason: reason, Sent: instant(now)}
	if action == "change" {
		order := d.after.order(job)
		message.Order = &order
	}
	t := task{
		ResourceType: "Task", Identifier: []identifier{{systemControl, number}}, PartOf: []reference{{job.Ref()}}, Status: "requested", Intent: "order",
		Code: concept{Coding: []coding{{systemControl, action, ""}}}, Description: reason, Focus: to(job.Ref()), For: to(d.after.patient), AuthoredOn: instant(now),
		PerformerType: []concept{coded(systemRole, string(access.MES), "")},
	}
	if limit := d.plan.Exceptions.Deadline("job-acknowledgement"); limit != nil {
		by := now.Add(limit.Time)
		message.AnswerBy = instant(by)
		t.Restriction = &restriction{&period{End: instant(by)}}
		d.effects = append(d.effects, Effect{Message: timer{Case: d.after.s.Case, About: number, From: instant(now)}.message("control", by)})
	}
	d.create(marshal(t))
	asks := action == "hold" || action == "cancel"
	d.after.called = d.after.called || asks
	d.after.told = d.after.told || asks && !(action == "cancel" && d.after.stillAt(job))
	d.effects = append(d.effects, Effect{Message: &Message{Sink: "mes", Kind: "job-control", Key: "job-control/" + number, Body: marshal(message)}})
}

// running tells whether a production Task has a job that the MES was told to make
// and that is not done.
func running(job *Resource) bool {
	switch substateOf(job.Root) {
	case Working, Nonconformity:
		return true
	case ChangePending:
		return true
	}
	return false
}

// stillAt says whether the machine that makes a job certainly does not print: the
// newest hold or cancel of it was answered so.
func (v *view) stillAt(job *Resource) bool {
	var last *Resource
	for _, c := range v.controls {
		if action := controlOf(c.Root); slices.Contains(referencesOf(c.Root.Field("partOf")), job.Ref()) && (action == "hold" || action == "cancel") {
			last = c
		}
	}
	return last != nil && v.answered(last)
}

// answered tells whether a control was carried out, by the MES or by word of PROD.
func (v *view) answered(c *Resource) bool {
	if c.Root.Field("status").Str() == "completed" {
		return true
	}
	return slices.ContainsFunc(v.signatures[c.Ref()], func(s Signature) bool { return s.Purpose == purposeJobStopped && s.Role == access.PROD })
}

// jobStill refuses to go on while a machine may still print: for every production
// Task whose job was sent and is not done, or whose cancellation is not answered.
func (v *view) jobStill(s *Stage) []Unmet {
	var all []Unmet
	for _, job := range v.jobs() {
		if running(job) && !v.stillAt(job) || v.unanswered(job) {
			all = append(all, v.guard(s, "job-stopped", "R001-135",
				fmt.Sprintf("The machine may still be making %s: the MES has not answered that it stands, and no %s has signed for it (purpose %s).", job.Ref(), access.PROD, purposeJobStopped),
				fmt.Sprintf("设备可能仍在生产 %s：MES 尚未确认停机，%s 也未签字确认。", job.Ref(), access.PROD)))
		}
	}
	return all
}

// unanswered tells whether the machine was told to hold or cancel a job since it
// last went on, and neither it nor PROD has said that it stands.
func (v *view) unanswered(job *Resource) bool {
	waits, stands := false, false
	for _, c := range v.controls {
		if !slices.Contains(referencesOf(c.Root.Field("partOf")), job.Ref()) {
			continue
		}
		switch controlOf(c.Root) {
		case "hold", "cancel":
			stands = stands || v.answered(c)
			waits = !stands
		case "resume", "change":
			waits, stands = false, false
		}
	}
	return waits
}

// waitsForMachine tells whether PROD is still asked whether a machine stands.
func (v *view) waitsForMachine() bool {
	return v.told || slices.ContainsFunc(v.jobs(), v.unanswered)
}

// waitsForAnswer tells whether the MES still has a hold or cancel to answer.
func (v *view) waitsForAnswer() bool {
	return v.called || slices.ContainsFunc(v.controls, func(c *Resource) bool {
		action := controlOf(c.Root)
		return (action == "hold" || action == "cancel") && !v.answered(c)
	})
}

// jobs are the Tasks of production, those that were overtaken too.
func (v *view) jobs() []*Resource {
	var all []*Resource
	for _, s := range v.plan.Stages {
		if opensProduction(s) {
			all = append(all, v.tasks[s.Code]...)
		}
	}
	return all
}

// cancelJobs cancels the jobs that run in these stages, or in any.
func (d *decider) cancelJobs(stages map[string]bool, reason string) {
	for _, s := range d.plan.Stages {
		job := d.after.current(s.Code)
		if opensProduction(s) && (stages == nil || stages[s.Code]) && job != nil && running(job) {
			d.control(job, "cancel", reason)
		}
	}
}

// controlChanged judges what is written about a job: the server alone tells the
// MES, a machine that the agreement names answers.
func (d *decider) controlChanged(was, now *Resource) {
	action := controlOf(now.Root)
	if was != nil || action != "acknowledged" {
		d.say409(nil, "control-by-server", "R001-135", "What the MES is told about a job is written by the server; an answer is a new Task with the code "+systemControl+"|acknowledged.", "作业指令由服务器写入；应答须新建 acknowledged 任务。")
		return
	}
	if d.actor == nil || d.actor.Kind != access.System || !slices.Contains(d.after.machines(true), d.actor.Principal) {
		d.refuse(403, d.after.guard(nil, "control-by-machine", "R001-135", "A job is answered for by the MES that the agreement names; PROD signs the Task of the control instead (purpose "+purposeJobStopped+").", "应答须由协议载明的 MES 发出；生产负责人可改为签署该指令。"))
		return
	}
	c := d.after.controlNumbered(numberOf(now.Root))
	outcome := codeOf(now.Root.Field("businessStatus"), systemControl)
	switch {
	case c == nil || !sameTree(c.Root.Field("partOf"), now.Root.Field("partOf")):
		d.say409(nil, "control-unknown", "R001-135", fmt.Sprintf("There is no control %q of this job.", numberOf(now.Root)), "没有该作业指令。")
	case answers[outcome] == nil || !slices.Contains(answers[outcome], controlOf(c.Root)):
		d.refuse(422, d.after.guard(nil, "control-outcome", "R001-135", fmt.Sprintf("%q is no answer to %s.", outcome, controlOf(c.Root)), "应答与指令不符。"))
	default:
		d.answers = append(d.answers, answer{c, outcome})
	}
}

// answers are the outcomes (urn:tenon:job-control), and what they answer.
var answers = map[string][]string{
	"stopped": {"hold", "cancel"}, "finished": {"hold", "cancel"}, "cancelled": {"cancel"},
	"resumed": {"resume", "change"}, "refused": {"hold", "cancel", "resume", "change"},
}

// answer is what the MES said of a control.
type answer struct {
	control *Resource
	outcome string
}

func (v *view) controlNumbered(number string) *Resource {
	for _, c := range v.controls {
		if controlOf(c.Root) != "acknowledged" && numberOf(c.Root) == number && number != "" {
			return c
		}
	}
	return nil
}

// answered writes the answers of the MES into the controls.
func (d *decider) answered() {
	for _, a := range d.answers {
		status := "completed"
		if a.outcome == "refused" {
			status = "rejected"
		}
		if a.control.Root.Field("status").Str() == "completed" {
			continue // what stands stands: a late refusal changes nothing
		}
		d.update(a.control, member{"status", `"` + status + `"`}, member{"businessStatus", string(marshal(coded(systemControl, a.outcome, "")))})
		if status == "rejected" {
			d.tell(notice{kind: "job-control", about: []string{a.control.Ref()}, to: d.after.holders(access.PROD, access.MFR, access.QA),
				english: fmt.Sprintf("The MES refuses to %s the job (%s).", controlOf(a.control.Root), numberOf(a.control.Root)), chinese: "MES 拒绝执行作业指令 " + numberOf(a.control.Root) + "。"})
		}
	}
}

// controlState is the state of a control for a report: sent, late, refused, or the
// answer.
func (v *view) controlState(c *Resource) string {
	status := c.Root.Field("status").Str()
	switch {
	case status == "completed":
		return codeOf(c.Root.Field("businessStatus"), systemControl)
	case v.answered(c):
		return "stopped"
	case status == "rejected":
		return "refused"
	}
	if _, by, ok := span(c.Root.Path("restriction", "period", "end").Str()); ok && v.s.Now.After(by) {
		return "late"
	}
	return "sent"
}

// isControl tells whether a Task is a control of a job of the case.
func (v *view) isControl(task tree.Node) bool {
	return controlOf(task) != "" && strings.HasPrefix(referenceOf(task.Field("partOf").First()), "Task/")
}
