package audit_test

import (
	"testing"

	"tenon/server/audit"
	"tenon/server/record"
)

// TestClassOf: an operation that FHIR, DICOM or IHE names has its code, whichever door
// it came by.
func TestClassOf(t *testing.T) {
	const (
		dcm  = "http://dicom.nema.org/resources/ontology/DCM"
		rest = "http://hl7.org/fhir/restful-interaction"
	)
	disclosed := audit.Coding{System: "http://terminology.hl7.org/CodeSystem/iso-21089-lifecycle", Code: "disclose"}
	changed := audit.Coding{System: dcm, Code: "110137"}
	for _, tt := range []struct {
		door, action, operation string
		typ                     string
		subtype                 audit.Coding
	}{
		{"fhir", "R", "read", "rest", audit.Coding{System: rest, Code: "read"}},
		{"fhir", "E", "history-type", "rest", audit.Coding{System: rest, Code: "history-type"}},
		{"fhir", "E", "history-system", "rest", audit.Coding{System: rest, Code: "history-system"}},
		{"fhir", "R", "history-instance", "rest", audit.Coding{System: rest, Code: "history-instance"}},
		{"fhir", "E", "everything", "rest", audit.Coding{System: rest, Code: "operation"}},
		{"oauth", "E", "enrol-second-factor", "110113", changed},
		{"oauth", "E", "enrol-passkey", "110113", changed},
		{"oauth", "E", "remove-passkey", "110113", changed},
		{"dicomweb", "R", "c-store-send", "110106", disclosed},
		{"dicomweb", "R", "stow-send", "110106", disclosed},
		{"dimse", "R", "c-move", "110106", disclosed},
		{"dicomweb", "R", "wado-instances", "110103", audit.Coding{System: "urn:tenon:operation", Code: "wado-instances"}},
	} {
		c := audit.ClassOf(&record.Audit{Door: tt.door, Action: tt.action, Operation: tt.operation, Outcome: 200})
		if got := c.Subtypes[0]; c.Type.Code != tt.typ || got.System != tt.subtype.System || got.Code != tt.subtype.Code {
			t.Errorf("ClassOf(%s %s) = %s %v, want %s %v", tt.door, tt.operation, c.Type.Code, got, tt.typ, tt.subtype)
		}
	}
}
