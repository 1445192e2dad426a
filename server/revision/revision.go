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

	parts *parts // what it was made of
}

// Fixed is a Revision of given parts that no database changes: for commands
// without one, and tests. source may be nil.
func Fixed(lib *definition.Library, m *schema.Model, s *search.Registry, source terminology.Source) *Revision {
	p := &parts{base: lib, under: lib, model: m, search: s, source: source}
	r, _ := p.revision(0, nil)
	return r
}

// Building tells whether a posted search parameter is not complete yet.
func (r *Revision) Building() bool { return len(r.parts.building()) > 0 }
