package fhirpath

// Aggregates of the trial-use text: the sum, the mean and the ends of a
// collection of numbers, quantities or, for min and max, whatever has an order.
// https://hl7.org/fhirpath/#aggregates
func init() {
	numbers := accepts(sysQuantity)
	register(map[string]builtin{
		"sum": {0, 0, total(numbers, sum)},
		"avg": {0, 0, total(numbers, mean)},
		"min": {0, 0, total(accepts(sysNone), end("<"))},
		"max": {0, 0, total(accepts(sysNone), end(">"))},
	})
}

// fold joins the items from base up into one scalar; ok is false for empty.
type fold func(st *state, n *node, base int) (result scalar, ok bool, err error)

func total(in uint16, f fold) func(*compiler, *node, static) (apply, static, error) {
	return func(c *compiler, n *node, input static) (apply, static, error) {
		if !input.fits(in) {
			return nil, static{}, c.src.mistyped(n.pos, "%s() works on %s, not on %s", n.text, wanted(in), input)
		}
		out := static{sys: input.systems() & in &^ (1 << sysComplex), open: input.open}
		if n.text == "avg" {
			out.sys |= 1 << sysDecimal
		}
		return func(st *state, base int) error {
			count := len(st.stack) - base
			if count == 0 {
				return nil
			}
			result, ok, err := f(st, n, base)
			if err != nil {
				return err
			}
			st.cut(base)
			if ok {
				st.push(box(result))
			}
			return st.spend(1 + count)
		}, out, nil
	}
}

// item decodes an item; one without value makes the whole empty.
func (st *state) item(n *node, i int, want uint16) (s scalar, ok bool, err error) {
	ok, err = st.take(&s, i, want, n)
	return s, ok, err
}

func sum(st *state, n *node, base int) (result scalar, ok bool, err error) {
	want := accepts(sysQuantity)
	if result, ok, err = st.item(n, base, want); !ok || err != nil {
		return result, false, err
	}
	for i := base + 1; i < len(st.stack); i++ {
		next, ok, err := st.item(n, i, want)
		if !ok || err != nil {
			return result, false, err
		}
		var fits bool
		if result, ok, fits = calculate("+", &result, &next); !ok || !fits {
			return result, false, nil
		}
	}
	return result, true, nil
}

func mean(st *state, n *node, base int) (scalar, bool, error) {
	result, ok, err := sum(st, n, base)
	if !ok || err != nil {
		return result, false, err
	}
	count := number(len(st.stack) - base)
	result, ok, _ = calculate("/", &result, &count)
	return result, ok, nil
}

// end finds the least or the greatest item.
func end(op string) fold {
	return func(st *state, n *node, base int) (scalar, bool, error) {
		best := base
		for i := base + 1; i < len(st.stack); i++ {
			order, known, err := st.order(&st.stack[i], &st.stack[best], n.pos)
			if err != nil || !known {
				return scalar{}, false, err
			}
			if order < 0 == (op == "<") && order != 0 {
				best = i
			}
		}
		return st.item(n, best, 1<<16-1)
	}
}
