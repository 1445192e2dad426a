package casewalk

import (
	"strings"
	"testing"
)

// TestGateDefects spoils one document at a time of a stage that could end, signs
// it again, and tries to end the stage: the first stage of each plan.
func TestGateDefects(t *testing.T) {
	w := NewWorld(t, "sqlite")
	if err := w.Agree(); err != nil {
		t.Fatal(err)
	}
	for _, p := range []*Process{agreementProcess(), implant()} {
		c, err := w.Open(p)
		if err != nil {
			t.Fatal(err)
		}
		c.quiet = true
		c.defects(t, &p.Stages[0])
	}
}

func (c *Case) defects(t *testing.T, s *Stage) {
	for i := range s.Parts {
		part := &s.Parts[i]
		for _, d := range part.Defects {
			if err := c.bringTo(s, completed); err != nil {
				t.Fatal(err)
			}
			edit := Step{Kind: Edit, Who: part.By, Stage: s.Code, Part: s.Code + "/" + part.Key}
			spoilt := edit
			spoilt.Defect = d.Name
			name := strings.Join(append(d.Clause, s.Code, part.Key, d.Name), " ")
			if err := c.must(spoilt); err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			if err := c.resign(s); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			a, err := c.Refused(Step{Kind: Move, Who: firstOf[s.Owner], Stage: s.Code, To: completed})
			if err != nil {
				t.Errorf("%s: %v", name, err)
			} else if a.Status != s.Status || len(a.Issues) == 0 || len(a.Issues[0].Clause) == 0 {
				t.Errorf("%s: refused with %d %s, want %d and a clause", name, a.Status, a.told(), s.Status)
			}
			if err := c.must(edit); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if err := c.resign(s); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
		}
	}
}
