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
}

type name struct{ typ, id string }

// posted is a posted definition, read.
type posted struct {
	Posted
	resource  *definition.Resource // nil where it cannot be found by a URL or is not in force
	parameter *search.Extra        // of a SearchParameter in force
}

// revision makes the Revision; failures tell of the search parameters that
// could not be used, by name. What before has compiled and has not changed is
// taken over.
func (p *parts) revision(number int64, before *Revision) (*Revision, map[name]error) {
	r := &Revision{Number: number, Model: p.model, parts: p}
	r.Library = p.library()
	o := terminology.Options{Source: p.source}
	if before != nil {
		o.Previous = before.Terminology
	}
	r.Terminology = terminology.New(r.Library, o)
	r.Validator = newValidator(p.model, r.Library, r.Terminology)
	var failures map[name]error
	if r.Search, failures = p.registry(); r.Search != nil {
		r.Search = r.Search.WithCodes(r.Terminology)
	}
	return r, failures
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

// registry adds the posted search parameters to those of the model.
func (p *parts) registry() (*search.Registry, map[name]error) {
	var extra []search.Extra
	var names []name
	for _, d := range p.ordered(func(d *posted) bool { return d.parameter != nil }) {
		extra, names = append(extra, *d.parameter), append(names, name{d.Type, d.ID})
	}
	if len(extra) == 0 || p.search == nil {
		return p.search, nil
	}
	r, errs := p.search.With(extra...)
	failures := map[name]error{}
	for i, err := range errs {
		if err != nil {
			failures[names[i]] = err
		}
	}
	return r, failures
}

// building are the search parameters in force whose rows are not all there.
func (p *parts) building() []*posted {
	return p.ordered(func(d *posted) bool { return d.parameter != nil && !d.parameter.Complete })
}

// withPackages rebuilds under from base and packages.
func (p *parts) withPackages() {
	p.under = p.base
	for _, pack := range p.packages {
		p.under = p.under.With(p.loaded[pack.Key]...)
	}
}
