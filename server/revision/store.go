package revision

import (
	"context"
	"time"

	"tenon/fhir/definition"
	"tenon/fhir/terminology"
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
	// Bodies gives the bytes of the current versions of the types, in no order,
	// each with what it is a version of. The bytes are the caller's.
	Bodies(ctx context.Context, types []string, visit func(p Posted, body []byte) error) error
	// PackageResources describes the resources of a package; each loads its
	// bytes from the store when asked.
	PackageResources(ctx context.Context, p Package) ([]*definition.Resource, error)
	// Concepts streams an imported code system.
	Concepts(ctx context.Context, system System, visit func(*terminology.Concept) error) error
	Reindexing
}

// Held is what a database has of definitions.
type Held struct {
	Number   int64
	Posted   []Posted
	Packages []Package // in the order in which they came
	Systems  []System
	// Complete are the search parameters whose rows are all there, with the
	// signature of these; Updated is zero in the keys.
	Complete map[Posted]int64
	// Format is that of the index rows of all resources, 1 where nothing is said.
	Format int
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
