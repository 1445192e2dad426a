package validate

import (
	"slices"

	"tenon/fhir/schema"
	"tenon/fhir/tree"
)

// matches tells whether a value meets a criterion.
func (w *walker) matches(v value, c *criterion) bool {
	found := w.reaches(v, c, 0)
	if c.kind == mustNotExist {
		return !found
	}
	return found
}

// reaches follows the path and tells whether something at its end is right.
func (w *walker) reaches(v value, c *criterion, step int) bool {
	if w.work--; w.work < 0 {
		return false
	}
	if step == len(c.steps) {
		return w.meets(v, c)
	}
	st := &c.steps[step]
	switch {
	case st.resolve:
		target, ok := w.resolved(v)
		if !ok && c.kind == mustBeOfType && step+1 == len(c.steps) { // what the reference says of it is enough
			name, _ := w.set.literal(v.node.Field("reference").Str())
			typ := w.set.model.Type(name)
			return typ != nil && slices.ContainsFunc(c.types, typ.Is)
		}
		return ok && w.reaches(value{node: target, typ: w.set.typeIn(target)}, c, step+1)
	case st.ofType != "":
		return v.typ != nil && v.typ.Is(st.ofType) && w.reaches(v, c, step+1)
	case v.typ == nil:
		return false
	}
	refs := st.refs
	if refs == nil || st.of != v.typ {
		if refs = w.set.below(v.typ, st.name); refs == nil {
			return false
		}
	}
	from := len(w.values)
	w.collect(v.object(), refs)
	found := false
	for i := from; i < len(w.values) && !found; i++ {
		child := w.values[i]
		if st.url == "" || child.node.Field("url").Str() == st.url {
			found = w.reaches(w.set.exact(child), c, step+1)
		}
	}
	w.values = w.values[:from]
	return found
}

// below gives the properties of an element of a type; nil when it has none.
func (s *Set) below(t *schema.Type, name string) *references {
	if t.Kind == schema.Primitive {
		t = s.model.Type("Element")
	}
	if e := t.Choice(name); e != nil {
		return s.references(e)
	}
	return nil
}

// meets judges what stands at the end of the path.
func (w *walker) meets(v value, c *criterion) bool {
	switch c.kind {
	case mustEqual:
		return w.contains(v.node, c.literal.node)
	case mustBind:
		return w.isBound(v, c.binding)
	case mustBeOfType:
		return v.typ != nil && slices.ContainsFunc(c.types, v.typ.Is)
	case mustConform:
		return slices.ContainsFunc(c.urls, func(url string) bool { return w.conforms(v, url) })
	}
	return true
}

// exact gives a resource the type that it names.
func (s *Set) exact(v value) value {
	if v.typ != nil && v.typ.Kind == schema.Resource && v.typ.Abstract {
		if t := s.typeIn(v.node); t != nil {
			v.typ = t
		}
	}
	return v
}

func (s *Set) typeIn(resource tree.Node) *schema.Type {
	return s.model.Type(resource.Field("resourceType").Str())
}
