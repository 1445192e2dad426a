package fhirpath

import (
	"tenon/fhir/schema"
	"tenon/fhir/tree"
)

// step is the last step of a path: the children of one name.
type step struct {
	target code      // nil for $this
	guard  *typeTest // of $this: the name of a type that the path starts with
	member *member
	in     static
	out    static
}

// step compiles the last step of a path; ok is false for a type name.
func (c *compiler) step(n *node) (s *step, ok bool, err error) {
	if n.target == nil && c.leadingType(n.text) != nil {
		return nil, false, nil
	}
	s = &step{}
	in := c.this
	if n.target != nil {
		if s.guard = c.guard(n.target); s.guard != nil {
			in = static{}.narrow(s.guard)
		} else if s.target, in, err = c.compile(n.target); err != nil {
			return nil, false, err
		}
	}
	s.in = in
	out, ok := in.child(n.text)
	if element, wrong := in.spelled(n.text); wrong {
		return nil, false, c.src.mistyped(n.pos, "%s is the name in JSON; write %s.ofType(…)", n.text, element)
	}
	if !ok && c.env.Strict && !in.empty() {
		return nil, false, c.src.mistyped(n.pos, "%s has no element %s", in, n.text)
	}
	if !ok {
		out = anything
	}
	out.never = out.never || in.never
	s.member, s.out = newMember(n.text, n.pos, c.env), out
	return s, true, nil
}

// guard is the type that a path starts with, where it is the type of $this or
// one that derives from it: Patient in Patient.name.
func (c *compiler) guard(n *node) *typeTest {
	if n.kind != nodeMember || n.target != nil {
		return nil
	}
	t := c.leadingType(n.text)
	if t == nil || t.fhir == nil || c.this.cannotBe(t.fhir) {
		return nil
	}
	return t
}

// over replaces the items that the step applies to by what push pushes for each.
func (s *step) over(push func(st *state, v *Value) error) code {
	if s.target == nil {
		return s.overThis(push)
	}
	target := s.target
	return func(st *state) error {
		base := len(st.stack)
		if err := target(st); err != nil {
			return err
		}
		end := len(st.stack)
		for i := base; i < end; i++ {
			if err := push(st, &st.stack[i]); err != nil { // which only appends
				return err
			}
		}
		st.drop(base, end)
		return st.spend(1)
	}
}

// overThis does not copy $this to the stack first.
func (s *step) overThis(push func(st *state, v *Value) error) code {
	guard := s.guard
	return func(st *state) error {
		if !st.scope.root {
			if v := &st.scope.this; guard == nil || guard.matches(st.expr, v, false) {
				return push(st, v)
			}
			return nil
		}
		for i := range st.focus {
			if v := &st.focus[i]; guard == nil || guard.matches(st.expr, v, false) {
				if err := push(st, v); err != nil {
					return err
				}
			}
		}
		return nil
	}
}

// variant is the one property of a choice that a type leaves: value as Quantity
// is valueQuantity.
type variant struct {
	of              *schema.Type // whose element it is
	property, under string
	typ             *schema.Type
	member          *member   // for elements of other types
	test            *typeTest // likewise
}

// variant finds the property; ok is false where there are several, or the type
// of the owner is not known.
func (s *step) variant(t *typeTest) (x *variant, ok bool) {
	if t.fhir == nil || s.in.open || s.in.sys != 0 || len(s.in.types) != 1 || s.in.types[0].Abstract {
		return nil, false
	}
	owner := s.in.types[0]
	e := owner.Choice(s.member.name)
	if e == nil || !e.Choice {
		return nil, false
	}
	for _, r := range e.Types {
		if r.Type != t.fhir && (r.Type.Kind == schema.Primitive || !derives(r.Type, t.fhir)) {
			continue
		}
		if x != nil {
			return nil, false
		}
		x = &variant{owner, r.JSONName, "_" + r.JSONName, r.Type, s.member, t}
	}
	return x, x != nil
}

func (x *variant) push(st *state, v *Value) error {
	if v.kind != sysNone || v.typ != x.of || v.node.Kind() != tree.Object {
		base := len(st.stack)
		if err := x.member.push(st, v); err != nil {
			return err
		}
		return x.test.keep(true)(st, base)
	}
	child, twin := v.node.Field(x.property), tree.Node{}
	if x.typ.Kind == schema.Primitive && v.node.Underscored() {
		twin = v.node.Field(x.under)
	}
	if !child.Exists() && !twin.Exists() {
		return st.spend(1)
	}
	return pushChild(st, child, twin, x.typ)
}

// narrowed compiles a step of which one type is kept: `value as Quantity`.
func (c *compiler) narrowed(n *node, t *typeTest) (run code, out static, ok bool, err error) {
	if n == nil || n.kind != nodeMember {
		return nil, static{}, false, nil
	}
	s, ok, err := c.step(n)
	if !ok || err != nil {
		return nil, static{}, false, err
	}
	out = s.out.narrow(t)
	if out.never = s.out.never; out.never {
		return nothing, out, true, nil
	}
	if x, ok := s.variant(t); ok {
		return s.over(x.push), out, true, nil
	}
	return invoke(s.over(s.member.push), t.keep(true)), out, true, nil
}
