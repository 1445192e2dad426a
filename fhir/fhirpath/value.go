package fhirpath

import (
	"slices"

	"tenon/fhir/schema"
	"tenon/fhir/tree"
)

// Value is one item of a collection: an element of a resource, or a value of
// the namespace System that an expression computed. The zero Value is nothing.
type Value struct {
	kind system // of a computed value; sysNone for an element
	num  int64  // computed Boolean or Integer
	box  *scalar
	typ  *schema.Type // of an element; nil without a model
	node tree.Node    // absent for a primitive that has only extensions
	twin tree.Node    // the _name sibling of a primitive: id and extensions
}

// Element makes a Value of a node whose type is known; for a primitive that has
// one, its _name sibling follows. A nil type means that the JSON tells what it
// is.
func Element(n tree.Node, t *schema.Type, twin ...tree.Node) Value {
	v := Value{typ: t, node: n}
	if len(twin) > 0 {
		v.twin = twin[0]
	}
	return v
}

// Boolean (and Integer, String) make values of the namespace System, for host
// functions and variables.
func Boolean(b bool) Value {
	if b {
		return Value{kind: sysBoolean, num: 1}
	}
	return Value{kind: sysBoolean}
}

// Integer makes a System.Integer.
func Integer(n int64) Value { return Value{kind: sysInteger, num: n} }

// String makes a System.String.
func String(s string) Value { return box(scalar{kind: sysString, str: s}) }

// Decimal makes a System.Decimal of its text; ok is false when that is none.
func Decimal(text string) (v Value, ok bool) {
	d, ok := parseDecimal(text)
	return box(scalar{kind: sysDecimal, dec: d}), ok
}

// DateTime makes a System.DateTime, Date or Time of ISO 8601 text: "2026",
// "2026-03-01T10:00:00Z", "T10:00".
func DateTime(text string) (v Value, ok bool) {
	s := scalar{}
	switch {
	case text != "" && text[0] == 'T':
		s.kind = sysTime
		s.tmp, ok = parseTime(text[1:])
	default:
		if s.tmp, ok = parseDate(text); ok {
			s.kind = sysDate
			break
		}
		s.kind = sysDateTime
		s.tmp, ok = parseDateTime(text)
	}
	return box(s), ok
}

// Quantity makes a System.Quantity with a UCUM unit.
func Quantity(value, unit string) (v Value, ok bool) {
	d, ok := parseDecimal(value)
	return box(scalar{kind: sysQuantity, dec: d, str: unit}), ok
}

// box makes a Value of a scalar.
func box(s scalar) Value {
	if s.kind == sysBoolean || s.kind == sysInteger {
		return Value{kind: s.kind, num: s.num}
	}
	kept := new(scalar)
	*kept = s
	return Value{kind: s.kind, box: kept}
}

// Node is the element's node; ok is false for computed values. A primitive that
// has extensions but no value is an element whose node is absent.
func (v Value) Node() (n tree.Node, ok bool) { return v.node, v.element() }

// Twin is the _name sibling of a primitive element, absent without one.
func (v Value) Twin() tree.Node { return v.twin }

// Schema is the type of an element; nil for computed values.
func (v Value) Schema() *schema.Type { return v.typ }

// element tells whether the value stands in a resource.
func (v *Value) element() bool {
	return v.kind == sysNone && (v.node.Exists() || v.twin.Exists() || v.typ != nil)
}

// Type is the qualified name of the value's type: "FHIR.HumanName",
// "System.Boolean"; "" for the zero Value.
func (v Value) Type() string {
	switch {
	case v.kind != sysNone:
		return "System." + v.kind.String()
	case v.typ != nil:
		return "FHIR." + v.typ.Name
	case !v.element():
		return ""
	}
	var s scalar
	if v.scalar(&s) {
		return "System." + s.kind.String()
	}
	if name := v.node.Field("resourceType").Str(); name != "" {
		return "FHIR." + name
	}
	return "FHIR.Element"
}

// scalar decodes the value into s; false when it has children or no value.
func (v *Value) scalar(s *scalar) bool {
	switch {
	case v.box != nil:
		*s = *v.box
		return true
	case v.kind != sysNone:
		s.kind, s.num = v.kind, v.num
		return true
	}
	as := systemOf(v.typ)
	if as == sysQuantity {
		return s.decodeQuantity(v.node)
	}
	return s.decode(v.node, as)
}

// Bool is the value of a Boolean, System or FHIR.
func (v Value) Bool() (value, ok bool) {
	if v.kind == sysBoolean {
		return v.num != 0, true
	}
	if v.kind == sysNone && v.node.Kind() == tree.Bool {
		return v.node.Bool(), true
	}
	return false, false
}

// Int is the value of an Integer.
func (v Value) Int() (int64, bool) {
	var s scalar
	if v.scalar(&s) && s.kind == sysInteger {
		return s.num, true
	}
	return 0, false
}

// Str is the value as toString() gives it: the text of a string, code or uri,
// of a number as written, of a date, of a Quantity with its unit; "" for an
// element with children.
func (v Value) Str() string {
	if v.kind == sysNone && systemOf(v.typ) != sysQuantity {
		return v.node.Text()
	}
	var s scalar
	if v.scalar(&s) {
		return s.text()
	}
	return ""
}

// Amount is the value and unit of a Quantity, or of a number with the unit "1".
// A calendar word such as "days" is returned as the unit.
func (v Value) Amount() (value, unit string, ok bool) {
	var s scalar
	if !v.scalar(&s) {
		return "", "", false
	}
	q, ok := s.quantity()
	return q.dec.String(), q.str, ok
}

// Collection is an ordered list of values: what every expression yields.
type Collection []Value

// Bool is the one Boolean of the collection; ok is false when it is empty, has
// several values, or its value is no Boolean.
func (c Collection) Bool() (value, ok bool) {
	if len(c) != 1 {
		return false, false
	}
	return c[0].Bool()
}

// Types names the types of the items, each once, in their order: what a log may
// say of a collection without telling its values.
func (c Collection) Types() []string {
	var names []string
	for _, v := range c {
		if name := v.Type(); !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}
