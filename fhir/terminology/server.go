package terminology

import (
	"slices"
	"sync"

	"tenon/fhir/definition"
	"tenon/fhir/tree"
)

// Options of a server; the zero value works.
type Options struct {
	// Source gives code systems that are too large for a resource; nil has none.
	Source Source
	// Previous is a server over an earlier state of the library (and of the
	// Source): what has not changed since is not compiled again. It is not
	// kept.
	Previous *Server
	// Progress is told while concepts of the Source are loaded, now and then
	// and at the end; nil is silent.
	Progress func(system Coding, concepts int)
	// MaxExpansion is how many codes one expansion or iteration may give:
	// 10,000 by default.
	MaxExpansion int
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

// Source streams the concepts of large code systems. It is asked for a system
// when the first question about it comes, once. A Source whose systems changed
// is another value, under a new Server; one that is Identified saves loading
// again what is the same.
type Source interface {
	// Systems lists the code systems: URL and version.
	Systems() []Coding
	// Concepts calls visit for each concept until it returns an error, and
	// returns that. Any order will do; siblings keep it. Visit keeps nothing of
	// the concept.
	Concepts(system, version string, visit func(*Concept) error) error
}

// Server answers questions about codes. It is immutable but for what it
// compiles on first use, and safe for concurrent use.
type Server struct {
	lib *definition.Library
	o   Options

	mu         sync.RWMutex
	sets       map[string]*ValueSet
	systems    map[systemKey]*system
	byResource map[*definition.Resource]*system
	bySource   map[Coding]*system

	headsOnce     sync.Once
	headsOf       map[*definition.Resource]head
	supplementing []*definition.Resource        // those of headsOf that do, in the library's order
	earlier       map[*definition.Resource]head // of the previous server

	mapsOnce sync.Once
	maps     []*conceptMap
}

// New makes a server over a library.
func New(lib *definition.Library, o Options) *Server {
	if o.MaxExpansion <= 0 {
		o.MaxExpansion = 10_000
	}
	s := &Server{
		lib: lib, o: o, sets: map[string]*ValueSet{}, systems: map[systemKey]*system{},
		byResource: map[*definition.Resource]*system{}, bySource: map[Coding]*system{},
	}
	if o.Previous != nil {
		s.inherit(o.Previous)
		s.o.Previous = nil
	}
	return s
}

// WithSystem is a server that knows one more code system, or another state of
// one: a CodeSystem that a client sent along. The error is an *issue.Failure
// when it has no url.
func (s *Server) WithSystem(n tree.Node) (*Server, error) {
	r, err := definition.Read(n.Raw(), "")
	if err != nil {
		return nil, err
	}
	o := s.o
	o.Previous = s
	return New(s.lib.With(r), o), nil
}

// inherit takes over the tables whose resources and supplements are the same.
func (s *Server) inherit(old *Server) {
	s.earlier = old.heads()
	old.mu.RLock()
	defer old.mu.RUnlock()
	for r, cs := range old.byResource {
		if cs != nil && cs.current.Load() != nil && slices.Contains(s.lib.Versions(r.Type, r.URL), r) &&
			slices.Equal(old.supplements(cs), s.supplements(cs)) {
			s.byResource[r] = cs
		}
	}
	for from, cs := range old.bySource {
		if cs.current.Load() != nil && sameImport(old.o.Source, s.o.Source, from) && slices.Equal(old.supplements(cs), s.supplements(cs)) {
			s.bySource[from] = cs
		}
	}
}

// Identified is a Source that can tell one import of a code system from another
// of the same version: by a comparable value that changes with the concepts.
type Identified interface {
	Identity(system, version string) any
}

// sameImport tells whether two sources stream the same concepts.
func sameImport(old, now Source, system Coding) bool {
	a, okA := old.(Identified)
	b, okB := now.(Identified)
	if !okA || !okB {
		return old == now
	}
	x := a.Identity(system.System, system.Version)
	return x != nil && x == b.Identity(system.System, system.Version)
}

// CodeOptions say how a code is asked for; nil and the zero value are usual.
type CodeOptions struct {
	Language string // of the display that is answered, "zh-CN"; "" is the system's
	// ContainedIn resolves a value set "#id" among a resource's contained ones.
	ContainedIn tree.Node
	// Abstract allows codes that are not selectable.
	Abstract bool
	// ActiveOnly counts inactive codes as none of the value set.
	ActiveOnly bool
}
