package casework_test

import (
	"slices"
	"strings"
	"testing"

	"tenon/server/access"
	"tenon/server/casework"
)

// plan is the embedded plan of a custom implant.
func plan(t testing.TB) *casework.Plan {
	t.Helper()
	p, err := casework.CompilePlan(definition(t, "implant").Root)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// ownerOf is who moves a stage in the walk.
func ownerOf(stage string) *access.Context {
	for _, step := range script {
		if step.stage == stage {
			return step.owner
		}
	}
	return nil
}

// try takes the step that a condition guards.
func (w *world) try(stage string, kind casework.Kind) casework.Decision {
	w.t.Helper()
	if kind == casework.Start {
		return w.write(ownerOf(stage), w.set(stage, ownerOf(stage), "in-progress", "working"))
	}
	return w.write(ownerOf(stage), w.set(stage, ownerOf(stage), "completed", "completed"))
}

func point(stage string, kind casework.Kind) string {
	if kind == casework.Start {
		return stage + " accepted"
	}
	return stage + " working"
}

// refused checks that a decision is refused and names the condition with its
// clause and both texts.
func refused(t *testing.T, d casework.Decision, status int, gate, id string, clauses ...string) {
	t.Helper()
	i := slices.IndexFunc(d.Refusal, func(u casework.Unmet) bool { return u.Condition == id })
	if i < 0 {
		t.Fatalf("refusal %d names%s\nwant %s/%s", d.Status, told(d.Refusal), gate, id)
	}
	u := d.Refusal[i]
	if u.Gate != gate || u.Text == "" || u.Chinese == "" {
		t.Errorf("%s = gate %q, texts %q and %q, want gate %q and both texts", id, u.Gate, u.Text, u.Chinese, gate)
	}
	for _, c := range clauses {
		if !strings.Contains(u.Clause, c) {
			t.Errorf("%s has the clauses %q, want %s", id, u.Clause, c)
		}
	}
	if status != 0 && d.Status != status {
		t.Errorf("%s is refused with %d, want %d", id, d.Status, status)
	}
	if len(d.Effects) > 0 || len(d.Grants) > 0 {
		t.Errorf("a refusal has effects %v and grants %v", d.Effects, d.Grants)
	}
}

// TestEveryConditionBlocks takes away, one at a time, what each condition of the
// plan asks for, and expects the refusal to name it. A condition without a row
// in removals fails: nothing stands in the plan that no test has seen to block.
func TestEveryConditionBlocks(t *testing.T) {
	for _, c := range ruled(t, "implant", "condition") {
		t.Run(c.name(), func(t *testing.T) {
			rows := removals[c.id]
			if len(rows) == 0 {
				t.Fatalf("no test takes away what %s of %s asks for", c.id, c.stage)
			}
			for _, remove := range rows {
				w := stop(t, point(c.stage, c.kind))
				if c.stage == "S11" && c.kind == casework.Start {
					w.mustSign(prod, "Task/root", access.PROD, "waive:machine-capability")
				}
				remove(w)
				refused(t, w.try(c.stage, c.kind), 0, c.gate, c.id, strings.Fields(c.clauses)...)
			}
		})
	}
}

// TestGatesOpen takes the same steps with nothing removed.
func TestGatesOpen(t *testing.T) {
	for _, s := range plan(t).Stages {
		for _, kind := range []casework.Kind{casework.Start, casework.Stop} {
			t.Run(strings.Join(s.Clauses, " ")+" "+s.Code+" "+string(kind), func(t *testing.T) {
				w := stop(t, point(s.Code, kind))
				if s.Code == "S11" && kind == casework.Start {
					w.mustSign(prod, "Task/root", access.PROD, "waive:machine-capability")
				}
				if d := w.try(s.Code, kind); len(d.Refusal) > 0 {
					t.Errorf("%s is refused: %s", s.Code, told(d.Refusal))
				}
			})
		}
	}
}

// signedDocuments are the members that a signature rule is about.
func (w *world) signedDocuments(r rule) []string {
	var refs []string
	for out := range w.members[w.task(r.of)].Root.Field("output").Items() {
		if out.Path("type", "coding", "code").Str() == r.document {
			refs = append(refs, out.Path("valueReference", "reference").Str())
		}
	}
	return refs
}

// TestEverySignatureBlocks removes each signature of the plan, and then lets the
// document move on under it.
func TestEverySignatureBlocks(t *testing.T) {
	for _, r := range ruled(t, "implant", "signature") {
		t.Run(r.name(), func(t *testing.T) {
			w := stop(t, r.stage+" working")
			docs := w.signedDocuments(r)
			if len(docs) == 0 {
				if r.flags != "optional" {
					t.Fatalf("the walk makes no %s", r.document)
				}
				return
			}
			w.signatures = slices.DeleteFunc(w.signatures, func(sig casework.Signature) bool {
				return sig.Purpose == r.purpose && slices.Contains(docs, sig.Target) && slices.Contains(r.roles, sig.Role)
			})
			refused(t, w.try(r.stage, casework.Stop), 0, r.gate, r.id, strings.Fields(r.clauses)...)
		})
		t.Run(r.name()+" over an older version", func(t *testing.T) {
			w := stop(t, r.stage+" working")
			docs := w.signedDocuments(r)
			if len(docs) == 0 {
				return
			}
			b := w.get(docs[0])
			b["language"] = "zh"
			w.lay(b, "PractitionerRole/des-zhang")
			d := w.try(r.stage, casework.Stop)
			refused(t, d, 0, r.gate, r.id)
			for _, u := range d.Refusal {
				if u.Condition == r.id && !strings.Contains(u.Text, "must be signed anew") {
					t.Errorf("%s does not say that the signature is over an older version: %s", r.id, u.Text)
				}
			}
		})
	}
}

// TestSameVersionOtherBytes keeps the version number and changes the digest: the
// signature must not count.
func TestSameVersionOtherBytes(t *testing.T) {
	w := stop(t, "S10 working")
	r := w.members["Composition/form"]
	r.Digest[0] ^= 1
	w.members["Composition/form"] = r
	refused(t, w.try("S10", casework.Stop), 422, "G-CONFIRM", "confirmed-by-clinician", "R001-133")
}

// TestEveryOutputBlocks removes each mandatory output.
func TestEveryOutputBlocks(t *testing.T) {
	for _, d := range ruled(t, "implant", "output") {
		if strings.HasPrefix(d.flags, "min-0") {
			continue
		}
		t.Run(d.name(), func(t *testing.T) {
			w := stop(t, d.stage+" working")
			w.alter(w.task(d.stage), func(b obj) {
				b["output"] = slices.DeleteFunc(b["output"].([]any), func(o any) bool {
					return o.(obj)["type"].(obj)["coding"].([]any)[0].(obj)["code"] == d.id
				})
			})
			refused(t, w.try(d.stage, casework.Stop), 0, "", "output-"+d.id)
		})
	}
}
