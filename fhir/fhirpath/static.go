package fhirpath

import (
	"slices"
	"strings"

	"tenon/fhir/schema"
)

// static is what is known about an expression before it runs. The zero static
// is the empty collection.
type static struct {
	types     []*schema.Type // FHIR types that an item may have
	sys       uint16         // set of system types that an item may have
	open      bool           // anything else too
	unordered bool           // the order of items is not defined
	never     bool           // empty for the focus that Env.Root promises
}

var anything = static{open: true}

func staticOf(s system) static { return static{sys: 1 << s} }

func staticType(t *schema.Type) static {
	if t == nil {
		return anything
	}
	return static{types: []*schema.Type{t}}
}

// empty tells whether the expression can only be {}.
func (s static) empty() bool { return !s.open && s.sys == 0 && len(s.types) == 0 }

// or is the static type of a collection that takes items from both.
func (s static) or(o static) static {
	s.open = s.open || o.open
	s.sys |= o.sys
	s.unordered = s.unordered || o.unordered
	s.never = s.never && o.never
	if len(o.types) == 0 {
		return s
	}
	types := slices.Clone(s.types)
	for _, t := range o.types {
		if !slices.Contains(types, t) {
			types = append(types, t)
		}
	}
	s.types = types
	return s
}

// cannotBe tells whether no item can have the type or derive from it.
func (s static) cannotBe(t *schema.Type) bool {
	if s.open || s.sys != 0 || len(s.types) == 0 || t == nil {
		return false
	}
	for _, own := range s.types {
		if derives(own, t) || derives(t, own) {
			return false
		}
	}
	return true
}

// systems is the set of system types that the items may convert to; elements
// with children count as sysComplex.
func (s static) systems() uint16 {
	set := s.sys
	for _, t := range s.types {
		switch as := systemOf(t); as {
		case sysNone:
			set |= 1 << sysComplex
		default:
			set |= 1 << as
		}
	}
	return set
}

// accepts is the set of system types that a parameter of that type takes, with
// the implicit conversions. https://hl7.org/fhirpath/N1/#conversion
func accepts(s system) uint16 {
	switch s {
	case sysDecimal:
		return 1<<sysInteger | 1<<sysDecimal
	case sysQuantity:
		return 1<<sysInteger | 1<<sysDecimal | 1<<sysQuantity
	case sysDateTime:
		return 1<<sysDate | 1<<sysDateTime
	case sysNone:
		return 1<<16 - 1
	}
	return 1 << s
}

// fits tells whether a value of that static type may be what is wanted; {} may.
func (s static) fits(want uint16) bool {
	return s.open || s.empty() || s.systems()&want != 0
}

// String names the types for a message.
func (s static) String() string {
	var names []string
	for _, t := range s.types {
		names = append(names, t.Name)
	}
	for k := sysBoolean; k <= sysComplex; k++ {
		if s.sys&(1<<k) != 0 {
			names = append(names, "System."+k.String())
		}
	}
	if len(names) > 4 {
		names = append(names[:4], "…")
	}
	return strings.Join(names, " or ")
}

// wanted names a set of system types for a message.
func wanted(set uint16) string {
	var names []string
	for k := sysBoolean; k <= sysQuantity; k++ {
		if set&(1<<k) != 0 {
			names = append(names, k.String())
		}
	}
	return strings.Join(names, " or ")
}

// child is the static type of a step. ok is false when no possible type has an
// element of that name.
func (s static) child(name string) (child static, ok bool) {
	child.unordered = s.unordered
	if s.open {
		child.open, ok = true, true
	}
	if s.sys&(1<<sysTypeInfo) != 0 && (name == "name" || name == "namespace") {
		child.sys, ok = 1<<sysString, true
	}
	for _, t := range s.types {
		if t.Abstract {
			child.open, ok = true, true // some descendant may have it
			continue
		}
		e := t.Choice(name)
		if e == nil {
			continue
		}
		ok = true
		for _, r := range e.Types {
			child = child.or(staticType(r.Type))
		}
	}
	return child, ok
}

// spelled tells whether the name is the JSON spelling of a choice ("valueQuantity")
// in every possible type, and gives the FHIRPath name.
func (s static) spelled(name string) (element string, ok bool) {
	if s.open || len(s.types) == 0 {
		return "", false
	}
	for _, t := range s.types {
		e := t.Element(name)
		if t.Abstract || e == nil || !e.Choice || t.Choice(name) != nil {
			return "", false
		}
		element = e.Name
	}
	return element, true
}

// narrow keeps what is/as/ofType lets through.
func (s static) narrow(to *typeTest) static {
	if to.fhir != nil {
		return static{types: []*schema.Type{to.fhir}, unordered: s.unordered}
	}
	if to.sys != sysNone {
		return static{sys: 1 << to.sys, unordered: s.unordered}
	}
	return static{open: true, unordered: s.unordered}
}
