package snapshot

import (
	"strings"

	"tenon/fhir/issue"
	"tenon/fhir/tree"
)

// mergeSlicing sets a slicing, or narrows an inherited one: its discriminators
// stay and others may follow, what is ordered stays ordered, and it may close
// but not open.
func mergeSlicing(r *run, e *element, c *change, m member) {
	old := e.value(m.name)
	if !old.Exists() || !r.strict {
		e.put(m)
		return
	}
	if old.Field("ordered").Bool() && m.node.Field("ordered").Kind() == tree.Bool && !m.node.Field("ordered").Bool() {
		r.faultAt(issue.BusinessRule, "slicing-ordered", c, "slicing.ordered", "the base says that the slices are in order, and a profile can't change that",
			"基础定义规定切片有序，profile 不能更改")
		return
	}
	was, is := old.Field("rules").Str(), m.node.Field("rules").Str()
	if openness[is] > openness[was] {
		r.faultAt(issue.BusinessRule, "slicing-opened", c, "slicing.rules", "the slicing is %q, but the base says %q: a profile can't open it",
			"切片规则为 %q，而基础定义为 %q：profile 不能放开", is, was)
		return
	}
	discriminators := union(old.Field("discriminator"), m.node.Field("discriminator"), byDiscriminator)
	merged, err := tree.Parse(overlay(old, m.node))
	if err != nil {
		return
	}
	if d := merged.Root().Field("discriminator"); d.Exists() {
		from, to := d.Span()
		e.set(m.name, tree.Apply(merged.Src(), []tree.Edit{{Start: from, End: to, With: discriminators}}))
		return
	}
	e.set(m.name, merged.Src())
}

var openness = map[string]int{"closed": 0, "openAtEnd": 1, "open": 2}

func byDiscriminator(n tree.Node) string {
	return strings.Join([]string{n.Field("type").Str(), n.Field("path").Str()}, "\x00")
}
