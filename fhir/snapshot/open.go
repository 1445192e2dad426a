package snapshot

import (
	"bytes"
	"strings"

	"tenon/fhir/issue"
	"tenon/fhir/tree"
)

const profileElement = "http://hl7.org/fhir/StructureDefinition/elementdefinition-profile-element"

// open makes sure that the children of an element are there: it has them, or
// what it is a slice of has, or they come from what it refers to or from its
// type. It is false after a fault.
func (r *run) open(e *element, c *change) bool {
	switch {
	case len(e.children) > 0 || r.over:
		return !r.over
	case e.entry != nil && len(e.entry.children) > 0 && bytes.Equal(e.value("type").Raw(), e.entry.value("type").Raw()):
		e.children = r.cloneAll(e.entry.children, nil)
		return true
	case e.member("contentReference") != nil:
		return r.follow(e, c)
	}
	types := e.value("type")
	if !types.Exists() && e.fresh {
		return true // a root: all that it has is in this differential
	}
	from, url, err := r.typeTree(types)
	if err != nil {
		return r.closed(c, err)
	}
	if from == nil {
		r.ambiguous(e, c)
		return false
	}
	e.children = r.adopt(from, url)
	if len(e.children) == 0 && !e.fresh {
		r.fault(issue.Structure, "path-unknown", c, "the type %s has no elements, so %q is none of them", "类型 %s 没有子元素，因此没有 %q",
			strings.Join(codes(types), ", "), c.name)
		return false
	}
	return true
}

func (r *run) ambiguous(e *element, c *change) {
	r.fault(issue.Structure, "type-ambiguous", c, "nothing can be said of %q below an element of the types %s: restrict it to one type first, or slice it by type",
		"元素有多种类型 %[2]s，无法约束其下的 %[1]q：请先限定为一种类型，或按类型切片", c.name, strings.Join(codes(e.value("type")), ", "))
}

// closed reports that the children can't be had.
func (r *run) closed(c *change, err error) bool {
	f := issue.As(err)
	if f == nil {
		f = refuse(issue.Exception, "definition-broken", "", "a definition can't be read", "无法读取定义")
	}
	is := f.Issues[0]
	r.fault(is.Type, is.Rule, c, "the elements of its type are needed, but: %s", "需要其类型的元素，但：%s", is.Text)
	return false
}

// adopt copies the children of a definition's root to stand below another.
func (r *run) adopt(from *element, url string) []*element {
	list := r.cloneAll(from.children, nil)
	for _, e := range list {
		e.anchor(url)
	}
	return list
}

// anchor makes references to content absolute, because their "#" would mean
// the definition that the element now stands in.
func (e *element) anchor(url string) {
	if ref := e.value("contentReference").Str(); strings.HasPrefix(ref, "#") {
		e.set("contentReference", []byte(quoted(url+ref)))
	}
	for _, c := range e.children {
		c.anchor(url)
	}
	for _, s := range e.slices {
		s.anchor(url)
	}
}

// follow gives an element the content that its contentReference names, as the
// base has it.
func (r *run) follow(e *element, c *change) bool {
	ref := e.value("contentReference").Str()
	url, id, _ := strings.Cut(ref, "#")
	from := r.origin
	if url != "" {
		var err error
		if from, err = r.tree(url); err != nil {
			return r.closed(c, err)
		}
	}
	target := from.find(id)
	if target == nil {
		r.fault(issue.NotFound, "content-reference", c, "its contentReference %q leads to no element", "其 contentReference %q 未指向任何元素", ref)
		return false
	}
	e.drop("contentReference")
	for _, m := range target.members {
		switch m.name {
		case "type", "constraint", "binding", "slicing":
			if e.member(m.name) == nil {
				e.put(m)
			} else if m.name == "constraint" {
				e.set(m.name, union(e.value(m.name), target.value(m.name), byKey))
			}
		}
	}
	e.children, e.slices = r.cloneAll(target.children, nil), nil
	if url != "" {
		for _, child := range e.children {
			child.anchor(url)
		}
	}
	return len(e.children) > 0 || r.open(e, c)
}

// find goes down by the id of an element.
func (e *element) find(id string) *element {
	parts := strings.Split(id, ".")
	at := e
	for _, part := range parts[1:] {
		name, slice, _ := strings.Cut(part, ":")
		if at = at.childOrChoice(name); at == nil {
			return nil
		}
		if slice != "" {
			if at = at.sliceNamed(slice); at == nil {
				return nil
			}
		}
	}
	return at
}

// typeTree gives the definition that says what an element of these types holds
// and its URL: the profile of a single type, the type, or what several types
// have in common. It is nil when that is nothing.
func (r *run) typeTree(types tree.Node) (*element, string, error) {
	list := codes(types)
	switch {
	case len(list) == 0:
		return nil, "", nil
	case len(list) > 1:
		return r.commonTree(list)
	}
	if profile, t := theProfile(types); profile != "" && r.lib.Find("StructureDefinition", profile) != nil {
		root, err := r.tree(profile)
		if err == nil {
			if id := profileElementOf(t); id != "" {
				if part := root.find(id); part != nil {
					root = part
				}
			}
		}
		url, _, _ := strings.Cut(profile, "|")
		return root, url, err
	}
	if strings.HasPrefix(list[0], systemTypes) {
		return &element{}, "", nil
	}
	root, err := r.tree(typeURL(list[0]))
	return root, typeURL(list[0]), err
}

// theProfile is the one profile of the one type there is; "" when there are
// none or several.
func theProfile(types tree.Node) (string, tree.Node) {
	profile, of := "", tree.Node{}
	for t := range types.Items() {
		for p := range t.Field("profile").Items() {
			if profile != "" {
				return "", tree.Node{}
			}
			profile, of = p.Str(), t
		}
	}
	return profile, of
}

// profileElementOf is the id of the element in the profile that is meant
// instead of its root.
func profileElementOf(t tree.Node) string {
	for p := range t.Field("_profile").Items() {
		for x := range p.Field("extension").Items() {
			if x.Field("url").Str() == profileElement {
				return x.Field("valueString").Str()
			}
		}
	}
	return ""
}

// codes lists the distinct codes of types.
func codes(types tree.Node) []string {
	if types.Len() == 0 {
		return nil
	}
	list := make([]string, 0, types.Len())
	seen := make(map[string]bool, types.Len())
	for t := range types.Items() {
		if code := t.Field("code").Str(); !seen[code] {
			seen[code] = true
			list = append(list, code)
		}
	}
	return list
}

// only gives the types with that code.
func only(types tree.Node, code string) []byte {
	out := []byte{'['}
	for t := range types.Items() {
		if t.Field("code").Str() == code {
			if len(out) > 1 {
				out = append(out, ',')
			}
			out = append(out, t.Raw()...)
		}
	}
	return append(out, ']')
}
