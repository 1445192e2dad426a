package fhirpath

import "math"

// Subsetting. https://hl7.org/fhirpath/N1/#subsetting
func init() {
	register(map[string]builtin{
		"single":    {0, 0, (*compiler).single},
		"first":     {0, 0, cutting(0, func(n, _ int64) (int64, int64) { return 0, 1 })},
		"last":      {0, 0, cutting(0, func(n, _ int64) (int64, int64) { return n - 1, n })},
		"tail":      {0, 0, cutting(0, func(n, _ int64) (int64, int64) { return 1, n })},
		"skip":      {1, 1, cutting(1, func(n, arg int64) (int64, int64) { return arg, n })},
		"take":      {1, 1, cutting(1, func(n, arg int64) (int64, int64) { return 0, arg })},
		"intersect": {1, 1, (*compiler).intersect},
		"exclude":   {1, 1, (*compiler).exclude},
	})
}

func (c *compiler) single(n *node, in static) (apply, static, error) {
	return func(st *state, base int) error {
		_, err := st.one(base, n.pos, "single()")
		return err
	}, in, nil
}

// ordered refuses, in a strict compilation, what depends on an undefined order.
func (c *compiler) ordered(n *node, in static, what string) error {
	if c.env.Strict && in.unordered {
		return c.src.mistyped(n.pos, "%s needs an order, and children() and descendants() define none", what)
	}
	return nil
}

// cutting builds the functions that keep the items from low to high.
func cutting(args int, bounds func(n, arg int64) (low, high int64)) func(*compiler, *node, static) (apply, static, error) {
	return func(c *compiler, n *node, in static) (apply, static, error) {
		if err := c.ordered(n, in, n.label); err != nil {
			return nil, static{}, err
		}
		var arg code
		if args > 0 {
			var err error
			if arg, err = c.value(n, 0, 1<<sysInteger); err != nil {
				return nil, static{}, err
			}
		}
		return func(st *state, base int) error {
			end, given := len(st.stack), int64(0)
			if arg != nil {
				var ok bool
				var err error
				if given, ok, err = st.integer(n, arg); err != nil {
					return err
				}
				if !ok {
					st.cut(base)
					return nil
				}
			}
			low, high := bounds(int64(end-base), given)
			st.slice(base, low, high)
			return st.spend(1)
		}, in, nil
	}
}

// integer evaluates an argument that is one Integer; ok is false when empty.
func (st *state) integer(n *node, arg code) (value int64, ok bool, err error) {
	mark := len(st.stack)
	if err := arg(st); err != nil {
		return 0, false, err
	}
	v, err := st.one(mark, n.pos, n.label)
	if err != nil || v == nil {
		return 0, false, err
	}
	value, ok = v.Int()
	if !ok {
		err = st.fail(n.pos, "%s takes an Integer, not %s", n.label, st.expr.typeName(v))
	}
	st.cut(mark)
	return value, ok, err
}

// slice keeps the items from low to high of those from base up.
func (st *state) slice(base int, low, high int64) {
	n := int64(len(st.stack) - base)
	low = min(max(low, 0), n)
	high = min(max(high, low), n)
	st.cut(base + int(high))
	st.drop(base, base+int(low))
}

// indexer compiles target[index].
func (c *compiler) indexer(n *node) (code, static, error) {
	n.text, n.label = "[]", "an index"
	target, in, err := c.target(n.target)
	if err != nil {
		return nil, static{}, err
	}
	if err := c.ordered(n, in, "an index"); err != nil {
		return nil, static{}, err
	}
	index, err := c.value(n, 0, 1<<sysInteger)
	if err != nil {
		return nil, static{}, err
	}
	return invoke(target, func(st *state, base int) error {
		i, ok, err := st.integer(n, index)
		if err != nil {
			return err
		}
		if !ok || i < 0 || i >= math.MaxInt32 {
			st.cut(base)
			return nil
		}
		st.slice(base, i, i+1)
		return st.spend(1)
	}), in, nil
}

// intersect keeps the distinct items that the argument has too.
func (c *compiler) intersect(n *node, in static) (apply, static, error) {
	return c.against(n, in, true)
}

// exclude keeps the items that the argument has not, duplicates included.
func (c *compiler) exclude(n *node, in static) (apply, static, error) {
	return c.against(n, in, false)
}

func (c *compiler) against(n *node, in static, wanted bool) (apply, static, error) {
	other, _, err := c.compile(n.args[0])
	if err != nil {
		return nil, static{}, err
	}
	return func(st *state, base int) error {
		end := len(st.stack)
		if err := other(st); err != nil {
			return err
		}
		seen := newSet(st)
		if err := seen.addAll(end, len(st.stack)); err != nil {
			return err
		}
		keep := base
		for i := base; i < end; i++ {
			has, err := seen.has(&st.stack[i])
			if err != nil {
				return err
			}
			if has == wanted {
				st.stack[keep] = st.stack[i]
				keep++
			}
		}
		st.cut(keep)
		if wanted {
			return st.distinct(base)
		}
		return nil
	}, in, nil
}
