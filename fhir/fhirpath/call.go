package fhirpath

import (
	"errors"
	"strings"

	"tenon/fhir/issue"
)

// builtin is a function of the language: how many arguments it takes and how a
// call of it is compiled.
type builtin struct {
	min, max int
	build    func(c *compiler, n *node, in static) (apply, static, error)
}

// builtins by name; filled by init functions because compiling a call leads
// back to it.
var builtins = map[string]builtin{}

// filters give the empty collection for the empty collection.
var filters = map[string]bool{"where": true, "select": true, "ofType": true, "as": true, "resolve": true, "extension": true, "first": true}

func register(more map[string]builtin) {
	for name, b := range more {
		builtins[name] = b
	}
}

// call compiles name(args).
func (c *compiler) call(n *node) (code, static, error) {
	if n.text == "is" && len(n.args) == 1 {
		if name, ok := n.args[0].typeName(); ok && n.target != nil {
			if run, ok, err := c.resolvesTo(n.target, name, n.pos); ok || err != nil {
				return run, staticOf(sysBoolean), err
			}
		}
	}
	if run, out, ok, err := c.narrowingCall(n); ok || err != nil {
		return run, out, err
	}
	target, in, err := c.target(n.target)
	if err != nil {
		return nil, static{}, err
	}
	if f, ok := c.env.Functions[n.text]; ok {
		run, out, err := c.host(n, &f)
		return invoke(target, run), out, err
	}
	b, ok := builtins[n.text]
	if !ok {
		return nil, static{}, c.src.mistyped(n.pos, "there is no function %s()", n.text)
	}
	if len(n.args) < b.min || len(n.args) > b.max {
		return nil, static{}, c.src.mistyped(n.pos, "%s() takes %s, not %d", n.text, arity(b.min, b.max), len(n.args))
	}
	run, out, err := b.build(c, n, in)
	if err != nil {
		return nil, static{}, err
	}
	if out.never = in.never && filters[n.text]; out.never {
		return nothing, out, nil
	}
	return invoke(target, run), out, nil
}

// narrowingCall compiles ofType(), and as() where it filters, on a step.
func (c *compiler) narrowingCall(n *node) (run code, out static, ok bool, err error) {
	if n.text != "ofType" && (n.text != "as" || !c.env.FilterAs) || len(n.args) != 1 || c.env.Functions[n.text].Call != nil {
		return nil, static{}, false, nil
	}
	t, err := c.typeArgument(n)
	if err != nil {
		return nil, static{}, false, err
	}
	return c.narrowed(n.target, t)
}

func arity(low, high int) string {
	words := []string{"no argument", "one argument", "two arguments", "three arguments"}
	word := func(n int) string {
		if n < len(words) {
			return words[n]
		}
		return "any number of arguments"
	}
	if low == high {
		return word(low)
	}
	return word(low) + " to " + word(high)
}

// value compiles an argument that is evaluated once, where the call stands.
func (c *compiler) value(n *node, i int, want uint16) (code, error) {
	run, s, err := c.compile(n.args[i])
	if err != nil {
		return nil, err
	}
	if !s.fits(want) {
		return nil, c.src.mistyped(n.args[i].pos, "argument %d of %s() is %s, not %s", i+1, n.text, wanted(want), s)
	}
	return run, nil
}

// scalarFunction is a function from one scalar, and scalars as arguments, to at
// most one scalar. An empty input or argument gives empty.
type scalarFunction struct {
	in       uint16 // set of system types of the input
	params   []uint16
	optional int
	out      uint16 // set of system types of the result; 0 for that of the input
	// call gets only as many args as are written; ok is false for empty.
	call func(st *state, in *scalar, args []scalar, pos int) (result scalar, ok bool, err error)
}

func (f scalarFunction) builtin() builtin {
	return builtin{len(f.params) - f.optional, len(f.params), f.build}
}

func (f scalarFunction) build(c *compiler, n *node, in static) (apply, static, error) {
	if !in.fits(f.in) {
		return nil, static{}, c.src.mistyped(n.pos, "%s() works on %s, not on %s", n.text, wanted(f.in), in)
	}
	args := make([]code, len(n.args))
	for i := range n.args {
		var err error
		if args[i], err = c.value(n, i, f.params[i]); err != nil {
			return nil, static{}, err
		}
	}
	out := static{sys: f.out}
	if f.out == 0 {
		out = static{sys: in.systems() & f.in, open: in.open}
	}
	return f.apply(n, args), out, nil
}

// maxArgs is the largest number of arguments of a scalar function, the input
// included.
const maxArgs = 4

func (f scalarFunction) apply(n *node, args []code) apply {
	return func(st *state, base int) error {
		v, err := st.one(base, n.pos, n.label)
		if err != nil || v == nil {
			return err
		}
		for i, arg := range args {
			if err := arg(st); err != nil {
				return err
			}
			switch given := len(st.stack) - base - i - 1; {
			case given == 0:
				st.cut(base)
				return nil
			case given > 1:
				return st.fail(n.args[i].pos, "argument %d of %s() is one item, and there are %d", i+1, n.text, given)
			}
		}
		scalars := st.scratch
		st.used = true
		for i := range len(args) + 1 {
			want := f.in
			if i > 0 {
				want = f.params[i-1]
			}
			ok, err := st.take(&scalars[i], base+i, want, n)
			if err != nil {
				return err
			}
			if !ok {
				st.cut(base)
				return nil
			}
		}
		result, ok, err := f.call(st, &scalars[0], scalars[1:1+len(args)], n.pos)
		if err != nil {
			return err
		}
		st.cut(base)
		if ok {
			st.push(box(result))
		}
		return st.spend(1)
	}
}

// take decodes the item at i; ok is false when it is a primitive without value.
func (st *state) take(s *scalar, i int, want uint16, n *node) (ok bool, err error) {
	v := &st.stack[i]
	*s = scalar{}
	if !v.scalar(s) {
		if valueless(v) {
			return false, nil
		}
	} else if want&(1<<s.kind) != 0 {
		return true, nil
	}
	return false, st.fail(n.pos, "%s() works on %s, not on %s", n.text, wanted(want), st.expr.typeName(v))
}

// hostTypes are the words of Function.Params.
var hostTypes = map[string]system{
	"boolean": sysBoolean, "string": sysString, "integer": sysInteger, "decimal": sysDecimal,
	"date": sysDate, "dateTime": sysDateTime, "time": sysTime, "quantity": sysQuantity,
}

// host compiles a call of a function of the host.
func (c *compiler) host(n *node, f *Function) (apply, static, error) {
	required := len(f.Params)
	for i, p := range f.Params {
		if strings.HasSuffix(p, "?") {
			required = min(required, i)
		}
	}
	if len(n.args) < required || len(n.args) > len(f.Params) {
		return nil, static{}, c.src.mistyped(n.pos, "%s() takes %s, not %d", n.text, arity(required, len(f.Params)), len(n.args))
	}
	args := make([]code, len(n.args))
	single := make([]uint16, len(n.args))
	for i := range n.args {
		want := uint16(1<<16 - 1)
		if kind, ok := hostTypes[strings.TrimSuffix(f.Params[i], "?")]; ok {
			want = accepts(kind)
			single[i] = want
		}
		var err error
		if args[i], err = c.value(n, i, want); err != nil {
			return nil, static{}, err
		}
	}
	out := anything
	if kind, ok := hostTypes[f.Result]; ok {
		out = staticOf(kind)
	}
	return hostCall(n, f.Call, args, single), out, nil
}

func hostCall(n *node, call func(*Context, Collection, []Collection) (Collection, error), args []code, single []uint16) apply {
	return func(st *state, base int) error {
		ends := make([]int, 0, 8)
		ends = append(ends, len(st.stack))
		for i, arg := range args {
			if err := arg(st); err != nil {
				return err
			}
			if err := st.checkArgument(n, i, ends[i], single[i]); err != nil {
				return err
			}
			ends = append(ends, len(st.stack))
		}
		given := make([]Collection, len(args))
		for i := range args {
			given[i] = append(Collection(nil), st.stack[ends[i]:ends[i+1]]...)
		}
		focus := append(Collection(nil), st.stack[base:ends[0]]...)
		result, err := call(st.ctx, focus, given)
		if err != nil {
			if f, ok := errors.AsType[*issue.Failure](err); ok {
				return f
			}
			return st.fail(n.pos, "%s(): %v", n.text, err)
		}
		st.cut(base)
		st.stack = append(st.stack, result...)
		return st.spend(1 + len(result))
	}
}

// checkArgument checks at run time what the static type left open.
func (st *state) checkArgument(n *node, i, from int, want uint16) error {
	if want == 0 || from == len(st.stack) {
		return nil
	}
	if given := len(st.stack) - from; given > 1 {
		return st.fail(n.args[i].pos, "argument %d of %s() is one item, and there are %d", i+1, n.text, given)
	}
	var s scalar
	v := &st.stack[from]
	if ok := v.scalar(&s); ok && want&(1<<s.kind) == 0 || !ok && !valueless(v) {
		return st.fail(n.args[i].pos, "argument %d of %s() is %s, not %s", i+1, n.text, wanted(want), st.expr.typeName(v))
	}
	return nil
}
