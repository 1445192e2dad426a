package casewalk

import "testing"

// TestStraight carries a case of each process to its end by legal steps only.
func TestStraight(t *testing.T) {
	w := NewWorld(t, "sqlite")
	if err := w.Agree(); err != nil {
		t.Fatal(err)
	}
	for _, p := range []*Process{socket()} {
		c, err := w.Open(p)
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Straight(1); err != nil {
			t.Fatal(err)
		}
	}
}
