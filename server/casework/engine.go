package casework

import (
	"fmt"
	"slices"
	"sync"

	"tenon/fhir/issue"
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
		if r.Type == "PlanDefinition" && canonicalOf(r.Root) == canonical {
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

// keepsFloor refuses a plan that drops or changes a floor condition or a
// signature of the embedded plan with the same url: a hospital's own plan may
// tighten, never loosen (design law 3).
func keepsFloor(plan *Plan, embedded map[string]*Plan) error {
	f := issue.New()
	for _, base := range embedded {
		if base.URL != plan.URL {
			continue
		}
		if plan.shorter(base) {
			x := issue.Errorf(issue.BusinessRule, "The plan must keep records no shorter than the one that it is made after.").Rule("plan-floor").At("PlanDefinition.extension").Clause("R001-166")
			f.Issues = append(f.Issues, x.Issues[0])
		}
		for _, s := range base.Stages {
			f.Issues = append(f.Issues, droppedFrom(plan.Stage(s.Code), s)...)
		}
		droppedExceptions(&plan.Exceptions, &base.Exceptions, func(what, id string) {
			x := issue.Errorf(issue.BusinessRule, "The plan must keep the %s %s as it is, or make it stricter.", what, id).Rule("plan-floor").At("PlanDefinition.extension")
			f.Issues = append(f.Issues, x.Issues[0])
		})
	}
	if len(f.Issues) == 0 {
		return nil
	}
	return f.WithStatus(422)
}

func droppedFrom(own, base *Stage) []issue.Issue {
	var faults []issue.Issue
	fault := func(what, id string) {
		x := issue.Errorf(issue.BusinessRule, "The plan must keep the %s %s of %s as it is.", what, id, base.Code).Rule("plan-floor").
			At("PlanDefinition.action[" + base.Code + "]")
		faults = append(faults, x.Issues[0])
	}
	if own == nil {
		fault("stage", base.Code)
		return faults
	}
	for _, after := range base.After {
		if !slices.Contains(own.After, after) {
			fault("predecessor", after)
		}
	}
	for _, d := range base.Outputs {
		if o := own.output(d.Code); o == nil || o.Min < d.Min || d.Sealed && !o.Sealed || d.Own && !o.Own || d.Hazard != o.Hazard || !d.profiledIn(o) {
			fault("output", d.Code)
		}
	}
	for _, c := range base.Conditions {
		if c.Floor && !slices.ContainsFunc(own.Conditions, func(o Condition) bool {
			return o.ID == c.ID && o.Source == c.Source && o.Kind == c.Kind && o.Waiver == c.Waiver
		}) {
			fault("condition", c.ID)
		}
	}
	for _, r := range base.Signatures {
		if !slices.ContainsFunc(own.Signatures, func(o SignatureRule) bool {
			return o.ID == r.ID && slices.Equal(o.Roles, r.Roles) && o.Purpose == r.Purpose && o.Document == r.Document && o.Stage == r.Stage && o.Optional == r.Optional
		}) {
			fault("signature", r.ID)
		}
	}
	return faults
}
