package issue_test

import (
	"slices"
	"testing"

	"tenon/fhir/issue"
)

// TestClauses: a client finds a refusal by each row that it comes from.
func TestClauses(t *testing.T) {
	tests := []struct {
		clause string
		want   []string
	}{
		{"", nil},
		{"R001-042", []string{"R001-042"}},
		{"R001-056 R001-057", []string{"R001-056", "R001-057"}},
	}
	for _, tc := range tests {
		var got []string
		for _, c := range issue.Errorf(issue.BusinessRule, "no").Clause(tc.clause).Outcome().Issue[0].Details.Coding {
			if c.System == "urn:tenon:clause" {
				got = append(got, c.Code)
			}
		}
		if !slices.Equal(got, tc.want) {
			t.Errorf("clauses of %q = %q, want %q", tc.clause, got, tc.want)
		}
	}
}
