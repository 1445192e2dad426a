package casework

import (
	"fmt"
	"slices"
	"strings"

	"tenon/server/access"
)

// MaySign tells whether the actor may sign the target in a role for a purpose,
// and in which stage. It is asked before the signature is made, about the version
// that is current:
//
//	a document   the plan asks for that signature in a stage that is at work, or
//	             was, if the document may still change (own, not sealed)
//	judgement    a predecessor of a stage that the actor's role has received
//	acceptance   the Task of such a stage itself
//	waive:id     the root Task, by the role that the condition names; a plain waive
//	             by a role that some open condition names (Signature.Conditions
//	             says which, and counts for those alone)
//	cancel       the root Task
//	countersignature  the Provenance of an agent's signature, by the clinician (clause 9.3.1)
//
// A person never signs one version of one document in two roles, and a reviewer
// must be graded above the designer who signed (clauses 5.3.1, 5.3.5.3).
func (e *Engine) MaySign(s *Snapshot, target Resource, role access.Role, purpose string, actor *access.Context) (stage string, refusal []Unmet) {
	plan, err := e.planOf(s)
	if err != nil {
		return "", []Unmet{{Condition: "plan", State: Unsatisfied, Text: err.Error(), Chinese: "病例没有可执行的流程计划。"}}
	}
	q := &signing{view: newView(s, plan), role: role, purpose: purpose, actor: actor}
	member := q.byRef[target.Ref()]
	switch {
	case !actor.CanSign():
		return "", q.no("signer-is-person", "R001-086", "Only a natural person signs; an operator or a machine cannot.", "只有自然人可以签名，操作员或设备不可。")
	case member == nil || !slices.ContainsFunc(s.Resources, func(r Resource) bool { return r.Ref() == target.Ref() }):
		return "", q.no("signed-member", "R001-035", target.Ref()+" is no part of the case.", target.Ref()+" 不属于本病例。")
	case member.Version != target.Version:
		return "", q.no("signed-current", "R001-086", fmt.Sprintf("%s has version %d by now; sign that one.", target.Ref(), member.Version), "请签署当前版本。")
	}
	at, refusal := q.place(member)
	if len(refusal) > 0 {
		return "", refusal
	}
	if refusal = q.signer(at, member); len(refusal) > 0 {
		return "", refusal
	}
	if at == nil {
		return "", nil
	}
	return at.Code, nil
}

// signing is one question of MaySign.
type signing struct {
	*view
	role    access.Role
	purpose string
	actor   *access.Context
}

func (q *signing) no(id, clause, english, chinese string) []Unmet {
	return []Unmet{q.guard(nil, id, clause, english, chinese)}
}

// place finds the stage in which the signature belongs.
func (q *signing) place(target *Resource) (*Stage, []Unmet) {
	switch q.purpose {
	case purposeJudgement, purposeNonconform:
		return q.judgedIn(target)
	case purposeAcceptance:
		return q.acceptedIn(target)
	case purposeCounterRead:
		return q.readIn(target)
	case purposeJobStopped:
		return q.stoppedIn(target)
	case purposeAcknowledgement:
		if isNotice(target, "") {
			return q.noticed(target)
		}
	case purposeCancel:
		if target == q.root && (q.role == q.plan.Stages[0].Owner || q.role == access.MFR) {
			return q.plan.Stages[0], nil
		}
		return nil, q.no("cancel-root", "R001-035", "A case is cancelled by signing its root Task, as the clinician or the manufacturer's contact.", "取消病例须签署根任务。")
	}
	if q.purpose == purposeCountersign {
		return q.countersignedIn(target)
	}
	if exceptionOf(target.Root) != "" && target.Type == "Task" {
		return q.exceptedIn(target)
	}
	if q.purpose == purposeWaive {
		return q.waivedAny(target)
	}
	if id, ok := strings.CutPrefix(q.purpose, waive); ok {
		return q.waivedIn(id, target)
	}
	return q.documentIn(target)
}

// received tells whether a stage is taken over but not accepted yet.
func received(s Substate) bool { return s == Received || s == JudgedConform || s == JudgedNonconform }

func (q *signing) judgedIn(target *Resource) (*Stage, []Unmet) {
	for _, s := range q.plan.Stages {
		task := q.current(s.Code)
		if task != nil && q.plan.principal(s) && slices.Contains(q.plan.principals(s), q.role) && received(substateOf(task.Root)) &&
			slices.Contains(linked(task.Root, "predecessor"), target.Ref()) {
			return s, nil
		}
	}
	return nil, q.no("judgement-place", "R001-178", fmt.Sprintf("%s is no predecessor of a stage that a %s has received and has to judge.", target.Ref(), q.role),
		fmt.Sprintf("%s 不是 %s 待判定的前序任务。", target.Ref(), q.role))
}

func (q *signing) acceptedIn(target *Resource) (*Stage, []Unmet) {
	s := q.plan.Stage(stageOf(target.Root))
	if s != nil && q.current(s.Code) == target && slices.Contains(q.plan.principals(s), q.role) && received(substateOf(target.Root)) {
		return s, nil
	}
	return nil, q.no("acceptance-place", "R001-207", fmt.Sprintf("%s is no stage that a %s has received and may accept.", target.Ref(), q.role),
		fmt.Sprintf("%s 不是 %s 待接受的阶段。", target.Ref(), q.role))
}

func (q *signing) waivedIn(id string, target *Resource) (*Stage, []Unmet) {
	s, c := q.plan.Condition(id)
	switch {
	case c == nil || c.Waiver == "":
		return nil, q.no("waiver-condition", "R001-035", fmt.Sprintf("The plan has no condition %q that a signature can stand for.", id), "计划中没有可签字豁免的该条件。")
	case target != q.root:
		return nil, q.no("waiver-root", "R001-035", "A waiver is a signature over the root Task of the case.", "豁免须签署病例根任务。")
	case q.role != c.Waiver:
		return nil, q.no("waiver-role", "R001-035", fmt.Sprintf("%s may sign for %s, %s may not.", c.Waiver, id, q.role), fmt.Sprintf("只有 %s 可为 %s 签字。", c.Waiver, id))
	}
	if task := q.current(s.Code); task == nil || !substateOf(task.Root).open() {
		return nil, q.no("waiver-stage", "R001-035", s.Code+" is not open.", s.Code+" 未打开。")
	}
	if state, _, _ := q.evaluate(c); state != NotEvaluated {
		return nil, q.no("waiver-evaluated", "R001-035", fmt.Sprintf("The server evaluates %s (%s); no signature stands for it.", id, state), "该条件可由系统评估，不可签字豁免。")
	}
	return s, nil
}

// waivedAny finds a condition that a plain waive of the role can stand for.
func (q *signing) waivedAny(target *Resource) (*Stage, []Unmet) {
	for _, s := range q.plan.Stages {
		for _, c := range s.Conditions {
			if c.Waiver != q.role {
				continue
			}
			if at, refusal := q.waivedIn(c.ID, target); len(refusal) == 0 {
				return at, nil
			}
		}
	}
	return nil, q.no("waiver-condition", "R001-035", fmt.Sprintf("No condition of an open stage is %s's to sign for.", q.role), fmt.Sprintf("当前没有可由 %s 签字豁免的条件。", q.role))
}

// countersignedIn finds the agent's signature that a Provenance carries.
func (q *signing) countersignedIn(target *Resource) (*Stage, []Unmet) {
	for _, signed := range q.signatures {
		for _, s := range signed {
			if target.Type == "Provenance" && s.Provenance == target.ID && s.Role == access.AGENT && s.Outcome != Refused && q.role == access.CLIN {
				return q.plan.Stage(s.Stage), nil
			}
		}
	}
	return nil, q.no("countersignature-place", "R001-208", fmt.Sprintf("A clinician countersigns the signature of an agent; %s carries none, or %s is no clinician's role.", target.Ref(), q.role),
		"临床医师仅会签受托代理人的签名。")
}

// documentIn finds the rule of the plan that asks for this signature.
func (q *signing) documentIn(target *Resource) (*Stage, []Unmet) {
	var wanted *SignatureRule
	for _, s := range q.plan.Stages {
		for i := range s.Signatures {
			r := &s.Signatures[i]
			if r.Purpose != q.purpose || !slices.Contains(q.documents("output", r.Stage, r.Document), target) {
				continue
			}
			wanted = r
			task := q.current(s.Code)
			if slices.Contains(r.Roles, q.role) && task != nil && q.grounded(s) && q.signable(s, r, task) {
				return s, nil
			}
		}
	}
	if wanted == nil {
		return nil, q.no("signature-asked", "R001-035", fmt.Sprintf("The plan asks for no signature %q on %s; name it as output of its stage first, or use another purpose.", q.purpose, target.Ref()),
			fmt.Sprintf("计划未要求对 %s 进行 %s 签名。", target.Ref(), q.purpose))
	}
	return nil, q.no("signature-role", strings.Join(wanted.Clauses, " "),
		fmt.Sprintf("%s is signed for %s by %s while its stage is at work.", target.Ref(), q.purpose, list(wanted.Roles)),
		fmt.Sprintf("%s 的 %s 签名须由 %s 在阶段进行中签署。", target.Ref(), q.purpose, list(wanted.Roles)))
}

// signable tells whether a document is to be signed in a stage now: while it is at
// work, or afterwards when the document may still change (a consent given anew).
func (q *signing) signable(s *Stage, r *SignatureRule, task *Resource) bool {
	switch substateOf(task.Root) {
	case Working:
		return true
	case Completed:
		d := q.plan.Stage(r.Stage).output(r.Document)
		return r.Stage == s.Code && d != nil && d.Own
	}
	return false
}

// maxReason bounds what stands behind a refusal.
const maxReason = 4000

// MayRefuse tells what is wrong with a refusal: what is asked of a person as a
// judgement, an acceptance or a waiver is refused by not giving it, or by its own
// outcome; a refusal says why.
func MayRefuse(purpose, reason string) []Unmet {
	no := func(id, english, chinese string) []Unmet {
		return []Unmet{{Condition: id, State: Unsatisfied, Clause: "R001-011", Text: english, Chinese: chinese}}
	}
	switch {
	case purpose == purposeJudgement || purpose == purposeNonconform || purpose == purposeAcceptance || purpose == purposeCancel ||
		purpose == purposeCountersign || strings.HasPrefix(purpose, purposeWaive):
		return no("refusal-purpose", fmt.Sprintf("%s has no refusal; judge nonconform, or sign nothing.", purpose), "该目的的签名没有拒绝选项。")
	case strings.TrimSpace(reason) == "" || len(reason) > maxReason:
		return no("refusal-reason", "A refusal says why: the parameter comment is needed.", "拒绝签署须说明理由（comment）。")
	}
	return nil
}

// signer judges the person.
func (q *signing) signer(s *Stage, target *Resource) []Unmet {
	if q.role == access.PAT {
		return q.patientSigner()
	}
	if refusal := q.guards(s, q.actor, q.role); len(refusal) > 0 {
		return refusal
	}
	for _, other := range q.valid(target) {
		if other.Role != q.role && other.Person != "" && other.Person == q.actor.Person {
			return q.no("two-persons", "R001-089 R001-126", fmt.Sprintf("The person behind %s signed this version of %s as %s already; another person must sign as %s.", q.actor.Principal, target.Ref(), other.Role, q.role),
				"同一人不得以两种角色签署同一文件，须由他人签署。")
		}
		if q.role == access.REV && other.Role == access.DES && q.gradeOf(q.actor.Principal) <= q.gradeOf(other.Signer) {
			return q.no("reviewer-grade", "R001-089", fmt.Sprintf("The grade of %s is not above that of the designer %s.", q.actor.Principal, other.Signer), "审核人员等级须高于设计人员。")
		}
	}
	if q.role == access.REV && q.designedBy(target) {
		return q.no("two-persons", "R001-089 R001-126", fmt.Sprintf("%s wrote this version of %s and cannot review it.", q.actor.Principal, target.Ref()), "设计人员不得审核自己的设计。")
	}
	return nil
}

// designedBy tells whether the actor wrote the version or is named as its author.
func (q *signing) designedBy(target *Resource) bool {
	authors := append(referencesOf(target.Root.Field("author")), target.Author)
	for _, author := range authors {
		if author == q.actor.Principal || author == q.actor.Person {
			return true
		}
		if r := q.byRef[author]; r != nil && r.Type == "PractitionerRole" && q.actor.Person != "" && referenceOf(r.Root.Field("practitioner")) == q.actor.Person {
			return true
		}
	}
	return false
}

// patientSigner asks that the signer is the patient or who consented for him.
func (q *signing) patientSigner() []Unmet {
	if q.actor.Kind == access.Patient && (q.actor.Principal == q.patient || slices.Contains(q.representatives(), q.actor.Principal)) {
		return nil
	}
	return q.no("signer-is-patient", "R001-036 R001-037", "As PAT signs the patient of the case, or the representative whom the consent names.", "须由患者本人或知情同意载明的代表签字。")
}
