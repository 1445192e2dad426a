package fhirpath

import (
	"strings"
	"sync/atomic"

	"tenon/fhir/schema"
	"tenon/fhir/tree"
)

// member is a step to the children of one name. It remembers how the name is
// reached in the type that it met last.
type member struct {
	name  string
	under string // name of the sibling of a primitive
	pos   int
	env   *Env
	last  atomic.Pointer[access]
}

func newMember(name string, pos int, env *Env) *member {
	return &member{name: name, under: "_" + name, pos: pos, env: env}
}

// access is how the children of that name are found in one type.
type access struct {
	of       *schema.Type
	known    bool         // the type has the element
	spelled  bool         // the name is the JSON spelling of a choice
	typ      *schema.Type // of the element, if it is no choice
	simple   bool         // it may have a sibling: a primitive, or nobody knows
	variants map[string]*schema.Type
}

func (m *member) access(t *schema.Type) *access {
	if a := m.last.Load(); a != nil && a.of == t {
		return a
	}
	a := newAccess(m.name, t)
	m.last.Store(a)
	return a
}

func newAccess(name string, t *schema.Type) *access {
	a := &access{of: t, simple: t == nil, known: t == nil}
	if t == nil {
		return a
	}
	e := t.Choice(name)
	if e == nil {
		e = t.Element(name)
		a.spelled = e != nil && e.Choice
		return a
	}
	a.known = true
	if !e.Choice {
		a.typ = e.Type
		a.simple = e.Type == nil || e.Type.Kind == schema.Primitive
		return a
	}
	a.variants = make(map[string]*schema.Type, len(e.Types))
	for _, r := range e.Types {
		a.variants[r.JSONName] = r.Type
	}
	return a
}

// push pushes the children of v that the member names.
func (m *member) push(st *state, v *Value) error {
	if v.kind != sysNone {
		m.pushInfo(st, v)
		return nil
	}
	if v.node.Kind() != tree.Object {
		m.pushOfPrimitive(st, v)
		return nil
	}
	node, a := v.node, m.access(st.expr.typeOf(v))
	switch {
	case a.variants != nil:
		return pushVariants(st, node, m.name, a.variants)
	case a.spelled:
		return st.fail(m.pos, "%s is the name in JSON; in FHIRPath the element of %s is named without its type", m.name, a.of.Name)
	case !a.known:
		return nil
	}
	child := node.Field(m.name)
	var twin tree.Node
	if a.simple && node.Underscored() {
		twin = node.Field(m.under)
	}
	if child.Exists() || twin.Exists() {
		return pushChild(st, child, twin, a.typ)
	}
	if a.of == nil {
		return pushUntypedChoice(st, node, m.name)
	}
	return nil
}

// has tells whether push would push something.
func (m *member) has(st *state, v *Value) (bool, error) {
	if v.kind == sysNone && v.node.Kind() == tree.Object {
		switch a := m.access(st.expr.typeOf(v)); {
		case a.of == nil || a.spelled: // push knows
		case !a.known:
			return false, nil
		case a.variants != nil:
			return hasVariant(v.node, m.name, a.variants), st.spend(1)
		default:
			child := v.node.Field(m.name)
			found := filled(child) || a.simple && v.node.Underscored() && filledTwin(v.node.Field(m.under))
			return found, st.spend(1)
		}
	}
	base := len(st.stack)
	err := m.push(st, v)
	found := len(st.stack) > base
	st.cut(base)
	return found, err
}

// filled tells whether a property has a value, or an array one that is not null.
func filled(n tree.Node) bool {
	if n.Kind() != tree.Array {
		return n.Exists() && n.Kind() != tree.Null
	}
	for item := n.First(); item.Exists(); item = item.Next() {
		if item.Kind() != tree.Null {
			return true
		}
	}
	return false
}

// filledTwin is filled for the sibling of a primitive: only objects count.
func filledTwin(n tree.Node) bool {
	if n.Kind() != tree.Array {
		return n.Kind() == tree.Object
	}
	for item := n.First(); item.Exists(); item = item.Next() {
		if item.Kind() == tree.Object {
			return true
		}
	}
	return false
}

// pushInfo pushes the parts of a TypeInfo.
func (m *member) pushInfo(st *state, v *Value) {
	if v.kind != sysTypeInfo {
		return
	}
	namespace, name, _ := strings.Cut(v.box.str, ".")
	switch m.name {
	case "namespace":
		st.push(String(namespace))
	case "name":
		st.push(String(name))
	}
}

// pushOfPrimitive pushes id and extensions of a primitive, which its sibling
// holds.
func (m *member) pushOfPrimitive(st *state, v *Value) {
	if m.name != "id" && m.name != "extension" {
		return
	}
	child := v.twin.Field(m.name)
	if !child.Exists() {
		return
	}
	_ = pushChild(st, child, tree.Node{}, m.env.partOfElement(m.name))
}

// partOfElement is the type of an element that every data type has.
func (e *Env) partOfElement(name string) *schema.Type {
	if t := e.model("Element"); t != nil {
		if el := t.Choice(name); el != nil {
			return el.Type
		}
	}
	return nil
}

// pushVariants finds which property of a choice is there: value[x] may be
// valueQuantity, or _valueString alone.
func pushVariants(st *state, node tree.Node, name string, variants map[string]*schema.Type) error {
	for f := node.First(); f.Exists(); f = f.Next() {
		property := f.Name()
		under := strings.HasPrefix(property, "_")
		if under {
			property = property[1:]
		}
		if !strings.HasPrefix(property, name) {
			continue
		}
		t, ok := variants[property]
		if !ok {
			continue
		}
		child, twin := f, tree.Node{}
		if under {
			if node.Field(property).Exists() {
				continue // met as the property itself
			}
			child, twin = tree.Node{}, f
		} else if t.Kind == schema.Primitive && node.Underscored() {
			twin = node.Field("_" + property)
		}
		if err := pushChild(st, child, twin, t); err != nil {
			return err
		}
	}
	return nil
}

// hasVariant tells whether pushVariants would push something.
func hasVariant(node tree.Node, name string, variants map[string]*schema.Type) bool {
	for f := node.First(); f.Exists(); f = f.Next() {
		property, under := strings.CutPrefix(f.Name(), "_")
		if !strings.HasPrefix(property, name) {
			continue
		}
		if _, ok := variants[property]; ok && (under && filledTwin(f) || !under && filled(f)) {
			return true
		}
	}
	return false
}

// pushUntypedChoice finds a choice without a model: the name and a type's name.
func pushUntypedChoice(st *state, node tree.Node, name string) error {
	for f := node.First(); f.Exists(); f = f.Next() {
		property := f.Name()
		if len(property) > len(name) && strings.HasPrefix(property, name) && 'A' <= property[len(name)] && property[len(name)] <= 'Z' {
			if err := pushChild(st, f, node.Field("_"+property), nil); err != nil {
				return err
			}
		}
	}
	return nil
}

// pushChild pushes a property's value, or the items of its array paired with
// those of its sibling.
func pushChild(st *state, child, twin tree.Node, t *schema.Type) error {
	if child.Kind() == tree.Array || twin.Kind() == tree.Array {
		return pushItems(st, child, twin, t)
	}
	if child.Kind() == tree.Null {
		child = tree.Node{}
	}
	if child.Exists() || twin.Kind() == tree.Object {
		st.push(Value{node: child, twin: twin, typ: resourceType(st, child, t)})
	}
	return st.spend(1)
}

func pushItems(st *state, children, twins tree.Node, t *schema.Type) error {
	child, twin := children.First(), twins.First()
	for child.Exists() || twin.Exists() {
		v := Value{node: child, typ: t}
		if child.Kind() == tree.Null {
			v.node = tree.Node{}
		}
		if twin.Kind() == tree.Object {
			v.twin = twin
		}
		if v.node.Exists() || v.twin.Exists() {
			v.typ = resourceType(st, v.node, t)
			st.push(v)
		}
		if err := st.spend(1); err != nil {
			return err
		}
		child, twin = child.Next(), twin.Next()
	}
	return nil
}

// resourceType is the type of a contained resource where its element only says
// Resource.
func resourceType(st *state, n tree.Node, t *schema.Type) *schema.Type {
	if t == nil || t.Kind != schema.Resource {
		return t
	}
	if actual := st.expr.env.model(n.Field("resourceType").Str()); actual != nil && actual.Kind == schema.Resource {
		return actual
	}
	return t
}

// pushChildren pushes all children of an element in document order.
func pushChildren(st *state, v *Value) error {
	node := v.node
	if v.kind != sysNone {
		return nil
	}
	if node.Kind() != tree.Object {
		node = v.twin
	}
	t := st.expr.typeOf(v)
	if t != nil && t.Kind == schema.Primitive {
		t = st.expr.env.model("Element")
	}
	for f := node.First(); f.Exists(); f = f.Next() {
		property, child, twin := f.Name(), f, tree.Node{}
		switch {
		case property == "resourceType":
			continue
		case strings.HasPrefix(property, "_"):
			property = property[1:]
			if node.Field(property).Exists() {
				continue
			}
			child, twin = tree.Node{}, f
		}
		ct, simple := childType(t, property)
		if simple && child.Exists() && node.Underscored() {
			twin = node.Field("_" + property)
		}
		if err := pushChild(st, child, twin, ct); err != nil {
			return err
		}
	}
	return nil
}

func childType(t *schema.Type, property string) (child *schema.Type, simple bool) {
	if t == nil {
		return nil, true
	}
	e := t.Element(property)
	if e == nil {
		return nil, true
	}
	return e.Type, e.Type == nil || e.Type.Kind == schema.Primitive
}
