package validate

import (
	"tenon/fhir/schema"
	"tenon/fhir/tree"
)

// element is what a profile adds to what the base says of an element: only the
// differences, so that a walk touches nothing else.
type element struct {
	path  string          // with slice names: "Observation.component:SystolicBP.code"
	name  string          // FHIRPath name: "value"
	slice string          // slice name
	owner string          // canonical of the profile
	base  *schema.Element // nil for a root
	refs  *references
	min   int
	max   int // -1: no more than the base says
	types []typeRule
	// fixed and pattern are nil without one.
	fixed, pattern *literal
	bindings       []*binding
	low, high      *literal
	length         int // 0: any
	checks         []*invariant
	children       []*element // at most one per name, slices below it
	slicing        *slicing
	reference      string   // contentReference: id of the element to follow
	content        *element // what reference names
	matters        bool     // it or something below says something
}

// typeRule is one type that an element may have in a profile.
type typeRule struct {
	code     string
	typ      *schema.Type
	profiles []string // one of which the value must follow; nil: any
	targets  []string // profiles of a reference's target
	modes    []string // aggregation: contained, referenced, bundled
}

// value is a value of a document: a primitive with its sibling, or an object.
type value struct {
	node, twin tree.Node
	typ        *schema.Type
	index      int // in its array
	slice      int // that it was found to be in
}

// object is what holds the children: of a primitive its sibling.
func (v value) object() tree.Node {
	if v.node.Kind() == tree.Object {
		return v.node
	}
	return v.twin
}

// place tells values apart: a primitive may be a sibling alone.
func (v value) place() tree.Node {
	if v.node.Exists() {
		return v.node
	}
	return v.twin
}

// literal is a fixed or pattern value, or a bound.
type literal struct {
	node tree.Node
	name string // "CodeableConcept"
}

// child finds the element of that name.
func (e *element) child(name string) *element {
	if e == nil {
		return nil
	}
	for _, c := range e.children {
		if c.name == name {
			return c
		}
	}
	if e.content != nil {
		return e.content.child(name)
	}
	return nil
}
