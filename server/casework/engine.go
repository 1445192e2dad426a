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
	plan  *Plan
	err   error
	floor error // what of the guide's floor the plan lacks
}

// maxPosted bounds how many posted plans are kept compiled.
const maxPosted = 64

// NewEngine returns an engine with the embedded plans.
func NewEngine() *Engine {
	return NewEngineOf(func() [][]byte { return profiles.Definitions() })
}

// NewEngineOf returns an engine with the plans of another guide: of what a later
// one changes for cases that run.
func NewEngineOf(definitions func() [][]byte) *Engine {
	return &Engine{embedded: sync.OnceValues(func() (map[string]*Plan, error) { return plansIn(definitions()) }), posted: map[[32]byte]compiled{}}
}

func plansIn(definitions [][]byte) (map[string]*Plan, error) {
	plans := map[string]*Plan{}
	for _, body := range definitions {
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
// from the directory of the snapshot. That it kept the floor was judged when two
// persons put it in force and when the case was opened: a guide that raises its
// floor afterwards stops no case that runs, and opens no new one on that plan.
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
			c, err := e.compiled(r)
			return c.plan, err
		}
	}
	return nil, fmt.Errorf("the plan %q is not known", canonical)
}

func canonicalOf(plan tree.Node) string {
	return plan.Field("url").Str() + "|" + plan.Field("version").Str()
}

// compiled compiles a posted plan once.
func (e *Engine) compiled(r Resource) (compiled, error) {
	plans, err := e.embedded()
	if err != nil {
		return compiled{}, err
	}
	if p := plans[canonicalOf(r.Root)]; p != nil {
		return compiled{plan: p}, nil
	}
	e.mu.Lock()
	c, ok := e.posted[r.Digest]
	e.mu.Unlock()
	if ok && r.Digest != [32]byte{} {
		return c, c.err
	}
	c = compiled{}
	if c.plan, c.err = CompilePlan(r.Root); c.err == nil {
		c.floor = keepsFloor(c.plan, plans)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.posted) >= maxPosted {
		clear(e.posted)
	}
	e.posted[r.Digest] = c
	return c, c.err
}
