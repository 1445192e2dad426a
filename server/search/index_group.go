package search

import (
	"slices"

	"tenon/fhir/fhirpath"
	"tenon/fhir/schema"
	"tenon/fhir/tree"
)

// sharedFocus is a focus of one or more composites of a type. What several of
// them ask of it is looked for once: the code of a component stands in eight
// composites of Observation.
type sharedFocus struct {
	at      finder
	asked   []component // each once
	members []groupMember
}

// groupMember is a composite seen from a focus.
type groupMember struct {
	composite int // its place among those of the type
	keys      []Key
	asked     []int // places in asked
}

// addComposite adds one without changing what a copy of t shares.
func (t *typeIndex) addComposite(c *composite) {
	t.composites = append(slices.Clip(t.composites), c)
	t.foci = shared(t.composites)
}

func shared(all []*composite) []*sharedFocus {
	var foci []*sharedFocus
	for n, c := range all {
		for i := range c.foci {
			f := &c.foci[i]
			at := slices.IndexFunc(foci, func(s *sharedFocus) bool { return s.at.source == f.at.source })
			if at < 0 {
				at, foci = len(foci), append(foci, &sharedFocus{at: f.at})
			}
			foci[at].add(n, f)
		}
	}
	return foci
}

func (s *sharedFocus) add(composite int, f *focus) {
	m := groupMember{composite: composite}
	for _, c := range f.components {
		at := slices.IndexFunc(s.asked, func(x component) bool { return x.same == c.same })
		if at < 0 {
			at, s.asked = len(s.asked), append(s.asked, c)
		}
		m.keys, m.asked = append(m.keys, c.part.keys.main), append(m.asked, at)
	}
	s.members = append(s.members, m)
}

// groups makes the groups: one for each focus that has all components.
func (x *indexer) groups(t *typeIndex) {
	x.numbers = append(x.numbers[:0], make([]int, len(t.composites))...)
	for _, f := range t.foci {
		x.seek(&f.at, x.root, func(at tree.Node, _ *schema.Type, _ fhirpath.Value) { x.group(f, at) })
	}
}

// found are the rows of one component seen from one element.
type found struct {
	rows   []any
	looked bool
}

// group adds the rows of one element to all composites that it meets.
func (x *indexer) group(f *sharedFocus, at tree.Node) {
	all := x.found[:0]
	for range f.asked {
		all = append(all, found{})
	}
	x.found = all
	for i := range f.members {
		m := &f.members[i]
		if !x.meets(f, m, at, all) {
			continue
		}
		n := x.numbers[m.composite]
		x.numbers[m.composite]++
		for k, asked := range m.asked {
			for _, row := range all[asked].rows {
				x.rows.Groups = append(x.rows.Groups, GroupRow{Key: m.keys[k], Group: n, Row: row})
			}
		}
	}
}

func (x *indexer) meets(f *sharedFocus, m *groupMember, at tree.Node, all []found) bool {
	for _, asked := range m.asked {
		c := &all[asked]
		if !c.looked {
			c.looked, c.rows = true, x.component(&f.asked[asked], at)
		}
		if len(c.rows) == 0 {
			return false
		}
	}
	return true
}

// component makes the rows of a component, without keys.
func (x *indexer) component(c *component, at tree.Node) (rows []any) {
	outer := x.rows
	x.rows = x.inner.emptied()
	for i := range c.paths {
		x.seek(&c.paths[i], at, func(n tree.Node, t *schema.Type, v fhirpath.Value) { x.value(c.part, nameOf(t), n, v) })
	}
	x.rows.unique()
	rows = make([]any, 0, len(x.rows.Tokens)+len(x.rows.Strings)+len(x.rows.Dates)+len(x.rows.Numbers)+len(x.rows.References))
	rows = boxed(rows, x.rows.Tokens, func(r *TokenRow) { r.Key = 0 })
	rows = boxed(rows, x.rows.Strings, func(r *StringRow) { r.Key = 0 })
	rows = boxed(rows, x.rows.Dates, func(r *DateRow) { r.Key = 0 })
	rows = boxed(rows, x.rows.Numbers, func(r *NumberRow) { r.Key = 0 })
	rows = boxed(rows, x.rows.References, func(r *ReferenceRow) { r.Key = 0 })
	x.inner, x.rows = x.rows, outer
	return rows
}

func boxed[T any](rows []any, list []T, keyless func(*T)) []any {
	for i := range list {
		keyless(&list[i])
		rows = append(rows, list[i])
	}
	return rows
}

// seek yields what the finder finds, seen from an element of the resource.
func (x *indexer) seek(f *finder, from tree.Node, yield func(tree.Node, *schema.Type, fhirpath.Value)) {
	if f.root {
		from = x.root
	}
	switch {
	case f.expr != nil:
		values, err := f.expr.Eval(&x.ctx, from)
		if err != nil {
			return // a definition that somebody posted must not keep resources from being written
		}
		for _, v := range values {
			n, _ := v.Node()
			yield(n, v.Schema(), v)
		}
	case len(f.plain) == 0:
		yield(from, nil, fhirpath.Value{})
	default:
		f.plain.each(from, func(n tree.Node, t *schema.Type) { yield(n, t, fhirpath.Value{}) })
	}
}

func nameOf(t *schema.Type) string {
	if t == nil {
		return ""
	}
	return t.Name
}
