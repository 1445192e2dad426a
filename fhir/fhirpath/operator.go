package fhirpath

// binary compiles an operator of two operands.
// https://hl7.org/fhirpath/N1/#operations
func (c *compiler) binary(n *node) (code, static, error) {
	vars := c.vars // those that one side defines are not seen by the other
	left, ls, err := c.compile(n.args[0])
	c.vars = vars
	if err != nil {
		return nil, static{}, err
	}
	right, rs, err := c.compile(n.args[1])
	c.vars = vars
	if err != nil {
		return nil, static{}, err
	}
	b := &operands{left: left, right: right, pos: n.pos, op: n.text}
	boolean := staticOf(sysBoolean)
	if err := c.comparable(n, ls, rs); err != nil {
		return nil, static{}, err
	}
	switch n.text {
	case "=", "!=":
		return b.equality(n.text == "!="), boolean, nil
	case "~", "!~":
		return b.equivalence(n.text == "!~"), boolean, nil
	case "<", ">", "<=", ">=":
		return b.inequality(), boolean, nil
	case "in":
		return b.membership(), boolean, nil
	case "contains":
		b.left, b.right = right, left
		return b.membership(), boolean, nil
	case "|":
		return b.unionOf(ls, rs), ls.or(rs), nil
	}
	return c.arithmetic(b, ls, rs)
}

// families are the system types that compare with one another.
var families = []uint16{
	accepts(sysQuantity), 1 << sysString, accepts(sysDateTime), 1 << sysTime, 1 << sysBoolean, 1 << sysComplex, 1 << sysTypeInfo,
}

// related tells whether an item of one side may compare with one of the other.
func related(ls, rs static, among []uint16) bool {
	if ls.open || rs.open || ls.empty() || rs.empty() {
		return true
	}
	for _, f := range among {
		if ls.systems()&f != 0 && rs.systems()&f != 0 {
			return true
		}
	}
	return false
}

// comparable refuses what < can never order and, if strict, what = can never
// find equal.
func (c *compiler) comparable(n *node, ls, rs static) error {
	switch n.text {
	case "<", ">", "<=", ">=":
		if !related(ls, rs, families[:4]) {
			return c.src.mistyped(n.pos, "%s and %s have no common order", ls, rs)
		}
	case "=", "!=", "~", "!~":
		if c.env.Strict && !related(ls, rs, families) {
			return c.src.mistyped(n.pos, "%s and %s are never equal", ls, rs)
		}
	}
	return nil
}

// operands are the two sides of an operator.
type operands struct {
	left, right code
	pos         int
	op          string
}

// eval evaluates both sides: the left lies from base to middle, the right from
// middle up.
func (b *operands) eval(st *state) (base, middle int, err error) {
	base = len(st.stack)
	if err = b.left(st); err != nil {
		return
	}
	middle = len(st.stack)
	err = b.right(st)
	return
}

// equality compares collections item by item in their order; an empty operand
// gives empty.
func (b *operands) equality(negated bool) code {
	return func(st *state) error {
		base, middle, err := b.eval(st)
		if err != nil {
			return err
		}
		n := middle - base
		if n == 0 || middle == len(st.stack) {
			st.cut(base)
			return nil
		}
		same, known := n == len(st.stack)-middle, true
		for i := 0; same && known && i < n; i++ {
			if same, known, err = st.equal(&st.stack[base+i], &st.stack[middle+i]); err != nil {
				return err
			}
		}
		st.cut(base)
		if known {
			st.push(Boolean(same != negated))
		}
		return nil
	}
}

// equivalence compares collections whatever their order; two empty ones are
// equivalent.
func (b *operands) equivalence(negated bool) code {
	return func(st *state) error {
		base, middle, err := b.eval(st)
		if err != nil {
			return err
		}
		same := middle-base == len(st.stack)-middle
		for i := base; same && i < middle; i++ {
			if same, err = st.strike(i, middle); err != nil {
				return err
			}
		}
		st.cut(base)
		st.push(Boolean(same != negated))
		return nil
	}
}

// strike removes one item from middle up that is equivalent to item i; false
// when there is none.
func (st *state) strike(i, middle int) (found bool, err error) {
	for j := middle; j < len(st.stack); j++ {
		if found, err = st.equivalent(&st.stack[i], &st.stack[j]); err != nil {
			return false, err
		}
		if found {
			st.drop(j, j+1)
			return true, nil
		}
	}
	return false, nil
}

// membership is `in`: whether the one item on the left is in the collection on
// the right.
func (b *operands) membership() code {
	return func(st *state) error {
		base, middle, err := b.eval(st)
		if err != nil {
			return err
		}
		switch middle - base {
		case 0:
			st.cut(base)
			return nil
		case 1:
		default:
			return st.fail(b.pos, "%s takes one item, and there are %d", b.op, middle-base)
		}
		found := false
		for i := middle; !found && i < len(st.stack); i++ {
			same, known, err := st.equal(&st.stack[base], &st.stack[i])
			if err != nil {
				return err
			}
			found = same && known
		}
		st.set(base, Boolean(found))
		return nil
	}
}

// unionOf leaves out a side that is always empty: R4's search parameters name
// other resource types.
func (b *operands) unionOf(ls, rs static) code {
	switch {
	case ls.never && rs.never:
		return nothing
	case ls.never:
		return invoke(b.right, (*state).distinct)
	case rs.never:
		return invoke(b.left, (*state).distinct)
	}
	return b.union
}

// union joins both sides without duplicates.
func (b *operands) union(st *state) error {
	base, _, err := b.eval(st)
	if err != nil {
		return err
	}
	return st.distinct(base)
}
