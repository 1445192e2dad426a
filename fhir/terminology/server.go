package terminology

import (
	"tenon/fhir/definition"
	"tenon/fhir/tree"
)

// Options of a server; the zero value works.
type Options struct {
	// Source gives code systems that are too large for a resource; nil has none.
	Source Source
}

// Concept is one concept of a code system as a Source streams it.
type Concept struct {
	Code, Display, Definition string
	Parents                   []string // codes; of the same system
	Designations              []Designation
	Inactive, Abstract        bool
	Properties                []Property
}

// Designation is another text of a concept. Use is a code of
// http://terminology.hl7.org/CodeSystem/designation-usage or of SNOMED CT.
type Designation struct{ Language, Use, Value string }

// Property is a property of a concept; Type is code, string, integer, boolean,
// dateTime, decimal or Coding, Value its text.
type Property struct{ Code, Type, Value string }

// Source streams the concepts of large code systems.
type Source interface {
	// Systems lists the code systems: URL and version.
	Systems() []Coding
	// Concepts calls visit for each concept in the order of import, parents
	// before children, until it returns an error, and returns that.
	Concepts(system, version string, visit func(*Concept) error) error
}

// Server answers questions about codes. It is immutable but for what it
// compiles on first use, and safe for concurrent use.
type Server struct {
	lib *definition.Library
	o   Options
}

// New makes a server over a library.
func New(lib *definition.Library, o Options) *Server { return &Server{lib: lib, o: o} }

// CodeOptions say how a code is asked for; nil and the zero value are usual.
type CodeOptions struct {
	Language string // of the display that is answered, "zh-CN"; "" is the system's
	// ContainedIn resolves a value set "#id" among a resource's contained ones.
	ContainedIn tree.Node
}

// ValidateCode tells whether a code is one of a value set, given by canonical
// URL; "" asks the code system alone. A code without a system is looked for in
// the value set, and right if just one of its systems has it.
// https://hl7.org/fhir/R4/valueset-operation-validate-code.html
func (s *Server) ValidateCode(valueSet string, c Coding, o *CodeOptions) Answer {
	return Answer{Verdict: Unknown, Problem: UnknownSystem}
}
