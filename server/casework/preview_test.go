package casework_test

import (
	"testing"

	"tenon/server/casework"
)

// A lightweight model is for looking at: no stage takes it for making.
func TestPreviewIsNotMade(t *testing.T) {
	for _, category := range []any{arr{concept("urn:tenon:model-purpose", "preview")}, nil} {
		t.Run("R000-030 production refuses a model that is not for manufacturing", func(t *testing.T) {
			w := stop(t, "S11 accepted")
			put("DocumentReference/model", "category", category)(w)
			refused(t, w.try("S11", casework.Start), 409, "G-PRODUCE", "model-for-manufacturing")
		})
		t.Run("R000-030 design does not hand it over", func(t *testing.T) {
			w := stop(t, "S08 working")
			put("DocumentReference/model", "category", category)(w)
			refused(t, w.try("S08", casework.Stop), 422, "G-OUTPUT", "output-model-purpose")
		})
	}
}
