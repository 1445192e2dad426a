package main

import (
	"slices"
	"strings"

	"tenon/fhir/fhirpath"
	"tenon/fhir/schema"
	"tenon/fhir/tree"
	"tenon/profiles/r4"
)

// expression is one text for one type of focus, as both engines know it.
type expression struct {
	Base  string `json:"base,omitempty"` // "" for a resource
	Text  string `json:"-"`
	Other string `json:"text"` // as the other engine is given it
	name  string // of the search parameter or invariant
	kind  string // "search parameter" or "invariant"
	expr  *fhirpath.Expr
}

// check is one expression on one element of a file.
type check struct {
	At    []any `json:"at"`
	Expr  int   `json:"expr"`
	focus fhirpath.Value
}

// plan knows which expressions apply where.
type plan struct {
	model       *schema.Model
	expressions []*expression
	index       map[string]int
	parameters  map[string][]int // by resource type
	most        int              // elements of one file for one invariant; 0 is all
}

func newPlan(most int) *plan {
	return &plan{model: r4.Model(), index: map[string]int{}, parameters: map[string][]int{}, most: most}
}

// add finds or compiles an expression; -1 where it does not compile.
func (p *plan) add(kind, name, base, root, text string) int {
	key := kind + "\x00" + root + "\x00" + text
	if i, ok := p.index[key]; ok {
		return i
	}
	e, err := fhirpath.Compile(text, &fhirpath.Env{Model: p.model, Root: root, FilterAs: true})
	if err != nil {
		p.index[key] = -1
		return -1
	}
	p.expressions = append(p.expressions, &expression{base, text, dialect(text), name, kind, e})
	p.index[key] = len(p.expressions) - 1
	return p.index[key]
}

// parametersOf lists the search parameters of a resource type.
func (p *plan) parametersOf(kind string) []int {
	if list, ok := p.parameters[kind]; ok {
		return list
	}
	list := []int{}
	for _, sp := range p.model.SearchParameters() {
		if sp.Expression == "" || !slices.ContainsFunc(sp.Base, func(b string) bool { return p.model.Type(kind).Is(b) }) {
			continue
		}
		if i := p.add("search parameter", sp.Code, "", kind, sp.Expression); i >= 0 {
			list = append(list, i)
		}
	}
	p.parameters[kind] = list
	return list
}

// checks lists what is evaluated on a resource.
func (p *plan) checks(root tree.Node) []check {
	t := p.model.Type(root.Field("resourceType").Str())
	if t == nil {
		return nil
	}
	w := &walk{plan: p, met: map[int]int{}}
	focus := fhirpath.Element(root, t)
	for _, i := range p.parametersOf(t.Name) {
		w.list = append(w.list, check{At: []any{}, Expr: i, focus: focus})
	}
	w.element(root, t, nil, []any{})
	return w.list
}

// walk collects the invariants of all elements.
type walk struct {
	plan *plan
	met  map[int]int
	list []check
}

func (w *walk) element(n tree.Node, t *schema.Type, extra []schema.Invariant, at []any) {
	w.add(n, t, extra, at)
	for of := t; of != nil; of = of.Base {
		w.add(n, t, of.Invariants, at)
	}
	if t.Kind == schema.Primitive {
		return
	}
	for name, field := range n.Fields() {
		e := t.Element(name)
		if e == nil || e.Type == nil || n.Field("_"+name).Exists() {
			continue // the other engine cannot be given a primitive with its sibling
		}
		inner := append(slices.Clone(at), name)
		if field.Kind() != tree.Array {
			w.child(field, e, inner)
			continue
		}
		i := 0
		for item := range field.Items() {
			w.child(item, e, append(slices.Clone(inner), i))
			i++
		}
	}
}

func (w *walk) child(n tree.Node, e *schema.Element, at []any) {
	if n.Kind() == tree.Number {
		return // which the other engine does not take as a focus
	}
	t := e.Type
	if t.Kind == schema.Resource {
		if t = w.plan.model.Type(n.Field("resourceType").Str()); t == nil {
			return
		}
	}
	w.element(n, t, e.Invariants, at)
}

func (w *walk) add(n tree.Node, t *schema.Type, invariants []schema.Invariant, at []any) {
	for _, inv := range invariants {
		base := t.Name
		if t.Kind == schema.Resource {
			base = ""
		}
		i := w.plan.add("invariant", inv.Key, base, t.Name, inv.Expression)
		if i < 0 || w.plan.most > 0 && w.met[i] >= w.plan.most || strings.Contains(inv.Expression, "%resource.") && nested(at) {
			continue
		}
		w.met[i]++
		w.list = append(w.list, check{At: at, Expr: i, focus: fhirpath.Element(n, t)})
	}
}

// nested tells whether an element lies in a resource within a resource, whose
// %resource the other engine is not told.
func nested(at []any) bool {
	return slices.Contains(at, any("contained")) || slices.Contains(at, any("resource"))
}
