package casework_test

import (
	"slices"
	"strings"
	"testing"

	"tenon/server/access"
	"tenon/server/casework"
)

// process is a plan with a walk through it, so that every rule of any plan is
// taken away in the same way.
type process struct {
	plan     string
	script   []step
	stops    func() map[string]*world
	removals map[string][]removal
	// ready does, before a start condition of the stage is judged, what the walk
	// does only after the stop "accepted"; may be nil.
	ready func(w *world, stage string)
}

func (p *process) compiled(t testing.TB) *casework.Plan {
	t.Helper()
	plan, err := casework.CompilePlan(definition(t, p.plan).Root)
	if err != nil {
		t.Fatal(err)
	}
	return plan
}

// at is the case before a step of that kind.
func (p *process) at(t testing.TB, stage string, kind casework.Kind) *world {
	t.Helper()
	w := p.stops()[point(stage, kind)]
	if w == nil {
		t.Fatalf("the walk has no point %q", point(stage, kind))
	}
	w = w.at(t)
	if kind == casework.Start && p.ready != nil {
		p.ready(w, stage)
	}
	return w
}

// try takes the step that a condition guards.
func (p *process) try(w *world, stage string, kind casework.Kind) casework.Decision {
	w.t.Helper()
	var owner *access.Context
	for _, s := range p.script {
		if s.stage == stage {
			owner = s.owner
		}
	}
	if kind == casework.Start {
		return w.write(owner, w.set(stage, owner, "in-progress", "working"))
	}
	return w.write(owner, w.set(stage, owner, "completed", "completed"))
}

// everyConditionBlocks takes away, one at a time, what each condition of the
// plan asks for, and expects the refusal to name it. A condition without a row
// in removals fails: nothing stands in the plan that no test has seen to block.
func (p *process) everyConditionBlocks(t *testing.T) {
	for _, c := range ruled(t, p.plan, "condition") {
		t.Run(c.name(), func(t *testing.T) {
			rows := p.removals[c.id]
			if len(rows) == 0 {
				t.Fatalf("no test takes away what %s of %s asks for", c.id, c.stage)
			}
			for i, remove := range rows {
				w := p.at(t, c.stage, c.kind)
				remove(w)
				d := p.try(w, c.stage, c.kind)
				if !slices.ContainsFunc(d.Refusal, func(u casework.Unmet) bool { return u.Condition == c.id }) {
					t.Errorf("row %d: refusal %d names%s\nwant %s", i, d.Status, told(d.Refusal), c.id)
					continue
				}
				refused(t, d, 0, c.gate, c.id, strings.Fields(c.clauses)...)
			}
		})
	}
}

// gatesOpen takes the same steps with nothing removed.
func (p *process) gatesOpen(t *testing.T) {
	for _, s := range p.compiled(t).Stages {
		for _, kind := range []casework.Kind{casework.Start, casework.Stop} {
			t.Run(strings.Join(s.Clauses, " ")+" "+s.Code+" "+string(kind), func(t *testing.T) {
				if d := p.try(p.at(t, s.Code, kind), s.Code, kind); len(d.Refusal) > 0 {
					t.Errorf("%s is refused: %s", s.Code, told(d.Refusal))
				}
			})
		}
	}
}

// everySignatureBlocks removes each signature of the plan, and then lets the
// document move on under it.
func (p *process) everySignatureBlocks(t *testing.T) {
	for _, r := range ruled(t, p.plan, "signature") {
		var docs []string
		t.Run(r.name(), func(t *testing.T) {
			w := p.at(t, r.stage, casework.Stop)
			if docs = w.signedDocuments(r); len(docs) == 0 && r.flags == "optional" {
				return
			}
			if len(docs) == 0 {
				t.Fatalf("the walk makes no %s", r.document)
			}
			w.signatures = slices.DeleteFunc(w.signatures, func(sig casework.Signature) bool {
				return sig.Purpose == r.purpose && slices.Contains(docs, sig.Target) && slices.Contains(r.roles, sig.Role)
			})
			refused(t, p.try(w, r.stage, casework.Stop), 0, r.gate, r.id, strings.Fields(r.clauses)...)
		})
		if len(docs) == 0 {
			continue
		}
		t.Run(r.name()+" over an older version", func(t *testing.T) {
			w := p.at(t, r.stage, casework.Stop)
			b := w.get(docs[0])
			b["language"] = "zh"
			w.lay(b, des.Principal)
			d := p.try(w, r.stage, casework.Stop)
			refused(t, d, 0, r.gate, r.id)
			for _, u := range d.Refusal {
				if u.Condition == r.id && !strings.Contains(u.Text, "must be signed anew") {
					t.Errorf("%s does not say that the signature is over an older version: %s", r.id, u.Text)
				}
			}
		})
	}
}

// everyOutputBlocks removes each mandatory output.
func (p *process) everyOutputBlocks(t *testing.T) {
	for _, d := range ruled(t, p.plan, "output") {
		if strings.HasPrefix(d.flags, "min-0") {
			continue
		}
		t.Run(d.name(), func(t *testing.T) {
			w := p.at(t, d.stage, casework.Stop)
			w.alter(w.task(d.stage), func(b obj) {
				b["output"] = slices.DeleteFunc(b["output"].([]any), func(o any) bool { return is("type", d.id)(o.(obj)) })
			})
			refused(t, p.try(w, d.stage, casework.Stop), 0, "", "output-"+d.id)
		})
	}
}

// everyProfileBlocks breaks each document that the plan has a profile for: its
// stage is not completed, and the refusal names the document.
func (p *process) everyProfileBlocks(t *testing.T) {
	for _, d := range ruled(t, p.plan, "output") {
		if !strings.Contains(d.flags, "profiles-") {
			continue
		}
		t.Run(d.clauses+" "+d.stage+" profile-"+d.id, func(t *testing.T) {
			w := p.at(t, d.stage, casework.Stop)
			broken := 0
			for out := range w.members[w.task(d.stage)].Root.Field("output").Items() {
				if out.Path("type", "coding", "code").Str() == d.id {
					w.alter(out.Path("valueReference", "reference").Str(), func(b obj) { b["unknownElement"] = true })
					broken++
				}
			}
			if broken == 0 {
				if !strings.HasPrefix(d.flags, "min-0") {
					t.Fatalf("the walk makes no %s", d.id)
				}
				return
			}
			refused(t, p.try(w, d.stage, casework.Stop), 0, "", "profile-"+d.id)
		})
	}
}
