package casework

import (
	"fmt"
	"slices"
)

// A change of the patient's condition is a recognised trigger of a design change
// (clause 5.3.7): when the Condition behind the plan changes, or new images of the
// patient join, after the order was made and before the device is used, the server
// asks the attending clinician to look. It asks the same when who the patient is was
// corrected, or merged with another record: production and use wait until the
// attending clinician has confirmed the identity.
//
//	the server   Task review, reasonReference = what changed; CLIN, DES, PROD are told
//	CLIN         output finding (valueString), $sign (change-review), status completed;
//	             files a change (X1, patient-condition) where one is needed
//
// Until then nothing is put to production and nothing is released for use.

// reviewed asks for reviews of what changed.
func (d *decider) reviewed() {
	rule := d.plan.Exceptions.Rule(exceptionReview)
	if rule == nil || !d.before.completed(d.plan.orderStage()) || !d.after.completed(d.plan.orderStage()) || d.after.wasUsed() {
		return
	}
	for i := range d.after.s.Resources {
		now := &d.after.s.Resources[i]
		was := d.before.byRef[now.Ref()]
		switch {
		case was != nil && was.Version == now.Version && was.Digest == now.Digest:
			continue
		case now.Type == "ImagingStudy" && was == nil:
		case now.Ref() == d.after.patient && was != nil && identified(was, now):
		case now.Type == "Condition" && was != nil && slices.Contains(d.after.named("condition"), now) && altered(was, now):
		default:
			continue
		}
		if slices.ContainsFunc(d.after.openOnes(exceptionReview), func(x exception) bool { return referenceOf(x.task.Root.Field("reasonReference")) == now.Ref() }) {
			continue
		}
		d.create(d.after.exceptionTask(rule, "in-progress", "", now.Ref(), d.actor.Principal).body())
		d.tell(notice{kind: "review", about: []string{now.Ref()}, to: append(d.after.holders("DES", "PROD"), d.after.clinician),
			english: now.Ref() + " is new or has changed since the order: the attending clinician reviews whether the design must change.",
			chinese: now.Ref() + " 在下单后新增或变化：主治医生须评估是否需要设计变更。"})
	}
}

// identifying are the elements of a Patient by which people tell him from others.
var identifying = []string{"identifier", "name", "gender", "birthDate", "link"}

// identified tells whether a patient is known by something else than before.
func identified(was, now *Resource) bool {
	return slices.ContainsFunc(identifying, func(name string) bool { return !sameTree(was.Root.Field(name), now.Root.Field(name)) })
}

// altered tells whether anything but what the server writes differs.
func altered(was, now *Resource) bool {
	for name, child := range now.Root.Fields() {
		if name != "meta" && name != "text" && !sameTree(child, was.Root.Field(name)) {
			return true
		}
	}
	for name := range was.Root.Fields() {
		if name != "meta" && name != "text" && !now.Root.Field(name).Exists() {
			return true
		}
	}
	return false
}

// orderStage is the code of the stage that brings the order, "" in a plan without.
func (p *Plan) orderStage() string {
	for _, s := range p.Stages {
		if s.output("order") != nil {
			return s.Code
		}
	}
	return ""
}

// reviewFinding says what a review lacks.
func (v *view) reviewFinding(s *Stage, x *Resource) []Unmet {
	for _, n := range brings(x.Root, "output", "finding") {
		if n.Str() != "" {
			return nil
		}
	}
	return []Unmet{v.guard(s, "review-finding", "R001-136", "The review states what it found (output of type "+systemFiling+"|finding, valueString).", "须写明评估结论（finding）。")}
}

// reviewObstacle keeps production and use waiting for a review.
func (v *view) reviewObstacle(x exception, s *Stage) (Unmet, bool) {
	return v.guard(s, "review-open", "R001-136", fmt.Sprintf("%s changed since the order: the review %s by the attending clinician is not closed.", referenceOf(x.task.Root.Field("reasonReference")), x.task.Ref()),
		fmt.Sprintf("病情、影像或患者身份在下单后变化：评估 %s 尚未完成。", x.task.Ref())), opensProduction(s) || slices.Contains(v.plan.useStages(), s.Code)
}
