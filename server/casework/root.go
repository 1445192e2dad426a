package casework

import (
	"slices"

	"tenon/fhir/tree"
	"tenon/server/access"
)

// rootElements of the root Task never change after the case is opened.
var rootElements = []string{
	"instantiatesCanonical", "basedOn", "partOf", "groupIdentifier", "intent", "code", "for", "authoredOn", "requester", "owner", "input", "businessStatus",
}

// rootChanged judges a change of the root Task: nobody but the server completes a
// case, and the one thing that a person may do is to cancel it, with a reason
// and the signature of the clinician, and of the manufacturer once the case was
// disclosed to him.
func (d *decider) rootChanged(was, now *Resource) {
	if was == nil {
		d.say(409, nil, "case-root", "The root Task of a case is made by PlanDefinition/$apply.", "病例根任务由 $apply 创建。")
		return
	}
	for _, name := range rootElements {
		if !sameTree(was.Root.Field(name), now.Root.Field(name)) {
			d.say(409, nil, "case-elements", "The element "+name+" of the root Task is fixed when the case is opened.", "根任务的 "+name+" 在开启病例时确定，不可更改。")
		}
	}
	from, to := was.Root.Field("status").Str(), now.Root.Field("status").Str()
	if from == to {
		return
	}
	if from != "in-progress" || to != "cancelled" {
		d.say(409, nil, "case-status", "The case is "+from+" and cannot become "+to+"; it is completed by completing its stages.", "病例状态只能由阶段推进。")
		return
	}
	d.cancelled(was, now)
}

func (d *decider) cancelled(was, now *Resource) {
	first := d.plan.Stages[0]
	d.refuse(403, d.after.guards(first, d.actor, first.Roles...)...)
	if !hasReason(now.Root) {
		d.refuse(422, d.after.guard(nil, "reason", "R001-035", "A case is cancelled with a reason: fill Task.statusReason.", "取消病例须说明理由。"))
	}
	needed := []access.Role{first.Owner}
	if d.before.disclosed() && d.before.closedMaker() == nil && slices.ContainsFunc(d.plan.Roles, func(r RoleRule) bool { return r.Role == access.MFR }) {
		needed = append(needed, access.MFR)
	}
	for _, role := range needed {
		if d.before.signedBy(was, purposeCancel, role) == nil {
			d.refuse(422, d.after.guard(nil, "cancel-signed-"+string(role), "R001-035",
				"The "+string(role)+" signs the root Task with the purpose cancel before the case is cancelled.", "取消病例须由 "+string(role)+" 签字。"))
		}
	}
	d.cancelJobs(nil, string(Cancelled))
	for _, s := range d.plan.Stages {
		if task := d.before.current(s.Code); task != nil && substateOf(task.Root).open() {
			d.move(task, Cancelled, "", "The case was cancelled.")
		}
	}
}

// member is a member of a JSON object and its value as JSON.
type member struct{ name, value string }

// edited is a resource with these members set; everything else stays byte for
// byte.
func edited(root tree.Node, members ...member) []byte {
	var edits []tree.Edit
	_, end := root.Span()
	for _, m := range members {
		if old := root.Field(m.name); old.Exists() {
			from, to := old.Span()
			edits = append(edits, tree.Edit{Start: from, End: to, With: []byte(m.value)})
			continue
		}
		edits = append(edits, tree.Edit{Start: end - 1, End: end - 1, With: []byte(`,"` + m.name + `":` + m.value)})
	}
	return tree.Apply(root.Doc().Src(), edits)
}
