package fhirpath

import (
	"math"
	"math/big"
)

// arithmetic compiles + - * / div mod &.
// https://hl7.org/fhirpath/N1/#math
func (c *compiler) arithmetic(b *operands, ls, rs static) (code, static, error) {
	if b.op == "&" {
		return b.concatenation(), staticOf(sysString), nil
	}
	const operable = 1<<16 - 1 - 1<<sysBoolean - 1<<sysComplex - 1<<sysTypeInfo
	for _, s := range []static{ls, rs} {
		if !s.fits(operable) {
			return nil, static{}, c.src.mistyped(b.pos, "%s takes no part in arithmetic (%s)", s, b.op)
		}
	}
	sys := uint16(operable)
	if !ls.open && !rs.open {
		sys &= ls.systems() | rs.systems() | 1<<sysDecimal
	}
	return b.calculation(), static{sys: sys}, nil
}

// calculation evaluates two single items; an empty one gives empty.
func (b *operands) calculation() code {
	return func(st *state) error {
		base, middle, err := b.eval(st)
		if err != nil {
			return err
		}
		if middle-base > 1 || len(st.stack)-middle > 1 {
			return st.fail(b.pos, "%s takes single items, and there are %d and %d", b.op, middle-base, len(st.stack)-middle)
		}
		if middle == base || middle == len(st.stack) {
			st.cut(base)
			return nil
		}
		var x, y scalar
		left, right := &st.stack[base], &st.stack[middle]
		if !left.scalar(&x) || !right.scalar(&y) {
			if valueless(left) || valueless(right) {
				st.cut(base)
				return nil
			}
			return b.mismatch(st, left, right)
		}
		result, ok, fits := calculate(b.op, &x, &y)
		if !fits {
			return b.mismatch(st, left, right)
		}
		st.cut(base)
		if ok {
			if err := st.spendText(len(result.str)); err != nil {
				return err
			}
			st.push(box(result))
		}
		return st.spend(1)
	}
}

func (b *operands) mismatch(st *state, left, right *Value) error {
	return st.fail(b.pos, "%s is not defined for %s and %s", b.op, st.expr.typeName(left), st.expr.typeName(right))
}

// calculate applies an operator; ok is false when the result is empty
// (division by zero, overflow), fits when the types do not fit the operator.
func calculate(op string, x, y *scalar) (result scalar, ok, fits bool) {
	if x.kind == sysString && y.kind == sysString && op == "+" {
		return scalar{kind: sysString, str: x.str + y.str}, true, true
	}
	if x.tmp.precision != 0 && (x.dated() || x.kind == sysTime) {
		return moved(op, x, y)
	}
	if x.kind == sysInteger && y.kind == sysInteger && op != "/" {
		result, ok = integers(op, x.num, y.num)
		return result, ok, true
	}
	a, aok := x.number()
	b, bok := y.number()
	if aok && bok {
		result, ok = decimals(op, a, b)
		return result, ok, true
	}
	p, pok := x.quantity()
	q, qok := y.quantity()
	if !pok || !qok {
		return result, false, false
	}
	return quantities(op, &p, &q)
}

// integers calculates in 64 bits and keeps what fits in 32.
func integers(op string, x, y int64) (scalar, bool) {
	n := int64(0)
	switch op {
	case "+":
		n = x + y
	case "-":
		n = x - y
	case "*":
		n = x * y
	case "div", "mod":
		if y == 0 {
			return scalar{}, false
		}
		if n = x / y; op == "mod" {
			n = x % y
		}
	}
	return scalar{kind: sysInteger, num: n}, n >= math.MinInt32 && n <= math.MaxInt32
}

func decimals(op string, a, b decimal) (scalar, bool) {
	if b.sign() == 0 && (op == "/" || op == "div" || op == "mod") {
		return scalar{}, false
	}
	d := decimal{}
	switch op {
	case "+":
		d = a.add(b)
	case "-":
		d = a.sub(b)
	case "*":
		d = a.mul(b)
	case "/":
		d = a.quo(b)
	case "div":
		quotient, _ := divide(a, b)
		n, ok := bigDecimal(quotient, 0).whole()
		return scalar{kind: sysInteger, num: n}, ok
	case "mod":
		_, d = divide(a, b)
	}
	return scalar{kind: sysDecimal, dec: d}, d.bounded()
}

// divide cuts the quotient to a whole number; the rest has the sign of a.
func divide(a, b decimal) (quotient *big.Int, rest decimal) {
	a, b = align(a, b)
	quotient, remainder := new(big.Int).QuoRem(a.coef(), b.coef(), new(big.Int))
	return quotient, bigDecimal(remainder, a.scale)
}

// bounded tells whether the number has no more digits than one may have.
func (d decimal) bounded() bool {
	return d.scale <= 2*maxExponent && (d.big == nil || d.big.BitLen() <= 8*maxDigits)
}

func quantities(op string, p, q *scalar) (result scalar, ok, fits bool) {
	switch op {
	case "+", "-":
		result, ok = p.plus(q, op == "-")
	case "*":
		result, ok = p.times(q, 1)
	case "/":
		result, ok = p.times(q, -1)
	default:
		return result, false, false
	}
	return result, ok && result.dec.bounded(), true
}

// moved adds a duration to a date or time, or subtracts it.
// https://hl7.org/fhirpath/N1/#datetime-arithmetic
func moved(op string, x, y *scalar) (result scalar, ok, fits bool) {
	if y.kind != sysQuantity || op != "+" && op != "-" {
		return result, false, false
	}
	unit := definiteUnit(y.str)
	if y.calendar {
		unit = calendarUnit(y.str)
	}
	if unit == "" || x.kind == sysTime && unitPrecision(unit) <= toDay {
		return result, false, false
	}
	amount := y.dec
	if op == "-" {
		amount = amount.neg()
	}
	result = *x
	result.tmp, ok = x.tmp.add(amount, unit)
	return result, ok, true
}

// concatenation is &: an empty operand counts as an empty string.
func (b *operands) concatenation() code {
	return func(st *state) error {
		base, middle, err := b.eval(st)
		if err != nil {
			return err
		}
		left, err := b.text(st, base, middle)
		if err != nil {
			return err
		}
		right, err := b.text(st, middle, len(st.stack))
		if err != nil {
			return err
		}
		if err := st.spendText(len(left) + len(right)); err != nil {
			return err
		}
		st.set(base, String(left+right))
		return nil
	}
}

func (b *operands) text(st *state, from, to int) (string, error) {
	if to-from > 1 {
		return "", st.fail(b.pos, "%s joins single items, and there are %d", b.op, to-from)
	}
	var s scalar
	if from == to || !st.stack[from].scalar(&s) {
		return "", nil
	}
	if s.kind != sysString {
		return "", st.fail(b.pos, "%s joins strings, not %s; use toString()", b.op, st.expr.typeName(&st.stack[from]))
	}
	return s.str, nil
}

// unary compiles a sign.
func (c *compiler) unary(n *node) (code, static, error) {
	operand := n.args[0]
	if operand.kind == nodeLiteral && operand.token == tokenNumber && operand.args == nil && operand.text == "2147483648" && n.text == "-" {
		return func(st *state) error { st.push(Integer(math.MinInt32)); return nil }, staticOf(sysInteger), nil
	}
	run, s, err := c.compile(operand)
	if err != nil {
		return nil, static{}, err
	}
	if !s.fits(accepts(sysQuantity)) {
		return nil, static{}, c.src.mistyped(n.pos, "%s takes a number or a quantity, not %s", n.text, s)
	}
	out := static{sys: accepts(sysQuantity)}
	if !s.open {
		out.sys &= s.systems()
	}
	negate := n.text == "-"
	return invoke(run, func(st *state, base int) error {
		v, err := st.one(base, n.pos, n.text)
		if err != nil || v == nil {
			return err
		}
		var x scalar
		if !v.scalar(&x) || accepts(sysQuantity)&(1<<x.kind) == 0 {
			return st.fail(n.pos, "%s takes a number or a quantity, not %s", n.text, st.expr.typeName(v))
		}
		if negate {
			x.num, x.dec = -x.num, x.dec.neg()
		}
		st.cut(base)
		if x.num <= math.MaxInt32 {
			st.push(box(x))
		}
		return st.spend(1)
	}), out, nil
}
