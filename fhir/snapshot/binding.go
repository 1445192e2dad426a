package snapshot

import (
	"slices"

	"tenon/fhir/issue"
	"tenon/fhir/tree"
)

var strengths = []string{"example", "preferred", "extensible", "required"}

// mergeBinding replaces the binding by one that is at least as strong. What it
// leaves out, the value set above all, it inherits.
func mergeBinding(r *run, e *element, c *change, m member) {
	old := e.value(m.name)
	was, is := old.Field("strength").Str(), m.node.Field("strength").Str()
	if r.strict && old.Exists() && is != "" && slices.Index(strengths, is) < slices.Index(strengths, was) {
		r.faultAt(issue.BusinessRule, "binding-weakened", c, m.name+".strength", "the strength is %q, but the base says %q: a profile can't weaken a binding",
			"绑定强度为 %q，而基础定义为 %q：profile 不能减弱绑定", is, was)
		return
	}
	e.set(m.name, overlay(old, m.node))
}

// overlay is an object with the members of another in front of its own;
// extensions are joined by url.
func overlay(old, over tree.Node) []byte {
	if old.Kind() != tree.Object || over.Kind() != tree.Object {
		return over.Raw()
	}
	out := []byte{'{'}
	put := func(name string, raw []byte) {
		if len(out) > 1 {
			out = append(out, ',')
		}
		out = append(append(append(out, quoted(name)...), ':'), raw...)
	}
	if x := over.Field("extension"); x.Exists() || old.Field("extension").Exists() {
		put("extension", joinExtensions(old.Field("extension"), x))
	}
	for name, v := range old.Fields() {
		if name != "extension" && !over.Field(name).Exists() {
			put(name, v.Raw())
		}
	}
	for name, v := range over.Fields() {
		if name != "extension" {
			put(name, v.Raw())
		}
	}
	return append(out, '}')
}
