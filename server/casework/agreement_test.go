package casework_test

import (
	"slices"
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
	w.prove()
	w.mustSign(mfr, "Contract/agreement", access.MFR, "agreement")
	w.mustSign(hosp, "Contract/agreement", access.HOSP, "agreement")
	return w
}

// paper is a document of the evidence on one party.
type paper struct{ document, of, number string }

func (p paper) id() string {
	if p.document == "licence" {
		return p.document + "-" + p.of
	}
	return p.document
}

var papers = []paper{
	{"institution-eligibility", "hospital", "PDY-1"}, {"qms-certificate", "maker", "QMS-1"}, {"capability-statement", "maker", "CS-1"}, {"production-licence", "maker", "PL-1"},
	{"production-experience", "maker", "PE-1"}, {"facility", "maker", "F-1"}, {"licence", "hospital", "L-1"}, {"licence", "maker", "L-2"},
	{"registration-certificate", "maker", "国械注准20243130939"},
}

// evidence is what both parties have on file.
func evidence() []obj {
	var all []obj
	for _, p := range papers {
		all = append(all, evidenceOf(p))
	}
	return all
}

// prove lays the evidence of both parties, which the hospital reviews.
func (w *world) prove() {
	w.must(hosp, evidence()...)
	for _, p := range papers {
		w.name("S05", hosp, output(p.document, "DocumentReference/"+p.id()))
	}
	w.mustSign(hosp, "DocumentReference/production-experience", access.HOSP, "evidence-review")
	w.mustSign(hosp, "DocumentReference/registration-certificate", access.HOSP, "evidence-review")
}

func evidenceOf(p paper) obj {
	return obj{"resourceType": "DocumentReference", "id": p.id(), "status": "current", "type": concept("urn:tenon:evidence", p.document), "masterIdentifier": obj{"value": p.number},
		"authenticator": obj{"display": "authority"}, "custodian": ref("Organization/" + p.of), "content": arr{obj{"attachment": stored(p.id())}},
		"context": obj{"period": obj{"start": "2025-01-01", "end": "2030-12-31"}}}
}

// abroad makes the manufacturer a foreign one, with the certificate of its home
// authority in place of the registration.
func abroad(w *world) {
	w.alterDirectory("Organization/maker", func(b obj) { b["address"] = arr{obj{"text": "Ulm", "country": "DE"}} })
	w.must(hosp, evidenceOf(paper{"home-authority-certificate", "maker", "DE-1"}))
	w.alter(w.task("S05"), func(b obj) {
		kept := slices.DeleteFunc(b["output"].([]any), func(o any) bool { return is("type", "registration-certificate")(o.(obj)) })
		b["output"] = append(kept, output("home-authority-certificate", "DocumentReference/home-authority-certificate"))
	})
	w.mustSign(hosp, "DocumentReference/home-authority-certificate", access.HOSP, "evidence-review")
}

// ofAnother makes a paper one of the other party.
func ofAnother(document, organisation string) removal {
	return put("DocumentReference/"+document, "custodian", ref("Organization/"+organisation))
}

// ofKind makes a paper one of another kind.
func ofKind(document, kind string) removal {
	return put("DocumentReference/"+document, "type", concept("urn:tenon:evidence", kind))
}

func outOfDate(document string) removal {
	return put("DocumentReference/"+document, "context", obj{"period": obj{"start": "2020-01-01", "end": "2025-12-31"}})
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
			if r.document == "home-authority-certificate" {
				abroad(w)
			}
			w.unsign(w.signedDocuments(r)[0], r.purpose, r.roles[0])
			refused(t, w.try2(hosp, "S05"), 422, r.gate, r.id, strings.Fields(r.clauses)...)
		})
	}
	for _, d := range ruled(t, "agreement", "output") {
		if strings.HasPrefix(d.flags, "min-0") {
			continue
		}
		t.Run(d.name(), func(t *testing.T) {
			w := agreementSigned(t)
			w.alter(w.task("S05"), func(b obj) {
				b["output"] = slices.DeleteFunc(b["output"].([]any), func(o any) bool { return is("type", d.id)(o.(obj)) })
			})
			refused(t, w.try2(hosp, "S05"), 422, "", "output-"+d.id)
		})
	}
	for _, d := range ruled(t, "agreement", "output") {
		t.Run(d.clauses+" "+d.stage+" profile-"+d.id, func(t *testing.T) {
			w := agreementSigned(t)
			if d.id == "home-authority-certificate" {
				abroad(w)
			}
			for out := range w.members[w.task("S05")].Root.Field("output").Items() {
				if out.Path("type", "coding", "code").Str() == d.id {
					put(out.Path("valueReference", "reference").Str(), "unknownElement", true)(w)
				}
			}
			refused(t, w.try2(hosp, "S05"), 422, "", "profile-"+d.id)
		})
	}
	t.Run("R001-019 a manufacturer abroad has the certificate of its home authority", func(t *testing.T) {
		w := agreementSigned(t)
		abroad(w)
		if d := w.try2(hosp, "S05"); len(d.Refusal) > 0 {
			t.Errorf("it is refused: %s", told(d.Refusal))
		}
	})
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
var plans = []string{"implant", "socket", "agreement", "termination"}

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
