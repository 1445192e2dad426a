package casework

import (
	"fmt"
	"sync"

	"tenon/fhir/tree"
	"tenon/profiles"
)

// Engine decides about cases. It holds nothing but compiled plans and is safe for
// concurrent use.
type Engine struct {
	embedded func() (map[string]*Plan, error)

	mu     sync.Mutex
	posted map[[32]byte]compiled // by digest of the PlanDefinition
}

type compiled struct {
	plan *Plan
	err  error
}

// maxPosted bounds how many posted plans are kept compiled.
const maxPosted = 64

// NewEngine returns an engine with the embedded plans.
func NewEngine() *Engine {
	return &Engine{embedded: sync.OnceValues(embeddedPlans), posted: map[[32]byte]compiled{}}
}

func embeddedPlans() (map[string]*Plan, error) {
	plans := map[string]*Plan{}
	for _, body := range profiles.Definitions() {
		doc, err := tree.Parse(body)
		if err != nil {
			return nil, err
		}
		if doc.Root().Field("resourceType").Str() != "PlanDefinition" {
			continue
		}
		plan, err := CompilePlan(doc.Root())
		if err != nil {
			return nil, err
		}
		plans[plan.Canonical()] = plan
	}
	return plans, nil
}

// planOf finds the plan that the root Task of a case pins. An embedded plan is
// taken from the binary, whatever the database says of it; another one comes
// from the directory of the snapshot and must keep every floor condition of the
// embedded plan of the same url.
func (e *Engine) planOf(s *Snapshot) (*Plan, error) {
	canonical := ""
	for _, r := range s.Resources {
		if r.Type == "Task" && r.ID == s.Case {
			canonical = r.Root.Field("instantiatesCanonical").Str()
		}
	}
	plans, err := e.embedded()
	if err != nil {
		return nil, err
	}
	if p := plans[canonical]; p != nil {
		return p, nil
	}
	for _, r := range s.Directory {
		// A draft of the same number is nobody's process yet.
		if r.Type == "PlanDefinition" && canonicalOf(r.Root) == canonical && r.Root.Field("status").Str() != "draft" {
			return e.compiled(r)
		}
	}
	return nil, fmt.Errorf("the plan %q is not known", canonical)
}

func canonicalOf(plan tree.Node) string {
	return plan.Field("url").Str() + "|" + plan.Field("version").Str()
}

// compiled compiles a posted plan once.
func (e *Engine) compiled(r Resource) (*Plan, error) {
	plans, err := e.embedded()
	if err != nil {
		return nil, err
	}
	if p := plans[canonicalOf(r.Root)]; p != nil {
		return p, nil
	}
	e.mu.Lock()
	c, ok := e.posted[r.Digest]
	e.mu.Unlock()
	if ok && r.Digest != [32]byte{} {
		return c.plan, c.err
	}
	if c.plan, c.err = CompilePlan(r.Root); c.err == nil {
		c.err = keepsFloor(c.plan, plans)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.posted) >= maxPosted {
		clear(e.posted)
	}
	e.posted[r.Digest] = c
	return c.plan, c.err
}
