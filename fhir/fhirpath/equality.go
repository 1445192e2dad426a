package fhirpath

import (
	"strings"
	"unicode"

	"tenon/fhir/schema"
	"tenon/fhir/tree"
)

// equal compares two items; known is false when the language leaves it open:
// dates of different precision, quantities of different dimension.
// https://hl7.org/fhirpath/N1/#equals
func (st *state) equal(a, b *Value) (same, known bool, err error) {
	if err := st.spend(1); err != nil {
		return false, false, err
	}
	if a.node.Exists() && a.node == b.node {
		return true, true, nil
	}
	if a.composite() && b.composite() {
		return st.equalParts(a, b, false)
	}
	if x, ok := a.plainText(); ok {
		if y, ok := b.plainText(); ok {
			return x == y, true, nil
		}
	}
	var x, y scalar
	xok, yok := a.scalar(&x), b.scalar(&y)
	switch {
	case xok && yok:
		same, known = x.equal(&y)
		return same, known, nil
	case xok != yok:
		return false, true, nil
	}
	return st.equalParts(a, b, false)
}

// plainText is the text of a string, if the value is one; nothing is decoded.
func (v *Value) plainText() (string, bool) {
	if v.kind != sysNone {
		if v.kind == sysString {
			return v.box.str, true
		}
		return "", false
	}
	if v.node.Kind() == tree.String && (v.typ == nil || systemOf(v.typ) == sysString) {
		return v.node.Str(), true
	}
	return "", false
}

// composite tells whether a value is an element with children that is no
// Quantity.
func (v *Value) composite() bool {
	return v.kind == sysNone && v.node.Kind() == tree.Object && systemOf(v.typ) != sysQuantity
}

func (s *scalar) equal(o *scalar) (same, known bool) {
	if s.kind == o.kind {
		switch s.kind {
		case sysBoolean, sysInteger:
			return s.num == o.num, true
		case sysDecimal:
			return s.dec.cmp(o.dec) == 0, true
		case sysString, sysTypeInfo:
			return s.str == o.str, true
		case sysQuantity:
			return s.equalQuantity(o)
		}
		order, known := s.tmp.compare(o.tmp)
		return order == 0, known
	}
	if s.dated() && o.dated() {
		order, known := s.tmp.compare(o.tmp)
		return order == 0, known
	}
	if a, ok := s.number(); ok {
		if b, ok := o.number(); ok {
			return a.cmp(b) == 0, true
		}
	}
	if s.kind == sysQuantity || o.kind == sysQuantity {
		a, aok := s.quantity()
		b, bok := o.quantity()
		if aok && bok {
			return a.equalQuantity(&b)
		}
	}
	return false, true
}

func (s *scalar) dated() bool { return s.kind == sysDate || s.kind == sysDateTime }

// compare compares two items, by ~ if loose, else by =.
func (st *state) compare(a, b *Value, loose bool) (same, known bool, err error) {
	if loose {
		same, err = st.equivalent(a, b)
		return same, true, err
	}
	return st.equal(a, b)
}

// equalParts compares elements with children, property by property whatever
// their order and spelling.
func (st *state) equalParts(a, b *Value, loose bool) (same, known bool, err error) {
	an, bn := a.parts(), b.parts()
	if an.Kind() != tree.Object || bn.Kind() != tree.Object {
		return an.Kind() == bn.Kind() && an.Kind() != tree.Array && an.Text() == bn.Text(), true, nil
	}
	if an.Len() != bn.Len() || a.typ != b.typ && a.typ != nil && b.typ != nil && a.typ.Name != b.typ.Name {
		return false, true, nil
	}
	at, bt := st.partsType(a), st.partsType(b)
	for f := an.First(); f.Exists(); f = f.Next() {
		property := f.Name()
		other := bn.Field(property)
		if !other.Exists() {
			return false, true, nil
		}
		property = strings.TrimPrefix(property, "_")
		ft, _ := childType(at, property)
		ot, _ := childType(bt, property)
		same, known, err = st.equalNodes(f, other, ft, ot, loose)
		if err != nil || !known || !same {
			return false, true, err
		}
	}
	return true, true, nil
}

// parts is where the children of an element are: of a primitive without value,
// its sibling.
func (v *Value) parts() tree.Node {
	if !v.node.Exists() {
		return v.twin
	}
	return v.node
}

func (st *state) partsType(v *Value) *schema.Type {
	if !v.node.Exists() {
		return st.expr.env.model("Element")
	}
	return st.expr.typeOf(v)
}

// equalNodes compares two properties; arrays item by item.
func (st *state) equalNodes(a, b tree.Node, at, bt *schema.Type, loose bool) (same, known bool, err error) {
	if a.Kind() != tree.Array || b.Kind() != tree.Array {
		if a.Kind() != b.Kind() {
			return false, true, nil
		}
		x, y := Value{node: a, typ: resourceType(st, a, at)}, Value{node: b, typ: resourceType(st, b, bt)}
		return st.compare(&x, &y, loose)
	}
	if a.Len() != b.Len() {
		return false, true, nil
	}
	x, y := a.First(), b.First()
	for ; x.Exists(); x, y = x.Next(), y.Next() {
		same, known, err = st.equalNodes(x, y, at, bt, loose)
		if err != nil || !known || !same {
			return false, true, err
		}
	}
	return true, true, nil
}

// equivalent compares two items by ~. https://hl7.org/fhirpath/N1/#equivalent
func (st *state) equivalent(a, b *Value) (same bool, err error) {
	if err := st.spend(1); err != nil {
		return false, err
	}
	if a.node.Exists() && a.node == b.node {
		return true, nil
	}
	var x, y scalar
	xok, yok := a.scalar(&x), b.scalar(&y)
	switch {
	case xok && yok:
		return x.equivalent(&y), nil
	case xok != yok:
		return false, nil
	}
	same, _, err = st.equalParts(a, b, true)
	return same, err
}

func (s *scalar) equivalent(o *scalar) bool {
	if s.kind == sysString && o.kind == sysString {
		return s.str == o.str || normal(s.str) == normal(o.str)
	}
	if s.dated() && o.dated() || s.kind == sysTime && o.kind == sysTime {
		return s.tmp.equivalent(o.tmp)
	}
	a, aok := s.number()
	b, bok := o.number()
	if aok && bok {
		return equivalentDecimals(a, b)
	}
	x, xok := s.quantity()
	y, yok := o.quantity()
	if xok && yok {
		return x.equivalentQuantity(&y)
	}
	same, known := s.equal(o)
	return same && known
}

// equivalentDecimals compares after rounding to the less precise operand;
// trailing zeros are no precision.
func equivalentDecimals(a, b decimal) bool {
	scale := min(a.significant(), b.significant())
	return a.round(scale).cmp(b.round(scale)) == 0
}

// normal folds case and white space.
func normal(s string) string {
	fields := strings.FieldsFunc(s, unicode.IsSpace)
	return strings.ToLower(strings.Join(fields, " "))
}
