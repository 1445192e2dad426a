package search

import (
	"strings"

	"tenon/fhir/schema"
	"tenon/fhir/tree"
)

// plain is a path without functions, such as Observation.component.code or
// (Observation.value as Quantity): most expressions are one, and walking the
// tree along it costs a fraction of a general evaluation. It finds the same
// values in the same order; a test holds it to that.
type plain []step

// step is one element on the way, under each JSON property that it can have.
type step []variant

type variant struct {
	property string
	typ      *schema.Type
}

// shortcuts is off in the test that compares.
var shortcuts = true

// newPlain resolves a path against the types; nil when it is not plain.
func newPlain(m *schema.Model, source string) plain {
	match := steps.FindStringSubmatch(source)
	if match == nil || !shortcuts {
		return nil
	}
	typ := m.Type(match[1])
	var out plain
	names := strings.Split(match[2][1:], ".")
	for i, name := range names {
		if typ == nil {
			return nil
		}
		e := typ.Choice(name)
		if e == nil || e.Choice && i < len(names)-1 {
			return nil
		}
		only := match[3] + match[4]
		if i < len(names)-1 || !e.Choice {
			if only != "" && i == len(names)-1 {
				return nil // a filter on a type that is fixed
			}
			only = ""
		}
		s := variants(e, only)
		if len(s) == 0 {
			return nil
		}
		out = append(out, s)
		typ = e.Type
	}
	return out
}

// variants lists the properties of an element; only keeps one type of a choice.
// A type that is not fixed by the definition makes none.
func variants(e *schema.Element, only string) step {
	if !e.Choice {
		if e.Type == nil || e.Type.Abstract {
			return nil
		}
		return step{{e.Property, e.Type}}
	}
	var s step
	for _, ref := range e.Types {
		if only != "" && ref.Code != only {
			continue
		}
		if ref.Type == nil || ref.Type.Abstract {
			return nil
		}
		s = append(s, variant{ref.JSONName, ref.Type})
	}
	return s
}

// each yields the values under n.
func (p plain) each(n tree.Node, yield func(tree.Node, *schema.Type)) {
	for _, v := range p[0] {
		child := n.Field(v.property)
		switch child.Kind() {
		case tree.Absent, tree.Null:
		case tree.Array:
			for item := child.First(); item.Exists(); item = item.Next() {
				p.one(item, v.typ, yield)
			}
		default:
			p.one(child, v.typ, yield)
		}
	}
}

func (p plain) one(n tree.Node, typ *schema.Type, yield func(tree.Node, *schema.Type)) {
	switch {
	case n.Kind() == tree.Null:
	case len(p) == 1:
		yield(n, typ)
	default:
		p[1:].each(n, yield)
	}
}
