package validate

import (
	"fmt"
	"sync"

	"tenon/fhir/definition"
	"tenon/fhir/issue"
	"tenon/fhir/schema"
	"tenon/fhir/terminology"
	"tenon/fhir/tree"
)

// Plan judges values of one type. It is safe for concurrent use.
type Plan struct {
	set *Set
	of  *typePlan
}

// Set compiles and keeps the plans of one model and the profiles of one
// library; what plans share is compiled once. It is safe for concurrent use. It
// grows no larger than its definitions.
type Set struct {
	model *schema.Model
	lib   *definition.Library // nil judges the shape alone
	terms *terminology.Server // nil knows only the codes of the model
	mu    sync.Mutex
	plans map[string]*typePlan
	codes map[string]map[string]struct{} // by value set

	invariants invariants
	profiles   sync.Map // canonical URL of a known profile → *profile
	refs       sync.Map // *schema.Element of the model → *references
	answers    answers
	guided     sync.Once
	globals    map[string][]*profile // by resource type
}

// New makes an empty set of plans. Without WithLibrary it judges the shape
// alone: what doc.go calls the base walk.
func New(m *schema.Model, opts ...Option) *Set {
	s := &Set{model: m, plans: map[string]*typePlan{}, codes: map[string]map[string]struct{}{}}
	for _, o := range opts {
		o(s)
	}
	s.invariants.begin(s)
	return s
}

// full tells whether more than the shape is judged.
func (s *Set) full() bool { return s.lib != nil }

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

// Validate judges a value and all that is in it, and returns what is wrong or
// worth a word; HasErrors tells whether something is wrong.
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
