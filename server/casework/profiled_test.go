package casework_test

import (
	"strings"
	"testing"

	"tenon/server/casework"
)

// TestEveryProfileBlocks breaks each document that a plan has a profile for: its
// stage is not completed, and the refusal names the document.
func TestEveryProfileBlocks(t *testing.T) {
	seen := 0
	for _, s := range plan(t).Stages {
		for _, d := range s.Outputs {
			asked := 0
			for _, list := range d.Profiles {
				asked += len(list)
			}
			if asked == 0 {
				continue
			}
			t.Run(strings.Join(s.Clauses, " ")+" "+s.Code+" profile-"+d.Code, func(t *testing.T) {
				w := stop(t, s.Code+" working")
				broken := 0
				for out := range w.members[w.task(s.Code)].Root.Field("output").Items() {
					if out.Path("type", "coding", "code").Str() == d.Code {
						w.alter(out.Path("valueReference", "reference").Str(), func(b obj) { b["unknownElement"] = true })
						broken++
					}
				}
				if broken == 0 {
					if d.Min > 0 {
						t.Fatalf("the walk makes no %s", d.Code)
					}
					return
				}
				refused(t, w.try(s.Code, casework.Stop), 0, "", "profile-"+d.Code)
			})
			seen++
		}
	}
	if seen < 24 {
		t.Errorf("%d documents have profiles: the plan lost some", seen)
	}
}

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
