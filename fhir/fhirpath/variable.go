package fhirpath

import (
	"maps"
	"strings"

	"tenon/fhir/tree"
)

func init() {
	register(map[string]builtin{"defineVariable": {1, 2, (*compiler).defineVariable}})
}

// constants are the variables that never change.
// https://hl7.org/fhir/R4/fhirpath.html#variables
var constants = map[string]string{
	"sct":   "http://snomed.info/sct",
	"loinc": "http://loinc.org",
	"ucum":  "http://unitsofmeasure.org",
}

// variable compiles %name.
func (c *compiler) variable(n *node) (code, static, error) {
	if s, ok := c.vars[n.text]; ok {
		return func(st *state) error { return st.pushDefined(n) }, s, nil
	}
	switch n.text {
	case "context":
		return func(st *state) error {
			st.stack = append(st.stack, st.focus...)
			return st.spend(1)
		}, c.root, nil
	case "resource", "rootResource":
		s, err := c.named(c.env.Vars[n.text], n.pos)
		return func(st *state) error { return st.pushResource(n.text) }, s, err
	}
	text, ok := constants[n.text]
	if vs, is := strings.CutPrefix(n.text, "vs-"); is {
		text, ok = "http://hl7.org/fhir/ValueSet/"+vs, true
	}
	if ext, is := strings.CutPrefix(n.text, "ext-"); is {
		text, ok = "http://hl7.org/fhir/StructureDefinition/"+ext, true
	}
	if ok {
		v := String(text)
		return func(st *state) error { st.push(v); return nil }, staticOf(sysString), nil
	}
	return c.hostVariable(n)
}

func (c *compiler) hostVariable(n *node) (code, static, error) {
	name, listed := c.env.Vars[n.text]
	if c.env.Vars != nil && !listed {
		return nil, static{}, c.src.mistyped(n.pos, "there is no variable %%%s", n.text)
	}
	s, err := c.named(name, n.pos)
	return func(st *state) error {
		value, ok := st.ctx.Vars[n.text]
		if !ok {
			return st.fail(n.pos, "the variable %%%s was not given", n.text)
		}
		st.stack = append(st.stack, value...)
		return st.spend(1 + len(value))
	}, s, err
}

// pushResource pushes %resource, the resource that the focus is or lies in, or
// %rootResource, the one that contains it.
func (st *state) pushResource(name string) error {
	if value, ok := st.ctx.Vars[name]; ok {
		st.stack = append(st.stack, value...)
		return st.spend(1)
	}
	known := &st.ctx.Resource
	if name == "rootResource" {
		known = &st.ctx.RootResource
	}
	if known.kind != sysNone || known.element() {
		st.push(*known)
		return st.spend(1)
	}
	if len(st.focus) == 0 {
		return nil
	}
	n := st.focus[0].node
	if !n.Exists() {
		n = st.focus[0].twin
	}
	if !n.Exists() {
		return nil
	}
	container, resource := enclosing(n)
	if name == "resource" {
		container = resource
	}
	if container.Exists() {
		st.push(st.expr.root(container))
	}
	return st.spend(1)
}

// enclosing finds the resource that a node lies in, and the container of that
// one if it is contained, else the same again.
func enclosing(n tree.Node) (container, resource tree.Node) {
	start, end := n.Span()
	for at, contained := n.Doc().Root(), false; at.Exists(); {
		if at.Kind() == tree.Object && at.Field("resourceType").Kind() == tree.String {
			resource = at
			if !contained {
				container = at
			}
		}
		if at == n {
			break
		}
		at = childAround(at, start, end)
		contained = contained && at.Name() == "" || at.Name() == "contained"
	}
	return container, resource
}

// childAround is the child whose source spans start to end.
func childAround(n tree.Node, start, end int) tree.Node {
	for child := n.First(); child.Exists(); child = child.Next() {
		if s, e := child.Span(); s <= start && end <= e {
			return child
		}
	}
	return tree.Node{}
}

// defineVariable names a value for what follows in the same path.
func (c *compiler) defineVariable(n *node, in static) (apply, static, error) {
	first := n.args[0]
	if first.kind != nodeLiteral || first.token != tokenString || first.text == "" {
		return nil, static{}, c.src.mistyped(first.pos, "defineVariable() takes the name as a string literal")
	}
	name := first.text
	_, constant := constants[name]
	_, taken := c.vars[name]
	_, host := c.env.Vars[name]
	if taken || constant || host || name == "context" || name == "resource" || name == "rootResource" {
		return nil, static{}, c.src.mistyped(first.pos, "the variable %%%s is defined already", name)
	}
	value, out := code(nil), in
	if len(n.args) == 2 {
		var err error
		if value, out, err = c.within(in, n.args[1]); err != nil {
			return nil, static{}, err
		}
	}
	c.vars = maps.Clone(c.vars)
	if c.vars == nil {
		c.vars = map[string]static{}
	}
	c.vars[name] = out
	return func(st *state, base int) error {
		end := len(st.stack)
		if value != nil {
			saved := st.scope
			if end-base == 1 {
				st.scope.root, st.scope.this = false, st.stack[base]
			}
			err := value(st)
			st.scope = saved
			if err != nil {
				return err
			}
		}
		from := end
		if value == nil {
			from = base
		}
		st.vars = append(st.vars, binding{name, append(Collection(nil), st.stack[from:]...)})
		st.cut(end)
		return st.spend(1)
	}, in, nil
}

func (st *state) pushDefined(n *node) error {
	for i := len(st.vars) - 1; i >= 0; i-- {
		if st.vars[i].name == n.text {
			st.stack = append(st.stack, st.vars[i].value...)
			return st.spend(1)
		}
	}
	return st.fail(n.pos, "the variable %%%s is not defined here", n.text)
}
