package terminology

// https://hl7.org/fhir/R4/valueset-operation-expand.html

import (
	"slices"
	"strings"

	"tenon/fhir/issue"
)

// ExpandOptions say what of a value set is wanted; nil and the zero value are
// all of it.
type ExpandOptions struct {
	// Filter keeps codes of which every word stands in the display, in a
	// designation of any language, or at the start of the code.
	Filter string
	// Offset and Count are a page; nil is all. A count of 0 asks for the total.
	Offset int
	Count  *int
	// ActiveOnly leaves inactive codes out, ExcludeAbstract those that are not
	// selectable.
	ActiveOnly, ExcludeAbstract bool
	// Designations are added, those of DesignationLanguages and DesignationUses
	// only if there are any.
	Designations         bool
	DesignationLanguages []string
	DesignationUses      []Coding // those of these uses too
	Definitions          bool     // adds definitions
	Language             string   // of the displays
	Flat                 bool     // excludeNested
	ExcludeSystems       []string
	Versions             Versions          // of code systems
	CheckVersions        map[string]string // versions that must not be others
}

// Expansion is the codes of a value set.
type Expansion struct {
	Total    int
	Offset   int
	Paged    bool
	Contains []Contains
	// Systems are the code systems that were used, with version.
	Systems []Coding
	// Incomplete says that a code system is known in part only.
	Incomplete bool
}

// Contains is one code of an expansion. Contains are those below it.
type Contains struct {
	System, Version, Code, Display, Definition string
	Abstract, Inactive                         bool
	Designations                               []Designation
	Contains                                   []Contains
}

// candidate is a code on its way into an expansion.
type candidate struct {
	system, version string
	code            string
	x               texts
	stored          *Contains
}

// Expand lists the codes of a value set. The errors are *issue.Failure:
// not-found for what is not here, too-costly for what has no end or is longer
// than the server's limit.
func (s *Server) Expand(valueSet string, o *ExpandOptions) (*Expansion, error) {
	if o == nil {
		o = &ExpandOptions{}
	}
	in := &scope{s: s, versions: o.Versions}
	v := in.find(valueSet)
	if v == nil {
		return nil, noImport(valueSet).failure(issue.NotFound)
	}
	return v.Expand(o)
}

// Expand lists the codes of the set.
func (v *ValueSet) Expand(o *ExpandOptions) (*Expansion, error) {
	if o == nil {
		o = &ExpandOptions{}
	}
	p := &page{o: o, limit: v.s.o.MaxExpansion, terms: terms(o.Filter), out: &Expansion{Offset: o.Offset, Paged: o.Count != nil || o.Offset > 0}}
	if p.out.Paged {
		p.count = p.limit
		if o.Count != nil {
			p.count = *o.Count
		}
	}
	if p.count > p.limit || p.count < 0 || o.Offset < 0 {
		return nil, tooMany(v, p.limit)
	}
	w := &walker{v: v, used: p.use}
	if err := w.set(v, func(c *candidate) error { return p.take(v, c) }); err != nil {
		return nil, err
	}
	p.out.Total = p.seen
	p.flush()
	if !o.Flat && !p.out.Paged && len(p.terms) == 0 {
		p.nest()
	}
	return p.out, nil
}

// page picks what is wanted out of the stream of candidates.
type page struct {
	o            *ExpandOptions
	terms        []string
	limit, count int
	seen         int
	kept         []candidate
	out          *Expansion
}

func (p *page) use(c *clause) error {
	cs := c.cs
	if want, ok := p.o.CheckVersions[cs.url]; ok && !sameVersion(want, cs.version) {
		return issue.Errorf(issue.Processing, "The value set uses version %q of the code system %s, but %q was to be checked.", cs.version, cs.url, want).
			Rule("codesystem-version").Chinese("值集所用的代码系统版本与要求的版本不符。")
	}
	one := Coding{System: cs.url, Version: cs.version}
	if !slices.Contains(p.out.Systems, one) {
		p.out.Systems = append(p.out.Systems, one)
	}
	p.out.Incomplete = p.out.Incomplete || !cs.complete() || c.other
	return nil
}

func (p *page) take(v *ValueSet, c *candidate) error {
	if !p.wants(c) {
		return nil
	}
	p.seen++
	switch {
	case !p.out.Paged && p.seen > p.limit:
		return tooMany(v, p.limit)
	case p.out.Paged && (p.seen <= p.o.Offset || len(p.kept) >= p.count):
		return nil
	}
	p.kept = append(p.kept, *c)
	return nil
}

func (p *page) wants(c *candidate) bool {
	if c.x.t != nil {
		if p.o.ActiveOnly && c.x.t.has(c.x.i, flagInactive) || p.o.ExcludeAbstract && c.x.t.has(c.x.i, flagAbstract) {
			return false
		}
	}
	if c.stored != nil && (p.o.ActiveOnly && c.stored.Inactive || p.o.ExcludeAbstract && c.stored.Abstract) {
		return false
	}
	for _, canonical := range p.o.ExcludeSystems {
		url, version, _ := strings.Cut(canonical, "|")
		if url == c.system && (version == "" || version == c.version) {
			return false
		}
	}
	return c.matches(p.terms)
}

// flush writes what was kept.
func (p *page) flush() {
	p.out.Contains = make([]Contains, len(p.kept))
	for i := range p.kept {
		p.out.Contains[i] = p.kept[i].render(p.o)
	}
}

func (c *candidate) render(o *ExpandOptions) Contains {
	if c.stored != nil {
		one := *c.stored
		one.Designations = nil
		if o.Designations {
			one.Designations = c.x.designations(o)
		}
		return one
	}
	one := Contains{System: c.system, Version: c.version, Code: c.code, Display: c.x.preferred(o.Language)}
	if c.x.t != nil {
		one.Abstract, one.Inactive = c.x.t.has(c.x.i, flagAbstract), c.x.t.has(c.x.i, flagInactive)
	}
	if o.Designations {
		one.Designations = c.x.designations(o)
	}
	if o.Definitions && c.x.t != nil {
		one.Definition = c.x.t.definition(c.x.i)
	}
	return one
}

func (t *table) definition(i uint32) string {
	for _, n := range t.of(i) {
		if n.kind == noteDefinition {
			return t.value(n)
		}
	}
	return ""
}

// designations of a code that are wanted.
func (x texts) designations(o *ExpandOptions) (list []Designation) {
	all := o == nil || len(o.DesignationLanguages)+len(o.DesignationUses) == 0
	add := func(d Designation) {
		if all || slices.ContainsFunc(o.DesignationLanguages, func(l string) bool { return covers(l, d.Language) }) || slices.Contains(o.DesignationUses, UseOf(d)) {
			list = append(list, d)
		}
	}
	if x.listed != nil {
		for _, d := range x.listed.Designations {
			add(d)
		}
	}
	if x.t != nil {
		for _, n := range x.t.of(x.i) {
			if n.kind == noteDesignation {
				add(Designation{x.t.names[n.name], x.t.names[n.use], x.t.value(n)})
			}
		}
	}
	return list
}

// nest puts each code under the nearest one above it that is in the expansion.
// Codes come in preorder where the hierarchy has any, so a stack finds it.
func (p *page) nest() {
	children := make([][]int, len(p.kept)+1) // by parent plus 1
	var stack []int
	for i := range p.kept {
		c := &p.kept[i]
		for len(stack) > 0 && !over(&p.kept[stack[len(stack)-1]], c) {
			stack = stack[:len(stack)-1]
		}
		under := 0
		if len(stack) > 0 {
			under = stack[len(stack)-1] + 1
		}
		children[under] = append(children[under], i)
		stack = append(stack, i)
	}
	flat := p.out.Contains
	var build func(list []int) []Contains
	build = func(list []int) []Contains {
		if len(list) == 0 {
			return nil
		}
		out := make([]Contains, len(list))
		for k, i := range list {
			out[k] = flat[i]
			out[k].Contains = build(children[i+1])
		}
		return out
	}
	p.out.Contains = build(children[0])
}

// over tells whether a is an ancestor of b by first parents, both coming from
// the hierarchy and not from a list.
func over(a, b *candidate) bool {
	return a.x.t != nil && a.x.t == b.x.t && a.x.listed == nil && b.x.listed == nil &&
		a.x.i < b.x.i && b.x.i < a.x.t.concepts[a.x.i].end
}

func tooMany(v *ValueSet, limit int) error {
	return issue.Errorf(issue.TooCostly, "The value set %s has more than %d codes, the limit of one expansion; narrow it with filter, or page with offset and count.", v.name(), limit).
		Rule("expansion-limit").Chinese("值集代码过多，超过一次展开的上限，请用 filter 缩小范围或用 offset、count 分页。")
}
