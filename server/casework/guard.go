package casework

import (
	"fmt"
	"slices"
	"strings"

	"tenon/fhir/tree"
	"tenon/server/access"
)

// guards are G0 of mission/stages.md §1.2: who moves or signs in a stage is a
// person who holds a role of the stage, is qualified now, is a member of the
// team once there is one, and is named in the agreement where the plan asks for
// it; and the patient's consent is in force. They return what is not so.
func (v *view) guards(s *Stage, actor *access.Context, roles ...access.Role) []Unmet {
	if actor == nil || actor.Kind != access.Person || actor.Principal == "" {
		return []Unmet{v.guard(s, "actor-is-person", "R001-035",
			"A stage is moved by a natural person with a role in the case; an operator, a machine or the server cannot.",
			"阶段只能由病例中具有角色的人员推进；操作员、设备或服务器不可。")}
	}
	var all []Unmet
	role, held := v.roleOf(actor, roles)
	if role == access.DBA && makerStage(s) && referenceOf(v.byRef[actor.Principal].Root.Field("organization")) == v.hospital {
		held = false // each party has custodians of its own (clause 5.4.1); the hospital's keep nothing of the manufacturer's
	}
	if !held {
		u := v.guard(s, "actor-role", "R001-035 R001-005",
			fmt.Sprintf("%s needs one of the roles %s, held now by %s.", s.Code, list(roles), actor.Principal),
			fmt.Sprintf("%s 需要角色 %s 之一。", s.Code, list(roles)))
		if v.byRef[actor.Principal] == nil {
			u.Text += " Nothing of the case refers to that person yet: add the person to the CareTeam (in an agreement, as Contract.signer)."
			u.Chinese += "病例尚未引用此人：请将其加入 CareTeam（协议中为 Contract.signer）。"
		}
		all = append(all, u)
	} else if why := v.unqualified(actor, role); why != "" {
		all = append(all, v.guard(s, "actor-qualified", v.plan.Role(role).Clause+" R001-021",
			fmt.Sprintf("The qualification of %s as %s is not valid now: %s.", actor.Principal, role, why),
			fmt.Sprintf("%s 作为 %s 的资质当前无效。", actor.Principal, role)))
	}
	if len(v.teams()) > 0 && !v.inTeam(actor.Principal) {
		all = append(all, v.guard(s, "actor-in-team", "R001-021 R001-009",
			fmt.Sprintf("%s is no member of the team of the case (CareTeam).", actor.Principal),
			fmt.Sprintf("%s 不是本病例团队成员。", actor.Principal)))
	}
	if of := v.byRef[actor.Principal]; of != nil && closed(v.byRef[referenceOf(of.Root.Field("organization"))]) {
		all = append(all, v.guard(s, "organisation-closed", "R001-009 R001-035",
			fmt.Sprintf("The account of the organisation of %s is closed: nobody of it acts or signs any more.", actor.Principal), "所属机构账户已关闭，其人员不可再操作或签名。"))
	}
	if s.Named && !v.contractNames(actor.Principal) {
		all = append(all, v.guard(s, "actor-in-agreement", "R001-055",
			fmt.Sprintf("%s is not named in an agreement of the case that is in force.", actor.Principal),
			fmt.Sprintf("%s 未在现行协议中载明。", actor.Principal)))
	}
	return all
}

// consented guards every stage after the consent: a withdrawn consent stops all.
func (v *view) consented(s *Stage) []Unmet {
	consent := v.consentStage()
	if consent == nil || consent == s || !v.consentGiven(consent) || v.consentCovers("custom-device-treatment", nil) {
		return nil
	}
	return []Unmet{v.guard(s, "consent-in-force", "R001-036 R001-150",
		"The patient's consent is not in force any more; the case rests until it is given anew.",
		"患者的知情同意已失效，重新取得同意前病例暂停。")}
}

// consentStage is the stage that brings the consent, nil in a plan without one.
func (v *view) consentStage() *Stage {
	for _, s := range v.plan.Stages {
		if s.output("consent") != nil {
			return s
		}
	}
	return nil
}

func (v *view) consentGiven(s *Stage) bool {
	task := v.current(s.Code)
	return task != nil && substateOf(task.Root) == Completed
}

// roleOf is the first of the roles that the actor holds by the directory.
func (v *view) roleOf(actor *access.Context, roles []access.Role) (access.Role, bool) {
	for _, r := range roles {
		if v.holdsRole(actor, r) {
			return r, true
		}
	}
	return "", false
}

// unqualified says why a person may not act in a role now, or "": every
// qualification that the plan names must be in its period, and training must be
// verified and not overdue (clauses 4.1.1 to 4.1.3, 4.1.6.1 a).
func (v *view) unqualified(actor *access.Context, role access.Role) string {
	rule := v.plan.Role(role)
	if rule == nil {
		return "the plan does not know the role"
	}
	person := v.byRef[referenceOf(v.byRef[actor.Principal].Root.Field("practitioner"))]
	if person == nil || actor.Person != "" && actor.Person != person.Ref() {
		return "the person behind the role is not on file"
	}
	for _, code := range rule.Qualifications {
		if !v.qualified(person.Root, code) {
			return "there is no " + code + " in its period"
		}
	}
	if !v.validated(actor.Principal) {
		return "it has no verification that is validated and not overdue"
	}
	return ""
}

func (v *view) qualified(practitioner tree.Node, code string) bool {
	for q := range practitioner.Field("qualification").Items() {
		if hasCode(q.Field("code"), "urn:tenon:qualification", code) && inPeriod(q.Field("period"), v.s.Now) {
			return true
		}
	}
	return false
}

// guard is an unmet condition of a stage that belongs to no gate.
func (v *view) guard(s *Stage, id, clause, english, chinese string) Unmet {
	if s != nil && len(s.Clauses) > 0 && clause == "" {
		clause = strings.Join(s.Clauses, " ")
	}
	return Unmet{Condition: id, State: Unsatisfied, Clause: strings.TrimSpace(clause), Text: english, Chinese: chinese}
}

func list[T ~string](items []T) string {
	words := make([]string, len(items))
	for i, item := range items {
		words[i] = string(item)
	}
	return strings.Join(words, ", ")
}

// immutable are the elements of a stage Task that only the server writes.
var immutable = []string{"instantiatesCanonical", "partOf", "groupIdentifier", "intent", "code", "for", "authoredOn", "performerType", "restriction", "reasonReference", "executionPeriod"}

// tampered names the elements of a Task that a change may not touch.
func tampered(before, after tree.Node) []string {
	var names []string
	for _, name := range immutable {
		if string(before.Field(name).Raw()) != string(after.Field(name).Raw()) && !sameTree(before.Field(name), after.Field(name)) {
			names = append(names, name)
		}
	}
	for _, kind := range []string{"predecessor", "supersedes"} {
		if !slices.Equal(linked(before, kind), linked(after, kind)) {
			names = append(names, "input["+kind+"]")
		}
	}
	return names
}

// sameTree compares values without regard to white space and order of members.
func sameTree(a, b tree.Node) bool {
	if a.Kind() != b.Kind() || a.Len() != b.Len() {
		return false
	}
	switch a.Kind() {
	case tree.Object:
		for name, child := range a.Fields() {
			if !sameTree(child, b.Field(name)) {
				return false
			}
		}
		return true
	case tree.Array:
		for i := range a.Len() {
			if !sameTree(a.Index(i), b.Index(i)) {
				return false
			}
		}
		return true
	case tree.String:
		return a.Str() == b.Str()
	}
	return a.Text() == b.Text()
}
