package fhirpath

// Filtering and projection. https://hl7.org/fhirpath/N1/#filtering-and-projection
func init() {
	register(map[string]builtin{
		"where":     {1, 1, (*compiler).where},
		"select":    {1, 1, (*compiler).selectFunction},
		"repeat":    {1, 1, (*compiler).repeat},
		"repeatAll": {1, 1, (*compiler).repeatAll},
		"ofType":    {1, 1, (*compiler).ofTypeFunction},
		"exists":    {0, 1, nil}, // condition.go
		"all":       {1, 1, nil},
		"aggregate": {1, 2, (*compiler).aggregate},
		"iif":       {2, 3, (*compiler).iif},
		"trace":     {1, 2, (*compiler).trace},
		"coalesce":  {1, 20, (*compiler).coalesce},
	})
}

// each runs a lambda for every item of stack[base:end] with $this and $index
// set. The lambda's result lies from the mark up when visit is called.
func (st *state) each(base, end int, run code, visit func(i, mark int) (more bool, err error)) error {
	saved, defined := st.scope, len(st.vars)
	defer func() { st.scope, st.vars = saved, st.vars[:defined] }()
	st.scope.root = false
	for i := base; i < end; i++ {
		st.vars = st.vars[:defined]
		st.scope.this, st.scope.index = st.stack[i], int64(i-base)
		mark := len(st.stack)
		if err := run(st); err != nil {
			return err
		}
		if more, err := visit(i, mark); err != nil || !more {
			return err
		}
		if err := st.spend(1); err != nil {
			return err
		}
	}
	return nil
}

// criteria compiles a Boolean lambda.
func (c *compiler) criteria(n *node, in static) (condition, error) {
	in.unordered = false
	saved := *c
	c.this, c.inside = in, true
	cond, err := c.condition(n.args[0], n.pos, "the condition of "+n.text+"()")
	c.this, c.inside, c.vars = saved.this, saved.inside, saved.vars
	return cond, err
}

func (c *compiler) where(n *node, in static) (apply, static, error) {
	if run, ok := c.whereResolves(n); ok {
		return run, in, nil
	}
	criteria, err := c.criteria(n, in)
	if err != nil {
		return nil, static{}, err
	}
	return func(st *state, base int) error {
		end, keep := len(st.stack), base
		for i := base; i < end; i++ {
			v, err := st.judge(criteria, i, base)
			if err != nil {
				return err
			}
			if v == yes {
				st.stack[keep] = st.stack[i]
				keep++
			}
		}
		st.cut(keep)
		return nil
	}, in, nil
}

func (c *compiler) selectFunction(n *node, in static) (apply, static, error) {
	run, out, err := c.within(in, n.args[0])
	if err != nil {
		return nil, static{}, err
	}
	out.unordered = in.unordered
	return func(st *state, base int) error {
		end := len(st.stack)
		err := st.each(base, end, run, func(int, int) (bool, error) { return true, nil })
		st.drop(base, end)
		return err
	}, out, nil
}

// repeat projects until nothing new appears.
func (c *compiler) repeat(n *node, in static) (apply, static, error) {
	run, out, err := c.within(anything, n.args[0])
	if err != nil {
		return nil, static{}, err
	}
	out.open, out.unordered = true, in.unordered
	return func(st *state, base int) error {
		found := len(st.stack) // results lie from here up
		seen := newSet(st)
		for from, to := base, found; from < to; {
			if err := st.each(from, to, run, func(int, int) (bool, error) { return true, nil }); err != nil {
				return err
			}
			if err := seen.keepNew(to); err != nil {
				return err
			}
			from, to = to, len(st.stack)
		}
		st.drop(base, found)
		return nil
	}, out, nil
}

// repeatAll is repeat() that keeps duplicates; the bound on steps ends a loop.
func (c *compiler) repeatAll(n *node, in static) (apply, static, error) {
	run, out, err := c.within(anything, n.args[0])
	if err != nil {
		return nil, static{}, err
	}
	out.open, out.unordered = true, in.unordered
	return func(st *state, base int) error {
		found := len(st.stack)
		for from, to := base, found; from < to; from, to = to, len(st.stack) {
			if err := st.each(from, to, run, func(int, int) (bool, error) { return true, nil }); err != nil {
				return err
			}
		}
		st.drop(base, found)
		return nil
	}, out, nil
}

// aggregate folds the items into $total.
// https://hl7.org/fhirpath/N1/#aggregateaggregator--expression--init--value--value
func (c *compiler) aggregate(n *node, in static) (apply, static, error) {
	var start code
	if len(n.args) == 2 {
		var err error
		if start, _, err = c.compile(n.args[1]); err != nil {
			return nil, static{}, err
		}
	}
	outer := c.total
	c.total = true
	run, _, err := c.within(in, n.args[0])
	c.total = outer
	if err != nil {
		return nil, static{}, err
	}
	return func(st *state, base int) error {
		end := len(st.stack)
		if start != nil {
			if err := start(st); err != nil {
				return err
			}
		}
		saved := st.scope
		defer func() { st.scope = saved }()
		st.scope.root, st.scope.total = false, end
		for i := base; i < end; i++ {
			st.scope.this, st.scope.index, st.scope.totals = st.stack[i], int64(i-base), len(st.stack)
			if err := run(st); err != nil {
				return err
			}
			st.drop(end, st.scope.totals)
			if err := st.spend(1); err != nil {
				return err
			}
		}
		st.drop(base, end)
		return nil
	}, anything, nil
}

// iif evaluates only the branch that is taken.
// https://hl7.org/fhirpath/N1/#iifcriterion-expression-true-result-collection--otherwise-result-collection-collection
func (c *compiler) iif(n *node, in static) (apply, static, error) {
	branches := make([]code, 3)
	var out static
	for i, arg := range n.args {
		run, s, err := c.branch(n, in, arg)
		if err != nil {
			return nil, static{}, err
		}
		if i == 0 && !s.fits(1<<sysBoolean) {
			return nil, static{}, c.src.mistyped(arg.pos, "the condition of iif() is a Boolean, not %s", s)
		}
		branches[i] = run
		if i > 0 {
			out = out.or(s)
		}
	}
	free := n.target == nil
	return func(st *state, base int) error {
		saved := st.scope
		defer func() { st.scope = saved }()
		if !free {
			v, err := st.one(base, n.pos, "iif()")
			if err != nil {
				return err
			}
			if v != nil {
				st.scope.root, st.scope.this, st.scope.index = false, *v, 0
			} else {
				st.scope.root, st.scope.this = false, Value{}
			}
		}
		end := len(st.stack)
		if err := branches[0](st); err != nil {
			return err
		}
		chosen := branches[2]
		v, err := st.one(end, n.args[0].pos, "the condition of iif()")
		if err != nil {
			return err
		}
		if v != nil {
			b, ok := v.Bool()
			if !ok {
				return st.fail(n.args[0].pos, "the condition of iif() is a Boolean, not %s", st.expr.typeName(v))
			}
			if b {
				chosen = branches[1]
			}
		}
		st.cut(end)
		if chosen != nil {
			if err := chosen(st); err != nil {
				return err
			}
		}
		st.drop(base, end)
		return st.spend(1)
	}, out, nil
}

// branch compiles an argument of iif(): after a dot, $this is the input.
func (c *compiler) branch(n *node, in static, arg *node) (code, static, error) {
	if n.target == nil {
		return c.compile(arg)
	}
	return c.within(in, arg)
}

// trace gives its input back and tells Context.Trace, if there is one.
// https://hl7.org/fhirpath/N1/#tracename--string-projection-expression--collection
func (c *compiler) trace(n *node, in static) (apply, static, error) {
	name, err := c.value(n, 0, 1<<sysString)
	if err != nil {
		return nil, static{}, err
	}
	var projection code
	if len(n.args) == 2 {
		if projection, _, err = c.within(in, n.args[1]); err != nil {
			return nil, static{}, err
		}
	}
	return func(st *state, base int) error {
		if st.ctx.Trace == nil {
			return nil
		}
		end := len(st.stack)
		word, _, err := st.word(n, name)
		if err != nil {
			return err
		}
		items := Collection(st.stack[base:end:end])
		if projection != nil {
			if err := st.each(base, end, projection, func(int, int) (bool, error) { return true, nil }); err != nil {
				return err
			}
			items = Collection(st.stack[end:len(st.stack):len(st.stack)])
		}
		st.ctx.Trace(word, items)
		st.cut(end)
		return st.spend(1)
	}, in, nil
}

// coalesce gives the first argument that is not empty.
func (c *compiler) coalesce(n *node, _ static) (apply, static, error) {
	var out static
	args := make([]code, len(n.args))
	for i, arg := range n.args {
		run, s, err := c.compile(arg)
		if err != nil {
			return nil, static{}, err
		}
		args[i], out = run, out.or(s)
	}
	return func(st *state, base int) error {
		st.cut(base)
		for _, arg := range args {
			if err := arg(st); err != nil || len(st.stack) > base {
				return err
			}
		}
		return nil
	}, out, nil
}
