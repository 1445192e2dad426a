package graphql

import (
	"strings"
	"sync"

	"tenon/fhir/schema"
)

// kind tells what a type of GraphQL is.
type kind uint8

const (
	scalarKind kind = iota
	objectKind
	unionKind
)

// typ is a type as queries see it, made of a type of FHIR when it is first
// needed.
type typ struct {
	name     string
	kind     kind
	fhir     *schema.Type // nil for what GraphQL has of its own
	resource bool
	possible []string // FHIR types of a union; nil means every resource
	of       *typ     // the resource type of a Connection or Edge, or of what a mutation answers
	plain    []*field // fields that are computed
	nulls    bool     // absent values are told as null, as introspection needs it
}

// fieldKind tells how a field is answered.
type fieldKind uint8

const (
	elementField fieldKind = iota
	typenameField
	resourceTypeField
	referenceField  // Reference.resource
	lookupField     // Patient(id: …)
	listField       // PatientList(…)
	connectionField // PatientConnection(…)
	plainField
	introspectField
	createField
	updateField
	deleteField
)

// field is a field of a type.
type field struct {
	name    string
	kind    fieldKind
	list    bool
	typ     *typ
	of      string          // resource type that is searched or changed
	reverse bool            // a search that needs _reference
	element *schema.Element // of an elementField
	twin    bool            // _birthDate: the extensions of a primitive
	get     func(any) any   // of a plainField
}

// Schema is R4 as GraphQL sees it. It is safe for any number of goroutines.
type Schema struct {
	model *schema.Model
	made  sync.Map // name → *typ
}

// NewSchema makes the schema of a model.
func NewSchema(m *schema.Model) *Schema { return &Schema{model: m} }

// names of the types that queries begin at.
const (
	queryType    = "Query"
	mutationType = "Mutation"
	anyResource  = "Resource"
)

// builtin are the primitives that GraphQL has a name of its own for.
var builtin = map[string]string{
	"string": "String", "boolean": "Boolean", "integer": "Int", "decimal": "Float", "id": "ID",
	"http://hl7.org/fhirpath/System.String": "String",
}

// graphName is the name of a FHIR type: Patient.contact is PatientContact.
func graphName(t *schema.Type) string {
	if name, ok := builtin[t.Name]; ok {
		return name
	}
	if t.Kind != schema.Backbone {
		return strings.ReplaceAll(t.Name[strings.LastIndexByte(t.Name, '/')+1:], ".", "")
	}
	name := ""
	for step := range strings.SplitSeq(t.Name, ".") {
		name += strings.ToUpper(step[:1]) + step[1:]
	}
	return name
}

// of is the type of a FHIR type.
func (s *Schema) of(t *schema.Type) *typ {
	if made, ok := s.made.Load(t.Name); ok {
		return made.(*typ)
	}
	n := &typ{name: graphName(t), fhir: t, kind: objectKind, resource: t.Kind == schema.Resource}
	switch {
	case t.Kind == schema.Primitive, strings.HasPrefix(t.Name, "http:"):
		n.kind = scalarKind
	case t.Kind == schema.Resource && t.Abstract:
		n.kind, n.name = unionKind, anyResource
	}
	made, _ := s.made.LoadOrStore(t.Name, n)
	return made.(*typ)
}

// cached makes a type that is none of FHIR.
func (s *Schema) cached(name string, make func() *typ) *typ {
	if made, ok := s.made.Load("graphql " + name); ok {
		return made.(*typ)
	}
	made, _ := s.made.LoadOrStore("graphql "+name, make())
	return made.(*typ)
}

func (s *Schema) scalar(name string) *typ {
	return s.cached(name, func() *typ { return &typ{name: name} })
}

func (s *Schema) query() *typ {
	return s.cached(queryType, func() *typ { return &typ{name: queryType, kind: objectKind} })
}

// targets is what a reference of these target types leads to.
func (s *Schema) targets(possible []string) *typ {
	if len(possible) == 0 || len(possible) == 1 && possible[0] == anyResource {
		return s.cached(anyResource, func() *typ { return &typ{name: anyResource, kind: unionKind, resource: true} })
	}
	return s.cached("target "+strings.Join(possible, "|"), func() *typ {
		return &typ{name: anyResource, kind: unionKind, resource: true, possible: possible}
	})
}

// members are the object types of a union, or the type itself.
func (s *Schema) members(t *typ) []*typ {
	if t.kind != unionKind {
		return []*typ{t}
	}
	names := t.possible
	if names == nil {
		names = s.model.Resources()
	}
	var list []*typ
	for _, name := range names {
		if s.model.IsResource(name) {
			list = append(list, s.of(s.model.Type(name)))
		}
	}
	return list
}

// field finds a field of an object type; nil when it has none of that name.
func (s *Schema) field(t *typ, name string) *field {
	if name == "__typename" {
		return &field{name: name, kind: typenameField, typ: s.scalar("String")}
	}
	for _, f := range t.plain {
		if f.name == name {
			return f
		}
	}
	switch {
	case t.name == queryType && t.fhir == nil:
		return s.queryField(name)
	case t.name == mutationType && t.fhir == nil:
		return s.mutationField(name)
	case t.fhir == nil:
		return nil
	case name == "resourceType" && t.resource:
		return &field{name: name, kind: resourceTypeField, typ: s.scalar("String")}
	case name == "resource" && t.fhir.Is("Reference"):
		return &field{name: name, kind: referenceField, typ: s.targets(nil)}
	}
	if f := s.elementField(t, name); f != nil || !t.resource {
		return f
	}
	return s.searchField(name, true)
}

func (s *Schema) elementField(t *typ, name string) *field {
	plain, twin := strings.CutPrefix(name, "_")
	e := t.fhir.Element(plain)
	if e == nil || e.Type == nil {
		return nil
	}
	f := &field{name: name, kind: elementField, element: e, typ: s.of(e.Type), list: e.Max != 1, twin: twin}
	if twin {
		if f.typ.kind != scalarKind || e.Type.Kind != schema.Primitive {
			return nil
		}
		f.typ = s.of(s.model.Type("Element"))
	}
	return f
}

// queryField is a field where a query of the system begins.
func (s *Schema) queryField(name string) *field {
	switch {
	case name == "__schema":
		return &field{name: name, kind: introspectField, typ: metaSchema}
	case name == "__type":
		return &field{name: name, kind: introspectField, typ: metaType}
	case s.model.IsResource(name):
		return &field{name: name, kind: lookupField, typ: s.of(s.model.Type(name)), of: name}
	}
	return s.searchField(name, false)
}

// searchField is PatientList or PatientConnection.
func (s *Schema) searchField(name string, reverse bool) *field {
	if of, ok := strings.CutSuffix(name, "List"); ok && s.model.IsResource(of) {
		return &field{name: name, kind: listField, list: true, typ: s.of(s.model.Type(of)), of: of, reverse: reverse}
	}
	if of, ok := strings.CutSuffix(name, "Connection"); ok && s.model.IsResource(of) {
		return &field{name: name, kind: connectionField, typ: s.connection(of), of: of, reverse: reverse}
	}
	return nil
}

// connection is a page of a search. https://hl7.org/fhir/R4/graphql.html#searching
func (s *Schema) connection(of string) *typ {
	return s.cached(of+"Connection", func() *typ {
		resource := s.of(s.model.Type(of))
		number, text := s.scalar("Int"), s.scalar("String")
		edge := &typ{name: of + "Edge", kind: objectKind, of: resource, plain: []*field{
			{name: "mode", kind: plainField, typ: text, get: func(v any) any { return word(v.(*Hit).Mode) }},
			{name: "score", kind: plainField, typ: s.scalar("Float"), get: func(any) any { return nil }},
			{name: "resource", kind: plainField, typ: resource, get: func(v any) any { return v.(*Hit).Resource }},
		}}
		count := func(n *int64) any {
			if n == nil {
				return nil
			}
			return *n
		}
		return &typ{name: of + "Connection", kind: objectKind, of: resource, plain: []*field{
			{name: "count", kind: plainField, typ: number, get: func(v any) any { return count(v.(*Page).Total) }},
			{name: "offset", kind: plainField, typ: number, get: func(v any) any { return count(v.(*Page).Offset) }},
			{name: "pagesize", kind: plainField, typ: number, get: func(v any) any { return int64(v.(*Page).Size) }},
			{name: "edges", kind: plainField, typ: edge, list: true, get: func(v any) any { return edges(v.(*Page)) }},
			{name: "first", kind: plainField, typ: s.scalar("ID"), get: func(v any) any { return word(v.(*Page).First) }},
			{name: "previous", kind: plainField, typ: s.scalar("ID"), get: func(v any) any { return word(v.(*Page).Previous) }},
			{name: "next", kind: plainField, typ: s.scalar("ID"), get: func(v any) any { return word(v.(*Page).Next) }},
			{name: "last", kind: plainField, typ: s.scalar("ID"), get: func(v any) any { return word(v.(*Page).Last) }},
		}}
	})
}

func word(s string) any {
	if s == "" {
		return nil
	}
	return s
}

func edges(p *Page) any {
	list := make([]any, len(p.Hits))
	for i := range p.Hits {
		list[i] = &p.Hits[i]
	}
	return list
}
