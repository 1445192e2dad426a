package casework_test

import (
	"slices"
	"strings"
	"testing"

	"tenon/fhir/tree"
	"tenon/server/access"
	"tenon/server/casework"
)

// agreementAtWork is a case of the agreement's own plan, whose stage is at work.
func agreementAtWork(t testing.TB) *world {
	w := newWorld(t, "agreement")
	doc, err := tree.Parse([]byte(`{"resourceType":"Parameters","parameter":[{"name":"case-number","valueString":"A-1"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	w.open(doc.Root(), hosp)
	w.accept("S05", hosp, access.HOSP)
	w.must(hosp, w.set("S05", hosp, "in-progress", "working"))
	return w
}

// agreementSigned can be completed.
func agreementSigned(t testing.TB) *world {
	w := agreementAtWork(t)
	w.must(hosp, contract(w))
	w.name("S05", hosp, output("agreement", "Contract/agreement"))
	w.mustSign(mfr, "Contract/agreement", access.MFR, "agreement")
	w.mustSign(hosp, "Contract/agreement", access.HOSP, "agreement")
	return w
}

// TestAgreementBlocks takes away, one at a time, what the agreement's plan asks
// for: every condition, both signatures, the document itself.
func TestAgreementBlocks(t *testing.T) {
	p, err := casework.CompilePlan(definition(t, "agreement").Root)
	if err != nil {
		t.Fatal(err)
	}
	s := p.Stages[0]
	if d := agreementSigned(t).try2(hosp, "S05"); len(d.Refusal) > 0 {
		t.Fatalf("the whole agreement is refused: %s", told(d.Refusal))
	}
	for _, c := range s.Conditions {
		t.Run(strings.Join(c.Clauses, " ")+" "+c.ID, func(t *testing.T) {
			if len(removals[c.ID]) == 0 {
				t.Fatalf("no test takes away what %s asks for", c.ID)
			}
			for _, remove := range removals[c.ID] {
				w := agreementSigned(t)
				remove(w)
				refused(t, w.try2(hosp, "S05"), 422, c.Gate, c.ID, c.Clauses...)
			}
		})
	}
	for _, r := range s.Signatures {
		t.Run(strings.Join(r.Clauses, " ")+" "+r.ID, func(t *testing.T) {
			w := agreementSigned(t)
			w.unsign("Contract/agreement", r.Purpose, r.Roles[0])
			refused(t, w.try2(hosp, "S05"), 422, r.Gate, r.ID, r.Clauses...)
		})
	}
	t.Run("R001-054 the agreement is not named", func(t *testing.T) {
		w := agreementSigned(t)
		w.alter(w.task("S05"), func(b obj) { delete(b, "output") })
		refused(t, w.try2(hosp, "S05"), 422, "", "output-agreement")
	})
	t.Run("R001-054 R001-055 the manufacturer's people do not change it", func(t *testing.T) {
		w := agreementAtWork(t)
		w.must(hosp, contract(w))
		w.name("S05", hosp, output("agreement", "Contract/agreement"))
		changed := w.get("Contract/agreement")
		changed["title"] = "our own"
		refused(t, w.write(des, changed), 403, "", "document-owner")
	})
}

// TestEveryConditionIsFloor holds that a hospital's own plan can drop nothing that
// a source asks for (design law 3).
func TestEveryConditionIsFloor(t *testing.T) {
	for _, id := range plans {
		base := definition(t, id)
		p, err := casework.CompilePlan(base.Root)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range p.Stages {
			for _, c := range s.Conditions {
				t.Run(strings.Join(c.Clauses, " ")+" "+s.Code+" "+c.ID+" of "+id, func(t *testing.T) {
					if !c.Floor && !slices.Contains(tightenings, c.ID) {
						t.Errorf("a hospital's own plan may drop %s", c.ID)
					}
				})
			}
		}
	}
}

// plans are the embedded ones.
var plans = []string{"implant", "agreement"}

// tightenings are conditions that no source asks for: ours alone, for a hospital
// to drop.
var tightenings = []string{}
