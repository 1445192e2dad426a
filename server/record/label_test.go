package record_test

import (
	"bytes"
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

// What a client reads it may put back: the labels of the answer are no part of
// the record, its own are.
func TestLabelsComeBack(t *testing.T) {
	s := newServer(t)
	const own = `{"system":"http://terminology.hl7.org/CodeSystem/v3-Confidentiality","code":"R"}`
	for name, meta := range map[string]string{"none": "", "of the client": `,"meta":{"security":[` + own + `]}`} {
		v := s.must(clin, post(`{"resourceType":"Basic","code":{"text":"x"}`+meta+`}`))
		for range 2 {
			v = s.must(clin, put("Basic", v.ID, string(v.Labelled())))
		}
		if got := bytes.Count(v.Body, []byte("urn:tenon:")); got != 0 {
			t.Errorf("own label %s: the stored bytes hold labels of the server: %s", name, v.Body)
		}
		if kept := bytes.Contains(v.Body, []byte(own)); kept != (meta != "") || bytes.Contains(v.Body, []byte(`"security":[]`)) {
			t.Errorf("own label %s: stored %s", name, v.Body)
		}
		if got := bytes.Count(v.Labelled(), []byte("urn:tenon:data-level")); got != 1 {
			t.Errorf("own label %s: %d levels in %s", name, got, v.Labelled())
		}
	}
}
