package graphql

import (
	"slices"
	"strings"
)

// What introspection tells. https://spec.graphql.org/October2021/#sec-Introspection
type (
	// metaSet is __Schema.
	metaSet struct{ x *execution }
	// metaOf is __Type: a type, or a list or non-null of one.
	metaOf struct {
		x    *execution
		kind string // LIST, NON_NULL, or "" for that of t
		t    *typ
		of   *metaOf
	}
	// metaMember is __Field or __InputValue.
	metaMember struct {
		name string
		typ  *metaOf
		args func() []any
	}
	// metaRule is __Directive.
	metaRule struct {
		x    *execution
		name string
	}
)

// The types of introspection. They tell what is absent as null.
var (
	metaSchema = &typ{name: "__Schema", kind: objectKind, nulls: true}
	metaType   = &typ{name: "__Type", kind: objectKind, nulls: true}
	metaField  = &typ{name: "__Field", kind: objectKind, nulls: true}
	metaInput  = &typ{name: "__InputValue", kind: objectKind, nulls: true}
	metaEnum   = &typ{name: "__EnumValue", kind: objectKind, nulls: true}
	metaDir    = &typ{name: "__Directive", kind: objectKind, nulls: true}
	metaText   = &typ{name: "String"}
	metaBool   = &typ{name: "Boolean"}
	metaTypes  = []*typ{metaSchema, metaType, metaField, metaInput, metaEnum, metaDir}
)

func metaNamed(name string) bool {
	return slices.ContainsFunc(metaTypes, func(t *typ) bool { return t.name == name })
}

func computed(name string, t *typ, list bool, get func(any) any) *field {
	return &field{name: name, kind: plainField, typ: t, list: list, get: get}
}

func nothing(any) any { return nil }

func init() {
	metaSchema.plain = []*field{
		computed("description", metaText, false, nothing),
		computed("types", metaType, true, func(v any) any { return v.(*metaSet).types() }),
		computed("queryType", metaType, false, func(v any) any { x := v.(*metaSet).x; return x.meta(x.schema.query()) }),
		computed("mutationType", metaType, false, func(v any) any { return v.(*metaSet).mutation() }),
		computed("subscriptionType", metaType, false, nothing),
		computed("directives", metaDir, true, func(v any) any { return v.(*metaSet).directives() }),
	}
	metaType.plain = []*field{
		computed("kind", metaText, false, func(v any) any { return v.(*metaOf).kindName() }),
		computed("name", metaText, false, func(v any) any { return v.(*metaOf).name() }),
		computed("description", metaText, false, nothing),
		computed("specifiedByURL", metaText, false, nothing),
		computed("fields", metaField, true, func(v any) any { return v.(*metaOf).fields() }),
		computed("interfaces", metaType, true, func(v any) any { return v.(*metaOf).interfaces() }),
		computed("possibleTypes", metaType, true, func(v any) any { return v.(*metaOf).possible() }),
		computed("enumValues", metaEnum, true, nothing),
		computed("inputFields", metaInput, true, nothing),
		computed("ofType", metaType, false, func(v any) any { return orNil(v.(*metaOf).of) }),
	}
	metaField.plain = append(memberFields(),
		computed("args", metaInput, true, func(v any) any { return v.(*metaMember).args() }),
		computed("isDeprecated", metaBool, false, func(any) any { return false }),
		computed("deprecationReason", metaText, false, nothing))
	metaInput.plain = append(memberFields(),
		computed("defaultValue", metaText, false, nothing),
		computed("isDeprecated", metaBool, false, func(any) any { return false }),
		computed("deprecationReason", metaText, false, nothing))
	metaEnum.plain = []*field{computed("name", metaText, false, nothing)}
	metaDir.plain = []*field{
		computed("name", metaText, false, func(v any) any { return v.(*metaRule).name }),
		computed("description", metaText, false, nothing),
		computed("isRepeatable", metaBool, false, func(any) any { return false }),
		computed("locations", metaText, true, func(v any) any { return v.(*metaRule).locations() }),
		computed("args", metaInput, true, func(v any) any { return v.(*metaRule).args() }),
	}
}

func memberFields() []*field {
	return []*field{
		computed("name", metaText, false, func(v any) any { return v.(*metaMember).name }),
		computed("description", metaText, false, nothing),
		computed("type", metaType, false, func(v any) any { return v.(*metaMember).typ }),
	}
}

func orNil(m *metaOf) any {
	if m == nil {
		return nil
	}
	return m
}

// introspect is __schema and __type(name: …).
func (x *execution) introspect(fd *field, s *Selection) (found, error) {
	if fd.name == "__schema" {
		return one(focus{typ: fd.typ, value: &metaSet{x}}), nil
	}
	name, err := x.text(s, "name")
	if err != nil {
		return found{}, err
	}
	if t := x.schema.named(name); t != nil {
		return one(focus{typ: fd.typ, value: x.meta(t)}), nil
	}
	return one(focus{typ: fd.typ, value: null}), nil
}

func (x *execution) meta(t *typ) *metaOf { return &metaOf{x: x, t: t} }

func (x *execution) listOf(t *typ) *metaOf { return &metaOf{x: x, kind: "LIST", of: x.meta(t)} }

func (x *execution) sure(t *typ) *metaOf { return &metaOf{x: x, kind: "NON_NULL", of: x.meta(t)} }

func (m *metaSet) mutation() any {
	if m.x.env.Writer == nil {
		return nil
	}
	return m.x.meta(m.x.schema.mutation())
}

func (m *metaSet) types() any {
	list := []any{}
	for _, t := range m.x.schema.all() {
		if t.name != mutationType || m.x.env.Writer != nil {
			list = append(list, m.x.meta(t))
		}
	}
	return list
}

func (m *metaSet) directives() any {
	list := []any{}
	for _, name := range []string{"include", "skip", "first", "flatten", "singleton", "slice"} {
		list = append(list, &metaRule{m.x, name})
	}
	return list
}

func (m *metaRule) locations() any {
	if directives[m.name] == "if" {
		return []any{"FIELD", "FRAGMENT_SPREAD", "INLINE_FRAGMENT"}
	}
	return []any{"FIELD"}
}

func (m *metaRule) args() any {
	switch directives[m.name] {
	case "if":
		return []any{&metaMember{name: "if", typ: m.x.sure(m.x.schema.scalar("Boolean"))}}
	case "path":
		return []any{&metaMember{name: "path", typ: m.x.sure(m.x.schema.scalar("String"))}}
	}
	return []any{}
}

func (m *metaOf) kindName() any {
	if m.kind != "" {
		return m.kind
	}
	return [...]string{scalarKind: "SCALAR", objectKind: "OBJECT", unionKind: "UNION"}[m.t.kind]
}

func (m *metaOf) name() any {
	if m.t == nil {
		return nil
	}
	return m.t.name
}

func (m *metaOf) interfaces() any {
	if m.t == nil || m.t.kind != objectKind {
		return nil
	}
	return []any{}
}

func (m *metaOf) possible() any {
	if m.t == nil || m.t.kind != unionKind {
		return nil
	}
	list := []any{}
	for _, t := range m.x.schema.members(m.t) {
		list = append(list, m.x.meta(t))
	}
	return list
}

func (m *metaOf) fields() any {
	if m.t == nil || m.t.kind != objectKind {
		return nil
	}
	list := []any{}
	for _, name := range m.x.schema.names(m.t) {
		f := m.x.schema.field(m.t, name)
		typ := m.x.meta(f.typ)
		if f.list {
			typ = m.x.listOf(f.typ)
		}
		list = append(list, &metaMember{name: name, typ: typ, args: func() []any { return m.x.args(f) }})
	}
	return list
}

// names lists the fields of a type but for __typename.
func (s *Schema) names(t *typ) (names []string) {
	switch {
	case t.fhir == nil && t.name == queryType:
		for _, r := range s.model.Resources() {
			names = append(names, r, r+"List", r+"Connection")
		}
	case t.fhir == nil && t.name == mutationType:
		for _, r := range s.model.Resources() {
			names = append(names, r+"Create", r+"Update", r+"Delete")
		}
	case t.fhir == nil:
		for _, f := range t.plain {
			names = append(names, f.name)
		}
	default:
		names = s.elementNames(t)
	}
	return names
}

func (s *Schema) elementNames(t *typ) (names []string) {
	if t.resource {
		names = append(names, "resourceType")
	}
	for i := range t.fhir.Elements {
		e := &t.fhir.Elements[i]
		properties := []string{e.Property}
		if e.Choice {
			properties = properties[:0]
			for _, ref := range e.Types {
				properties = append(properties, ref.JSONName)
			}
		}
		for _, name := range properties {
			if name == "" || s.elementField(t, name) == nil {
				continue
			}
			names = append(names, name)
			if s.elementField(t, "_"+name) != nil {
				names = append(names, "_"+name)
			}
		}
	}
	if t.fhir.Is("Reference") {
		names = append(names, "resource")
	}
	return names
}

// all lists every type that a query can meet, in the order of their names.
func (s *Schema) all() []*typ {
	if made, ok := s.made.Load("graphql all"); ok {
		return made.([]*typ)
	}
	seen := map[string]*typ{}
	var visit func(t *typ)
	visit = func(t *typ) {
		if seen[t.name] != nil {
			return
		}
		seen[t.name] = t
		if t.kind != objectKind {
			return
		}
		for _, name := range s.names(t) {
			visit(s.field(t, name).typ)
		}
	}
	visit(s.query())
	visit(s.mutation())
	visit(s.targets(nil))
	for _, t := range append([]*typ{s.scalar("Int"), s.scalar("Float"), s.scalar("ID"), s.scalar("Boolean"), s.scalar("String"), s.scalar("ResourceInput"), s.scalar("code")}, metaTypes...) {
		visit(t)
	}
	var list []*typ
	for _, t := range seen {
		list = append(list, t)
	}
	slices.SortFunc(list, func(a, b *typ) int { return strings.Compare(a.name, b.name) })
	made, _ := s.made.LoadOrStore("graphql all", list)
	return made.([]*typ)
}

// named finds a type by its name; nil when there is none.
func (s *Schema) named(name string) *typ {
	all := s.all()
	i, ok := slices.BinarySearchFunc(all, name, func(t *typ, name string) int { return strings.Compare(t.name, name) })
	if !ok {
		return nil
	}
	return all[i]
}

// args are the arguments of a field.
func (x *execution) args(f *field) []any {
	s := x.schema
	list := []any{}
	add := func(name string, typ *metaOf) { list = append(list, &metaMember{name: name, typ: typ}) }
	switch f.kind {
	case elementField:
		if !f.list {
			return list
		}
		add("fhirpath", x.meta(s.scalar("String")))
		add("_offset", x.meta(s.scalar("Int")))
		add("_count", x.meta(s.scalar("Int")))
		if f.typ.kind == objectKind && !f.twin {
			for _, name := range s.elementNames(f.typ) {
				if part := s.elementField(f.typ, name); part != nil && part.typ.kind == scalarKind {
					add(name, x.listOf(part.typ))
				}
			}
		}
	case referenceField:
		add("optional", x.meta(s.scalar("Boolean")))
		add("type", x.meta(s.scalar("code")))
	case listField, connectionField:
		add("_count", x.meta(s.scalar("Int")))
		add("_cursor", x.meta(s.scalar("ID")))
		add("_sort", x.meta(s.scalar("String")))
		for _, p := range x.env.Source.Parameters(f.of) {
			if !strings.Contains(p.Name, ":") {
				add(strings.ReplaceAll(p.Name, "-", "_"), x.listOf(s.scalar("String")))
			}
		}
	case lookupField:
		add("id", x.sure(s.scalar("ID")))
	case updateField:
		add("id", x.sure(s.scalar("ID")))
		add("resource", x.sure(s.scalar("ResourceInput")))
	case createField:
		add("resource", x.sure(s.scalar("ResourceInput")))
	case deleteField:
		add("id", x.sure(s.scalar("ID")))
	}
	return list
}
