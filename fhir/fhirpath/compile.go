package fhirpath

import (
	"tenon/fhir/issue"
	"tenon/fhir/schema"
	"tenon/fhir/tree"
)

// Expr is a compiled expression. It is immutable.
type Expr struct {
	src      source
	env      *Env
	run      code
	cond     condition    // of an expression that is one; run is its value
	rootType *schema.Type // Env.Root, if the model knows it
	valued   bool         // it begins with `hasValue() or`, as FHIR's ele-1
	static   static
}

// Compile reads an expression and checks what can be checked before it runs.
// The error is an *issue.Failure that names the position. A nil env is the
// zero Env; env must not be changed afterwards.
func Compile(expr string, env *Env) (*Expr, error) {
	if env == nil {
		env = &Env{}
	}
	e := &Expr{src: source(expr), env: env}
	n, err := parse(e.src)
	if err != nil {
		return nil, err
	}
	c := &compiler{src: e.src, env: env, this: anything}
	if env.Root != "" {
		if c.this, err = c.named(env.Root, 0); err != nil {
			return nil, err
		}
	}
	c.root, e.rootType = c.this, env.model(env.Root)
	cond, ok, err := c.direct(n)
	if ok && err == nil {
		e.cond, e.run, e.static = cond, cond.value(), staticOf(sysBoolean)
		e.valued = n.text == "or" && c.isTruth(n.args[0]) && n.args[0].text == "hasValue" && n.args[0].target == nil
		return e, nil
	}
	if err == nil {
		e.run, e.static, err = c.compile(n)
	}
	if err != nil {
		return nil, err
	}
	return e, nil
}

// MustCompile is Compile for expressions that are part of the program.
func MustCompile(expr string, env *Env) *Expr {
	e, err := Compile(expr, env)
	if err != nil {
		panic(err)
	}
	return e
}

// String is the text that was compiled.
func (e *Expr) String() string { return string(e.src) }

// Types names the static types of the result ("Patient", "System.Boolean");
// nil means that any type is possible.
func (e *Expr) Types() []string {
	if e.static.open {
		return nil
	}
	names := []string{}
	for _, t := range e.static.types {
		names = append(names, t.Name)
	}
	for k := sysBoolean; k <= sysTypeInfo; k++ {
		if e.static.sys&(1<<k) != 0 {
			names = append(names, "System."+k.String())
		}
	}
	return names
}

// Eval evaluates on one or more nodes, usually one resource: a resource gets
// the type that it names, any other node the type Env.Root or none. The error
// is an *issue.Failure. A nil ctx is the zero Context.
func (e *Expr) Eval(ctx *Context, focus ...tree.Node) (Collection, error) {
	st := e.begin(ctx)
	for _, n := range focus {
		if n.Exists() {
			st.focus = append(st.focus, e.root(n))
		}
	}
	return st.finish()
}

// EvalValues is Eval on values, for a focus that is no resource: an element
// with its type, or what another expression gave.
func (e *Expr) EvalValues(ctx *Context, focus ...Value) (Collection, error) {
	st := e.begin(ctx)
	st.focus = append(st.focus, focus...)
	return st.finish()
}

// Holds evaluates a condition on one value, as invariants and discriminators
// do: empty is false, one Boolean is its value, anything else is true. It
// allocates nothing of its own. The error is an *issue.Failure. A nil ctx is the
// zero Context.
func (e *Expr) Holds(ctx *Context, focus Value) (bool, error) {
	if e.valued && focus.primitive() {
		return true, nil
	}
	st := e.begin(ctx)
	st.focus = append(st.focus, focus)
	if e.cond != nil {
		v, err := e.cond(st)
		st.release()
		return v == yes, err
	}
	err := e.run(st)
	holds := err == nil && len(st.stack) > 0
	if holds && len(st.stack) == 1 {
		if b, ok := st.stack[0].Bool(); ok {
			holds = b
		}
	}
	st.release()
	return holds, err
}

func (e *Expr) root(n tree.Node) Value {
	v := Value{node: n}
	if e.rootType != nil && n.Field("resourceType").Str() == e.rootType.Name {
		v.typ = e.rootType
	} else if v.typ = e.typeOf(&v); v.typ == nil {
		v.typ = e.rootType
	}
	return v
}

// model finds a type; nil without a model.
func (e *Env) model(name string) *schema.Type {
	if e.Model == nil {
		return nil
	}
	return e.Model.Type(name)
}

var noContext Context

func (e *Expr) begin(ctx *Context) *state {
	if ctx == nil {
		ctx = &noContext
	}
	st := states.Get().(*state)
	st.expr, st.ctx, st.work = e, ctx, ctx.Work
	if st.work <= 0 {
		st.work = DefaultWork
	}
	st.scope = scope{root: true}
	return st
}

// finish runs the expression and copies the result off the stack.
func (st *state) finish() (Collection, error) {
	err := st.expr.run(st)
	var result Collection
	if err == nil && len(st.stack) > 0 {
		result = make(Collection, len(st.stack))
		copy(result, st.stack)
	}
	st.high = max(st.high, len(st.stack))
	st.release()
	return result, err
}

// compiler turns the syntax tree into closures. this is the static type of
// $this where it stands.
type compiler struct {
	src    source
	env    *Env
	root   static
	this   static
	inside bool              // a lambda: $index has a meaning
	total  bool              // aggregate(): $total has a meaning
	vars   map[string]static // of defineVariable
	depth  int
}

// maxCompile bounds the depth of the syntax tree, which long chains of
// operators make deeper than the parser's recursion.
const maxCompile = 2500

// compile gives the closure and the static type of a syntax tree.
func (c *compiler) compile(n *node) (code, static, error) {
	if c.depth++; c.depth > maxCompile {
		return nil, static{}, c.tooDeep(n)
	}
	defer func() { c.depth-- }()
	if cond, ok, err := c.direct(n); ok || err != nil {
		return cond.value(), staticOf(sysBoolean), err
	}
	switch n.kind {
	case nodeEmpty:
		return nothing, static{}, nil
	case nodeLiteral:
		return c.literal(n)
	case nodeDollar:
		return c.dollar(n)
	case nodeVariable:
		return c.variable(n)
	case nodeMember:
		return c.member(n)
	case nodeCall:
		return c.call(n)
	case nodeIndexer:
		return c.indexer(n)
	case nodeUnary:
		return c.unary(n)
	case nodeType:
		return c.typeOperator(n)
	}
	return c.binary(n)
}

func (c *compiler) tooDeep(n *node) error {
	return c.src.fail(issue.TooLong, RuleLimit, n.pos, "the expression is too deep")
}

// nothing is the empty collection.
func nothing(*state) error { return nil }

// target compiles what an invocation applies to: $this if nothing is written.
func (c *compiler) target(n *node) (code, static, error) {
	if n == nil {
		return pushThis, c.this, nil
	}
	return c.compile(n)
}

// invoke joins a target and what is applied to it.
func invoke(target code, f apply) code {
	return func(st *state) error {
		base := len(st.stack)
		if err := target(st); err != nil {
			return err
		}
		return f(st, base)
	}
}

func pushThis(st *state) error {
	if st.scope.root {
		st.stack = append(st.stack, st.focus...)
		return st.spend(len(st.focus))
	}
	if v := &st.scope.this; v.kind != sysNone || v.element() { // iif() may have no input
		st.push(*v)
	}
	return nil
}

// within compiles an argument that is evaluated for each item: $this is the
// item.
func (c *compiler) within(this static, n *node) (code, static, error) {
	this.unordered = false
	saved := *c
	c.this, c.inside = this, true
	run, s, err := c.compile(n)
	c.this, c.inside, c.vars = saved.this, saved.inside, saved.vars
	return run, s, err
}

func (c *compiler) literal(n *node) (code, static, error) {
	s, err := c.constant(n)
	if err != nil {
		return nil, static{}, err
	}
	v := box(s)
	return func(st *state) error { st.push(v); return nil }, staticOf(s.kind), nil
}

func (c *compiler) dollar(n *node) (code, static, error) {
	switch n.text {
	case "$this":
		return pushThis, c.this, nil
	case "$index":
		if !c.inside {
			return nil, static{}, c.src.mistyped(n.pos, "$index has a meaning only inside where(), select() and the like")
		}
		return func(st *state) error { st.push(Integer(st.scope.index)); return nil }, staticOf(sysInteger), nil
	}
	if !c.total {
		return nil, static{}, c.src.mistyped(n.pos, "$total has a meaning only inside aggregate()")
	}
	return func(st *state) error {
		st.stack = append(st.stack, st.stack[st.scope.total:st.scope.totals]...)
		return st.spend(st.scope.totals - st.scope.total)
	}, anything, nil
}

// member compiles a step, or the type name that a path may start with.
func (c *compiler) member(n *node) (code, static, error) {
	if n.target == nil {
		if t := c.leadingType(n.text); t != nil {
			out := static{}.narrow(t)
			if out.never = c.this.cannotBe(t.fhir); out.never {
				return nothing, out, nil
			}
			return t.filter(), out, nil
		}
	}
	s, _, err := c.step(n)
	switch {
	case err != nil:
		return nil, static{}, err
	case s.out.never:
		return nothing, s.out, nil
	}
	return s.over(s.member.push), s.out, nil
}
