package casework

import (
	"fmt"
	"slices"
	"strings"

	"tenon/fhir/tree"
)

// Code systems of the exception flows.
const (
	systemException   = "urn:tenon:exception"
	systemFiling      = "urn:tenon:exception-input" // what a Task of an exception takes and brings
	systemChangeKind  = "urn:tenon:change-kind"
	systemDisposition = "urn:tenon:disposition"
	systemHold        = "urn:tenon:hold" // why the server put a stage on hold
	systemNotice      = "urn:tenon:notice"
	systemControl     = "urn:tenon:job-control"
	extensionEnded    = extensionPrefix + "ended" // of a Device that is never used again: its disposition
)

// The exceptions that have a Task in a case (mission/stages.md §4).
const (
	exceptionChange        = "X1"
	exceptionNonconformity = "X2"
	exceptionWithdrawal    = "X3"
	exceptionStop          = "stop"     // the case lost its ground: consent withdrawn, or the patient died
	exceptionHandover      = "handover" // another attending clinician
	exceptionDeputy        = "deputy"   // somebody stands in
	exceptionReview        = "review"   // the patient's condition changed, or new images came
	exceptionType          = "X5"       // the type of the device was stopped
)

// exception is one Task of an exception in a case.
//
//	requested ──┬── completed   carried out, after every signature
//	(X2, stop:  ├── rejected    declined, with a reason
//	in-progress)└── cancelled   taken back by who filed it, with a reason
type exception struct {
	code string
	task *Resource
}

func exceptionOf(task tree.Node) string { return codeOf(task.Field("code"), systemException) }

func (x exception) status() string { return x.task.Root.Field("status").Str() }

func (x exception) open() bool { return x.status() == "requested" || x.status() == "in-progress" }

func (x exception) carriedOut() bool { return x.status() == "completed" }

// brings are the values that the Task of an exception names under a code of
// urn:tenon:exception-input, in its inputs or outputs.
func brings(task tree.Node, element, code string) []tree.Node {
	var all []tree.Node
	for item := range task.Field(element).Items() {
		if hasCode(item.Field("type"), systemFiling, code) {
			all = append(all, valueOf(item))
		}
	}
	return all
}

// broughtCode is the first of brings as a code: a code, or a coding.
func broughtCode(task tree.Node, element, code string) string {
	for _, n := range brings(task, element, code) {
		if n.Field("coding").Exists() {
			return n.Path("coding").First().Field("code").Str()
		}
		return n.Str()
	}
	return ""
}

// openOnes are the exceptions of that code that are open.
func (v *view) openOnes(code string) []exception {
	var all []exception
	for _, x := range v.exceptions {
		if x.code == code && x.open() {
			all = append(all, x)
		}
	}
	return all
}

// obstructed says what beside its own conditions keeps a stage from moving.
func (v *view) obstructed(s *Stage) []Unmet {
	var all []Unmet
	for _, x := range v.exceptions {
		if u, ok := v.obstacle(x, s); ok {
			all = append(all, u)
		}
	}
	if v.deceased() && v.untilUse(s) {
		all = append(all, v.guard(s, "patient-deceased", "R001-035 R001-153", "The patient has died: nothing is made or used any more. The hospital decides how the case ends.",
			"患者已去世：不再制造或使用器械，由医院决定病例如何终结。"))
	}
	all = append(all, v.accounted(s)...)
	all = append(all, v.typeEnded(s)...)
	if d := v.endedDevice(); d != nil && v.ofDevice(s) && v.untilUse(s) {
		all = append(all, v.guard(s, "device-ended", "R001-152 R001-215", fmt.Sprintf("%s is never used again (%s): file a change, or cancel the case.", d.Ref(), endedAs(d)),
			fmt.Sprintf("%s 已永久停用：请提出变更或取消病例。", d.Ref())))
	}
	return all
}

func (v *view) obstacle(x exception, s *Stage) (Unmet, bool) {
	if !x.open() || s.output("consent") != nil {
		return Unmet{}, false
	}
	switch x.code {
	case exceptionChange:
		return v.guard(s, "change-open", "R001-135", fmt.Sprintf("The change %s is not decided: all stages rest until it is signed, declined or taken back.", x.task.Ref()),
			fmt.Sprintf("变更 %s 尚未决定：签署、否决或撤回之前所有阶段暂停。", x.task.Ref())), true
	case exceptionStop:
		if len(v.consented(nil)) == 0 && !v.deceased() {
			return Unmet{}, false
		}
		return v.guard(s, "stop-open", "R001-036 R001-150", fmt.Sprintf("The hospital has to decide how the case ends (%s).", x.task.Ref()),
			fmt.Sprintf("须由医院决定病例如何终结（%s）。", x.task.Ref())), true
	case exceptionNonconformity:
		return v.guard(s, "nonconformity-open", "R001-215", fmt.Sprintf("The nonconformity %s of %s is not closed.", x.task.Ref(), referenceOf(x.task.Root.Field("focus"))),
			fmt.Sprintf("不合格 %s 尚未关闭。", x.task.Ref())), v.ofDevice(s)
	case exceptionReview:
		return v.reviewObstacle(x, s)
	case exceptionType:
		return v.typeObstacle(x, s)
	case exceptionWithdrawal:
		return v.guard(s, "withdrawal-open", "R001-152", fmt.Sprintf("%s is being withdrawn (%s).", referenceOf(x.task.Root.Field("focus")), x.task.Ref()),
			fmt.Sprintf("器械正在撤回（%s）。", x.task.Ref())), v.ofDevice(s) && v.untilUse(s)
	}
	return Unmet{}, false
}

// deviceStage is the stage that brings the device, or nil.
func (p *Plan) deviceStage() *Stage {
	for _, s := range p.Stages {
		if s.output("device") != nil {
			return s
		}
	}
	return nil
}

// useStages are the codes of the stages that let the device be used.
func (p *Plan) useStages() []string {
	var codes []string
	for _, s := range p.Stages {
		if slices.ContainsFunc(s.Conditions, func(c Condition) bool { return c.Gate == gateUse }) {
			codes = append(codes, s.Code)
		}
	}
	return codes
}

// ofDevice tells whether a stage comes after the device is made.
func (v *view) ofDevice(s *Stage) bool {
	made := v.plan.deviceStage()
	return made != nil && made.Code != s.Code && v.plan.from(made.Code)[s.Code]
}

// untilUse tells whether a stage comes before the use of the device, or opens it.
func (v *view) untilUse(s *Stage) bool {
	for _, use := range v.plan.useStages() {
		if use != s.Code && v.plan.from(use)[s.Code] {
			return false
		}
	}
	return true
}

// deceased tells whether the patient of the case has died.
func (v *view) deceased() bool { return died(v.byRef[v.patient]) }

func died(patient *Resource) bool {
	return patient != nil && (patient.Root.Field("deceasedBoolean").Bool() || patient.Root.Field("deceasedDateTime").Str() != "")
}

// closed tells whether the account of an organisation is closed.
func closed(organization *Resource) bool {
	return organization != nil && organization.Root.Field("active").Exists() && !organization.Root.Field("active").Bool()
}

// exceptionChanged judges the Task of an exception: was is nil when it is new.
func (d *decider) exceptionChanged(was, now *Resource) {
	code := exceptionOf(now.Root)
	rule := d.plan.Exceptions.Rule(code)
	if rule == nil || was != nil && exceptionOf(was.Root) != code {
		d.say(409, nil, "exception-unknown", fmt.Sprintf("The plan of the case has no exception %q.", code), "计划中没有该例外流程。")
		return
	}
	s := rule.stage()
	if was != nil && !(exception{code, was}).open() {
		d.say(409, s, "exception-closed", fmt.Sprintf("%s is %s and cannot be changed; file another one.", was.Ref(), was.Root.Field("status").Str()), "该例外流程已结束，不可更改。")
		return
	}
	if root := d.after.root; root == nil || root.Root.Field("status").Str() != "in-progress" {
		d.say(409, s, "case-closed", "The case is not in progress.", "病例未在进行中。")
		return
	}
	d.refuse(403, d.after.guards(s, d.actor, rule.Files...)...)
	if len(d.refusal) > 0 {
		return
	}
	if was == nil {
		d.filed(rule, s, now)
		return
	}
	d.decided(rule, s, was, now)
}

// stage stands for an exception where a guard wants a stage.
func (r *ExceptionRule) stage() *Stage {
	return &Stage{Code: r.Code, Roles: r.Files, Clauses: r.Clauses}
}

func (r *ExceptionRule) clause() string { return strings.Join(r.Clauses, " ") }

// byServer are the exceptions that follow from what is recorded; nobody files
// them.
var byServer = map[string]string{
	exceptionNonconformity: "POST a DetectedIssue or AdverseEvent about the device; its Task is made by the server.",
	exceptionReview:        "It is made by the server when the patient's condition changes, or new images come, after the order.",
	exceptionType:          "It is made by the server when the type of the device is stopped.",
	exceptionStop:          "It is made by the server when the consent ends or the patient dies while the device is being made or waits.",
}

// filed judges a new one.
func (d *decider) filed(rule *ExceptionRule, s *Stage, now *Resource) {
	if how := byServer[rule.Code]; how != "" {
		d.say(409, s, "exception-by-server", rule.Code+" is not filed by hand. "+how, rule.Code+" 由服务器生成，不可手工创建。")
		return
	}
	if now.Root.Field("status").Str() != "requested" {
		d.say(409, s, "exception-status", fmt.Sprintf("%s is filed with the status requested, not %q.", rule.Code, now.Root.Field("status").Str()), "提出时状态须为 requested。")
	}
	if who := referenceOf(now.Root.Field("requester")); who != d.actor.Principal {
		d.say(403, s, "exception-requester", fmt.Sprintf("Who files %s is its requester: set Task.requester to %s (it is %q).", rule.Code, d.actor.Principal, who), "提出人须为 Task.requester。")
	}
	if rule.After != "" && !d.after.completed(rule.After) {
		d.say(409, s, "exception-early", fmt.Sprintf("%s is filed once %s is completed; before, a stage is given back.", rule.Code, rule.After), fmt.Sprintf("%s 完成后方可提出；此前请退回阶段。", rule.After))
	}
	d.refuse(422, d.content(rule, s, now)...)
	d.started(rule, s, now)
}

// content judges what the Task of an exception must say.
func (d *decider) content(rule *ExceptionRule, s *Stage, now *Resource) []Unmet {
	var all []Unmet
	if now.Root.Field("reasonCode").Field("text").Str() == "" {
		all = append(all, d.after.guard(s, "exception-reason", rule.clause(), rule.Code+" gives its reason in words: Task.reasonCode.text.", "须以文字说明理由（Task.reasonCode.text）。"))
	}
	switch rule.Code {
	case exceptionChange:
		return append(all, d.after.changeContent(s, now)...)
	case exceptionWithdrawal:
		return append(all, d.after.withdrawalContent(s, now)...)
	case exceptionHandover:
		return append(all, d.after.handoverContent(s, now)...)
	case exceptionDeputy:
		return append(all, d.after.deputyContent(s, now)...)
	}
	return all
}

// started judges what stands against filing it now.
func (d *decider) started(rule *ExceptionRule, s *Stage, now *Resource) {
	switch rule.Code {
	case exceptionChange:
		d.changeStarted(s, now)
	case exceptionWithdrawal:
		d.withdrawalStarted(s, now)
	}
	if len(d.refusal) == 0 {
		d.excepted = append(d.excepted, excepted{rule: rule, now: now})
	}
}

// excepted is one exception that was filed, edited or decided.
type excepted struct {
	rule     *ExceptionRule
	was, now *Resource
	to       string // status, "" while nothing was decided
}

// decided judges a change of one that is open.
func (d *decider) decided(rule *ExceptionRule, s *Stage, was, now *Resource) {
	from, to := was.Root.Field("status").Str(), now.Root.Field("status").Str()
	filer := referenceOf(was.Root.Field("requester")) == d.actor.Principal
	d.untouched(rule, s, was, now, from == to && filer && from == "requested")
	switch {
	case from == to:
		if rule.Code == exceptionChange && !filer {
			d.say(403, s, "exception-requester", "Who filed it edits it: "+referenceOf(was.Root.Field("requester"))+".", "仅提出人可修改。")
		}
		if from == "requested" {
			d.refuse(422, d.content(rule, s, now)...)
		}
	case to == "completed":
		if _, held := d.after.roleOf(d.actor, rule.Signs); !held {
			d.say(403, s, "exception-signer", fmt.Sprintf("%s is carried out by one who signs it: %s.", rule.Code, list(rule.Signs)), fmt.Sprintf("须由签署人之一（%s）执行。", list(rule.Signs)))
		}
		d.signedFor(rule, s, was)
		d.carryable(rule, s, was)
	case (to == "rejected" || to == "cancelled") && byServer[rule.Code] == "":
		d.given(rule, s, now, to, filer)
	default:
		d.say(409, s, "exception-status", fmt.Sprintf("%s is %s and cannot become %s; it may become completed, rejected or cancelled.", rule.Code, from, to), "状态变化不允许。")
	}
	if len(d.refusal) == 0 && from != to {
		d.excepted = append(d.excepted, excepted{rule, was, now, to})
	}
}

// given judges that one is declined or taken back.
func (d *decider) given(rule *ExceptionRule, s *Stage, now *Resource, to string, filer bool) {
	if !hasReason(now.Root) {
		d.refuse(422, d.after.guard(s, "reason", rule.clause(), "It is declined or taken back with a reason: fill Task.statusReason.", "否决或撤回须说明理由（Task.statusReason）。"))
	}
	if to == "cancelled" && !filer && d.actor.Principal != d.after.clinician {
		d.say(403, s, "exception-requester", "Who filed it takes it back, or the attending clinician; others decline it (rejected).", "仅提出人或主治医生可撤回；其他人可否决。")
	}
	if _, held := d.after.roleOf(d.actor, rule.Signs); to == "rejected" && !held {
		d.say(403, s, "exception-decliner", fmt.Sprintf("%s is declined by one of %s.", rule.Code, list(rule.Signs)), fmt.Sprintf("须由 %s 之一否决。", list(rule.Signs)))
	}
}

// signedFor asks for the signatures of everybody over one version: the one before
// this change.
func (d *decider) signedFor(rule *ExceptionRule, s *Stage, was *Resource) {
	held := d.before.byRef[was.Ref()]
	for _, role := range rule.Signs {
		if d.before.signedBy(held, rule.Purpose, role) == nil {
			d.refuse(422, d.after.guard(s, rule.Purpose+"-signed-"+string(role), rule.clause(),
				fmt.Sprintf("%s version %d lacks the signature of %s with the purpose %s; all of %s sign the same version.", was.Ref(), was.Version, role, rule.Purpose, list(rule.Signs)),
				fmt.Sprintf("%s 第 %d 版缺少 %s 的签名；%s 须签署同一版本。", was.Ref(), was.Version, role, list(rule.Signs))))
		}
	}
}

// carryable judges what else must hold before one is carried out.
func (d *decider) carryable(rule *ExceptionRule, s *Stage, was *Resource) {
	switch rule.Code {
	case exceptionChange:
		d.refuse(422, d.after.changeContent(s, was)...)
		d.refuse(409, d.after.jobStill(s)...)
	case exceptionNonconformity:
		d.refuse(422, d.after.nonconformityOpen(s, was)...)
	case exceptionWithdrawal:
		d.refuse(422, d.after.withdrawn(s, was)...)
	case exceptionStop:
		d.refuse(422, d.after.stopDecision(s, was)...)
		d.refuse(409, d.after.jobStill(s)...)
	case exceptionReview:
		d.refuse(422, d.after.reviewFinding(s, was)...)
	case exceptionType:
		d.refuse(422, d.after.typeDecision(s, was)...)
		d.refuse(409, d.after.jobStill(s)...)
	case exceptionDeputy:
		d.say(409, s, "exception-status", "A deputyship ends by its period, or is taken back (cancelled).", "代理按期限结束或由本人撤回。")
	}
}

// Elements of the Task of an exception: what anybody who works on it may write,
// and what its filer may still change before it is signed.
var (
	workElements  = []string{"status", "statusReason", "businessStatus", "meta", "lastModified", "note", "owner"}
	filedElements = []string{"reasonCode", "description", "input", "restriction"}
)

// untouched refuses a change of what stands fixed. What is being decided is not
// edited in the same breath: it would not be what was signed.
func (d *decider) untouched(rule *ExceptionRule, s *Stage, was, now *Resource, editing bool) {
	free := workElements
	if editing {
		free = append(slices.Clone(free), filedElements...)
	}
	if was.Root.Field("status").Str() == now.Root.Field("status").Str() {
		free = append(slices.Clone(free), "output")
	}
	var names []string
	for _, n := range []tree.Node{was.Root, now.Root} {
		for name := range n.Fields() {
			if !slices.Contains(free, name) && !slices.Contains(names, name) && !sameTree(was.Root.Field(name), now.Root.Field(name)) {
				names = append(names, name)
			}
		}
	}
	if len(names) > 0 {
		d.say(409, s, "exception-elements", fmt.Sprintf("%s: %s cannot be changed now; what is signed is what is decided.", rule.Code, list(names)), "这些字段此时不可更改。")
	}
}
