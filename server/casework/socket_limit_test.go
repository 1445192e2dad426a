package casework_test

import (
	"strings"
	"testing"

	"tenon/profiles"
	"tenon/server/casework"
)

// TestLimitsOfStandards: what 003 leaves to GB/T 13461, GB 14722 and GB 14723 is a
// limit that names the standard and has no figure, reads "not evaluated", and is
// computed once whoever holds the standard has loaded it.
func TestLimitsOfStandards(t *testing.T) {
	standards := map[string]int{}
	for _, body := range profiles.Definitions() {
		r := resource(body, 1)
		if r.Type != "ObservationDefinition" {
			continue
		}
		for e := range r.Root.Field("extension").Items() {
			if e.Field("url").Str() != "urn:tenon:extension:standard" {
				continue
			}
			standards[e.Path("extension", "valueString").Str()]++
			if r.Root.Field("qualifiedInterval").Exists() {
				t.Errorf("R003-002 %s states a figure of a standard", r.ID)
			}
		}
	}
	for standard, want := range map[string]int{"GB/T 13461": 5, "GB 14722": 15, "GB 14723": 1} {
		t.Run("R003-002 "+standard, func(t *testing.T) {
			if standards[standard] != want {
				t.Errorf("%d limits name %s, want %d", standards[standard], standard, want)
			}
		})
	}
	t.Run("R003-002 R003-056 not loaded is not evaluated", func(t *testing.T) {
		w := socket.at(t, "S15", casework.Stop)
		unwaived("alignment-transtibial")(w)
		s := findStage(w.engine.Report(w.snapshot()), "S15")
		if len(s.Unmet) != 1 || s.Unmet[0].Condition != "alignment-transtibial" || s.Unmet[0].State != casework.NotEvaluated {
			t.Errorf("S15 = %s, want alignment-transtibial not evaluated", told(s.Unmet))
		}
	})
	t.Run("R003-002 R003-056 loaded and within, no signature is asked", func(t *testing.T) {
		w := socket.at(t, "S15", casework.Stop)
		unwaived("alignment-transtibial")(w)
		before := len(w.directory)
		limited("transtibial")(w)
		for i := range w.directory[before:] { // 4 to 9, where 5 was measured
			r := &w.directory[before+i]
			*r = resource([]byte(strings.Replace(string(r.Root.Raw()), `"value":6`, `"value":4`, 1)), 1)
		}
		if d := socket.try(w, "S15", casework.Stop); len(d.Refusal) > 0 {
			t.Errorf("refused: %s", told(d.Refusal))
		}
	})
}
