package validate

import (
	"strings"

	"tenon/fhir/schema"
	"tenon/fhir/tree"
)

// reference is a property under which values of an element stand.
type reference struct {
	name, twin string // "valueCode", "_valueCode"; no twin but for primitives
	typ        *schema.Type
}

// references are the properties of an element: one, or one per type of a
// choice.
type references struct {
	stem   string // of a choice: what each name begins with
	list   []reference
	repeat bool
}

// references gives the properties of an element.
func (s *Set) references(e *schema.Element) *references {
	if known, ok := s.refs.Load(e); ok {
		return known.(*references)
	}
	r := &references{repeat: e.Max != 1}
	if e.Choice {
		r.stem = e.Name
	}
	for i := range e.Types {
		t := &e.Types[i]
		ref := reference{name: t.JSONName, typ: t.Type}
		if t.Type.Kind == schema.Primitive {
			ref.twin = "_" + t.JSONName
		}
		r.list = append(r.list, ref)
	}
	s.refs.Store(e, r)
	return r
}

// collect puts the values of an element of an object on the stack of values.
func (w *walker) collect(object tree.Node, r *references) {
	if object.Kind() != tree.Object {
		return
	}
	if r.stem == "" {
		w.collectFrom(object, &r.list[0], object.Field(r.list[0].name), r.repeat)
		return
	}
	for member := object.First(); member.Exists(); member = member.Next() {
		name := member.Name()
		if len(name) <= len(r.stem) || name[0] != r.stem[0] && name[0] != '_' {
			continue
		}
		for i := range r.list {
			switch ref := &r.list[i]; {
			case name == ref.name:
				w.collectFrom(object, ref, member, r.repeat)
			case name == ref.twin && strings.HasPrefix(name[1:], r.stem) && !object.Field(ref.name).Exists():
				w.collectFrom(object, ref, tree.Node{}, r.repeat)
			}
		}
	}
}

func (w *walker) collectFrom(object tree.Node, ref *reference, n tree.Node, repeat bool) {
	var twin tree.Node
	if ref.twin != "" && object.Underscored() {
		twin = object.Field(ref.twin)
	}
	switch {
	case !n.Exists() && !twin.Exists():
	case !repeat:
		w.values = append(w.values, value{node: n, twin: twin, typ: ref.typ})
	case n.Kind() != tree.Array && twin.Kind() != tree.Array: // told of by the base walk
	default:
		item, pair := n.First(), twin.First()
		for i := 0; item.Exists() || pair.Exists(); i++ {
			v := value{node: item, twin: pair, typ: ref.typ, index: i}
			if item.Kind() == tree.Null {
				v.node = tree.Node{}
			}
			w.values = append(w.values, v)
			item, pair = item.Next(), pair.Next()
		}
	}
}
