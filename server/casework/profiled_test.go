package casework_test

import (
	"slices"
	"testing"

	"tenon/server/casework"
)

func TestEveryProfileBlocks(t *testing.T)  { implant.everyProfileBlocks(t) }
func TestSocketProfilesBlock(t *testing.T) { socket.everyProfileBlocks(t) }

// TestChecklistOfTheForm leaves one item out that the form asks for: what is
// there is answered, and the form is not.
func TestChecklistOfTheForm(t *testing.T) {
	t.Run("R001-046 an item left out", func(t *testing.T) {
		w := stop(t, "S03a working")
		w.alter("QuestionnaireResponse/checklist", func(b obj) { b["item"] = b["item"].([]any)[:8] })
		refused(t, w.try("S03a", casework.Stop), 0, "", "profile-data-checklist")
	})
	t.Run("R001-046 a form of before", func(t *testing.T) {
		w := stop(t, "S03a working")
		put("QuestionnaireResponse/checklist", "questionnaire", "urn:tenon:questionnaire:data-confirmation|1.0.0")(w)
		refused(t, w.try("S03a", casework.Stop), 0, "", "checklist-complete", "R001-046")
	})
}

// TestDesignIsDiscussed keeps what is said about a design, and a review of it,
// that follow their profiles: neither is in the way.
func TestDesignIsDiscussed(t *testing.T) {
	for _, p := range []*process{implant, socket} {
		t.Run("R001-013 R001-090 "+p.plan, func(t *testing.T) {
			w := p.at(t, "S08", casework.Stop)
			said("language", "zh")(w)
			reviewed("", "urn:tenon:questionnaire:design-review|1.0.0")(w)
			if d := p.try(w, "S08", casework.Stop); len(d.Refusal) > 0 {
				t.Errorf("S08 is refused: %s", told(d.Refusal))
			}
		})
	}
}

// TestNotApplicable: a requirement of the order has a value, or a reason why it
// does not apply; an empty reason is none.
func TestNotApplicable(t *testing.T) {
	for _, c := range []struct {
		name      string
		extension any
		missing   bool
	}{
		{"a reason", arr{ext("not-applicable", "valueString", "the plate carries no load")}, false},
		{"an empty reason", arr{ext("not-applicable", "valueString", "")}, true},
		{"another extension", arr{ext("zone", "valueString", "rim")}, true},
	} {
		t.Run("R001-076 "+c.name, func(t *testing.T) {
			w := stop(t, "S06 working")
			w.alter("DeviceRequest/order", func(b obj) {
				for _, p := range b["parameter"].([]any) {
					if is("code", "mechanical")(p.(obj)) {
						delete(p.(obj), "valueQuantity")
						p.(obj)["extension"] = c.extension
					}
				}
			})
			d := w.try("S06", casework.Stop)
			if got := slices.ContainsFunc(d.Refusal, func(u casework.Unmet) bool { return u.Condition == "order-parameters" }); got != c.missing {
				t.Errorf("order-parameters is refused: %v, want %v:%s", got, c.missing, told(d.Refusal))
			}
		})
	}
}
