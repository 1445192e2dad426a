package casework_test

import (
	"slices"
	"strings"
	"testing"

	"tenon/fhir/tree"
	"tenon/server/access"
	"tenon/server/casework"
)

// terminationRemovals are the removals of its conditions.
var terminationRemovals = map[string][]removal{
	"termination-agreement":  {put("Contract/agreement", "status", "terminated"), put("Contract/agreement", "applies", nil)},
	"re-evaluation-complete": {put("MeasureReport/evaluation", "status", "pending"), put("MeasureReport/evaluation", "period", nil)},
	"decision-of-type": {
		put("Composition/decision", "status", "preliminary"), put("Composition/decision", "subject", nil),
		put("Composition/decision", "subject", ref("Device/printer")), put("Composition/decision", "section", nil),
	},
}

// terminationSigned is the re-evaluation of a product family that can be completed.
func terminationSigned(t testing.TB) *world {
	w := newWorld(t, "termination")
	w.knows("DeviceDefinition/family-cranial-plate")
	doc, err := tree.Parse([]byte(`{"resourceType":"Parameters","parameter":[{"name":"case-number","valueString":"T-1"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	w.open(doc.Root(), hosp)
	w.accept("T01", hosp, access.HOSP)
	w.must(hosp, w.set("T01", hosp, "in-progress", "working"))
	w.must(hosp, contract(w), obj{"resourceType": "MeasureReport", "id": "evaluation", "status": "complete", "type": "summary", "period": obj{"start": "2025-01-01", "end": "2025-12-31"}},
		obj{"resourceType": "Composition", "id": "decision", "status": "final", "subject": ref("DeviceDefinition/family-cranial-plate"), "section": arr{obj{"text": obj{"status": "additional", "div": "<div>cracks</div>"}}}})
	w.name("T01", hosp, output("agreement", "Contract/agreement"), output("re-evaluation", "MeasureReport/evaluation"), output("type-decision", "Composition/decision"))
	w.mustSign(hosp, "Composition/decision", access.HOSP, "type-termination")
	w.mustSign(qa, "Composition/decision", access.QA, "type-termination")
	return w
}

func TestTermination(t *testing.T) {
	for _, c := range ruled(t, "termination", "condition") {
		t.Run(c.name(), func(t *testing.T) {
			if len(terminationRemovals[c.id]) == 0 {
				t.Fatalf("no test takes away what %s asks for", c.id)
			}
			for _, remove := range terminationRemovals[c.id] {
				w := terminationSigned(t)
				remove(w)
				refused(t, w.try2(hosp, "T01"), 422, c.gate, c.id, strings.Fields(c.clauses)...)
			}
		})
	}
	for _, r := range ruled(t, "termination", "signature") {
		t.Run(r.name(), func(t *testing.T) {
			w := terminationSigned(t)
			for _, role := range r.roles {
				if role != access.MFR {
					w.unsign("Composition/decision", r.purpose, role)
				}
			}
			refused(t, w.try2(hosp, "T01"), 422, r.gate, r.id, strings.Fields(r.clauses)...)
		})
	}
	for _, r := range ruled(t, "termination", "output") {
		t.Run(r.name(), func(t *testing.T) {
			w := terminationSigned(t)
			w.alter(w.task("T01"), func(b obj) {
				b["output"] = slices.DeleteFunc(b["output"].([]any), func(o any) bool { return is("type", r.id)(o.(obj)) })
			})
			refused(t, w.try2(hosp, "T01"), 422, "", "output-"+r.id, "R001-147")
		})
	}
	for _, document := range []string{"MeasureReport/evaluation", "Composition/decision"} {
		t.Run("R001-147 what the decision rests on is sealed: "+document, func(t *testing.T) {
			w := terminationSigned(t)
			w.must(hosp, w.set("T01", hosp, "completed", "completed"))
			changed := w.get(document)
			changed["language"] = "zh"
			refused(t, w.write(hosp, changed), 409, "", "document-sealed", "R001-147")
		})
	}
	t.Run("R001-147 the manufacturer's people do not change the agreement", func(t *testing.T) {
		w := terminationSigned(t)
		changed := w.get("Contract/agreement")
		changed["title"] = "our own"
		refused(t, w.write(des, changed), 403, "", "document-owner")
	})
	t.Run("R001-147 the family bears the end of its use, and every case of it is looked at", func(t *testing.T) {
		w := terminationSigned(t)
		d := w.try2(hosp, "T01")
		var family, spread *casework.Effect
		for i, e := range d.Effects {
			switch {
			case e.Beside:
				family = &d.Effects[i]
			case e.Message != nil && e.Message.Kind == "type-everywhere":
				spread = &d.Effects[i]
			}
		}
		if family == nil || spread == nil || !strings.Contains(string(family.Update), `"url":"urn:tenon:extension:use-termination"`) || !strings.Contains(string(family.Update), `"family-cranial-plate"`) ||
			!strings.Contains(string(spread.Message.Body), "DeviceDefinition/family-cranial-plate") {
			t.Fatalf("effects = %+v (refused: %s), want the family ended and the message to its cases", d.Effects, told(d.Refusal))
		}
	})
}
