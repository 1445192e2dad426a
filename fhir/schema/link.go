package schema

import (
	"fmt"
	"slices"
	"unicode"
	"unicode/utf8"
)

// Link makes a model of definitions, which must not be changed afterwards.
func Link(defs *Definitions) (*Model, error) {
	m := &Model{
		version: defs.Version, types: make(map[string]*Type, len(defs.Types)),
		search: defs.Search, compartments: defs.Compartments,
	}
	arena := make([]Type, len(defs.Types))
	for i, d := range defs.Types {
		arena[i] = Type{Name: d.Name, Kind: d.Kind, Abstract: d.Abstract}
		m.types[d.Name] = &arena[i]
		if d.Kind == Resource && !d.Abstract {
			m.resources = append(m.resources, d.Name)
		}
	}
	slices.Sort(m.resources)
	for i := range defs.Types {
		if err := m.linkType(&arena[i], &defs.Types[i], defs); err != nil {
			return nil, err
		}
	}
	m.linkValueSets(defs.ValueSets)
	return m, nil
}

func (m *Model) linkValueSets(sets []ValueSet) {
	m.valueSets = make(map[string]*ValueSet, len(sets))
	m.members = make(map[string]map[code]struct{}, len(sets))
	for i := range sets {
		vs := &sets[i]
		members := map[code]struct{}{}
		for _, s := range vs.Systems {
			for _, c := range s.Codes {
				members[code{s.URL, c}] = struct{}{}
			}
		}
		m.valueSets[vs.URL], m.members[vs.URL] = vs, members
	}
}

func (m *Model) linkType(t *Type, d *TypeDefinition, defs *Definitions) error {
	if d.Base != "" {
		if t.Base = m.types[d.Base]; t.Base == nil {
			return fmt.Errorf("schema: type %s has the unknown base %s", d.Name, d.Base)
		}
		if t.Base.byName == nil {
			return fmt.Errorf("schema: type %s stands before its base %s", d.Name, d.Base)
		}
		t.Elements = make([]Element, 0, len(t.Base.Elements)+len(d.Elements))
		t.Elements = append(t.Elements, t.Base.Elements...)
	}
	t.Binding = d.binding()
	if t.Binding == nil && t.Base != nil {
		t.Binding = t.Base.Binding
	}
	var err error
	if t.Invariants, err = defs.pick(d.Invariants); err != nil {
		return err
	}
	for i := range d.Elements {
		e, err := m.linkElement(d.Name, &d.Elements[i], defs)
		if err != nil {
			return err
		}
		t.Elements = append(t.Elements, e)
	}
	t.index()
	return nil
}

func (m *Model) linkElement(owner string, d *ElementDefinition, defs *Definitions) (Element, error) {
	path := owner + "." + d.Name
	e := Element{
		Name: d.Name, Property: d.Name, Path: path, Min: d.Min, Max: d.Max,
		Choice: d.Choice, Modifier: d.Modifier, Summary: d.Summary,
	}
	if d.Max == 0 {
		e.Max = 1
	}
	if d.Choice {
		e.Path, e.Property = path+"[x]", ""
	}
	e.Binding = d.binding()
	var err error
	if e.Invariants, err = defs.pick(d.Invariants); err != nil {
		return e, err
	}
	e.Types = make([]TypeRef, 0, max(len(d.Types), 1))
	for _, r := range d.Types {
		ref := TypeRef{Code: r.Code, Type: m.types[r.Code], Profiles: r.Profiles, TargetTypes: r.Targets, JSONName: d.Name}
		if d.Backbone {
			ref.Type = m.types[path]
		}
		if d.Choice {
			ref.JSONName = d.Name + upperFirst(r.Code)
		}
		e.Types = append(e.Types, ref)
	}
	if d.Content != "" {
		e.Types = append(e.Types, TypeRef{Code: d.Content, Type: m.types[d.Content], JSONName: d.Name})
	}
	for _, r := range e.Types {
		if r.Type == nil {
			return e, fmt.Errorf("schema: element %s has the unknown type %s", path, r.Code)
		}
	}
	if !d.Choice {
		if len(e.Types) != 1 {
			return e, fmt.Errorf("schema: element %s has %d types and is no choice", path, len(e.Types))
		}
		e.Type = e.Types[0].Type
	}
	return e, nil
}

func (b *Bound) binding() *Binding {
	if b.Strength == "" {
		return nil
	}
	return &Binding{Strength: b.Strength, ValueSet: b.ValueSet, Max: b.Max}
}

func (defs *Definitions) pick(indices []int) ([]Invariant, error) {
	if len(indices) == 0 {
		return nil, nil
	}
	picked := make([]Invariant, len(indices))
	for i, at := range indices {
		if at < 0 || at >= len(defs.Invariants) {
			return nil, fmt.Errorf("schema: there is no invariant %d", at)
		}
		picked[i] = defs.Invariants[at]
	}
	return picked, nil
}

// index fills the maps of a type whose elements are complete. The base's
// choices are expanded already: their variants are shared.
func (t *Type) index() {
	t.byName = make(map[string]*Element, len(t.Elements))
	t.choices = make(map[string]*Element, len(t.Elements))
	inherited := 0
	if t.Base != nil {
		inherited = len(t.Base.Elements)
	}
	for i := range t.Elements {
		e := &t.Elements[i]
		t.choices[e.Name] = e
		switch {
		case !e.Choice:
			t.byName[e.Name] = e
		case i < inherited:
			for _, r := range e.Types {
				t.byName[r.JSONName] = t.Base.byName[r.JSONName]
			}
		default:
			t.expand(e)
		}
	}
}

func (t *Type) expand(e *Element) {
	variants := make([]Element, len(e.Types))
	for i := range e.Types {
		v := &variants[i]
		*v = *e
		v.Types = e.Types[i : i+1 : i+1]
		v.Type, v.Property = e.Types[i].Type, e.Types[i].JSONName
		t.byName[v.Property] = v
	}
}

func upperFirst(s string) string {
	r, size := utf8.DecodeRuneInString(s)
	return string(unicode.ToUpper(r)) + s[size:]
}
