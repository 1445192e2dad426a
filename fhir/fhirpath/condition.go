package fhirpath

// Conditions: expressions that are read as truth values run without the stack.
// https://hl7.org/fhirpath/N1/#boolean-logic

// verdict is a value of three-valued logic.
type verdict uint8

const (
	unknown verdict = iota // the empty collection
	no
	yes
)

func verdictOf(b bool) verdict {
	if b {
		return yes
	}
	return no
}

// condition is a compiled expression whose result is one Boolean or nothing.
type condition func(st *state) (verdict, error)

// value is the condition as an expression like any other.
func (cond condition) value() code {
	return func(st *state) error {
		v, err := cond(st)
		if v != unknown {
			st.push(Boolean(v == yes))
		}
		return err
	}
}

// judged reads the result of any expression as a truth value.
func judged(run code, pos int, what string) condition {
	return func(st *state) (verdict, error) {
		base := len(st.stack)
		if err := run(st); err != nil {
			return unknown, err
		}
		value, known, err := st.truth(base, pos, what)
		st.cut(base)
		if err != nil || !known {
			return unknown, err
		}
		return verdictOf(value), nil
	}
}

// condition compiles what stands where a truth value is wanted; what names the
// place in messages.
func (c *compiler) condition(n *node, pos int, what string) (condition, error) {
	if n == nil {
		return judged(pushThis, pos, what), nil
	}
	if c.depth++; c.depth > maxCompile {
		return nil, c.tooDeep(n)
	}
	defer func() { c.depth-- }()
	cond, ok, err := c.direct(n)
	if ok || err != nil {
		return cond, err
	}
	run, _, err := c.compile(n)
	return judged(run, pos, what), err
}

// direct compiles the forms that are conditions by themselves; ok is false for
// any other.
func (c *compiler) direct(n *node) (cond condition, ok bool, err error) {
	switch {
	case n.kind == nodeBinary:
		switch n.text {
		case "and", "or", "xor", "implies":
			cond, err = c.logic(n)
			return cond, true, err
		case "<", ">", "<=", ">=", "=", "!=":
			if c.isTally(n.args[0]) && c.isTally(n.args[1]) {
				cond, err = c.compareTallies(n)
				return cond, true, err
			}
			if (n.text == "=" || n.text == "!=") && c.isTruth(n.args[0]) && c.isTruth(n.args[1]) {
				cond, err = c.agreement(n)
				return cond, true, err
			}
		}
	case n.kind == nodeCall && c.env.Functions[n.text].Call == nil:
		switch {
		case n.text == "not" && len(n.args) == 0:
			cond, err = c.negation(n)
			return cond, true, err
		case (n.text == "exists" || n.text == "empty") && len(n.args) == 0:
			cond, err = c.existence(n.target, n.text == "exists")
			return cond, true, err
		case (n.text == "exists" || n.text == "all") && len(n.args) == 1:
			cond, err = c.quantifier(n)
			return cond, true, err
		case n.text == "hasValue" && len(n.args) == 0:
			cond, err = c.valued(n)
			return cond, true, err
		}
	}
	return nil, false, nil
}

// isTruth tells whether a node is a call that yields one Boolean, always.
func (c *compiler) isTruth(n *node) bool {
	if n.kind != nodeCall || c.env.Functions[n.text].Call != nil {
		return false
	}
	switch n.text {
	case "exists", "all":
		return len(n.args) < 2
	case "empty", "hasValue":
		return len(n.args) == 0
	}
	return false
}

// sides compiles both operands; variables that one side defines are not seen by
// the other.
func (c *compiler) sides(n *node) (left, right condition, err error) {
	vars := c.vars
	left, err = c.condition(n.args[0], n.pos, n.text)
	if c.vars = vars; err != nil {
		return nil, nil, err
	}
	right, err = c.condition(n.args[1], n.pos, n.text)
	c.vars = vars
	return left, right, err
}

func (c *compiler) logic(n *node) (condition, error) {
	left, right, err := c.sides(n)
	if err != nil {
		return nil, err
	}
	switch n.text {
	case "and":
		return shortCircuit(left, right, no), nil
	case "or":
		return shortCircuit(left, right, yes), nil
	case "implies":
		return shortCircuit(inverse(left), right, yes), nil
	}
	return func(st *state) (verdict, error) {
		x, err := left(st)
		if err != nil || x == unknown {
			return unknown, err
		}
		y, err := right(st)
		if err != nil || y == unknown {
			return unknown, err
		}
		return verdictOf(x != y), st.spend(1)
	}, nil
}

// shortCircuit is and (decided by no) and or (decided by yes).
func shortCircuit(left, right condition, decides verdict) condition {
	return func(st *state) (verdict, error) {
		x, err := left(st)
		if err != nil || x == decides {
			return x, err
		}
		y, err := right(st)
		if err != nil || y == decides {
			return y, err
		}
		return min(x, y), st.spend(1) // unknown if one is, else both are the same
	}
}

func inverse(cond condition) condition {
	return func(st *state) (verdict, error) {
		v, err := cond(st)
		return (3 - v) % 3, err
	}
}

func (c *compiler) negation(n *node) (condition, error) {
	cond, err := c.condition(n.target, n.pos, "not()")
	return inverse(cond), err
}

// agreement compares two truth values that are never unknown.
func (c *compiler) agreement(n *node) (condition, error) {
	left, right, err := c.sides(n)
	if err != nil {
		return nil, err
	}
	same := n.text == "="
	return func(st *state) (verdict, error) {
		x, err := left(st)
		if err != nil {
			return unknown, err
		}
		y, err := right(st)
		return verdictOf((x == y) == same), err
	}, nil
}

// quantifier compiles exists(condition) and all(condition).
func (c *compiler) quantifier(n *node) (condition, error) {
	target, in, err := c.target(n.target)
	if err != nil {
		return nil, err
	}
	criteria, err := c.criteria(n, in)
	if err != nil {
		return nil, err
	}
	if n.text == "exists" {
		return among(target, criteria, true), nil
	}
	return func(st *state) (verdict, error) {
		failed := false
		base := len(st.stack)
		err := target(st)
		for i := base; err == nil && !failed && i < len(st.stack); i++ {
			var v verdict
			v, err = st.judge(criteria, i, base)
			failed = v != yes
		}
		st.cut(base)
		return verdictOf(!failed), err
	}, nil
}

// among tells whether the condition is true for an item of the target: yes or
// no as found says.
func among(target code, criteria condition, found bool) condition {
	return func(st *state) (verdict, error) {
		base, met := len(st.stack), false
		err := target(st)
		for i := base; err == nil && !met && i < len(st.stack); i++ {
			var v verdict
			v, err = st.judge(criteria, i, base)
			met = v == yes
		}
		st.cut(base)
		return verdictOf(met == found), err
	}
}

// judge evaluates a condition with $this and $index set to item i of the
// collection that starts at base.
func (st *state) judge(criteria condition, i, base int) (verdict, error) {
	saved, defined := st.scope, len(st.vars)
	st.scope.root, st.scope.this, st.scope.index = false, st.stack[i], int64(i-base)
	v, err := criteria(st)
	st.scope, st.vars = saved, st.vars[:defined]
	if err == nil {
		err = st.spend(1)
	}
	return v, err
}

// existence tells whether the target has items (want) or none. The last step
// of a path only looks.
func (c *compiler) existence(target *node, want bool) (condition, error) {
	if target != nil && target.kind == nodeMember {
		s, ok, err := c.step(target)
		if err != nil {
			return nil, err
		}
		if ok {
			return s.exists(want), nil
		}
	}
	if target != nil && target.kind == nodeCall && target.text == "where" && len(target.args) == 1 && c.env.Functions["where"].Call == nil {
		if _, simple := c.whereResolves(target); !simple {
			from, in, err := c.target(target.target)
			if err != nil {
				return nil, err
			}
			criteria, err := c.criteria(target, in)
			return among(from, criteria, want), err
		}
	}
	run, _, err := c.target(target)
	if err != nil {
		return nil, err
	}
	return func(st *state) (verdict, error) {
		base := len(st.stack)
		err := run(st)
		found := len(st.stack) > base
		st.cut(base)
		return verdictOf(found == want), err
	}, nil
}

// exists looks for a child without making values of the children.
func (s *step) exists(want bool) condition {
	m, target := s.member, s.target
	switch {
	case s.out.never:
		return func(*state) (verdict, error) { return verdictOf(!want), nil }
	case target == nil:
		return s.existsInThis(want)
	}
	return func(st *state) (verdict, error) {
		base, found := len(st.stack), false
		err := target(st)
		for i := base; err == nil && !found && i < len(st.stack); i++ {
			v := st.stack[i]
			found, err = m.has(st, &v)
		}
		st.cut(base)
		return verdictOf(found == want), err
	}
}

func (s *step) existsInThis(want bool) condition {
	m, guard := s.member, s.guard
	return func(st *state) (verdict, error) {
		if !st.scope.root {
			found, err := false, error(nil)
			if v := &st.scope.this; guard == nil || guard.matches(st.expr, v, false) {
				found, err = m.has(st, v)
			}
			return verdictOf(found == want), err
		}
		for i := range st.focus {
			v := &st.focus[i]
			if guard != nil && !guard.matches(st.expr, v, false) {
				continue
			}
			if found, err := m.has(st, v); found || err != nil {
				return verdictOf(found == want), err
			}
		}
		return verdictOf(!want), nil
	}
}

// valued is hasValue(): one primitive with a value.
func (c *compiler) valued(n *node) (condition, error) {
	if n.target == nil {
		return func(st *state) (verdict, error) {
			if !st.scope.root {
				return verdictOf(st.scope.this.primitive()), nil
			}
			return verdictOf(len(st.focus) == 1 && st.focus[0].primitive()), nil
		}, nil
	}
	run, _, err := c.compile(n.target)
	if err != nil {
		return nil, err
	}
	return func(st *state) (verdict, error) {
		base := len(st.stack)
		err := run(st)
		has := len(st.stack)-base == 1 && st.stack[base].primitive()
		st.cut(base)
		return verdictOf(has), err
	}, nil
}
