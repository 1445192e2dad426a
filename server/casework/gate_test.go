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

// implant is the process of a custom implant.
var implant = &process{plan: "implant", script: script, stops: stops, removals: removals, ready: waiveCapability}

func waiveCapability(w *world, stage string) {
	if stage == "S11" {
		w.mustSign(prod, "Task/root", access.PROD, "waive:machine-capability")
	}
}

func TestEveryConditionBlocks(t *testing.T) { implant.everyConditionBlocks(t) }
func TestGatesOpen(t *testing.T)            { implant.gatesOpen(t) }
func TestEverySignatureBlocks(t *testing.T) { implant.everySignatureBlocks(t) }
func TestEveryOutputBlocks(t *testing.T)    { implant.everyOutputBlocks(t) }

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

// TestSameVersionOtherBytes keeps the version number and changes the digest: the
// signature must not count.
func TestSameVersionOtherBytes(t *testing.T) {
	w := stop(t, "S10 working")
	r := w.members["Composition/form"]
	r.Digest[0] ^= 1
	w.members["Composition/form"] = r
	refused(t, w.try("S10", casework.Stop), 422, "G-CONFIRM", "confirmed-by-clinician", "R001-133")
}
