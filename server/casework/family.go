package casework

import (
	"fmt"
	"slices"
	"strings"

	"tenon/fhir/tree"
	"tenon/server/access"
)

// Termination of a device type (X5, clause 5.5.3). A re-evaluation (the plan
// termination, a case without a patient) decides that a product family is used no
// more; its DeviceDefinition then bears the extension use-termination. In every
// case of the family:
//
//	the server   Task X5; stages before use rest, a job is held; all who hold the
//	             device are told
//	CLIN, QA     output decision: continue (with words), or end with the disposition
//	             of the device; they sign (type-review); status completed
//
// New orders of the family are refused.

const extensionTermination = extensionPrefix + "use-termination"

// families are the product families that order and design of the case name.
func (v *view) families() []*Resource {
	var all []*Resource
	add := func(ref string) {
		if r := v.byRef[ref]; r != nil && r.Type == "DeviceDefinition" && !slices.Contains(all, r) {
			all = append(all, r)
		}
	}
	for _, order := range v.named("order") {
		add(referenceOf(valueOf(extension(order.Root, extensionPrefix+"device-type"))))
	}
	for _, design := range v.named("design-definition") {
		add(referenceOf(design.Root.Field("parentDevice")))
	}
	return all
}

// endedFamily is a family of the case that is stopped, nil when none is, or when
// the case was let go on.
func (v *view) endedFamily() *Resource {
	for _, family := range v.families() {
		if extension(family.Root, extensionTermination).Exists() && !slices.ContainsFunc(v.exceptions, func(x exception) bool {
			return x.code == exceptionType && x.carriedOut() && referenceOf(x.task.Root.Field("focus")) == family.Ref()
		}) {
			return family
		}
	}
	return nil
}

// typeEnded refuses to go on with a device of a type that is stopped.
func (v *view) typeEnded(s *Stage) []Unmet {
	family := v.endedFamily()
	order := v.plan.orderStage()
	if family == nil || order == "" || !v.plan.from(order)[s.Code] || !v.untilUse(s) {
		return nil
	}
	return []Unmet{v.guard(s, "type-ended", "R001-147", fmt.Sprintf("The device type %s is stopped: no new device of it is ordered, made or used.", family.Ref()),
		fmt.Sprintf("器械类型 %s 已终止：不得再订购、制造或使用。", family.Ref()))}
}

// typeObstacle keeps the stages before use waiting for the review of the case.
func (v *view) typeObstacle(x exception, s *Stage) (Unmet, bool) {
	return v.guard(s, "type-review-open", "R001-147", fmt.Sprintf("The device type %s is stopped, and %s is not decided.", referenceOf(x.task.Root.Field("focus")), x.task.Ref()),
		fmt.Sprintf("器械类型已终止，%s 尚未决定。", x.task.Ref())), v.untilUse(s)
}

// typeDue opens the review of a case whose device type was stopped.
func (d *decider) typeDue() {
	v := d.after
	family := v.endedFamily()
	if family == nil {
		return
	}
	everybody := append(v.holders(access.HOSP, access.CLIN, access.DES, access.PROD, access.QA, access.MFR), v.clinician)
	rule := v.plan.Exceptions.Rule(exceptionType)
	if rule == nil || v.wasUsed() || slices.ContainsFunc(v.openOnes(exceptionType), func(x exception) bool { return referenceOf(x.task.Root.Field("focus")) == family.Ref() }) {
		d.tell(notice{kind: "type-ended", about: []string{family.Ref()}, to: everybody,
			english: family.Ref() + " is stopped; the device of this case is in use: follow it up.", chinese: family.Ref() + " 已终止；本病例器械已在使用，请随访。"})
		return
	}
	d.create(v.exceptionTask(rule, "in-progress", family.Ref(), "", "").body())
	d.rest(ChangePending, "type", "The device type "+family.Ref()+" is stopped.", func(s *Stage) bool { return len(v.typeEnded(s)) > 0 })
	d.tell(notice{kind: "type-ended", about: []string{family.Ref()}, to: everybody,
		english: family.Ref() + " is stopped: who holds a device of it that is not used keeps it out of use until this case is reviewed.", chinese: family.Ref() + " 已终止：持有未使用器械者在病例复核前不得使用。"})
}

// typeDecision says what the review of a case lacks.
func (v *view) typeDecision(s *Stage, x *Resource) []Unmet {
	switch broughtCode(x.Root, "output", "decision") {
	case "continue":
		if slices.ContainsFunc(brings(x.Root, "output", "finding"), func(n tree.Node) bool { return strings.TrimSpace(n.Str()) != "" }) {
			return nil
		}
		return []Unmet{v.guard(s, "review-finding", "R001-147", "A case goes on with a reason (output of type "+systemFiling+"|finding, valueString).", "继续须说明理由（finding）。")}
	case "end":
		if len(v.devices()) == 0 {
			return nil
		}
		return v.unusedDisposition(s, x)
	}
	return []Unmet{v.guard(s, "type-decision", "R001-147", "The decision is continue or end (output of type "+systemFiling+"|decision, valueCode).", "决定须为 continue 或 end。")}
}

// typeDecided lets the case go on or ends it.
func (d *decider) typeDecided(x *Resource) {
	if broughtCode(x.Root, "output", "decision") == "end" {
		d.stopped(x)
		return
	}
	d.goOn()
}

// terminate stops the family that the decision of a finished re-evaluation is
// about, and has every case of it looked at.
func (d *decider) terminate(s *Stage) {
	if s.output("type-decision") == nil {
		return
	}
	for _, decision := range d.after.documents("output", s.Code, "type-decision") {
		family := d.after.byRef[referenceOf(decision.Root.Field("subject"))]
		if family == nil || family.Type != "DeviceDefinition" || extension(family.Root, extensionTermination).Exists() {
			continue
		}
		list := "["
		for ext := range family.Root.Field("extension").Items() {
			list += string(ext.Raw()) + ","
		}
		list += `{"url":"` + extensionTermination + `","extension":[{"url":"date","valueDateTime":"` + instant(d.after.s.Now) + `"},{"url":"decision","valueReference":{"reference":"` + decision.Ref() + `"}}]}]`
		d.effects = append(d.effects, Effect{Update: edited(family.Root, member{"extension", list}), Beside: true},
			Effect{Message: &Message{Sink: "deadline", Kind: "type-everywhere", Key: "type/" + family.Ref() + "/" + instant(d.after.s.Now), Body: marshal(timer{Case: d.after.s.Case, About: family.Ref(), From: instant(d.after.s.Now)})}})
	}
}
