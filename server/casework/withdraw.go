package casework

import (
	"fmt"
	"slices"
)

// Withdrawal of an unused device (X3: clauses 5.6.2, 5.6.3), and the end of a case
// that lost its ground: the consent was withdrawn, or the patient died.
//
//	X3     POST Task, focus = Device      the device is out of use at once
//	       outputs disposition, evidence; CLIN and QA sign (withdrawal); completed: never used again
//	stop   made by the server             the hospital decides what becomes of device and data
//	       output disposition; HOSP signs (case-ending); completed: the case is cancelled

func (v *view) withdrawalContent(s *Stage, now *Resource) []Unmet {
	device := v.byRef[referenceOf(now.Root.Field("focus"))]
	if device == nil || !slices.Contains(v.devices(), device) {
		return []Unmet{v.guard(s, "withdrawal-device", "R001-152", fmt.Sprintf("The withdrawal names a device of the case (Task.focus); %q is none.", referenceOf(now.Root.Field("focus"))), "须注明本病例的器械（Task.focus）。")}
	}
	return nil
}

func (d *decider) withdrawalStarted(s *Stage, now *Resource) {
	device := d.after.byRef[referenceOf(now.Root.Field("focus"))]
	if device == nil {
		return
	}
	if d.after.usedDevice(device) {
		d.say409(s, "device-used", "R001-152", device.Ref()+" was used: only an unused device is withdrawn. Report a problem instead (X2).", device.Ref()+" 已使用，不可按未使用器械撤回；如有问题请上报。")
	}
	if endedAs(device) != "" {
		d.say409(s, "device-ended", "R001-152", device.Ref()+" is out of use for good already.", device.Ref()+" 已永久停用。")
	}
}

func (v *view) usedDevice(device *Resource) bool {
	for i := range v.s.Resources {
		r := &v.s.Resources[i]
		if (r.Type == "Procedure" || r.Type == "DeviceUseStatement") && tookPlace(r.Root) && slices.Contains(devicesOf(r.Root), device.Ref()) {
			return true
		}
	}
	return false
}

// withdrawn says what a withdrawal lacks before it is done.
func (v *view) withdrawn(s *Stage, x *Resource) []Unmet {
	all := v.unusedDisposition(s, x)
	for _, n := range brings(x.Root, "output", "evidence") {
		if v.byRef[referenceOf(n)] != nil {
			return all
		}
	}
	return append(all, v.guard(s, "withdrawal-evidence", "R001-152", "There is evidence of what became of the device: a document or Specimen of the case (output of type "+systemFiling+"|evidence).", "须提供器械去向的证据（evidence）。"))
}

// unusedDisposition asks what becomes of a device that was never used.
func (v *view) unusedDisposition(s *Stage, x *Resource) []Unmet {
	code := broughtCode(x.Root, "output", "disposition")
	if row := v.plan.Exceptions.Disposition(code); row != nil && row.Unused {
		return nil
	}
	return []Unmet{v.guard(s, "withdrawal-disposition", "R001-152", fmt.Sprintf("An unused device is kept as a sample or destroyed: the disposition is one of %s (it is %q).", v.plan.Exceptions.dispositions(true), code),
		"未使用器械须留样或销毁。")}
}

// takeBack ends or frees the device of a withdrawal.
func (d *decider) takeBack(x excepted) {
	device := d.after.byRef[referenceOf(x.now.Root.Field("focus"))]
	if device == nil {
		return
	}
	switch x.to {
	case "":
		if device.Root.Field("status").Str() == "active" {
			d.update(device, member{"status", `"inactive"`}, member{"statusReason", string(marshal([]concept{{Text: "It is being withdrawn."}}))})
		}
	case "completed":
		d.end(device, broughtCode(x.was.Root, "output", "disposition"))
	default:
		if d.after.freeOf(device) {
			d.update(device, member{"status", `"active"`})
		}
	}
}

// stopDecision says what the hospital's decision lacks.
func (v *view) stopDecision(s *Stage, x *Resource) []Unmet {
	if len(v.devices()) == 0 && broughtCode(x.Root, "output", "disposition") == "" {
		return nil
	}
	return v.unusedDisposition(s, x)
}

// lostGround puts stages to rest when consent ends or the patient dies, and asks
// the hospital to decide when the device is being made or waits unused.
func (d *decider) lostGround() {
	why, code := "", ""
	switch {
	case len(d.after.consented(nil)) > 0:
		why, code = "The patient's consent is not in force.", "consent"
	case d.after.deceased():
		why, code = "The patient has died.", "deceased"
	default:
		d.ground()
		return
	}
	d.rest(ChangePending, code, why, func(s *Stage) bool { return s.output("consent") == nil && (code == "consent" || d.after.untilUse(s)) })
	rule := d.plan.Exceptions.Rule(exceptionStop)
	if rule == nil || len(d.after.openOnes(exceptionStop)) > 0 || d.after.wasUsed() || !d.after.produced() {
		return
	}
	t := d.after.exceptionTask(rule, "in-progress", "", d.after.groundReference(code), "")
	t.Owner, t.Description = to(d.after.onlyMember("HOSP")), why
	d.create(t.body())
	d.tell(notice{kind: "stop", about: []string{d.after.root.Ref()}, to: d.after.holders("HOSP", "CLIN"),
		english: why + " The device is being made or waits: the hospital decides what becomes of it.", chinese: "知情同意失效或患者去世：器械在制或待用，须由医院决定处置。"})
}

// ground takes the question back when the consent is in force again before the
// hospital decided.
func (d *decider) ground() {
	for _, x := range d.after.openOnes(exceptionStop) {
		d.update(x.task, member{"status", `"cancelled"`}, member{"statusReason", string(marshal(concept{Text: "The consent is in force again."}))})
	}
}

// produced tells whether production was ever begun.
func (v *view) produced() bool {
	for _, s := range v.plan.Stages {
		if opensProduction(s) && slices.ContainsFunc(v.tasks[s.Code], func(t *Resource) bool {
			return slices.Contains([]Substate{Working, ChangePending, Nonconformity, Completed, Failed}, substateOf(t.Root))
		}) {
			return true
		}
	}
	return false
}

func (v *view) groundReference(code string) string {
	if code == "deceased" {
		return v.patient
	}
	for _, r := range v.named("consent") {
		return r.Ref()
	}
	return ""
}

// stopped ends the case as the hospital decided.
func (d *decider) stopped(x *Resource) {
	for _, device := range d.after.devices() {
		d.end(device, broughtCode(x.Root, "output", "disposition"))
	}
	d.cancelJobs(nil, x.Ref())
	for _, s := range d.plan.Stages {
		if task := d.after.current(s.Code); task != nil && substateOf(task.Root).open() {
			d.move(task, Cancelled, "", "The hospital ended the case: "+x.Ref())
		}
	}
	d.move(d.after.root, Cancelled, "", "The hospital ended the case: "+x.Ref())
}
