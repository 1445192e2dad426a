package casework_test

import (
	"testing"

	"tenon/server/access"
)

// TestAgreementSealed: what both parties signed stays as it was; it can be ended,
// and is amended by a new Contract (mission/stages.md, S05).
func TestAgreementSealed(t *testing.T) {
	for _, row := range []struct {
		name    string
		edit    func(b obj)
		refused bool
	}{
		{"another text", func(b obj) { b["title"] = "better terms" }, true},
		{"another person", func(b obj) { b["term"].([]any)[0].(obj)["offer"].(obj)["party"] = arr{} }, true},
		{"a longer period", func(b obj) { b["applies"] = obj{"start": "2026-01-01", "end": "2036-12-31"} }, true},
		{"back to negotiation", func(b obj) { b["status"] = "negotiable" }, true},
		{"ended with another text", func(b obj) { b["status"], b["title"] = "terminated", "better terms" }, true},
		{"ended", func(b obj) { b["status"] = "terminated" }, false},
		{"revoked", func(b obj) { b["status"] = "revoked" }, false},
	} {
		t.Run("R001-054 "+row.name, func(t *testing.T) {
			w := stop(t, "S06 working")
			b := w.get("Contract/agreement")
			row.edit(b)
			d := w.write(hosp, b)
			if !row.refused {
				if len(d.Refusal) > 0 {
					t.Fatalf("refused: %s", told(d.Refusal))
				}
				b["status"] = "executed"
				refused(t, w.write(hosp, b), 409, "", "document-sealed")
				return
			}
			refused(t, d, 409, "", "document-sealed")
		})
	}
}

// amended is a Contract of the same parties that names all but those left out; the
// parties sign it in a case of its own.
func amended(w *world, id string, signers ...access.Role) {
	b := contract(w)
	b["id"] = id
	w.lay(b, hosp.Principal)
	r := w.members["Contract/"+id]
	for _, s := range w.signatures {
		if s.Target == "Contract/agreement" && s.Purpose == "agreement" {
			for _, role := range signers {
				if s.Role == role {
					s.Target, s.Version, s.Digest = r.Ref(), r.Version, r.Digest
					w.signatures = append(w.signatures, s)
				}
			}
		}
	}
}

func TestAmendment(t *testing.T) {
	amendment := func(document string) obj { return change(des, "agreement", "S09", document) }
	t.Run("R001-054 R001-055 a new Contract names whom the old one did not", func(t *testing.T) {
		w := stop(t, "S09 handed-over")
		unnamed(des)(w)
		receive := func(w *world) obj { return w.set("S09", des, "received", "received") }
		refused(t, w.write(des, receive(w)), 403, "", "actor-in-agreement", "R001-055")
		amended(w, "amended", access.HOSP, access.MFR)
		w.must(clin, change(clin, "agreement", "S09", "Contract/amended"))
		w.signChange()
		w.must(clin, w.status("Task/x1", "completed"))
		w.must(des, receive(w))
	})
	t.Run("R001-054 one party alone amends nothing", func(t *testing.T) {
		w := stop(t, "S09 handed-over")
		amended(w, "amended", access.HOSP)
		refused(t, w.write(des, amendment("Contract/amended")), 422, "", "change-agreement", "R001-054")
	})
	t.Run("R001-054 R001-016 an agreement with another manufacturer amends nothing", func(t *testing.T) {
		w := stop(t, "S09 handed-over")
		amended(w, "amended", access.HOSP, access.MFR)
		put("Contract/amended", "subject", arr{ref("Organization/hospital"), ref("Organization/stranger")})(w)
		refused(t, w.write(des, amendment("Contract/amended")), 422, "", "change-agreement")
	})
	t.Run("R001-054 the agreement itself amends nothing", func(t *testing.T) {
		refused(t, stop(t, "S09 handed-over").write(des, amendment("Contract/agreement")), 422, "", "change-agreement")
	})
}
