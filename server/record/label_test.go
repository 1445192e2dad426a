package record_test

import (
	"testing"

	"tenon/server/record"
)

func TestLabelled(t *testing.T) {
	const labels = `{"system":"urn:tenon:data-level","code":"L4"},{"system":"urn:tenon:integrity","code":"Q3"},` +
		`{"system":"http://terminology.hl7.org/CodeSystem/v3-Confidentiality","code":"N"}`
	tests := []struct{ name, body, want string }{
		{"meta without security", `{"resourceType":"Patient","meta":{"versionId":"1"}}`,
			`{"resourceType":"Patient","meta":{"versionId":"1","security":[` + labels + `]}}`},
		{"the client's own label stays", `{"meta":{"security":[{"code":"R"}],"versionId":"1"},"resourceType":"Patient"}`,
			`{"meta":{"security":[{"code":"R"},` + labels + `],"versionId":"1"},"resourceType":"Patient"}`},
		{"meta inside contained is not meta", `{"resourceType":"Patient","contained":[{"resourceType":"Group","meta":{"versionId":"9"}}],"meta":{"versionId":"1"}}`,
			`{"resourceType":"Patient","contained":[{"resourceType":"Group","meta":{"versionId":"9"}}],"meta":{"versionId":"1","security":[` + labels + `]}}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := string(record.Labelled([]byte(tt.body), 4, 3)); got != tt.want {
				t.Errorf("Labelled = %s, want %s", got, tt.want)
			}
		})
	}
}
