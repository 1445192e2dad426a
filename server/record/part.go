package record

import (
	"tenon/fhir/issue"
	"tenon/server/access"
)

// Who may not see a whole resource may see a part of it (access.InPart): elements
// above the level are left out by the Store, and meta says so. A part is read,
// found by what it shows, exported and told; it is never the ground of a write,
// since what it lacks would be lost, or be tried out.

// inPart widens a reach to what may be shown in part of a type; "" is any type.
func (r *Recorder) inPart(p access.Predicate, typ string) access.Predicate {
	if r.o.Grader == nil || typ != "" && !r.o.Grader.Part(typ) {
		return p
	}
	return access.InPart(p, 1)
}

// guardPart keeps a caller from changing what he sees in part only.
func guardPart(w *write) error {
	if w.before == nil || w.before.Shown == 0 {
		return nil
	}
	return issue.Errorf(issue.BusinessRule, "You see %s/%s in part: what lies above L%d is left out, and a change from this part would lose or test it. Ask a person who sees the whole.", w.typ, w.id, w.before.Shown).
		At(w.typ).Rule("seen-in-part").WithStatus(422).Chinese("您只能看到该资源的一部分，不能修改；请由可查看全部内容的人员操作。")
}
