package casework

import (
	"fmt"
	"slices"
	"time"

	"tenon/fhir/tree"
	"tenon/server/access"
)

// A design change (X1: clauses 5.3.7, 9.3.6, 4.1.6.3 f).
//
//	who files it     POST Task, reasonCode = kind and words, input = documents and stages concerned
//	the server       stages at work rest; a running job is held at the MES
//	CLIN, DES, PROD  $sign one version of that Task
//	one of them      status completed: the server opens anew from the stage that the table names
//
// Nothing that was signed for what comes after that stage counts any more for the
// new revision; for the old one it stays what it was.

// kind is the row of the change table that a change names.
func (v *view) kind(change *Resource) *ChangeKind {
	return v.plan.Exceptions.Change(codeOf(change.Root.Field("reasonCode"), systemChangeKind))
}

// restart is the stage from which a change opens anew, "" for none.
func (v *view) restart(change *Resource) string {
	k := v.kind(change)
	if k == nil {
		return ""
	}
	if k.ImagesValid != "" {
		for _, n := range brings(change.Root, "input", "images-valid") {
			if n.Bool() {
				return k.ImagesValid
			}
		}
	}
	return k.From
}

// changeContent says what a proposal lacks.
func (v *view) changeContent(s *Stage, now *Resource) []Unmet {
	var all []Unmet
	lack := func(id, clause, english, chinese string) { all = append(all, v.guard(s, id, clause, english, chinese)) }
	k := v.kind(now)
	if k == nil {
		lack("change-kind", "R001-134", "A change is of a kind of the change table: Task.reasonCode.coding of "+systemChangeKind+".", "变更须注明变更类型（Task.reasonCode.coding）。")
		return all
	}
	named := map[string]bool{}
	for _, n := range brings(now.Root, "input", "stage") {
		named[n.Str()] = true
		if v.plan.Stage(n.Str()) == nil {
			lack("change-path", "R001-134", fmt.Sprintf("The stage %q of the change path is none of the plan.", n.Str()), "变更路径中的阶段不存在。")
		}
	}
	from := v.restart(now)
	if len(named) == 0 || from != "" && !named[from] {
		lack("change-path", "R001-134", fmt.Sprintf("The change path names the stages concerned (input of type %s|stage), %q among them.", systemFiling, from), fmt.Sprintf("变更路径须列出受影响的阶段，包括 %q。", from))
	}
	documents := brings(now.Root, "input", "document")
	if from != "" && len(documents) == 0 {
		lack("change-documents", "R001-134", "The change path names the documents concerned (input of type "+systemFiling+"|document).", "变更路径须列出受影响的文件。")
	}
	for _, n := range documents {
		if v.byRef[referenceOf(n)] == nil {
			lack("change-documents", "R001-134", fmt.Sprintf("%s is no document of the case.", referenceOf(n)), "所列文件不属于本病例。")
		}
	}
	for _, n := range brings(now.Root, "input", "images-valid") {
		if k.ImagesValid == "" && n.Bool() {
			lack("change-images", "R001-134", fmt.Sprintf("That images are still valid is nothing that a change %s depends on.", k.Code), "该类变更与影像有效性无关。")
		}
	}
	if k.Code == changeAgreement && !slices.ContainsFunc(v.amendments(), func(r *Resource) bool { return slices.Contains(documentsOf(now.Root), r.Ref()) }) {
		lack("change-agreement", "R001-054", "An amendment of the agreement names the new Contract (input of type "+systemFiling+"|document): between the same parties, and signed by both.", "协议修订须列出双方签署的新协议。")
	}
	if k.Member {
		all = append(all, v.newMember(s, now)...)
	}
	return all
}

// changeStarted judges what stands against a change now.
func (d *decider) changeStarted(s *Stage, now *Resource) {
	k := d.after.kind(now)
	if k != nil && k.Until != "" && d.after.completed(k.Until) {
		d.refuse(409, d.after.guard(s, "new-demand", "R001-218",
			fmt.Sprintf("%s is completed: a new demand is no change. Open a new case by $apply with prior-request; this device stays as it is.", k.Until),
			fmt.Sprintf("%s 已完成：患者新的需求不属于变更，请以 prior-request 开启新病例；现有器械保持不变。", k.Until)))
	}
	if d.after.wasUsed() {
		d.say(409, s, "change-after-use", "The device is in use: it is not changed any more. Open a new case with prior-request.", "器械已使用，不再变更；请开启新病例。")
	}
	if others := d.before.openOnes(exceptionChange); len(others) > 0 {
		d.say(409, s, "change-twice", fmt.Sprintf("The change %s is not decided; one at a time.", others[0].task.Ref()), "已有未决变更，请先处理。")
	}
}

// carriedChange is a change that was carried out.
type carriedChange struct {
	at        time.Time
	stages    map[string]bool // that were opened anew
	documents []string
}

// carriedChanges are those of the case.
func (v *view) carriedChanges() []carriedChange {
	var all []carriedChange
	for _, x := range v.exceptions {
		if x.code != exceptionChange || !x.carriedOut() {
			continue
		}
		c := carriedChange{at: x.task.Updated, stages: map[string]bool{}}
		if from := v.restart(x.task); from != "" {
			c.stages = v.plan.from(from)
			c.documents = documentsOf(x.task.Root)
		}
		all = append(all, c)
	}
	return all
}

func documentsOf(change tree.Node) []string {
	var refs []string
	for _, n := range brings(change, "input", "document") {
		refs = append(refs, referenceOf(n))
	}
	return refs
}

// superseded tells whether a change took a signature away for what comes now:
// it was made before, in a stage that was opened anew, or over a document that
// the change concerns.
func (v *view) superseded(sig *Signature) bool {
	for _, c := range v.changes {
		if sig.When.Before(c.at) && (c.stages[sig.Stage] || slices.Contains(c.documents, sig.Target)) {
			return true
		}
	}
	return false
}

// unsealed tells whether a carried-out change lets a sealed document be written:
// it names the document, and what it opened anew is not completed again.
func (v *view) unsealed(ref string) bool {
	for _, x := range v.exceptions {
		if x.code != exceptionChange || !x.carriedOut() || !slices.Contains(documentsOf(x.task.Root), ref) {
			continue
		}
		if from := v.restart(x.task); from != "" && !v.completed(from) {
			return true
		}
	}
	return false
}

// newMember judges who joins the team: qualified, and named in the agreement.
func (v *view) newMember(s *Stage, now *Resource) []Unmet {
	members := brings(now.Root, "input", "member")
	if len(members) == 0 {
		return []Unmet{v.guard(s, "change-member", "R001-021", "A change of the team names the new member (input of type "+systemFiling+"|member).", "人员变更须注明新成员。")}
	}
	var all []Unmet
	for _, n := range members {
		ref := referenceOf(n)
		role := v.byRef[ref]
		if role == nil || role.Type != "PractitionerRole" {
			all = append(all, v.guard(s, "change-member", "R001-021", fmt.Sprintf("%q is no PractitionerRole that is known.", ref), "新成员不存在。"))
			continue
		}
		for _, code := range codesOf(role.Root.Field("code"), systemRole) {
			if why := v.unqualifiedMember(role, access.Role(code)); why != "" {
				all = append(all, v.guard(s, "member-qualified", "R001-021", fmt.Sprintf("%s is not qualified as %s: %s.", ref, code, why), fmt.Sprintf("%s 作为 %s 的资质无效。", ref, code)))
			}
		}
		if len(v.contracts()) > 0 && !v.contractNames(ref) {
			all = append(all, v.guard(s, "member-in-agreement", "R001-055", fmt.Sprintf("%s is not named in the agreement.", ref), fmt.Sprintf("%s 未在协议中载明。", ref)))
		}
	}
	return all
}

// unqualifiedMember says why somebody may not act in a role now, or "".
func (v *view) unqualifiedMember(role *Resource, as access.Role) string {
	if v.plan.Role(as) == nil {
		return "the plan does not know the role"
	}
	return v.unqualified(&access.Context{Kind: access.Person, Principal: role.Ref()}, as)
}

// joinedBy are the changes by which somebody came into the team.
func (v *view) joinedBy(member string) (changes []exception) {
	for _, x := range v.exceptions {
		k := v.kind(x.task)
		if x.code != exceptionChange || !x.carriedOut() || k == nil || !k.Member {
			continue
		}
		if slices.ContainsFunc(brings(x.task.Root, "input", "member"), func(n tree.Node) bool { return referenceOf(n) == member }) {
			changes = append(changes, x)
		}
	}
	return changes
}

// counterRead asks a member who came later to sign, as read, the Task of a stage
// that was open when he came.
func (v *view) counterRead(s *Stage, task *Resource, principal string) []Unmet {
	for _, x := range v.joinedBy(principal) {
		made, _, ok := span(authored(task))
		if !ok || made.After(x.task.Updated) || slices.ContainsFunc(v.signatures[task.Ref()], func(sig Signature) bool {
			return sig.Purpose == purposeCounterRead && sig.Signer == principal && !sig.When.Before(x.task.Updated)
		}) {
			continue
		}
		return []Unmet{v.guard(s, "counter-read", "R001-021", fmt.Sprintf("%s joined after %s was handed over: sign %s with the purpose %s first.", principal, s.Code, task.Ref(), purposeCounterRead),
			fmt.Sprintf("%s 在 %s 移交后加入：请先以 %s 为目的签署 %s。", principal, s.Code, purposeCounterRead, task.Ref()))}
	}
	return nil
}

// teamChanged refuses a new member who came by no change, once the order stands.
func (d *decider) teamChanged(was, now *Resource) {
	rule := d.plan.Exceptions.Rule(exceptionChange)
	if rule == nil || rule.After == "" || !d.before.completed(rule.After) || !slices.Contains(d.before.named("care-team"), was) {
		return
	}
	for p := range now.Root.Field("participant").Items() {
		ref := referenceOf(p.Field("member"))
		known := slices.ContainsFunc(slices.Collect(was.Root.Field("participant").Items()), func(o tree.Node) bool { return referenceOf(o.Field("member")) == ref })
		if !known && len(d.before.joinedBy(ref)) == 0 {
			d.say(409, rule.stage(), "team-by-change", fmt.Sprintf("%s joins the team by a change (X1, kind team-member), since %s is completed.", ref, rule.After),
				fmt.Sprintf("%s 完成后，新成员 %s 须经人员变更加入。", rule.After, ref))
		}
	}
}
