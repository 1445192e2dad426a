package rules

import (
	"strconv"

	"tenon/fhir/schema"
	"tenon/fhir/tree"
)

// place is the way to an element below the object in hand; it becomes text
// only when something is reported.
type place struct {
	up    *place
	name  string
	index int // -1 without one
}

func (p *place) child(name string) *place       { return &place{p, name, -1} }
func (p *place) item(name string, i int) *place { return &place{p, name, i} }

// String is ".entry[3].resource.subject", "" for nil.
func (p *place) String() string {
	if p == nil {
		return ""
	}
	s := p.up.String() + "." + p.name
	if p.index >= 0 {
		s += "[" + strconv.Itoa(p.index) + "]"
	}
	return s
}

// walk visits every element of a resource or other object in document order,
// with its type where the model knows it, but not the object itself. It goes
// into what visit answers true for, and never into another Bundle.
func walk(m *schema.Model, n tree.Node, t *schema.Type, at *place, visit func(n tree.Node, t *schema.Type, at *place) bool) {
	for field, v := range n.Fields() {
		name, typ := typed(t, field)
		if v.Kind() != tree.Array {
			step(m, v, typ, at.child(name), visit)
			continue
		}
		i := 0
		for item := range v.Items() {
			step(m, item, typ, at.item(name, i), visit)
			i++
		}
	}
}

// typed gives an element's FHIRPath name and its type, nil if not known, by its
// JSON property: value for valueQuantity.
func typed(t *schema.Type, property string) (string, *schema.Type) {
	if t != nil {
		if e := t.Element(property); e != nil {
			return e.Name, e.Type
		}
	}
	return property, nil
}

func step(m *schema.Model, n tree.Node, t *schema.Type, at *place, visit func(n tree.Node, t *schema.Type, at *place) bool) {
	if n.Kind() == tree.Object {
		if name := text(n, "resourceType"); name != "" {
			if t = m.Type(name); name == "Bundle" {
				return
			}
		}
	}
	if visit(n, t, at) && n.Kind() == tree.Object {
		walk(m, n, t, at, visit)
	}
}
