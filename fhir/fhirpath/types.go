package fhirpath

import (
	"strings"

	"tenon/fhir/schema"
	"tenon/fhir/tree"
)

// typeTest is a type specifier as it is tested at run time.
// https://hl7.org/fhirpath/N1/#types
type typeTest struct {
	name string       // without namespace
	fhir *schema.Type // nil when the name is none of the model's
	any  bool         // without a model: compare names with what JSON tells
	sys  system
}

// test resolves a type specifier: FHIR's types first, then System's.
func (c *compiler) test(name string, pos int) (*typeTest, error) {
	namespace, plain, qualified := strings.Cut(name, ".")
	if !qualified {
		plain = name
	}
	t := &typeTest{name: plain}
	if !qualified || namespace == "FHIR" {
		t.fhir, t.any = c.env.model(plain), c.env.Model == nil
	}
	if !qualified || namespace == "System" {
		t.sys = systemNamed(plain)
	}
	switch {
	case qualified && namespace != "FHIR" && namespace != "System":
		return nil, c.src.mistyped(pos, "the namespace of a type is FHIR or System, not %s", namespace)
	case t.fhir == nil && !t.any && t.sys == sysNone && (namespace != "System" || c.env.Strict):
		return nil, c.src.mistyped(pos, "there is no type %s", name)
	}
	return t, nil
}

// named is the static type of a qualified name, for Env.Root and Env.Vars.
func (c *compiler) named(name string, pos int) (static, error) {
	if name == "" || c.env.Model == nil && !strings.HasPrefix(name, "System.") {
		return anything, nil
	}
	if t := c.env.model(name); t != nil { // Patient.contact is a type too
		return staticType(t), nil
	}
	t, err := c.test(name, pos)
	if err != nil {
		return static{}, err
	}
	return static{}.narrow(t), nil
}

// matches tells whether the value has the type or derives from it. With exact,
// a primitive must have the very type: code is a string, but as(string) does
// not let a code through.
func (t *typeTest) matches(e *Expr, v *Value, exact bool) bool {
	if v.kind != sysNone {
		return v.kind == t.sys
	}
	typ := e.typeOf(v)
	if typ == nil {
		return t.any && t.matchesJSON(v.node) || t.sys != sysNone && t.matchesJSON(v.node)
	}
	if t.fhir == nil {
		return false
	}
	if exact && typ.Kind == schema.Primitive {
		return typ == t.fhir
	}
	return derives(typ, t.fhir)
}

// derives tells whether a type is another or derives from it; both are of one
// model.
func derives(t, from *schema.Type) bool {
	for ; t != nil; t = t.Base {
		if t == from {
			return true
		}
	}
	return false
}

// matchesJSON judges a node whose type nobody knows.
func (t *typeTest) matchesJSON(n tree.Node) bool {
	switch n.Kind() {
	case tree.Object:
		return n.Field("resourceType").Str() == t.name
	case tree.Bool:
		return strings.EqualFold(t.name, "boolean")
	case tree.String:
		return strings.EqualFold(t.name, "string")
	case tree.Number:
		whole := !strings.ContainsAny(n.Text(), ".eE")
		return whole && strings.EqualFold(t.name, "integer") || !whole && strings.EqualFold(t.name, "decimal")
	}
	return false
}

// leadingType is the type that a path starts with (Patient.name), or nil when
// the name is an element's. Types of elements start with a small letter only
// where they are primitive, and those start no path.
func (c *compiler) leadingType(name string) *typeTest {
	if name == "" || name[0] < 'A' || name[0] > 'Z' {
		return nil
	}
	t := &typeTest{name: name, fhir: c.env.model(name), any: c.env.Model == nil}
	if t.fhir == nil && !t.any {
		return nil
	}
	return t
}

// filter pushes what of $this has the type: a path that names another type
// yields empty.
func (t *typeTest) filter() code {
	return func(st *state) error {
		if !st.scope.root {
			if t.matches(st.expr, &st.scope.this, false) {
				st.push(st.scope.this)
			}
			return nil
		}
		for i := range st.focus {
			if v := &st.focus[i]; t.matches(st.expr, v, false) || t.any && t.abstract() {
				st.push(*v)
			}
		}
		return st.spend(1)
	}
}

func (t *typeTest) abstract() bool { return t.name == "Resource" || t.name == "DomainResource" }

// typeOperator compiles `a is T` and `a as T`.
func (c *compiler) typeOperator(n *node) (code, static, error) {
	if n.text == "is" {
		if run, ok, err := c.resolvesTo(n.args[0], n.unit, n.pos); ok || err != nil {
			return run, staticOf(sysBoolean), err
		}
	}
	t, err := c.test(n.unit, n.pos)
	if err != nil {
		return nil, static{}, err
	}
	if n.text == "as" {
		if run, out, ok, err := c.narrowed(n.args[0], t); ok || err != nil {
			return run, out, err
		}
	}
	target, in, err := c.compile(n.args[0])
	if err != nil {
		return nil, static{}, err
	}
	if n.text == "is" {
		return invoke(target, t.is(n.pos)), staticOf(sysBoolean), nil
	}
	out := in.narrow(t)
	if out.never = in.never; out.never {
		return nothing, out, nil
	}
	return invoke(target, t.keep(true)), out, nil
}

// is replaces one item by whether it has the type.
func (t *typeTest) is(pos int) apply {
	return func(st *state, base int) error {
		v, err := st.one(base, pos, "is")
		if err != nil || v == nil {
			return err
		}
		st.set(base, Boolean(t.matches(st.expr, v, false)))
		return st.spend(1)
	}
}

// keep keeps the items that have the type.
func (t *typeTest) keep(exact bool) apply {
	return func(st *state, base int) error {
		end := base
		for i := base; i < len(st.stack); i++ {
			if t.matches(st.expr, &st.stack[i], exact) {
				st.stack[end] = st.stack[i]
				end++
			}
		}
		n := len(st.stack) - base
		st.cut(end)
		return st.spend(n + 1)
	}
}

// typeArgument reads the argument of is(), as() and ofType().
func (c *compiler) typeArgument(n *node) (*typeTest, error) {
	name, ok := n.args[0].typeName()
	if !ok {
		return nil, c.src.mistyped(n.args[0].pos, "%s() takes the name of a type", n.text)
	}
	return c.test(name, n.args[0].pos)
}

func (c *compiler) isFunction(n *node, in static) (apply, static, error) {
	t, err := c.typeArgument(n)
	if err != nil {
		return nil, static{}, err
	}
	return t.is(n.pos), staticOf(sysBoolean), nil
}

func (c *compiler) asFunction(n *node, in static) (apply, static, error) {
	t, err := c.typeArgument(n)
	if err != nil {
		return nil, static{}, err
	}
	keep, single := t.keep(true), !c.env.FilterAs
	return func(st *state, base int) error {
		if single && len(st.stack)-base > 1 {
			return st.fail(n.pos, "as() takes one item, and there are %d; ofType() filters several", len(st.stack)-base)
		}
		return keep(st, base)
	}, in.narrow(t), nil
}

func (c *compiler) ofTypeFunction(n *node, in static) (apply, static, error) {
	t, err := c.typeArgument(n)
	if err != nil {
		return nil, static{}, err
	}
	return t.keep(true), in.narrow(t), nil
}

// typeFunction is type(): what the item says of itself.
func (c *compiler) typeFunction(n *node, _ static) (apply, static, error) {
	return func(st *state, base int) error {
		for i := base; i < len(st.stack); i++ {
			v := st.stack[i]
			v.typ = st.expr.typeOf(&v)
			st.stack[i] = box(scalar{kind: sysTypeInfo, str: v.Type()})
		}
		return st.spend(len(st.stack) - base + 1)
	}, staticOf(sysTypeInfo), nil
}
