package casework

import (
	"fmt"

	"tenon/server/access"
)

// Purposes of signatures that belong to the protocol, not to a document.
const (
	purposeJudgement  = "judgement"  // the predecessor's output is conform, unless the outcome says nonconform
	purposeNonconform = "nonconform" // it is not
	purposeAcceptance = "acceptance" // of what is handed over
	purposeCancel     = "cancel"     // of the case

	purposeCountersign     = "countersignature" // of what an agent signed
	purposeAcknowledgement = "acknowledgement"  // of a notice or of feedback
	purposeCounterRead     = "counter-read"     // of an open stage, by who joined later
	purposeJobStopped      = "job-stopped"      // PROD stands at the machine
)

// transition judges a change of sub-state.
func (d *decider) transition(s *Stage, was, now *Resource, from, to Substate) {
	if !from.allows(to) {
		d.illegal(s, from, to)
		return
	}
	n := len(d.refusal)
	if owner := referenceOf(now.Root.Field("owner")); owner != d.actor.Principal {
		d.say(409, s, "owner", fmt.Sprintf("Who moves %s is its owner: set Task.owner to %s (it is %q).", s.Code, d.actor.Principal, owner), "推进任务的人员须为任务负责人（Task.owner）。")
	}
	d.refuse(409, d.after.obstructed(s)...)
	d.refuse(409, d.after.counterRead(s, was, d.actor.Principal)...)
	switch to {
	case JudgedConform:
		d.judged(s, was)
	case JudgedNonconform:
		d.judgedNonconform(s, was)
	case Accepted:
		d.accepted(s, was, from)
	case Working:
		d.gate(s, Start)
	case Completed:
		d.gate(s, Start)
		d.gate(s, Stop)
		d.refuse(422, d.after.newBatch(s)...)
	case Returned, Failed:
		d.givenBack(s, now)
	}
	if len(d.refusal) == n {
		d.moved = append(d.moved, move{s, now, from, to})
	}
}

// illegal refuses a jump and names the conditions that it would jump over.
func (d *decider) illegal(s *Stage, from, to Substate) {
	d.say(409, s, "transition", fmt.Sprintf("%s is %s and cannot become %s; it may become %s.", s.Code, from, to, list(next[from])),
		fmt.Sprintf("%s 当前为 %s，不能变为 %s。", s.Code, from, to))
	if to == Working || to == Completed {
		d.refuse(409, d.after.unmet(s, Start)...)
	}
	if to == Completed {
		d.refuse(409, d.after.unmet(s, Stop)...)
	}
}

// gate refuses while a condition of the stage does not hold.
func (d *decider) gate(s *Stage, kind Kind) {
	unmet := d.after.unmet(s, kind)
	d.refuse(d.plan.gateStatus(unmet), unmet...)
}

// judged asks for the signed judgement of every predecessor by a principal
// (clause 8.2.2). The newest judgement of a predecessor's final version counts.
func (d *decider) judged(s *Stage, was *Resource) {
	if !d.plan.principal(s) {
		d.say(409, s, "no-judgement", s.Code+" judges no predecessor; accept it.", s.Code+" 无需判定前序阶段，请直接接受。")
		return
	}
	for _, ref := range linked(was.Root, "predecessor") {
		verdict := d.after.judgement(ref, d.plan.principals(s))
		if verdict == purposeJudgement {
			continue
		}
		text, chinese := "is not judged by a signature", "尚未签署判定"
		if verdict == purposeNonconform {
			text, chinese = "is judged nonconform", "判定为不合格"
		}
		d.refuse(422, d.after.guard(s, "predecessor-judged", "R001-179 R001-178",
			fmt.Sprintf("The predecessor %s of %s %s; the %s signs it with the purpose %s.", ref, s.Code, text, s.Owner, purposeJudgement),
			fmt.Sprintf("%s 的前序任务 %s %s。", s.Code, ref, chinese)))
	}
}

func (d *decider) judgedNonconform(s *Stage, was *Resource) {
	for _, ref := range linked(was.Root, "predecessor") {
		if d.after.judgement(ref, d.plan.principals(s)) == purposeNonconform {
			return
		}
	}
	d.refuse(422, d.after.guard(s, "predecessor-judged", "R001-179 R001-178",
		fmt.Sprintf("No predecessor of %s bears a signature with the purpose %s.", s.Code, purposeNonconform),
		fmt.Sprintf("%s 的前序任务没有不合格判定签名。", s.Code)))
}

// judgement is the purpose of the newest judgement of a Task by one of the roles,
// over its current version; "" if there is none.
func (v *view) judgement(ref string, roles []access.Role) string {
	r := v.byRef[ref]
	if r == nil {
		return ""
	}
	verdict := ""
	for _, sig := range v.valid(r) {
		for _, role := range roles {
			switch {
			case sig.Role != role:
			case sig.Purpose == purposeNonconform, sig.Purpose == purposeJudgement && sig.Outcome == "nonconform":
				verdict = purposeNonconform
			case sig.Purpose == purposeJudgement:
				verdict = purposeJudgement
			}
		}
	}
	return verdict
}

// accepted asks principals for the signed judgement and for their signature on
// what they take over: this Task in the version before the change (clause 9.2).
func (d *decider) accepted(s *Stage, was *Resource, from Substate) {
	if !d.plan.principal(s) {
		return
	}
	if from != JudgedConform {
		d.say(409, s, "judged-first", fmt.Sprintf("%s is a stage of a principal: judge its predecessors (judged-conform) before accepting.", s.Code),
			fmt.Sprintf("%s 须先判定前序阶段合格再接受。", s.Code))
	}
	d.judged(s, was)
	// was is the version before the change: the one that the signature is over.
	held := *d.before.byRef[was.Ref()]
	if d.before.signedBy(&held, purposeAcceptance, d.plan.principals(s)...) == nil {
		d.refuse(422, d.after.guard(s, "acceptance-signed", "R001-207",
			fmt.Sprintf("%s version %d needs the signature of the %s with the purpose %s before it is accepted.", was.Ref(), was.Version, s.Owner, purposeAcceptance),
			fmt.Sprintf("%s 第 %d 版须由 %s 签署接受后方可接受。", was.Ref(), was.Version, s.Owner)))
	}
}

// givenBack asks for a reason, and for a stage to go back to.
func (d *decider) givenBack(s *Stage, now *Resource) {
	if !hasReason(now.Root) {
		d.refuse(422, d.after.guard(s, "reason", "R001-011",
			"A stage is rejected or failed with a reason: fill Task.statusReason.", "拒绝或失败须说明理由（Task.statusReason）。"))
	}
	if s.ReturnTo == "" {
		d.say(409, s, "no-return", s.Code+" cannot be given back: the plan names no stage to return to.", s.Code+" 不可退回。")
	}
}
