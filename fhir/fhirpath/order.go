package fhirpath

import "strings"

// inequality compiles <, >, <= and >=.
// https://hl7.org/fhirpath/N1/#comparison
func (b *operands) inequality() code {
	less, orEqual := b.op[0] == '<', len(b.op) == 2
	return func(st *state) error {
		base, middle, err := b.eval(st)
		if err != nil {
			return err
		}
		if middle-base > 1 || len(st.stack)-middle > 1 {
			return st.fail(b.pos, "%s compares single items, and there are %d and %d", b.op, middle-base, len(st.stack)-middle)
		}
		if middle == base || middle == len(st.stack) {
			st.cut(base)
			return nil
		}
		order, known, err := st.order(&st.stack[base], &st.stack[middle], b.pos)
		if err != nil {
			return err
		}
		st.cut(base)
		if known {
			st.push(Boolean(order < 0 && less || order > 0 && !less || order == 0 && orEqual))
		}
		return st.spend(1)
	}
}

// order compares two items that have an order; others are an error.
func (st *state) order(a, b *Value, pos int) (order int, known bool, err error) {
	var x, y scalar
	xok, yok := a.scalar(&x), b.scalar(&y)
	if xok && yok {
		if order, known, ok := x.order(&y); ok {
			return order, known, nil
		}
	} else if valueless(a) || valueless(b) {
		return 0, false, nil
	}
	return 0, false, st.fail(pos, "%s and %s have no common order", st.expr.typeName(a), st.expr.typeName(b))
}

// valueless tells whether an item is a primitive or Quantity without a value to
// compare: only extensions, or a comparator.
func valueless(v *Value) bool {
	return v.kind == sysNone && (!v.node.Exists() || systemOf(v.typ) == sysQuantity)
}

// typeName names the type of a value for a message.
func (e *Expr) typeName(v *Value) string {
	w := *v
	w.typ = e.typeOf(&w)
	return w.Type()
}

// order compares two scalars; ok is false when their types have no common one.
func (s *scalar) order(o *scalar) (order int, known, ok bool) {
	switch {
	case s.kind == sysString && o.kind == sysString:
		return strings.Compare(s.str, o.str), true, true
	case s.dated() && o.dated(), s.kind == sysTime && o.kind == sysTime:
		order, known = s.tmp.compare(o.tmp)
		return order, known, true
	}
	a, aok := s.number()
	b, bok := o.number()
	if aok && bok {
		return a.cmp(b), true, true
	}
	x, xok := s.quantity()
	y, yok := o.quantity()
	if xok && yok {
		order, known = x.orderQuantity(&y)
		return order, known, true
	}
	return 0, false, false
}
