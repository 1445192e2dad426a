package snapshot

import (
	"maps"
	"slices"
	"strings"

	"tenon/fhir/issue"
	"tenon/fhir/tree"
)

// systemTypes is how the URLs of FHIRPath's own types begin.
const systemTypes = "http://hl7.org/fhirpath/"

// mergeType replaces the types by a narrower choice. A type that leaves out its
// profiles or targets inherits those that the base gives it.
func mergeType(r *run, e *element, c *change, m member) {
	old := e.value(m.name)
	if !old.Exists() || !r.strict {
		e.put(m)
		r.wear(e)
		return
	}
	if strings.HasPrefix(old.First().Field("code").Str(), systemTypes) {
		return // Extension.url and the ids: differentials say uri or string, and mean what is there
	}
	out := []byte{'['}
	for t := range m.node.Items() {
		of := r.allowing(old, t)
		if !of.Exists() {
			r.faultAt(issue.BusinessRule, "type-widened", c, m.name, "the type %q is none that the base allows: %s", "类型 %q 不为基础定义所允许：%s",
				t.Field("code").Str(), strings.Join(codes(old), ", "))
			return
		}
		if !r.narrower(old, t, "targetProfile", c) || !r.narrower(old, t, "profile", c) {
			return
		}
		if len(out) > 1 {
			out = append(out, ',')
		}
		out = append(out, inherit(of, t)...)
	}
	e.set(m.name, append(out, ']'))
	r.wear(e)
}

// allowing finds the type of the base that allows t: one of its code before one
// that it derives from.
func (r *run) allowing(old, t tree.Node) tree.Node {
	code := t.Field("code").Str()
	for o := range old.Items() {
		if o.Field("code").Str() == code {
			return o
		}
	}
	for o := range old.Items() {
		if r.isType(code, o.Field("code").Str()) {
			return o
		}
	}
	return tree.Node{}
}

// narrower holds the profiles or targets of a type against those that the base
// allows for it: each must be or derive from one of them. What is not known is
// let pass.
func (r *run) narrower(old, t tree.Node, member string, c *change) bool {
	allowed := map[string]bool{}
	for o := range old.Items() {
		if !r.isType(t.Field("code").Str(), o.Field("code").Str()) {
			continue
		}
		if !o.Field(member).Exists() {
			return true // unrestricted
		}
		for p := range o.Field(member).Items() {
			url, _, _ := strings.Cut(p.Str(), "|")
			allowed[url] = true
		}
	}
	for p := range t.Field(member).Items() {
		if !r.derivesFromAny(p.Str(), allowed) {
			r.faultAt(issue.BusinessRule, "type-widened", c, "type", "the %s %q of %s derives from none that the base allows: %s", "%[3]s 的 %[1]s %[2]q 不派生自基础定义所允许者：%[4]s",
				member, p.Str(), t.Field("code").Str(), strings.Join(slices.Sorted(maps.Keys(allowed)), ", "))
			return false
		}
	}
	return true
}

func (r *run) derivesFromAny(canonical string, allowed map[string]bool) bool {
	line := r.lineage(canonical)
	return len(allowed) == 0 || allowed[typeURL("Resource")] || !r.whole(line) ||
		slices.ContainsFunc(line, func(url string) bool { return allowed[url] })
}

// inherit is a type with what it leaves out taken from the base's.
func inherit(old, t tree.Node) []byte {
	raw := t.Raw()
	if t.Kind() != tree.Object || t.Len() == 0 || old.Field("code").Str() != t.Field("code").Str() {
		return raw
	}
	out := append([]byte(nil), raw[:len(raw)-1]...)
	for _, name := range []string{"profile", "_profile", "targetProfile", "aggregation", "versioning"} {
		if v := old.Field(name); v.Exists() && !t.Field(name).Exists() {
			out = append(append(append(out, `,"`...), name...), `":`...)
			out = append(out, v.Raw()...)
		}
	}
	return append(out, '}')
}

// wear gives an element what the root of the one profile of its type says, as
// an extension says of itself what it is. The differential's own words come
// after it.
func (r *run) wear(e *element) {
	types := e.value("type")
	profile, _ := theProfile(types)
	if profile == "" || r.lib.Find("StructureDefinition", profile) == nil {
		return
	}
	root, err := r.tree(profile)
	if err != nil {
		return // told if it is needed
	}
	for _, m := range root.members {
		switch strings.TrimPrefix(m.name, "_") {
		case "short", "definition", "comment", "requirements", "isModifierReason", "alias":
			e.put(m)
		case "condition":
			if root.name == "Extension" {
				e.put(m)
			}
		case "isModifier":
			if m.node.Bool() {
				e.put(m)
			}
		}
	}
	if extra := root.value("constraint"); extra.Exists() && r.isType(root.name, "Element") {
		e.set("constraint", union(e.value("constraint"), extra, byKey))
	}
}
