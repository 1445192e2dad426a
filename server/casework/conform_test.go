package casework_test

import "testing"

// TestClauseOfWhatIsMissing: a refusal names the clause of the element that is not
// there, not that of what surrounds it.
func TestClauseOfWhatIsMissing(t *testing.T) {
	for _, row := range []struct {
		stage, document, clause string
		lose                    removal
	}{
		{"S18", "harm-assessment", "R001-221", put("ClinicalImpression/harm", "finding", nil)},
		{"S02", "examination-request", "R001-097", cut("ServiceRequest/examination", "extension", hasURL("protocol"))},
		{"S02", "examination-request", "R001-096", put("ServiceRequest/examination", "bodySite", nil)},
	} {
		t.Run(row.clause+" "+row.document, func(t *testing.T) {
			w := stop(t, row.stage+" working")
			row.lose(w)
			owner := clin
			if row.stage == "S02" {
				owner = img
			}
			refused(t, w.write(owner, w.set(row.stage, owner, "completed", "completed")), 422, "", "profile-"+row.document, row.clause)
		})
	}
}
