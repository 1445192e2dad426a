package casework_test

import "testing"

// A finding counts only when the server's own job wrote it.
func TestOwnAttestationIsNoCheck(t *testing.T) {
	w := stop(t, "S08 working")
	forged := w.members["Observation/watertight"]
	forged.Author = "PractitionerRole/des-zhang"
	w.members["Observation/watertight"] = forged
	s := findStage(w.engine.Report(w.snapshot()), "S08")
	if len(s.Unmet) != 1 || s.Unmet[0].Condition != "model-watertight" {
		t.Errorf("R001-090 with the designer's own attestation S08 lacks %+v, want model-watertight", s.Unmet)
	}
}
