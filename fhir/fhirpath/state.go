package fhirpath

import (
	"sync"

	"tenon/fhir/issue"
	"tenon/fhir/schema"
)

// code is a compiled expression: it pushes its result onto the stack.
type code func(st *state) error

// apply is a compiled invocation: it replaces the items from base up, its
// input, by its output.
type apply func(st *state, base int) error

// scope is what $this, $index and $total mean.
type scope struct {
	this   Value
	root   bool // $this is the whole focus
	index  int64
	total  int // the span of $total on the stack
	totals int
}

// state is one evaluation: all intermediate collections lie on one stack, so
// that simple paths allocate nothing.
type state struct {
	stack []Value
	high  int // how much of the stack has been used
	work  int
	scope scope
	focus []Value
	ctx   *Context
	expr  *Expr
	vars  []binding // of defineVariable(), innermost last
	// scratch holds the decoded operands of one scalar function.
	scratch *[maxArgs]scalar
	used    bool
}

type binding struct {
	name  string
	value Collection
}

var states = sync.Pool{New: func() any { return &state{stack: make([]Value, 0, 64), scratch: new([maxArgs]scalar)} }}

// keep is the largest stack that goes back to the pool.
const keep = 4096

// release gives the state back without what it points to.
func (st *state) release() {
	st.cut(0)
	if cap(st.stack) > keep {
		return
	}
	clear(st.stack[:st.high])
	clear(st.focus)
	st.focus, st.high = st.focus[:0], 0
	st.ctx, st.expr, st.vars, st.scope.this = nil, nil, nil, Value{}
	if st.used {
		clear(st.scratch[:])
		st.used = false
	}
	states.Put(st)
}

func (st *state) push(v Value) { st.stack = append(st.stack, v) }

// cut drops what lies from n up.
func (st *state) cut(n int) {
	st.high = max(st.high, len(st.stack))
	st.stack = st.stack[:n]
}

// set replaces what lies from base up by one value.
func (st *state) set(base int, v Value) {
	st.cut(base)
	st.push(v)
}

// drop removes the items between base and from: what lies above moves down.
func (st *state) drop(base, from int) {
	n := copy(st.stack[base:], st.stack[from:])
	st.cut(base + n)
}

// spend counts steps and guards the number of items.
func (st *state) spend(n int) error {
	if st.work -= n; st.work < 0 {
		return issue.Errorf(issue.TooCostly, "FHIRPath: the evaluation takes too many steps; narrow the expression").Rule(RuleLimit)
	}
	if len(st.stack) > maxItems {
		return issue.Errorf(issue.TooCostly, "FHIRPath: the evaluation holds more than %d items; narrow the expression", maxItems).Rule(RuleLimit)
	}
	return nil
}

// spendText counts the making of a string.
func (st *state) spendText(n int) error {
	if n > maxText {
		return issue.Errorf(issue.TooCostly, "FHIRPath: a computed text may have %d bytes, this one has %d", maxText, n).Rule(RuleLimit)
	}
	return st.spend(1 + n/64)
}

// fail is a failure of evaluation at a place of the expression.
func (st *state) fail(pos int, format string, args ...any) error {
	return st.expr.src.fail(issue.Processing, RuleEval, pos, format, args...)
}

// one gives the only item from base up, or nil when there is none; several are
// an error.
func (st *state) one(base, pos int, what string) (*Value, error) {
	switch len(st.stack) - base {
	case 0:
		return nil, nil
	case 1:
		return &st.stack[base], nil
	}
	return nil, st.fail(pos, "%s takes one item, and there are %d", what, len(st.stack)-base)
}

// truth is the three-valued reading of the items from base up: empty is
// unknown, a single item that is no Boolean counts as true.
// https://hl7.org/fhirpath/N1/#singleton-evaluation-of-collections
func (st *state) truth(base, pos int, what string) (value, known bool, err error) {
	v, err := st.one(base, pos, what)
	if err != nil || v == nil {
		return false, false, err
	}
	if b, ok := v.Bool(); ok {
		return b, true, nil
	}
	return true, true, nil
}

// typeOf is the type of a node that came without one: that of the resource.
func (e *Expr) typeOf(v *Value) *schema.Type {
	if v.typ != nil || e.env.Model == nil {
		return v.typ
	}
	return e.env.Model.Type(v.node.Field("resourceType").Str())
}
