package fhirpath

import "tenon/fhir/tree"

// The functions that FHIR adds, on elements and their extensions.
// https://hl7.org/fhir/R4/fhirpath.html#functions
func init() {
	register(map[string]builtin{
		"extension":      {1, 1, (*compiler).extension},
		"hasExtension":   {1, 1, (*compiler).hasExtension}, // not in the specification; R4's parameter item-subject uses it
		"checkModifiers": {0, 50, (*compiler).checkModifiers},
		"hasValue":       {0, 0, nil}, // condition.go
		"getValue":       {0, 0, (*compiler).getValue},
		"conformsTo":     {1, 1, (*compiler).conformsTo},
		"htmlChecks":     {0, 0, (*compiler).htmlChecks},
	})
}

// extension keeps the extensions of that URL, of elements and of primitives.
func (c *compiler) extension(n *node, in static) (apply, static, error) {
	url, err := c.value(n, 0, 1<<sysString)
	if err != nil {
		return nil, static{}, err
	}
	m := newMember("extension", n.pos, c.env)
	out := staticType(c.env.partOfElement("extension"))
	return func(st *state, base int) error {
		wanted, ok, err := st.word(n, url)
		if err != nil {
			return err
		}
		end := len(st.stack)
		keep := end
		for i := base; ok && i < end; i++ {
			v := st.stack[i]
			if err := m.push(st, &v); err != nil {
				return err
			}
			keep = st.keepURL(keep, wanted)
		}
		st.drop(base, end)
		return st.spend(1)
	}, out, nil
}

// keepURL keeps, of the extensions from n up, those of the URL.
func (st *state) keepURL(n int, url string) int {
	for i := n; i < len(st.stack); i++ {
		if st.stack[i].node.Field("url").Str() == url {
			st.stack[n] = st.stack[i]
			n++
		}
	}
	st.cut(n)
	return n
}

func (c *compiler) hasExtension(n *node, in static) (apply, static, error) {
	find, _, err := c.extension(n, in)
	if err != nil {
		return nil, static{}, err
	}
	return func(st *state, base int) error {
		if err := find(st, base); err != nil {
			return err
		}
		st.set(base, Boolean(len(st.stack) > base))
		return nil
	}, staticOf(sysBoolean), nil
}

// checkModifiers gives its input back, unless an item has a modifier extension
// that is not among the arguments: that is an error.
func (c *compiler) checkModifiers(n *node, in static) (apply, static, error) {
	known := make([]code, len(n.args))
	for i := range n.args {
		var err error
		if known[i], err = c.value(n, i, 1<<sysString); err != nil {
			return nil, static{}, err
		}
	}
	return func(st *state, base int) error {
		urls := map[string]bool{}
		for _, arg := range known {
			url, ok, err := st.word(n, arg)
			if err != nil {
				return err
			}
			urls[url] = ok
		}
		for i := base; i < len(st.stack); i++ {
			for x := range st.stack[i].node.Field("modifierExtension").Items() {
				if !urls[x.Field("url").Str()] {
					return st.fail(n.pos, "an item has a modifier extension that checkModifiers() does not name")
				}
			}
		}
		return st.spend(1 + len(st.stack) - base)
	}, in, nil
}

func (v *Value) primitive() bool {
	switch v.node.Kind() {
	case tree.Bool, tree.Number, tree.String:
		return true
	}
	return v.kind != sysNone && v.kind != sysTypeInfo
}

// getValue is the value of one primitive as a system type.
func (c *compiler) getValue(_ *node, in static) (apply, static, error) {
	return func(st *state, base int) error {
		var s scalar
		ok := len(st.stack)-base == 1 && st.stack[base].primitive() && st.stack[base].scalar(&s)
		st.cut(base)
		if ok {
			st.push(box(s))
		}
		return st.spend(1)
	}, static{sys: in.systems() &^ (1 << sysComplex), open: in.open}, nil
}

const baseDefinition = "http://hl7.org/fhir/StructureDefinition/"

// conformsTo judges the base definitions only, by type; a host that validates
// against profiles replaces it. A definition that nobody knows is an error.
func (c *compiler) conformsTo(n *node, _ static) (apply, static, error) {
	url, err := c.value(n, 0, 1<<sysString)
	if err != nil {
		return nil, static{}, err
	}
	return func(st *state, base int) error {
		wanted, ok, err := st.word(n, url)
		if err != nil {
			return err
		}
		v, err := st.one(base, n.pos, "conformsTo()")
		if err != nil {
			return err
		}
		if v == nil || !ok {
			st.cut(base)
			return nil
		}
		name := ""
		if len(wanted) > len(baseDefinition) && wanted[:len(baseDefinition)] == baseDefinition {
			name = wanted[len(baseDefinition):]
		}
		if st.expr.env.model(name) == nil {
			return st.fail(n.pos, "conformsTo() knows the definitions of FHIR's types only")
		}
		t := st.expr.typeOf(v)
		st.set(base, Boolean(t != nil && t.Is(name)))
		return st.spend(1)
	}, staticOf(sysBoolean), nil
}
