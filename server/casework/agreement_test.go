package casework_test

import (
	"strings"
	"testing"

	"tenon/fhir/tree"
	"tenon/server/access"
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
	t.Run("R001-054 whole", func(t *testing.T) {
		if d := agreementSigned(t).try2(hosp, "S05"); len(d.Refusal) > 0 {
			t.Fatalf("the whole agreement is refused: %s", told(d.Refusal))
		}
	})
	for _, c := range ruled(t, "agreement", "condition") {
		t.Run(c.name(), func(t *testing.T) {
			if len(removals[c.id]) == 0 {
				t.Fatalf("no test takes away what %s asks for", c.id)
			}
			for _, remove := range removals[c.id] {
				w := agreementSigned(t)
				remove(w)
				refused(t, w.try2(hosp, "S05"), 422, c.gate, c.id, strings.Fields(c.clauses)...)
			}
		})
	}
	for _, r := range ruled(t, "agreement", "signature") {
		t.Run(r.name(), func(t *testing.T) {
			w := agreementSigned(t)
			w.unsign("Contract/agreement", r.purpose, r.roles[0])
			refused(t, w.try2(hosp, "S05"), 422, r.gate, r.id, strings.Fields(r.clauses)...)
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

// plans are the embedded ones.
var plans = []string{"implant", "socket", "agreement"}

// TestEveryConditionIsFloor holds that a hospital's own plan can drop nothing that
// a source asks for (design law 3).
func TestEveryConditionIsFloor(t *testing.T) {
	for _, id := range plans {
		for _, c := range rulesOf(t, id) {
			if c.what == "condition" {
				t.Run(c.name()+" of "+id, func(t *testing.T) {
					if !strings.Contains(c.flags, "floor") {
						t.Errorf("a hospital's own plan may drop %s", c.id)
					}
				})
			}
		}
	}
}
