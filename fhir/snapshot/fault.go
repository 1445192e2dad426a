package snapshot

import (
	"fmt"

	"tenon/fhir/issue"
)

// refuse makes a failure of one issue; both texts take the same arguments.
func refuse(t issue.Type, rule, path, text, chinese string, args ...any) *issue.Failure {
	return &issue.Failure{Status: 422, Issues: []issue.Issue{{
		Type: t, Rule: rule, Path: path,
		Text: fmt.Sprintf(text, args...), Chinese: fmt.Sprintf(chinese, args...),
	}}}
}

func circle(url string) *issue.Failure {
	return refuse(issue.Processing, "definition-circle", "StructureDefinition.baseDefinition",
		"the snapshot of %q is needed to make itself: the definitions derive from or contain one another in a circle, or in a chain of more than %d",
		"生成 %q 的快照需要其自身：这些定义循环派生或循环包含，或链长超过 %d", url, maxChain)
}

// baseFailure tells that the base stands in the way, with its own first fault.
func baseFailure(base string, err error) error {
	f := issue.As(err)
	if f == nil {
		return err
	}
	is := f.Issues[0]
	if is.Rule == "definition-circle" || is.Rule == "base-missing" && is.Path == "StructureDefinition.baseDefinition" {
		return f
	}
	return refuse(is.Type, is.Rule, "StructureDefinition.baseDefinition", "the base %q has no snapshot and can't be made one: %s",
		"基础定义 %q 没有快照，也无法生成：%s", base, is.String())
}

// fault notes what is wrong with an element of the differential; nil stands for
// the differential as a whole.
func (r *run) fault(t issue.Type, rule string, d *change, text, chinese string, args ...any) {
	r.faultAt(t, rule, d, "", text, chinese, args...)
}

// faultAt is fault at a member of the element.
func (r *run) faultAt(t issue.Type, rule string, d *change, member, text, chinese string, args ...any) {
	if len(r.faults) >= maxFaults {
		return
	}
	path, lead := "StructureDefinition.differential", ""
	if d = d.said(); d != nil {
		path = fmt.Sprintf("%s.element[%d]", path, d.index)
		lead = d.label() + ": "
	}
	if member != "" {
		path += "." + member
	}
	r.faults = append(r.faults, issue.Issue{
		Type: t, Rule: rule, Path: path,
		Text: lead + fmt.Sprintf(text, args...), Chinese: lead + fmt.Sprintf(chinese, args...),
	})
}
