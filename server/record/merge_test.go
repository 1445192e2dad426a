package record_test

import (
	"testing"

	"tenon/fhir/issue"
	"tenon/server/access"
	"tenon/server/record"
)

var custodian = &access.Context{Tenant: "main", Kind: access.Person, Side: access.Hospital, Principal: "PractitionerRole/dba-he",
	Person: "Practitioner/dba-he", Organization: "Organization/hospital", Roles: []access.Role{access.DBA}}

// A merge is no way around the process: the patient of an open case stays, and
// what belongs to the case stays about that patient.
func TestMergeOfThePatientOfACase(t *testing.T) {
	s, patient, root := opened(t)
	ext := `"extension":[{"url":"urn:tenon:extension:case","valueReference":{"reference":"Task/` + root + `"}}]`
	condition := s.must(wang, post(`{"resourceType":"Condition",`+ext+`,"subject":{"reference":"`+patient+`"}}`))
	twice := "Patient/" + s.must(wang, post(`{"resourceType":"Patient","name":[{"text":"张三"}],"gender":"male"}`)).ID
	merge := func(from, into string) *issue.Failure {
		t.Helper()
		_, err := s.Merge(t.Context(), custodian, record.MergeQuery{Source: record.Party{Reference: from}, Target: record.Party{Reference: into}, Reason: "registered twice"})
		if f := issue.As(err); f != nil || err == nil {
			return f
		}
		t.Fatal(err)
		return nil
	}
	before, err := s.store.Snapshot(t.Context(), root)
	if err != nil {
		t.Fatal(err)
	}
	if f := merge(patient, twice); status(f) != 409 || rule(f) != "merge-open-case" {
		t.Errorf("merge of the case's patient = %v, want 409 merge-open-case", f)
	}
	_ = s.must(wang, post(`{"resourceType":"Observation","status":"final","code":{"text":"x"},"subject":{"reference":"`+twice+`"}}`))
	if f := merge(twice, patient); f != nil {
		t.Fatalf("merge into the case's patient = %v", f)
	}
	after, err := s.store.Snapshot(t.Context(), root)
	if err != nil {
		t.Fatal(err)
	}
	had := map[string]bool{}
	for _, m := range before.Members {
		had[m.Type+"/"+m.ID] = true
	}
	for _, m := range after.Members {
		if ref := m.Type + "/" + m.ID; !had[ref] && m.Type != "Provenance" { // that tells of the merge
			t.Errorf("%s joined the case by a merge", ref)
		}
		if m.Type == "Condition" && m.ID == condition.ID && m.Version != 1 {
			t.Errorf("a member of the case was rewritten: version %d", m.Version)
		}
	}
	if len(after.Grants) != len(before.Grants) {
		t.Errorf("grants = %v, had %v", after.Grants, before.Grants)
	}
}
