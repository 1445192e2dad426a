package record

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"tenon/fhir/issue"
	"tenon/fhir/tree"
	"tenon/server/access"
)

// referrers adds what refers to the source and may be rewritten.
func (m *merge) referrers() error {
	all, err := m.r.o.Store.Referrers(m.ctx, m.who.Reach(), "Patient", m.source.ID, 4*mostMoved+1)
	if err != nil {
		return fmt.Errorf("record: merge: %w", err)
	}
	for i := range all {
		f := &all[i]
		if f.Type == "Patient" {
			continue // links between patients tell how they came about
		}
		if f.Case || f.Signed {
			if err := m.kept(f); err != nil {
				return err
			}
			continue
		}
		if !f.Reached {
			return issue.Errorf(issue.Conflict, "Something that refers to Patient/%s is out of your reach, so you cannot move it; an operator can merge them.", m.source.ID).
				Rule("merge-reach").WithStatus(409).Chinese("存在您不可见的引用，无法合并，请联系系统管理员。")
		}
		if err := m.move(f); err != nil {
			return err
		}
	}
	if len(m.out.Moved) > mostMoved || len(all) > 4*mostMoved {
		return issue.Errorf(issue.TooCostly, "More than %d resources refer to Patient/%s; that many are not moved in one unit. Merge the other way round, or move some first.", mostMoved, m.source.ID).
			Rule("merge-limit").WithStatus(422).Chinese("引用源患者的资源过多，无法一次合并。")
	}
	if m.out.Kept > 0 {
		m.out.Issues = append(m.out.Issues, issue.Issue{Severity: issue.Information, Type: issue.Informational, Rule: "merge-kept",
			Text:    fmt.Sprintf("%d resources of cases or under signature still refer to Patient/%s, of whom they were judged and signed; the link leads to them.", m.out.Kept, m.source.ID),
			Chinese: fmt.Sprintf("%d 份属于病例或已签名的资料仍指向原患者，可通过 link 查到。", m.out.Kept)})
	}
	return nil
}

// kept leaves a member of a case as it is, and refuses where that case is open.
// The root Task names the patient of its case, so every case is met here.
func (m *merge) kept(f *Referrer) error {
	if f.Reached {
		m.out.Kept++
	}
	if f.Type != "Task" {
		return nil
	}
	cases, err := m.r.o.Store.CasesOf(m.ctx, f.Type, f.ID)
	if err != nil {
		return err
	}
	if !slices.Contains(cases, f.ID) {
		return nil
	}
	root, err := m.r.current(m.ctx, access.Everything{}, "Task", f.ID)
	if err != nil || root == nil || root.Deleted {
		return err
	}
	task, err := parsed(root.Body)
	if err != nil {
		return err
	}
	if slices.Contains([]string{"completed", "cancelled", "failed", "rejected", "entered-in-error"}, task.Field("status").Str()) {
		return nil
	}
	which := "A case"
	if f.Reached {
		which = "The case Task/" + f.ID
	}
	return issue.Errorf(issue.Conflict, "%s of Patient/%s is open. Merge the other way round, so that this Patient stays, or close the case first.", which, m.source.ID).
		Rule("merge-open-case").WithStatus(409).Chinese("源患者有未结束的病例，请互换源与目标，或先结束病例。")
}

// move adds the referrer with the target in the place of the source. References
// to a version of the source mean that version, and stay.
func (m *merge) move(f *Referrer) error {
	v, err := m.r.current(m.ctx, m.who.Reach(), f.Type, f.ID)
	if err != nil || v == nil || v.Deleted {
		return err // it went meanwhile
	}
	root, err := parsed(v.Body)
	if err != nil {
		return err
	}
	var edits []tree.Edit
	references(root, func(ref tree.Node) {
		text := ref.Str()
		typ, id, ok := m.r.local(text)
		if !ok || typ != "Patient" || id != m.source.ID || strings.Contains(text, "/_history/") {
			return
		}
		start, end := ref.Span()
		quoted, _ := json.Marshal("Patient/" + m.target.ID) // a string always encodes
		edits = append(edits, tree.Edit{Start: start, End: end, With: quoted})
	})
	if len(edits) == 0 {
		return nil
	}
	m.out.Moved = append(m.out.Moved, f.Ref())
	m.draft.Ops = append(m.draft.Ops, Op{Method: "PUT", Type: v.Type, ID: v.ID, IfMatch: fmt.Sprint(v.Version), Body: tree.Apply(v.Body, edits)})
	return nil
}
