package validate

// https://hl7.org/fhir/R4/profiling.html#discriminator

import (
	"slices"
	"strconv"
	"strings"

	"tenon/fhir/schema"
	"tenon/fhir/tree"
)

// criterion is one thing that a value must have to be in a slice: at the end of
// a path something that equals, is of a value set, a type, a profile, or is
// there at all.
type criterion struct {
	steps   []step
	kind    criterionKind
	literal *literal
	binding *binding
	types   []string
	urls    []string // profiles
}

type criterionKind uint8

const (
	mustEqual criterionKind = iota // to fixed, or hold what a pattern holds
	mustBind
	mustExist
	mustNotExist
	mustBeOfType
	mustConform
)

// step is one step of a discriminator's path.
type step struct {
	name    string // of an element
	url     string // extension('url')
	ofType  string // ofType(X)
	resolve bool   // resolve()
	of      *schema.Type
	refs    *references // of the element in that type, if it is known beforehand
}

// readPath reads the restricted FHIRPath of a discriminator; ok is false when
// it is none.
func readPath(path string) (steps []step, ok bool) {
	for path != "" {
		var part string
		part, path = nextStep(path)
		switch {
		case part == "$this":
		case part == "resolve()":
			steps = append(steps, step{resolve: true})
		case strings.HasPrefix(part, "extension(") && strings.HasSuffix(part, ")"):
			steps = append(steps, step{name: "extension", url: strings.Trim(part[len("extension("):len(part)-1], `'"`)})
		case strings.HasPrefix(part, "ofType(") && strings.HasSuffix(part, ")"):
			steps = append(steps, step{ofType: strings.TrimPrefix(part[len("ofType("):len(part)-1], "FHIR.")})
		case strings.ContainsAny(part, "()"):
			return nil, false
		default:
			steps = append(steps, step{name: strings.TrimSuffix(part, "[x]")})
		}
	}
	return steps, true
}

// nextStep cuts a path at the first dot outside parentheses.
func nextStep(path string) (part, rest string) {
	depth := 0
	for i := range len(path) {
		switch path[i] {
		case '(':
			depth++
		case ')':
			depth--
		case '.':
			if depth == 0 {
				return path[:i], path[i+1:]
			}
		}
	}
	return path, ""
}

// criteria finds what a discriminator says of a slice, in the slice's own
// elements or in the profiles of their types.
func (s *Set) criteria(slice *element, d discriminator) []criterion {
	steps, ok := readPath(d.path)
	if !ok {
		return nil
	}
	if slice.base != nil && slice.base.Type != nil {
		s.prepare(steps, slice.base.Type)
	}
	f := finder{set: s, kind: d.kind, steps: steps}
	if !f.search(slice, 0, 0) && d.path == "url" {
		f.extensionURL(slice)
	}
	return f.found
}

// extensionURL tells a slice of extensions by the definition that it names,
// which need not be known.
func (f *finder) extensionURL(slice *element) {
	if len(slice.types) != 1 || slice.types[0].code != "Extension" || len(slice.types[0].profiles) != 1 {
		return
	}
	url, _, _ := strings.Cut(slice.types[0].profiles[0], "|")
	if d, err := tree.Parse(strconv.AppendQuote(nil, url)); err == nil {
		f.found = append(f.found, criterion{steps: f.steps, kind: mustEqual, literal: &literal{d.Root(), "Uri"}})
	}
}

// prepare looks the elements of a path up where the types are known.
func (s *Set) prepare(steps []step, t *schema.Type) {
	for i := range steps {
		st := &steps[i]
		if st.name == "" {
			return
		}
		e := t.Choice(st.name)
		if e == nil {
			return
		}
		st.of, st.refs = t, s.references(e)
		if t = e.Type; t == nil || t.Kind == schema.Primitive {
			return
		}
	}
}

type finder struct {
	set   *Set
	kind  string
	steps []step
	found []criterion
}

// search descends from an element by the steps from i on.
func (f *finder) search(e *element, i, depth int) bool {
	if e == nil || depth > 16 {
		return false
	}
	if f.kind == "value" || f.kind == "pattern" {
		if f.literals(e, i) {
			return true
		}
	}
	if i == len(f.steps) {
		return f.end(e, i, depth) || f.typed(e, i, depth)
	}
	st := f.steps[i]
	switch {
	case st.resolve:
		return f.target(e, i, depth)
	case st.ofType != "":
		return f.search(e, i+1, depth+1)
	case st.url != "":
		return f.extension(e, st.url, i, depth)
	}
	c := e.child(st.name)
	if f.search(c, i+1, depth+1) {
		return true
	}
	if c != nil && c.slicing != nil && f.inSlices(c.slicing, i+1, depth+1) {
		return true
	}
	return f.typed(e, i, depth)
}

// inSlices looks into the slices of an element on the way: those that must be
// there; of others any one may be meant.
func (f *finder) inSlices(s *slicing, i, depth int) bool {
	any := false
	for _, slice := range s.slices {
		if slice.min > 0 {
			any = f.search(slice, i, depth) || any
		}
	}
	if !any && len(s.slices) == 1 {
		any = f.search(s.slices[0], i, depth)
	}
	return any
}

// typed goes on in the profile of an element's type.
func (f *finder) typed(e *element, i, depth int) bool {
	for _, t := range e.types {
		if len(t.profiles) == 1 {
			if p := f.set.profile(t.profiles[0]); p != nil && f.search(p.ready(f.set).root, i, depth+1) {
				return true
			}
		}
	}
	return false
}

// literals takes the rest of the path into a fixed or pattern value.
func (f *finder) literals(e *element, i int) bool {
	l := e.fixed
	if l == nil {
		l = e.pattern
	}
	if l == nil {
		return false
	}
	nodes := []tree.Node{l.node}
	for _, st := range f.steps[i:] {
		var next []tree.Node
		for _, n := range nodes {
			if st.name != "" {
				next = slices.AppendSeq(next, n.Field(st.name).Items())
			}
		}
		nodes = next
	}
	for _, n := range nodes {
		name := ""
		if i == len(f.steps) {
			name = l.name
		}
		f.found = append(f.found, criterion{steps: f.steps, kind: mustEqual, literal: &literal{n, name}})
	}
	return len(nodes) > 0
}

// end reads the criterion at the end of the path.
func (f *finder) end(e *element, i, depth int) bool {
	c := criterion{steps: f.steps}
	switch f.kind {
	case "value", "pattern":
		if at := slices.IndexFunc(e.bindings, func(b *binding) bool { return b.strength == "required" }); at >= 0 {
			c.kind, c.binding = mustBind, e.bindings[at]
			f.found = append(f.found, c)
			return true
		}
		if e.slicing != nil && i > 0 {
			return f.inSlices(e.slicing, i, depth+1)
		}
		return false
	case "exists":
		switch {
		case e.max == 0:
			c.kind = mustNotExist
		case e.min > 0:
			c.kind = mustExist
		default:
			return false
		}
	case "type":
		for _, t := range e.types {
			c.types = append(c.types, t.code)
		}
		if c.kind = mustBeOfType; c.types == nil {
			return false
		}
	case "profile":
		for _, t := range e.types {
			c.urls = append(c.urls, t.profiles...)
		}
		if c.kind = mustConform; c.urls == nil {
			return false
		}
	default: // position, of a later version, or none at all
		return false
	}
	f.found = append(f.found, c)
	return true
}

// target goes on in what a reference points to.
func (f *finder) target(e *element, i, depth int) bool {
	var urls []string
	for _, t := range e.types {
		urls = append(urls, t.targets...)
	}
	if urls == nil {
		return false
	}
	c := criterion{steps: f.steps}
	switch {
	case i+1 < len(f.steps) || f.kind == "value" || f.kind == "pattern" || f.kind == "exists":
		for _, url := range urls {
			if p := f.set.profile(url); p != nil && f.search(p.ready(f.set).root, i+1, depth+1) {
				return true
			}
		}
		return false
	case f.kind == "type":
		c.kind = mustBeOfType
		for _, url := range urls {
			c.types = append(c.types, f.set.typeOf(url))
		}
	default:
		c.kind, c.urls = mustConform, urls
	}
	f.found = append(f.found, c)
	return true
}

// typeOf is the type that a profile constrains, "" when it is not known.
func (s *Set) typeOf(canonical string) string {
	if t := s.model.Defined(canonical); t != nil {
		return t.Name
	}
	if def := s.lib.Find("StructureDefinition", canonical); def != nil {
		return def.Of
	}
	return ""
}

// extension goes on in the slice of extensions of that url.
func (f *finder) extension(e *element, url string, i, depth int) bool {
	c := e.child("extension")
	if c == nil || c.slicing == nil {
		return false
	}
	for _, slice := range c.slicing.slices {
		if slices.ContainsFunc(slice.types, func(t typeRule) bool { return slices.Contains(t.profiles, url) }) {
			return f.search(slice, i+1, depth+1)
		}
		if u := slice.child("url"); u != nil && u.fixed != nil && u.fixed.node.Str() == url {
			return f.search(slice, i+1, depth+1)
		}
	}
	return false
}
