package main

import (
	"fmt"
	"slices"
	"sort"
	"strings"

	"tenon/fhir/schema"
)

type structureDefinition struct {
	URL        string `json:"url"`
	Type       string `json:"type"`
	Kind       string `json:"kind"`
	Abstract   bool   `json:"abstract"`
	Base       string `json:"baseDefinition"`
	Derivation string `json:"derivation"`
	Snapshot   struct {
		Element []elementDefinition `json:"element"`
	} `json:"snapshot"`
}

type elementDefinition struct {
	Path string `json:"path"`
	Min  int    `json:"min"`
	Max  string `json:"max"`
	Base struct {
		Path string `json:"path"`
	} `json:"base"`
	Content    string       `json:"contentReference"`
	Types      []elementRef `json:"type"`
	Constraint []struct {
		schema.Invariant
	} `json:"constraint"`
	Binding  *binding `json:"binding"`
	Modifier bool     `json:"isModifier"`
	Summary  bool     `json:"isSummary"`
}

type elementRef struct {
	Code      string   `json:"code"`
	Profiles  []string `json:"profile"`
	Targets   []string `json:"targetProfile"`
	Extension []struct {
		URL      string `json:"url"`
		ValueURL string `json:"valueUrl"`
	} `json:"extension"`
}

type binding struct {
	Strength  string `json:"strength"`
	ValueSet  string `json:"valueSet"`
	Extension []struct {
		URL   string `json:"url"`
		Value string `json:"valueCanonical"`
	} `json:"extension"`
}

// maxValueSet names the set that no code may be outside of.
const maxValueSet = "http://hl7.org/fhir/StructureDefinition/elementdefinition-maxValueSet"

func (b *binding) bound() (bound schema.Bound) {
	if b == nil {
		return bound
	}
	bound.Strength, bound.ValueSet = b.Strength, b.ValueSet
	for _, x := range b.Extension {
		if x.URL == maxValueSet {
			bound.Max = x.Value
		}
	}
	return bound
}

type typeBuilder struct {
	defs       *schema.Definitions
	invariants map[schema.Invariant]int
	structures map[string]*structureDefinition
	done       map[string]bool
	own        map[string]elementDefinition // by path, to check what repeats it
}

// build takes every type that is not a profile or logical model, bases first
// and otherwise by name.
func (b *typeBuilder) build(src *source) error {
	b.structures, b.done = map[string]*structureDefinition{}, map[string]bool{}
	b.own = map[string]elementDefinition{}
	err := each(src, "StructureDefinition", func(sd *structureDefinition) error {
		if core(sd.URL) && sd.Kind != "logical" && sd.Derivation != "constraint" {
			b.structures[sd.Type] = sd
		}
		return nil
	})
	if err != nil {
		return err
	}
	names := make([]string, 0, len(b.structures))
	for name := range b.structures {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		if err := b.add(name); err != nil {
			return err
		}
	}
	return nil
}

func (b *typeBuilder) add(name string) error {
	sd := b.structures[name]
	if sd == nil {
		return fmt.Errorf("no definition of type %s", name)
	}
	if b.done[name] {
		return nil
	}
	b.done[name] = true
	if sd.Base != "" {
		if err := b.add(lastSegment(sd.Base)); err != nil {
			return err
		}
	}
	kind, ok := map[string]schema.Kind{
		"primitive-type": schema.Primitive, "complex-type": schema.Complex, "resource": schema.Resource,
	}[sd.Kind]
	if !ok {
		return fmt.Errorf("%s has the kind %s", name, sd.Kind)
	}
	t := schema.TypeDefinition{Name: name, Base: lastSegment(sd.Base), Kind: kind, Abstract: sd.Abstract}
	elements := sd.Snapshot.Element
	t.Invariants, t.Bound = b.pick(elements[0], name), elements[0].Binding.bound()
	return b.level(t, elements[1:])
}

// level writes a type of the elements directly below its path, and before it
// the backbone types that need it as a base only: a backbone's base is
// BackboneElement or Element, which every type stands behind.
func (b *typeBuilder) level(t schema.TypeDefinition, elements []elementDefinition) error {
	var backbones []schema.TypeDefinition
	for _, e := range elements {
		name, direct := strings.CutPrefix(e.Path, t.Name+".")
		if !direct || strings.Contains(name, ".") {
			continue
		}
		if inherited, err := b.inherited(e); err != nil || inherited {
			if err != nil {
				return err
			}
			continue
		}
		d, err := b.element(e, name)
		if err != nil {
			return fmt.Errorf("%s: %w", e.Path, err)
		}
		if d.Backbone = hasChildren(elements, e.Path); d.Backbone {
			base := d.Types[0].Code
			if err := b.add(base); err != nil {
				return err
			}
			backbones = append(backbones, schema.TypeDefinition{Name: e.Path, Base: base, Kind: schema.Backbone})
		}
		if !valueOfPrimitive(t, d) {
			t.Elements = append(t.Elements, d)
		}
	}
	b.defs.Types = append(b.defs.Types, t)
	for _, backbone := range backbones {
		if err := b.level(backbone, elements); err != nil {
			return err
		}
	}
	return nil
}

// valueOfPrimitive: the value of a primitive is no property of an object.
func valueOfPrimitive(t schema.TypeDefinition, d schema.ElementDefinition) bool {
	return t.Kind == schema.Primitive && d.Name == "value"
}

// inherited tells whether an element only repeats what a base type defines,
// and refuses one that changes it: the model knows no overrides.
func (b *typeBuilder) inherited(e elementDefinition) (bool, error) {
	if e.Base.Path == e.Path || e.Base.Path == "" {
		b.own[e.Path] = e
		return false, nil
	}
	base, ok := b.own[e.Base.Path]
	if !ok {
		return false, fmt.Errorf("%s repeats %s, which is not known yet", e.Path, e.Base.Path)
	}
	// A primitive narrows its base's value, and xhtml forbids extensions: the
	// validator knows each primitive by itself.
	owner, _, _ := strings.Cut(e.Path, ".")
	if sd := b.structures[owner]; sd != nil && sd.Kind == "primitive-type" {
		return true, nil
	}
	if e.Min != base.Min || e.Max != base.Max || !slices.EqualFunc(codes(e), codes(base), func(x, y string) bool { return x == y }) ||
		e.Binding.bound() != base.Binding.bound() || e.Modifier != base.Modifier {
		return false, fmt.Errorf("%s changes what %s defines", e.Path, e.Base.Path)
	}
	return true, nil
}

func codes(e elementDefinition) []string {
	var list []string
	for _, r := range e.Types {
		list = append(list, r.Code)
	}
	return list
}

func hasChildren(elements []elementDefinition, path string) bool {
	return slices.ContainsFunc(elements, func(e elementDefinition) bool {
		return strings.HasPrefix(e.Path, path+".")
	})
}

func (b *typeBuilder) element(e elementDefinition, name string) (schema.ElementDefinition, error) {
	d := schema.ElementDefinition{Min: e.Min, Modifier: e.Modifier, Summary: e.Summary}
	d.Name, d.Choice = strings.CutSuffix(name, "[x]")
	switch e.Max {
	case "1":
	case "*":
		d.Max = -1
	default:
		if _, err := fmt.Sscanf(e.Max, "%d", &d.Max); err != nil || d.Max < 1 {
			return d, fmt.Errorf("cannot express the cardinality %d..%s", e.Min, e.Max)
		}
	}
	d.Content = strings.TrimPrefix(e.Content, "#")
	for _, r := range e.Types {
		ref, err := reference(e.Path, r)
		if err != nil {
			return d, err
		}
		d.Types = append(d.Types, ref)
	}
	d.Invariants = b.pick(e, "")
	d.Bound = e.Binding.bound()
	return d, nil
}

// fhirType tells the FHIR type of an element whose type is a FHIRPath system
// type: ids and URLs that are XML attributes.
const fhirType = "http://hl7.org/fhir/StructureDefinition/structuredefinition-fhir-type"

func reference(path string, r elementRef) (schema.TypeDefinedRef, error) {
	ref := schema.TypeDefinedRef{Code: r.Code, Profiles: r.Profiles}
	if strings.Contains(r.Code, "/") {
		ref.Code = ""
		for _, x := range r.Extension {
			if x.URL == fhirType {
				ref.Code = x.ValueURL
			}
		}
		if ref.Code == "" && !strings.HasSuffix(path, ".value") {
			return ref, fmt.Errorf("type %s names no FHIR type", r.Code)
		}
	}
	// The definition says string, the specification's table says id, and only
	// id agrees with the RESTful interface.
	// https://hl7.org/fhir/R4/resource.html#resource
	if path == "Resource.id" {
		ref.Code = "id"
	}
	for _, target := range r.Targets {
		if name := lastSegment(target); name != "Resource" {
			ref.Targets = append(ref.Targets, name)
		}
	}
	return ref, nil
}

// pick notes an element's invariants and gives their numbers. Those that the
// element's type brings anyway are left out: ele-1 and ext-1 stand at their
// own types, and a derived type need not repeat its base's.
func (b *typeBuilder) pick(e elementDefinition, root string) []int {
	var picked []int
	for _, c := range e.Constraint {
		if owner, general := generalInvariants[c.Key]; general && owner != root {
			continue
		}
		if root != "" && b.inheritedInvariant(root, c.Key) {
			continue
		}
		at, ok := b.invariants[c.Invariant]
		if !ok {
			at = len(b.defs.Invariants)
			b.invariants[c.Invariant] = at
			b.defs.Invariants = append(b.defs.Invariants, c.Invariant)
		}
		picked = append(picked, at)
	}
	return picked
}

var generalInvariants = map[string]string{"ele-1": "Element", "ext-1": "Extension"}

func (b *typeBuilder) inheritedInvariant(name, key string) bool {
	for base := b.structures[name].Base; base != ""; {
		sd := b.structures[lastSegment(base)]
		for _, c := range sd.Snapshot.Element[0].Constraint {
			if c.Key == key {
				return true
			}
		}
		base = sd.Base
	}
	return false
}
