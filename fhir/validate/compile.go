package validate

import (
	"slices"
	"strings"
	"sync"

	"tenon/fhir/rules"
	"tenon/fhir/schema"
)

// typePlan is the compiled form of one type. A stub is made when it is first
// mentioned, and filled when it is first used.
type typePlan struct {
	set      *Set
	typ      *schema.Type
	once     sync.Once
	table    table
	required slots // elements with min ≥ 1
	value    int   // slot of an extension's value
	closing  closing
	resource bool
	checks   []*invariant // of the type and what it derives from
	rule     rules.Rule
}

// closing tells what is judged when all members of an object have been seen.
type closing uint8

const (
	closeNothing   closing = iota
	closeElement           // ele-1
	closeExtension         // ele-1 and ext-1
)

// slots is a set of elements of one type, by their index.
type slots [2]uint64

func (s *slots) add(i int)      { s[i>>6] |= 1 << (i & 63) }
func (s *slots) has(i int) bool { return s[i>>6]&(1<<(i&63)) != 0 }

// property is one JSON property that an object of a type may have.
type property struct {
	name    string // "valueQuantity", "_birthDate"
	element *schema.Element
	slot    int
	list    bool
	sibling bool       // the _x of a primitive
	prim    *primitive // nil for what is an object
	plan    *typePlan  // nil for primitives
	pair    string     // for a primitive its _x, for an _x its primitive
	codes   map[string]struct{}
	concept string   // value set that a coding must come from
	refers  bool     // to a Reference
	targets []string // resource types of a Reference; nil means any
	simple  bool     // SimpleQuantity: no comparator
	checks  []*invariant
	coded   []*binding // beyond codes and concept
	kind    uint8      // of the rules that its type has
}

// stub is the plan of a type, perhaps not filled yet. The caller holds mu.
func (s *Set) stub(t *schema.Type) *typePlan {
	p := s.plans[t.Name]
	if p == nil {
		p = &typePlan{set: s, typ: t, resource: t.Kind == schema.Resource}
		s.plans[t.Name] = p
	}
	return p
}

func (p *typePlan) ready() { p.once.Do(p.compile) }

func (p *typePlan) compile() {
	s := p.set
	s.mu.Lock()
	defer s.mu.Unlock()
	elements := p.typ.Elements
	if len(elements) > 64*len(slots{}) {
		panic("validate: " + p.typ.Name + " has more elements than a plan can count")
	}
	var list []*property
	for i := range elements {
		e := &elements[i]
		if e.Min > 0 {
			p.required.add(i)
		}
		for _, r := range e.Types {
			list = append(list, s.properties(p.typ.Element(r.JSONName), i)...)
		}
	}
	p.table = newTable(list)
	if s.full() {
		p.checks, p.rule = s.invariants.ofType(p.typ), rules.Of(p.typ.Name)
	}
	switch {
	case p.typ.Is("Extension"):
		p.closing = closeExtension
		p.value = slices.IndexFunc(elements, func(e schema.Element) bool { return e.Name == "value" })
	case p.typ.Is("Element"):
		p.closing = closeElement
	}
}

// properties are the one or two properties of an element of one type: its
// value, and for a primitive the _x with id and extensions.
func (s *Set) properties(e *schema.Element, slot int) []*property {
	v := &property{name: e.Property, element: e, slot: slot, list: e.Max != 1}
	if s.full() {
		v.checks, v.coded, v.kind = s.invariants.ofElement(e), s.baseBindings(e), kindOf(e.Type)
	}
	required := e.Binding != nil && e.Binding.Strength == "required"
	if e.Type.Kind != schema.Primitive {
		v.plan = s.stub(e.Type)
		v.refers, v.targets = e.Type.Name == "Reference", e.Types[0].TargetTypes
		v.simple = slices.ContainsFunc(e.Types[0].Profiles, func(url string) bool { return strings.HasSuffix(url, "/SimpleQuantity") })
		if required && (e.Type.Name == "CodeableConcept" || e.Type.Name == "Coding") && s.model.Systems(e.Binding.ValueSet) != nil {
			v.concept = e.Binding.ValueSet
		}
		return []*property{v}
	}
	v.prim, v.pair = primitives[e.Type.Name], "_"+e.Property
	if v.prim == nil {
		panic("validate: no grammar for the primitive " + e.Type.Name)
	}
	if required && v.prim.kind == primitives["code"].kind {
		v.codes = s.codeSet(e.Binding.ValueSet)
	}
	if e.Type.Name == "xhtml" { // "xhtml does not have extensions"
		return []*property{v}
	}
	x := &property{name: v.pair, element: e, slot: slot, list: v.list, sibling: true, pair: v.name}
	x.plan = s.stub(s.model.Type("Element"))
	return []*property{v, x}
}

// The kinds of types with rules that special judges.
const (
	kindExtension = iota + 1
	kindCoding
)

func kindOf(t *schema.Type) uint8 {
	switch {
	case t.Name == "Extension":
		return kindExtension
	case t.Name == "Coding":
		return kindCoding
	}
	return 0
}

// codeSet is nil when the value set cannot be listed.
func (s *Set) codeSet(url string) map[string]struct{} {
	if set, ok := s.codes[url]; ok {
		return set
	}
	var set map[string]struct{}
	if codes, ok := s.model.Codes(url); ok {
		set = make(map[string]struct{}, len(codes))
		for _, c := range codes {
			set[c] = struct{}{}
		}
	}
	s.codes[url] = set
	return set
}
