package casework

import (
	"fmt"
	"slices"
	"strings"

	"tenon/fhir/tree"
	"tenon/server/access"
)

// A nonconformity (X2: clauses 9.3.5, 9.4.1).
//
//	somebody         POST DetectedIssue or AdverseEvent about the device
//	the server       Device inactive, stages behind it rest, Task X2, Communications to DES and PROD
//	DES, PROD        $sign the Communication (acknowledgement)
//	CLIN, QA, …      outputs of the Task: handling, cause, disposition
//	CLIN, QA         $sign the Task (nonconformity-closing); one of them: status completed
//	the server       what the disposition says: open anew from a stage, end the device, file a change

// problemWith are the devices that a resource reports a problem of.
func problemWith(r *Resource) []string {
	switch r.Type {
	case "DetectedIssue":
		if strings.HasSuffix(r.Root.Field("status").Str(), "error") {
			return nil
		}
		return referencesOf(r.Root.Field("implicated"))
	case "AdverseEvent":
		var refs []string
		for suspect := range r.Root.Field("suspectEntity").Items() {
			refs = append(refs, referencesOf(suspect.Field("instance"))...)
		}
		return refs
	}
	return nil
}

// devices are all that any Task of the case, overtaken ones too, brought as its
// device: what was made for the patient does not stop being it.
func (v *view) devices() []*Resource {
	var all []*Resource
	made := v.plan.deviceStage()
	if made == nil {
		return nil
	}
	for _, task := range v.tasks[made.Code] {
		for item := range task.Root.Field("output").Items() {
			if r := v.byRef[referenceOf(valueOf(item))]; r != nil && r.Type == "Device" && hasCode(item.Field("type"), systemDocument, "device") && !slices.Contains(all, r) {
				all = append(all, r)
			}
		}
	}
	return all
}

// made are the devices, and whatever else of the case bears a patient's name: made
// for one person, though no stage named it yet.
func (v *view) made() []*Resource {
	all := v.devices()
	for i := range v.s.Resources {
		r := &v.s.Resources[i]
		if r.Type == "Device" && r.Root.Field("patient").Exists() && !slices.Contains(all, r) {
			all = append(all, r)
		}
	}
	return all
}

// endedAs is the disposition by which a device ended, "" while it may be used.
func endedAs(device *Resource) string {
	return valueOf(extension(device.Root, extensionEnded)).Text()
}

// endedDevice is a device of the current production that is never used again.
func (v *view) endedDevice() *Resource {
	for _, d := range v.named("device") {
		if endedAs(d) != "" {
			return d
		}
	}
	return nil
}

// wasUsed tells whether a use of a device of the case is on record.
func (v *view) wasUsed() bool {
	devices := slices.DeleteFunc(slices.Clone(v.devices()), func(d *Resource) bool { return endedAs(d) != "" }) // what is made in its place is another one
	for i := range v.s.Resources {
		r := &v.s.Resources[i]
		if (r.Type == "Procedure" || r.Type == "DeviceUseStatement") && tookPlace(r.Root) && slices.ContainsFunc(devices, func(d *Resource) bool {
			return slices.Contains(devicesOf(r.Root), d.Ref())
		}) {
			return true
		}
	}
	return false
}

// tookPlace tells a use that took place, or takes place, from one that does not.
func tookPlace(use tree.Node) bool {
	return !slices.Contains([]string{"preparation", "intended", "not-done", "not-taken", "entered-in-error"}, use.Field("status").Str())
}

// deviceChanged judges a change of a device of the case: it stays the patient's,
// and comes back to use only as the process says.
func (d *decider) deviceChanged(was, now *Resource) {
	before, after := referenceOf(was.Root.Field("patient")), referenceOf(now.Root.Field("patient"))
	if before != "" && before != after {
		d.say409(nil, "device-patient-fixed", "R001-153", fmt.Sprintf("%s was made for %s; Device.patient never changes.", was.Ref(), before), was.Ref()+" 为指定患者定制，Device.patient 不可更改。")
	}
	if endedAs(was) != endedAs(now) {
		d.say409(nil, "device-end-by-server", "R001-152", "Only the server ends a device, when a disposition is signed; it never takes that back.", "器械停用仅由服务器依据签署的处置写入，且不可撤销。")
	}
	if now.Root.Field("status").Str() != "active" || was.Root.Field("status").Str() == "active" {
		return
	}
	if as := endedAs(was); as != "" {
		d.say409(nil, "device-ended", "R001-152", fmt.Sprintf("%s is never used again (%s).", was.Ref(), as), was.Ref()+" 已永久停用。")
	}
	for _, x := range d.before.exceptions {
		if x.open() && (x.code == exceptionNonconformity || x.code == exceptionWithdrawal) && referenceOf(x.task.Root.Field("focus")) == was.Ref() {
			d.say409(nil, "device-quarantined", "R001-215", fmt.Sprintf("%s is in quarantine: %s (%s) is not closed.", was.Ref(), x.code, x.task.Ref()), fmt.Sprintf("%s 处于隔离状态：%s 尚未关闭。", was.Ref(), x.task.Ref()))
		}
	}
}

func (d *decider) say409(s *Stage, id, clause, english, chinese string) {
	d.refuse(409, d.after.guard(s, id, clause, english, chinese))
}

// stopUse makes a device inactive the moment that a problem of it is recorded
// (clause 9.4.1), and opens its nonconformity.
func (d *decider) stopUse() {
	for i := range d.after.s.Resources {
		problem := &d.after.s.Resources[i]
		implicated := problemWith(problem)
		if len(implicated) == 0 {
			continue
		}
		if was := d.before.byRef[problem.Ref()]; was != nil && len(problemWith(was)) > 0 {
			continue
		}
		for _, device := range d.after.devices() {
			if slices.Contains(implicated, device.Ref()) {
				d.quarantine(device, problem)
			}
		}
	}
}

func (d *decider) quarantine(device, problem *Resource) {
	if device.Root.Field("status").Str() != "inactive" {
		d.update(device, member{"status", `"inactive"`}, member{"statusReason", string(marshal([]concept{{Text: "A problem is recorded: " + problem.Ref()}}))})
	}
	rule := d.plan.Exceptions.Rule(exceptionNonconformity)
	if rule == nil {
		return
	}
	d.create(d.after.exceptionTask(rule, "in-progress", device.Ref(), problem.Ref(), d.actor.Principal).body())
	d.rest(Nonconformity, "nonconformity", "A nonconformity of the device is open.", d.after.ofDevice)
	if limit := d.plan.Exceptions.Deadline("nonconformity-notice"); limit != nil {
		now := d.after.s.Now
		d.once(timer{Case: d.after.s.Case, About: problem.Ref(), From: instant(now)}.message("acknowledgement", now.Add(limit.Time)))
	}
	d.tell(notice{kind: "nonconformity", about: []string{problem.Ref(), device.Ref()}, to: d.after.holders(access.DES, access.PROD),
		english: fmt.Sprintf("A problem of %s is recorded (%s). Its use is stopped. Acknowledge this by $sign (acknowledgement).", device.Ref(), problem.Ref()),
		chinese: fmt.Sprintf("%s 出现问题（%s），已停止使用。请签署确认（acknowledgement）。", device.Ref(), problem.Ref())})
}

// once sends a message, were it asked for by several devices of one problem.
func (d *decider) once(m *Message) {
	if !slices.ContainsFunc(d.effects, func(e Effect) bool { return e.Message != nil && e.Message.Key == m.Key }) {
		d.effects = append(d.effects, Effect{Message: m})
	}
}

// exceptionTask is what the Task of an exception is made of that the server makes.
func (v *view) exceptionTask(rule *ExceptionRule, status, focus, reason, requester string) *task {
	t := &task{
		ResourceType: "Task", InstantiatesCanonical: v.plan.Canonical(), PartOf: []reference{{v.root.Ref()}}, Status: status, Intent: "order",
		Code: concept{Coding: []coding{{systemException, rule.Code, ""}}, Text: rule.Text + " " + rule.Chinese}, Description: rule.Text,
		Focus: to(focus), For: to(v.patient), AuthoredOn: instant(v.s.Now), ReasonReference: to(reason), Owner: to(v.clinician),
	}
	if strings.Contains(requester, "/") {
		t.Requester = to(requester)
	}
	if group := identifierOf(v.root.Root.Field("groupIdentifier")); group.Value != "" {
		t.GroupIdentifier = &group
	}
	return t
}

func (t *task) body() []byte { return marshal(t) }

// nonconformityOpen says what a nonconformity lacks before it is closed.
func (v *view) nonconformityOpen(s *Stage, x *Resource) []Unmet {
	var all []Unmet
	lack := func(id, clause, english, chinese string) { all = append(all, v.guard(s, id, clause, english, chinese)) }
	problem := referenceOf(x.Root.Field("reasonReference"))
	for _, role := range []access.Role{access.DES, access.PROD} {
		if v.plan.Role(role) != nil && len(v.holders(role)) > 0 && !v.acknowledged("nonconformity", problem, role) {
			lack("nonconformity-acknowledged-"+string(role), "R001-216", fmt.Sprintf("%s has not acknowledged the notice: $sign the Communication with the purpose %s.", role, purposeAcknowledgement), fmt.Sprintf("%s 尚未签署确认通知。", role))
		}
	}
	if len(brings(x.Root, "output", "cause")) == 0 {
		lack("nonconformity-cause", "R001-215", "The cause is stated (output of type "+systemFiling+"|cause).", "须说明原因。")
	}
	disposition := broughtCode(x.Root, "output", "disposition")
	if v.plan.Exceptions.Disposition(disposition) == nil {
		lack("nonconformity-disposition", "R001-215", fmt.Sprintf("The disposition is one of %s (it is %q).", v.plan.Exceptions.dispositions(false), disposition), "须给出处置方式。")
	}
	if v.everReleased() {
		all = append(all, v.handled(s, x)...)
	}
	return all
}

// handled asks how the patient was treated once the device could be in use, by
// the plan that was made for that (clause 9.4.1).
func (v *view) handled(s *Stage, x *Resource) []Unmet {
	plans := v.named("contingency-plan")
	for _, n := range brings(x.Root, "output", "handling") {
		record := v.byRef[referenceOf(n)]
		if record == nil {
			continue
		}
		if len(plans) == 0 || slices.ContainsFunc(plans, func(p *Resource) bool { return refersTo(record.Root, p) }) {
			return nil
		}
	}
	return []Unmet{v.guard(s, "nonconformity-handled", "R001-217", "The clinical handling is recorded (output of type "+systemFiling+"|handling), and the record refers to the contingency plan.",
		"须记录临床处置（handling），并引用应急预案。")}
}

// refersTo tells whether a resource has a reference to another one, or names its
// canonical, anywhere.
func refersTo(n tree.Node, target *Resource) bool {
	switch n.Kind() {
	case tree.String:
		url, _, _ := strings.Cut(n.Str(), "|")
		return cleanReference(n.Str()) == target.Ref() || url != "" && url == target.Root.Field("url").Str()
	case tree.Object:
		for _, child := range n.Fields() {
			if refersTo(child, target) {
				return true
			}
		}
	case tree.Array:
		for child := range n.Items() {
			if refersTo(child, target) {
				return true
			}
		}
	}
	return false
}

// everReleased tells whether the device was ever released for use.
func (v *view) everReleased() bool {
	return slices.ContainsFunc(v.plan.useStages(), func(code string) bool {
		return slices.ContainsFunc(v.tasks[code], func(t *Resource) bool { return substateOf(t.Root) == Completed })
	})
}

func (e *Exceptions) dispositions(unused bool) string {
	var codes []string
	for _, d := range e.Dispositions {
		if d.Unused || !unused {
			codes = append(codes, d.Code)
		}
	}
	return strings.Join(codes, ", ")
}

// disposed carries a disposition out.
func (d *decider) disposed(x *Resource) {
	row := d.plan.Exceptions.Disposition(broughtCode(x.Root, "output", "disposition"))
	device := d.after.byRef[referenceOf(x.Root.Field("focus"))]
	if row == nil || device == nil {
		return
	}
	if problem := d.after.byRef[referenceOf(x.Root.Field("reasonReference"))]; problem != nil && problem.Type == "DetectedIssue" {
		d.update(problem, member{"status", `"final"`})
	}
	switch {
	case row.Ends:
		d.end(device, row.Code)
	case d.after.freeOf(device):
		d.update(device, member{"status", `"active"`})
	}
	if row.Change != "" {
		d.fileChange(row.Change, x)
	}
	if row.From != "" {
		d.restartFrom(row.From, x, "")
	}
	d.goOn()
}

// freeOf tells whether nothing else keeps a device out of use.
func (v *view) freeOf(device *Resource) bool {
	return endedAs(device) == "" && !slices.ContainsFunc(v.exceptions, func(x exception) bool {
		return x.open() && (x.code == exceptionNonconformity || x.code == exceptionWithdrawal) && referenceOf(x.task.Root.Field("focus")) == device.Ref()
	})
}

// end makes a device one that is never used again.
func (d *decider) end(device *Resource, as string) {
	if endedAs(device) != "" {
		return
	}
	list := "["
	for ext := range device.Root.Field("extension").Items() {
		list += string(ext.Raw()) + ","
	}
	d.ended[device.Ref()] = true
	d.update(device, member{"extension", list + `{"url":"` + extensionEnded + `","valueCode":"` + as + `"}]`}, member{"status", `"inactive"`},
		member{"statusReason", string(marshal([]concept{{Coding: []coding{{System: systemDisposition, Code: as}}}}))})
}

// fileChange files the change that a disposition brings with it, for CLIN, DES
// and PROD to sign.
func (d *decider) fileChange(kind string, x *Resource) {
	rule, row := d.plan.Exceptions.Rule(exceptionChange), d.plan.Exceptions.Change(kind)
	if rule == nil || row == nil || len(d.after.openOnes(exceptionChange)) > 0 {
		return
	}
	t := d.after.exceptionTask(rule, "requested", "", x.Ref(), d.actor.Principal)
	t.Intent, t.Owner = "proposal", nil
	t.ReasonCode = &concept{Coding: []coding{{System: systemChangeKind, Code: kind}}, Text: "Redesign after the nonconformity " + x.Ref()}
	for _, s := range d.plan.Stages {
		if row.From != "" && d.plan.from(row.From)[s.Code] {
			t.Input = append(t.Input, taskInput{Type: coded(systemFiling, "stage", ""), ValueCode: s.Code})
		}
	}
	if of := d.plan.Stage(row.From); of != nil {
		for _, document := range of.Outputs {
			for _, r := range d.after.documents("output", of.Code, document.Code) {
				t.Input = append(t.Input, taskInput{Type: coded(systemFiling, "document", ""), ValueReference: to(r.Ref())})
			}
		}
	}
	d.create(t.body())
	d.restForChange(x.Ref(), "A change follows from "+x.Ref()+".")
	for _, s := range d.plan.Stages {
		if task := d.after.current(s.Code); task != nil && !d.touched(task) && heldBy(task, Nonconformity, "nonconformity") {
			d.move(task, ChangePending, "change", "A change follows from "+x.Ref()+".")
		}
	}
}

// newBatch asks a device that is made anew for a batch number of its own (clause
// 6.2.1): not that of one that went out of use.
func (v *view) newBatch(s *Stage) []Unmet {
	if s.output("device") == nil {
		return nil
	}
	var all []Unmet
	for _, made := range v.documents("output", s.Code, "device") {
		for _, old := range v.devices() {
			lot := made.Root.Field("lotNumber").Str()
			switch {
			case endedAs(made) != "":
				return []Unmet{v.guard(s, "device-ended", "R001-152", made.Ref()+" is never used again: name the new device.", made.Ref()+" 已永久停用，请登记新器械。")}
			case old != made && lot != "" && lot == old.Root.Field("lotNumber").Str():
				all = append(all, v.guard(s, "new-batch-number", "R001-158", fmt.Sprintf("%s bears the batch number of %s: a device that is made anew has its own.", made.Ref(), old.Ref()), fmt.Sprintf("%s 与 %s 批号相同：重新制造须使用新批号。", made.Ref(), old.Ref())))
			}
		}
	}
	return all
}
