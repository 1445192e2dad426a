package revision

import (
	"tenon/fhir/definition"
	"tenon/fhir/schema"
	"tenon/fhir/terminology"
	"tenon/fhir/validate"
	"tenon/server/search"
)

// Revision is the definitions in force, seen at one moment. It is immutable but
// for what its parts compile on first use, and safe for concurrent use.
type Revision struct {
	// Number is the store's revision of definitions; 0 where no store is behind.
	Number      int64
	Library     *definition.Library
	Model       *schema.Model
	Terminology *terminology.Server
	Validator   *validate.Set
	Search      *search.Registry

	parts *parts                // what it was made of
	added map[name]search.Added // what became of posted search parameters
}

// Fixed is a Revision of given parts that no database changes: for commands
// without one, and tests. source may be nil.
func Fixed(lib *definition.Library, m *schema.Model, s *search.Registry, source terminology.Source) *Revision {
	p := &parts{base: lib, under: lib, model: m, search: s, source: source}
	return p.revision(0, nil)
}

// Building tells whether index rows are not there for all resources.
func (r *Revision) Building() bool { return len(r.subjects()) > 0 }

// subjects are what lacks rows, in a fixed order.
func (r *Revision) subjects() (all []Subject) {
	if f := r.parts.format; f > 0 && f < search.Format {
		all = append(all, Subject{Name: WholeIndex, Version: search.Format, Types: r.Model.Resources()})
	}
	for _, d := range r.parts.ordered(func(d *posted) bool { return d.parameter != nil }) {
		if a := r.added[name{d.Type, d.ID}]; a.Building {
			all = append(all, Subject{Name: d.Type + "/" + d.ID, Version: d.Version, Signature: a.Signature, Types: a.Types})
		}
	}
	return all
}
