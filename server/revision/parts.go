package revision

import (
	"cmp"
	"slices"

	"tenon/fhir/definition"
	"tenon/fhir/schema"
	"tenon/fhir/terminology"
	"tenon/server/search"
)

// parts are what a Revision is made of. They are immutable once it is made: a
// change copies what it changes.
type parts struct {
	base     *definition.Library // embedded
	under    *definition.Library // base and packages
	model    *schema.Model
	search   *search.Registry // of the model
	packages []Package
	loaded   map[int64][]*definition.Resource // by Package.Key
	systems  []System
	source   terminology.Source
	posted   map[name]*posted
	format   int // of the index rows; 0 where no database is behind
}

type name struct{ typ, id string }

// posted is a posted definition, read.
type posted struct {
	Posted
	resource  *definition.Resource // nil where it cannot be found by a URL or is not in force
	parameter *search.Extra        // of a SearchParameter in force
	since     int64                // the first of the versions that say the same of rows
	rows      int64                // signature of the rows that are there for all resources, 0 without
}

// revision makes the Revision. What before has compiled and has not changed is
// taken over.
func (p *parts) revision(number int64, before *Revision) *Revision {
	r := &Revision{Number: number, Model: p.model, parts: p}
	r.Library = p.library()
	o := terminology.Options{Source: p.source}
	if before != nil {
		o.Previous = before.Terminology
	}
	r.Terminology = terminology.New(r.Library, o)
	r.Validator = newValidator(p.model, r.Library, r.Terminology)
	r.searchable()
	return r
}

// searchable gives the Revision its registry.
func (r *Revision) searchable() {
	if r.parts.search == nil {
		return
	}
	r.Search, r.added = r.parts.registry()
	r.Search = r.Search.WithCodes(r.Terminology)
}

// ordered are some posted definitions in the order in which they came to be:
// of two with one canonical URL the later counts.
func (p *parts) ordered(which func(*posted) bool) []*posted {
	var list []*posted
	for _, d := range p.posted {
		if which(d) {
			list = append(list, d)
		}
	}
	slices.SortFunc(list, func(a, b *posted) int {
		if c := a.Updated.Compare(b.Updated); c != 0 {
			return c
		}
		return cmp.Or(cmp.Compare(a.Type, b.Type), cmp.Compare(a.ID, b.ID))
	})
	return list
}

func (p *parts) library() *definition.Library {
	var resources []*definition.Resource
	for _, d := range p.ordered(func(d *posted) bool { return d.resource != nil }) {
		resources = append(resources, d.resource)
	}
	if len(resources) == 0 {
		return p.under
	}
	return p.under.With(resources...)
}

// registry adds the posted search parameters to those of the model, and tells
// what became of each. What the rows of the database lack it refuses.
func (p *parts) registry() (*search.Registry, map[name]search.Added) {
	var extra []search.Extra
	var names []name
	for _, d := range p.ordered(func(d *posted) bool { return d.parameter != nil }) {
		e := *d.parameter
		e.Rows = d.rows
		extra, names = append(extra, e), append(names, name{d.Type, d.ID})
	}
	r, added := p.search, map[name]search.Added{}
	if len(extra) > 0 {
		var list []search.Added
		r, list = p.search.With(extra...)
		for i, a := range list {
			added[names[i]] = a
		}
	}
	if p.format > 0 {
		r = r.At(p.format)
	}
	return r, added
}

// withPackages rebuilds under from base and packages.
func (p *parts) withPackages() {
	p.under = p.base
	for _, pack := range p.packages {
		p.under = p.under.With(p.loaded[pack.Key]...)
	}
}
