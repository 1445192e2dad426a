package validate

import (
	"fmt"
	"sync"

	"tenon/fhir/issue"
	"tenon/fhir/schema"
	"tenon/fhir/tree"
)

// DefaultMaxIssues is how many issues a walk reports before it stops.
const DefaultMaxIssues = 100

// Options of a walk; nil and the zero value mean the defaults.
type Options struct {
	MaxIssues int // stop after so many; 0 means DefaultMaxIssues
}

// Plan judges values of one type. It is safe for concurrent use.
type Plan struct {
	set *Set
	of  *typePlan
}

// Set compiles and keeps the plans of one model; types that plans share are
// compiled once. It is safe for concurrent use.
type Set struct {
	model *schema.Model
	mu    sync.Mutex
	plans map[string]*typePlan
	codes map[string]map[string]struct{} // by value set
}

// New makes an empty set of plans.
func New(m *schema.Model) *Set {
	return &Set{model: m, plans: map[string]*typePlan{}, codes: map[string]map[string]struct{}{}}
}

// Plan gives the plan of a type: a resource or data type, or "Resource" for
// whatever the resourceType says. The error is an *issue.Failure when the
// model does not know the type.
func (s *Set) Plan(typeName string) (*Plan, error) {
	t := s.model.Type(typeName)
	if t == nil || t.Kind == schema.Primitive {
		return nil, issue.Errorf(issue.NotSupported, "there is no type %s to validate in FHIR %s", quote(typeName), s.model.Version()).
			Rule("type-unknown").Chinese(fmt.Sprintf("FHIR %s 中没有可校验的类型 %s", s.model.Version(), quote(typeName)))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return &Plan{s, s.stub(t)}, nil
}

// Compile makes the plan of one type with a set of its own. Whoever needs
// several types shares a Set.
func Compile(m *schema.Model, typeName string) (*Plan, error) { return New(m).Plan(typeName) }

// Validate judges a value and all that is in it, and returns what is wrong, in
// document order; nothing is wrong when it returns none.
func (p *Plan) Validate(n tree.Node, opt *Options) []issue.Issue {
	w := walkers.Get().(*walker)
	defer walkers.Put(w)
	w.begin(p.set, opt)
	w.value(n, p.of)
	issues := w.issues
	w.end()
	return issues
}

var walkers = sync.Pool{New: func() any { return new(walker) }}
