package casework

import (
	"fmt"
	"slices"

	"tenon/fhir/tree"
	"tenon/server/access"
)

// Leave: who is away names a deputy for a period, by a Task of code deputy whose
// owner is the deputy. The deputy acts in his own name, by his own role and
// qualification; what asks for two persons asks for two still, and what the
// attending clinician signs in person nobody signs for him.

// deputyship is one that was filed.
type deputyship struct {
	of, deputy string // PractitionerRole/x
	period     tree.Node
}

func (v *view) deputyships() []deputyship {
	var all []deputyship
	for _, x := range v.openOnes(exceptionDeputy) {
		all = append(all, deputyship{referenceOf(x.task.Root.Field("requester")), referenceOf(x.task.Root.Field("owner")), x.task.Root.Path("restriction", "period")})
	}
	return all
}

// deputies are who stands in for a member in a role now, by having the role too.
func (v *view) deputies(m participant) []participant {
	var all []participant
	for _, d := range v.deputyships() {
		r := v.byRef[d.deputy]
		if d.of == m.ref && r != nil && inPeriod(d.period, v.s.Now) && (m.role == "" || hasCode(r.Root.Field("code"), systemRole, string(m.role))) {
			all = append(all, participant{d.deputy, m.role})
		}
	}
	return all
}

// standsInFor is for whom a person stands in now, at work that is the absent
// person's or that nobody has taken; "" for nobody.
func (v *view) standsInFor(principal, owner string) string {
	for _, d := range v.deputyships() {
		if d.deputy == principal && (owner == "" || owner == d.of) && inPeriod(d.period, v.s.Now) {
			return d.of
		}
	}
	return ""
}

func (v *view) deputyContent(s *Stage, now *Resource) []Unmet {
	var all []Unmet
	lack := func(id, clause, english, chinese string) { all = append(all, v.guard(s, id, clause, english, chinese)) }
	ref := referenceOf(now.Root.Field("owner"))
	deputy, away := v.byRef[ref], v.byRef[referenceOf(now.Root.Field("requester"))]
	if deputy == nil || deputy.Type != "PractitionerRole" || away == nil || deputy == away {
		lack("deputy-person", "R001-021", fmt.Sprintf("The deputy is another PractitionerRole (Task.owner); %q is none.", ref), "代理人须为另一名人员（Task.owner）。")
		return all
	}
	period := now.Root.Path("restriction", "period")
	_, until, ok := span(period.Field("end").Str())
	if _, _, from := span(period.Field("start").Str()); !from || !ok || !v.s.Now.Before(until) {
		lack("deputy-period", "R001-021", "A deputyship has a start and an end that is not over (Task.restriction.period).", "代理须有起止时间且未结束（Task.restriction.period）。")
	}
	if person := referenceOf(deputy.Root.Field("practitioner")); person == referenceOf(away.Root.Field("practitioner")) {
		lack("deputy-person", "R001-089", "The deputy is another person, not another role of the same.", "代理人须为另一人，而非同一人的另一角色。")
	}
	if referenceOf(deputy.Root.Field("organization")) != referenceOf(away.Root.Field("organization")) {
		lack("deputy-organization", "R001-009", "The deputy is of the same organisation.", "代理人须属同一机构。")
	}
	for _, code := range codesOf(away.Root.Field("code"), systemRole) {
		if !hasCode(deputy.Root.Field("code"), systemRole, code) {
			lack("deputy-role", "R001-035", fmt.Sprintf("The deputy has the same role; %s is no %s.", ref, code), fmt.Sprintf("代理人须具有相同角色；%s 不是 %s。", ref, code))
			continue
		}
		if why := v.unqualifiedMember(deputy, access.Role(code)); why != "" {
			lack("deputy-qualified", "R001-021", fmt.Sprintf("%s is not qualified as %s: %s.", ref, code, why), fmt.Sprintf("%s 作为 %s 的资质无效。", ref, code))
		}
	}
	if len(v.contracts()) > 0 && v.contractNames(away.Ref()) && !v.contractNames(ref) {
		lack("deputy-in-agreement", "R001-055", fmt.Sprintf("%s is not named in the agreement.", ref), fmt.Sprintf("%s 未在协议中载明。", ref))
	}
	return all
}

// deputised tells deputy and team, and sets the timers that open and close the
// case to the deputy.
func (d *decider) deputised(now *Resource) {
	of, deputy := referenceOf(now.Root.Field("requester")), referenceOf(now.Root.Field("owner"))
	period := now.Root.Path("restriction", "period")
	t := timer{Case: d.after.s.Case, About: now.Ref(), From: instant(d.after.s.Now)}
	if at, _, ok := span(period.Field("start").Str()); ok && at.After(d.after.s.Now) {
		d.effects = append(d.effects, Effect{Message: t.message("deputy", at)})
	}
	if _, at, ok := span(period.Field("end").Str()); ok {
		t.Again = 1
		d.effects = append(d.effects, Effect{Message: t.message("deputy", at)})
	}
	d.tell(notice{kind: "deputy", about: []string{now.Ref()}, to: append(d.after.holders(d.after.rolesIn()...), d.after.clinician),
		english: fmt.Sprintf("%s stands in for %s from %s to %s.", deputy, of, period.Field("start").Str(), period.Field("end").Str()),
		chinese: fmt.Sprintf("%s 自 %s 至 %s 代理 %s。", deputy, period.Field("start").Str(), period.Field("end").Str(), of)})
}

func (v *view) rolesIn() []access.Role {
	var all []access.Role
	for _, r := range v.plan.Roles {
		all = append(all, r.Role)
	}
	return all
}

// deputyDue tells the deputy that the time has begun, or is over; the access
// table of the case follows by itself.
func (v *view) deputyDue(t timer) []Effect {
	x := v.byRef[t.About]
	if x == nil || !(exception{exceptionDeputy, x}).open() {
		return nil
	}
	if inPeriod(x.Root.Path("restriction", "period"), v.s.Now) {
		deputy := referenceOf(x.Root.Field("owner"))
		return v.notify(notice{kind: "deputy", about: []string{x.Ref()}, to: []string{deputy, referenceOf(x.Root.Field("requester"))},
			english: deputy + " stands in from now on.", chinese: deputy + " 的代理开始。"})
	}
	_, until, ok := span(x.Root.Path("restriction", "period", "end").Str())
	if !ok || v.s.Now.Before(until) {
		return nil
	}
	return []Effect{{Update: edited(x.Root, member{"status", `"completed"`})}}
}

// handoverContent judges a proposal of another attending clinician.
func (v *view) handoverContent(s *Stage, now *Resource) []Unmet {
	var all []Unmet
	lack := func(id, clause, english, chinese string) { all = append(all, v.guard(s, id, clause, english, chinese)) }
	role := v.plan.Stages[0].Owner
	ref := referenceOf(now.Root.Field("owner"))
	next := v.byRef[ref]
	switch {
	case next == nil || next.Type != "PractitionerRole" || !hasCode(next.Root.Field("code"), systemRole, string(role)):
		lack("handover-person", "R001-010", fmt.Sprintf("The case is handed to a %s (Task.owner); %q is none.", role, ref), fmt.Sprintf("须移交给 %s（Task.owner）。", role))
	case referenceOf(next.Root.Field("organization")) != v.hospital:
		lack("handover-hospital", "R001-153", "The case stays with the hospital that ordered: "+ref+" is of another one.", "病例须留在订购医院。")
	default:
		if why := v.unqualifiedMember(next, role); why != "" {
			lack("handover-qualified", "R001-010", fmt.Sprintf("%s is not qualified as %s: %s.", ref, role, why), fmt.Sprintf("%s 作为 %s 的资质无效。", ref, role))
		}
		if len(v.teams()) > 0 && !slices.ContainsFunc(v.members(), func(m participant) bool { return m.ref == ref }) {
			lack("handover-in-team", "R001-009", ref+" is no member of the team.", ref+" 不是团队成员。")
		}
	}
	return all
}

// attending is who answers for the case now: who opened it, or the last one to
// whom it was handed over.
func (v *view) attending() string {
	who := referenceOf(v.root.Root.Field("requester"))
	for _, x := range v.exceptions {
		if x.code == exceptionHandover && x.carriedOut() {
			who = referenceOf(x.task.Root.Field("owner"))
		}
	}
	return who
}
