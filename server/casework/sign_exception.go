package casework

import (
	"fmt"
	"slices"

	"tenon/server/access"
)

// exceptedIn finds out whether the Task of an exception is to be signed now.
func (q *signing) exceptedIn(target *Resource) (*Stage, []Unmet) {
	x := exception{exceptionOf(target.Root), target}
	rule := q.plan.Exceptions.Rule(x.code)
	switch {
	case rule == nil || rule.Purpose == "" || q.purpose != rule.Purpose:
		return nil, q.no("signature-asked", "R001-035", fmt.Sprintf("%s is not signed for %q.", target.Ref(), q.purpose), "该任务不要求此签名。")
	case !x.open():
		return nil, q.no("exception-closed", rule.clause(), fmt.Sprintf("%s is %s; nothing is signed there any more.", target.Ref(), x.status()), "该例外流程已结束，不可再签名。")
	case !slices.Contains(rule.Signs, q.role):
		return nil, q.no("signature-role", rule.clause(), fmt.Sprintf("%s is signed for %s by %s.", target.Ref(), q.purpose, list(rule.Signs)), fmt.Sprintf("须由 %s 签署。", list(rule.Signs)))
	}
	if x.code == exceptionHandover && q.role == q.plan.Stages[0].Owner && q.actor.Principal != referenceOf(target.Root.Field("owner")) {
		return nil, q.no("handover-person", "R001-010", "As clinician signs the one to whom the case is handed: "+referenceOf(target.Root.Field("owner"))+".", "须由接任的主治医生签署。")
	}
	return rule.stage(), nil
}

// readIn lets who joined later sign an open stage of a role of his as read.
func (q *signing) readIn(target *Resource) (*Stage, []Unmet) {
	s := q.plan.Stage(stageOf(target.Root))
	if s != nil && q.current(s.Code) == target && substateOf(target.Root).open() && slices.Contains(s.Roles, q.role) {
		return s, nil
	}
	return nil, q.no("counter-read-place", "R001-021", fmt.Sprintf("%s is no open stage of a %s.", target.Ref(), q.role), "不是该角色的待办阶段。")
}

// stoppedIn lets PROD answer for a machine whose MES is silent.
func (q *signing) stoppedIn(target *Resource) (*Stage, []Unmet) {
	action := controlOf(target.Root)
	if target.Type == "Task" && (action == "hold" || action == "cancel") && q.role == access.PROD && !q.answered(target) {
		for _, s := range q.plan.Stages {
			if opensProduction(s) {
				return s, nil
			}
		}
	}
	return nil, q.no("job-stopped-place", "R001-135", "PROD signs the hold or cancellation of a job that the MES has not answered.", "须由 PROD 签署 MES 未应答的停机或取消指令。")
}

// noticed lets a recipient acknowledge a notice of the server.
func (q *signing) noticed(target *Resource) (*Stage, []Unmet) {
	if slices.Contains(referencesOf(target.Root.Field("recipient")), q.actor.Principal) {
		return &Stage{Code: "notice", Clauses: []string{"R001-216"}}, nil
	}
	return nil, q.no("notice-recipient", "R001-216", q.actor.Principal+" is no recipient of "+target.Ref()+".", "不是该通知的接收人。")
}
