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
func (w *walker) reaches(v value, c *criterion, i int) bool {
	if w.work--; w.work < 0 {
		return false
	}
	if i == len(c.steps) {
		return w.meets(v, c)
	}
	st := &c.steps[i]
	switch {
	case st.resolve:
		target, ok := w.resolved(v)
		return ok && w.reaches(value{node: target, typ: w.set.typeIn(target)}, c, i+1)
	case st.ofType != "":
		return v.typ != nil && v.typ.Is(st.ofType) && w.reaches(v, c, i+1)
	case v.typ == nil:
		return false
	}
	typ := v.typ
	if typ.Kind == schema.Primitive {
		typ = w.set.model.Type("Element")
	}
	e := typ.Choice(st.name)
	if e == nil {
		return false
	}
	found := false
	each(v.object(), e, func(child value) bool {
		if st.url == "" || child.node.Field("url").Str() == st.url {
			found = w.reaches(w.set.exact(child), c, i+1)
		}
		return !found
	})
	return found
}

// meets judges what stands at the end of the path.
func (w *walker) meets(v value, c *criterion) bool {
	switch c.kind {
	case mustEqual:
		return contains(v.node, c.literal.node)
	case mustBind:
		return w.isBound(v, c.binding)
	case mustBeOfType:
		return v.typ != nil && slices.ContainsFunc(c.types, v.typ.Is)
	case mustConform:
		return slices.ContainsFunc(c.urls, func(url string) bool { return w.conforms(v, url) })
	}
	return true
}

// each visits the values of an element of an object, until visit says no.
func each(object tree.Node, e *schema.Element, visit func(v value) bool) {
	if object.Kind() != tree.Object {
		return
	}
	if !e.Choice {
		eachOf(object, e.Property, e.Type, e.Max != 1, visit)
		return
	}
	for i := range e.Types {
		if !eachOf(object, e.Types[i].JSONName, e.Types[i].Type, e.Max != 1, visit) {
			return
		}
	}
}

func eachOf(object tree.Node, property string, t *schema.Type, list bool, visit func(v value) bool) bool {
	n := object.Field(property)
	var twin tree.Node
	if t.Kind == schema.Primitive {
		twin = object.Field("_" + property)
	}
	switch {
	case !n.Exists() && !twin.Exists():
		return true
	case !list:
		return visit(value{node: n, twin: twin, typ: t})
	case n.Kind() != tree.Array && twin.Kind() != tree.Array:
		return true // told of by the base walk
	}
	item, pair := n.First(), twin.First()
	for i := 0; item.Exists() || pair.Exists(); i++ {
		v := value{node: item, twin: pair, typ: t, index: i}
		if v.node.Kind() == tree.Null {
			v.node = tree.Node{}
		}
		if !visit(v) {
			return false
		}
		item, pair = item.Next(), pair.Next()
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
