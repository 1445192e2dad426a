package revision

import (
	"context"
	"time"

	"tenon/fhir/definition"
	"tenon/fhir/terminology"
	"tenon/server/search"
)

// Types are the resource types that a Library holds.
var Types = []string{
	"ActivityDefinition", "CapabilityStatement", "CodeSystem", "CompartmentDefinition", "ConceptMap", "ImplementationGuide",
	"Library", "NamingSystem", "OperationDefinition", "PlanDefinition", "Questionnaire", "SearchParameter",
	"StructureDefinition", "StructureMap", "ValueSet",
}

// Store is what a Keeper needs of the database.
type Store interface {
	// Definitions is the revision of definitions, 1 or more.
	Definitions(ctx context.Context) (int64, error)
	// Held lists what there is, all of it seen at one moment.
	Held(ctx context.Context, types []string) (*Held, error)
	// Body gives the bytes of a version of a posted resource.
	Body(ctx context.Context, typ, id string, version int64) ([]byte, error)
	// PackageResources describes the resources of a package; each loads its
	// bytes from the store when asked.
	PackageResources(ctx context.Context, p Package) ([]*definition.Resource, error)
	// Concepts streams an imported code system.
	Concepts(ctx context.Context, system System, visit func(*terminology.Concept) error) error
	// Reindex takes up to limit current resources of the types, in the order of
	// their row numbers from after on, and replaces the index rows of these keys
	// by what rows makes of the body. next is the last row number, n how many
	// resources it looked at; n < limit means that there are no more.
	Reindex(ctx context.Context, types []string, keys []search.Key, after int64, limit int, rows func(body []byte) (search.Rows, error)) (next int64, n int, err error)
	// Complete notes that the rows of a posted search parameter are all there,
	// which advances the revision.
	Complete(ctx context.Context, typ, id string, version int64) error
}

// Held is what a database has of definitions.
type Held struct {
	Number   int64
	Posted   []Posted
	Packages []Package // in the order in which they came
	Systems  []System
	// Complete are the search parameters whose rows are all there.
	Complete map[Posted]bool // Updated is zero in these keys
}

// Posted is the current version of a posted definition.
type Posted struct {
	Type, ID string
	Version  int64
	Updated  time.Time
}

// Package is a loaded FHIR NPM package.
type Package struct {
	Key           int64 // of the store
	Name, Version string
	Title         string
	Resources     int
	Dependencies  []string // "name#version"
	Added         time.Time
}

// String is "name#version".
func (p Package) String() string { return p.Name + "#" + p.Version }

// System is an imported code system that is too large for a resource.
type System struct {
	Key          int64 // of the store
	URL, Version string
	Concepts     int
	Added        time.Time
}
