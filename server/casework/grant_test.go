package casework_test

import (
	"slices"
	"testing"

	"tenon/server/access"
	"tenon/server/casework"
)

// ceiling is up to which level a case is open to a principal, 0 if it is not.
func ceiling(w *world, principal string) access.Level {
	for _, g := range w.grants {
		if g.Principal == principal {
			return g.Ceiling
		}
	}
	return 0
}

// regrant asks for the access table as the case stands.
func (w *world) regrant() {
	w.t.Helper()
	d := w.engine.Decide(w.snapshot(), w.snapshot(), dev)
	if len(d.Refusal) > 0 {
		w.t.Fatal(told(d.Refusal))
	}
	w.grants = d.Grants
}

var makers = []*access.Context{des, des2, rev, prod, qa, mfr, logist}

func TestDisclosure(t *testing.T) {
	for _, c := range []struct {
		at   string
		open bool
	}{
		{"S01 handed-over", false}, {"S02 working", false}, {"S03a working", false}, {"S05 working", false},
		{"S03b handed-over", true}, {"S08 working", true}, {"closed", true},
	} {
		t.Run("R001-046 "+c.at, func(t *testing.T) {
			w := stop(t, c.at)
			w.regrant()
			for _, m := range makers {
				want := access.Level(0)
				if c.open {
					want = 4
				}
				if got := ceiling(w, m.Principal); got != want {
					t.Errorf("%s reaches level %d, want %d", m.Principal, got, want)
				}
			}
			for _, p := range []string{clin.Principal, "Patient/p"} {
				if got := ceiling(w, p); got != 5 {
					t.Errorf("%s reaches level %d, want 5", p, got)
				}
			}
		})
	}
}

func TestDisclosureEndsWithWhatItRestsOn(t *testing.T) {
	for _, c := range []struct {
		name   string
		remove removal
		who    *access.Context
	}{
		{"R001-046 the data are not confirmed any more", anew("S03a"), prod},
		{"R001-046 new images are not confirmed yet", anew("S02"), prod},
		{"R001-054 the agreement is not executed", put("Contract/agreement", "status", "terminated"), prod},
		{"R001-016 the agreement is over", later(expiry), prod},
		{"R001-054 the manufacturer's signature is over an older version", func(w *world) {
			b := w.get("Contract/agreement")
			b["title"] = "changed"
			w.lay(b, hosp.Principal)
		}, prod},
		{"R001-055 the person is not named in the agreement", unnamed(prod), prod},
		{"R001-009 the person is not in the team", cut("CareTeam/team", "participant", member(prod)), prod},
		{"R001-150 the consent was withdrawn", put("Consent/consent", "status", "inactive"), prod},
		{"R001-150 the consent does not cover the device", withPurposes("examination"), prod},
		{"R001-006 nobody knows whose person it is", func(w *world) {
			w.directory = slices.DeleteFunc(w.directory, func(r casework.Resource) bool { return r.Ref() == prod.Principal })
		}, prod},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := stop(t, "S08 working")
			w.regrant()
			if got := ceiling(w, c.who.Principal); got != 4 {
				t.Fatalf("before: %s reaches level %d, want 4", c.who.Principal, got)
			}
			c.remove(w)
			w.regrant()
			if got := ceiling(w, c.who.Principal); got != 0 {
				t.Errorf("%s reaches level %d, want nothing", c.who.Principal, got)
			}
			if got := ceiling(w, clin.Principal); got != 5 {
				t.Errorf("the clinician reaches level %d, want 5", got)
			}
		})
	}
}

// unnamed takes a person out of the agreement.
func unnamed(c *access.Context) removal {
	return func(w *world) {
		w.alter("Contract/agreement", func(b obj) {
			offer := b["term"].([]any)[0].(obj)["offer"].(obj)
			offer["party"] = slices.DeleteFunc(offer["party"].([]any), func(p any) bool {
				return p.(obj)["reference"].([]any)[0].(obj)["reference"] == c.Principal
			})
		})
	}
}

func TestMachineReachesTheCaseWhenProductionStarts(t *testing.T) {
	for point, want := range map[string]access.Level{"S03b working": 0, "S10 working": 0, "S11 accepted": 0, "S11 working": 4, "S13 working": 4} {
		t.Run("R001-133 "+point, func(t *testing.T) {
			w := stop(t, point)
			w.regrant()
			if got := ceiling(w, "Device/mes"); got != want {
				t.Errorf("the MES reaches level %d, want %d", got, want)
			}
		})
	}
}

func TestRepresentativeReachesTheCase(t *testing.T) {
	w := stop(t, "S02 working")
	put("Consent/consent", "performer", arr{ref("RelatedPerson/mother")})(w)
	w.regrant()
	if got := ceiling(w, "RelatedPerson/mother"); got != 5 {
		t.Errorf("R001-037 the representative reaches level %d, want 5", got)
	}
}

// TestAgreementCase walks the plan without a patient.
func TestAgreementCase(t *testing.T) {
	w := agreementAtWork(t)
	if got := ceiling(w, mfr.Principal); got != 0 {
		t.Errorf("the manufacturer reaches level %d before the agreement names him", got)
	}
	w.must(hosp, contract(w))
	w.name("S05", hosp, output("agreement", "Contract/agreement"))
	if got := ceiling(w, mfr.Principal); got != 4 {
		t.Errorf("R001-054 the manufacturer's signatory reaches level %d, want 4", got)
	}
	if _, refusal := w.sign(des, "Contract/agreement", access.DES, "agreement"); len(refusal) == 0 {
		t.Error("R001-054 a designer may sign the agreement")
	}
	w.mustSign(mfr, "Contract/agreement", access.MFR, "agreement")
	w.mustSign(hosp, "Contract/agreement", access.HOSP, "agreement")
	w.prove()
	w.must(hosp, w.set("S05", hosp, "completed", "completed"))
	if got := w.members["Task/root"].Root.Field("status").Str(); got != "completed" {
		t.Errorf("the agreement case is %q, want completed", got)
	}
	t.Run("R001-054 what both signed is sealed", func(t *testing.T) {
		changed := w.get("Contract/agreement")
		changed["title"] = "better terms"
		refused(t, w.write(hosp, changed), 409, "", "document-sealed")
	})
}

// try2 completes a stage as somebody.
func (w *world) try2(actor *access.Context, stage string) casework.Decision {
	w.t.Helper()
	return w.write(actor, w.set(stage, actor, "completed", "completed"))
}
