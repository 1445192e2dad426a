package audit_test

import (
	"encoding/json"
	"encoding/xml"
	"testing"
	"time"

	"tenon/fhir/tree"
	"tenon/server/audit"
	"tenon/server/record"
)

// FuzzEvent: every row that the audit can hold has both forms, sound ones, and a
// subject for its patient that names no other patient.
func FuzzEvent(f *testing.F) {
	for _, x := range [][7]string{
		{"fhir", "R", "read", "Patient/1", "Patient/1", "PractitionerRole/x", "10.0.0.1"},
		{"oauth", "E", "token", "", "", "", ""}, // refused before anybody was known
		{"oauth", "E", "refresh", "app/chart", "Patient/1", "Patient/1", "::1"},
		{"fhir", "E", "search-type", "", "", "Device/mes", "host"},
		{"dimse", "E", "c-find", "?PatientName", "", "peer", ""},
		{"dicomweb", "R", "c-move", "/", "Patient/", "/", "\x00"},
		{"cli", "E", "expunge", "Patient/1/_history/2", "Patient/2", "operator", ""},
	} {
		f.Add(x[0], x[1], x[2], x[3], x[4], x[5], x[6], 401)
	}
	f.Fuzz(func(t *testing.T, door, action, operation, entity, patient, principal, address string, outcome int) {
		e := &record.AuditEvent{Batch: 17, Row: 3, Recorded: time.Unix(1, 0), Audit: record.Audit{At: time.Unix(1, 0), Door: door, Action: action, Operation: operation,
			Entity: entity, Patient: patient, Principal: principal, Address: address, Outcome: outcome, Case: patient, App: door, Purpose: action, RequestID: address, Organization: principal}}
		for range 2 {
			b, err := audit.FHIR(e, audit.Source{URL: "https://h.example/fhir", Name: "Tenon"})
			if err != nil || !json.Valid(b) {
				t.Fatalf("FHIR = %s, %v", b, err)
			}
			if d, err := tree.Parse(b); err == nil && d.Root().Field("id").Str() != "17-3" {
				t.Errorf("the event has another id: %s", b)
			}
			text, err := audit.DICOM(e, audit.Source{URL: "https://h.example/fhir"})
			if err != nil {
				t.Fatalf("DICOM = %v", err)
			}
			if err := xml.Unmarshal([]byte(text), new(struct {
				XMLName xml.Name `xml:"AuditMessage"`
			})); err != nil {
				t.Errorf("%v in %s", err, text)
			}
			e.App, e.Purpose, e.Case, e.RequestID = "", "", "", "" // and the row that says least
		}
		audit.Subject(&e.Audit)
		audit.Words(&e.Audit)
	})
}
