package record_test

import (
	"strings"
	"testing"

	"tenon/server/record"
)

// Cases after RFC 6902 appendix A, on a FHIR resource.
func TestPatch(t *testing.T) {
	const base = `{"resourceType":"Patient","gender":"male","name":[{"text":"a"},{"text":"b"}],"multipleBirthInteger":1}`
	tests := []struct {
		name, patch string
		want        string // part of the result
		status      int    // of the refusal
	}{
		{"A.1 add a member", `[{"op":"add","path":"/birthDate","value":"1990-01-01"}]`, `"birthDate":"1990-01-01"`, 0},
		{"A.2 add an element", `[{"op":"add","path":"/name/1","value":{"text":"x"}}]`, `[{"text":"a"},{"text":"x"},{"text":"b"}]`, 0},
		{"add at the end", `[{"op":"add","path":"/name/-","value":{"text":"x"}}]`, `{"text":"b"},{"text":"x"}]`, 0},
		{"A.3 remove a member", `[{"op":"remove","path":"/gender"}]`, `"},"name":[{"text":"a"}`, 0},
		{"A.4 remove an element", `[{"op":"remove","path":"/name/0"}]`, `"name":[{"text":"b"}]`, 0},
		{"A.5 replace", `[{"op":"replace","path":"/gender","value":"female"}]`, `"gender":"female"`, 0},
		{"A.6 move", `[{"op":"move","from":"/name/0/text","path":"/name/1/family"}]`, `{"text":"b","family":"a"}`, 422}, // leaves {} behind: not valid FHIR
		{"A.7 move an element", `[{"op":"move","from":"/name/0","path":"/name/1"}]`, `[{"text":"b"},{"text":"a"}]`, 0},
		{"A.8 test", `[{"op":"test","path":"/name/1/text","value":"b"},{"op":"replace","path":"/gender","value":"other"}]`, `"gender":"other"`, 0},
		{"A.9 test fails", `[{"op":"test","path":"/name/1/text","value":"c"}]`, "", 422},
		{"numbers compare by value", `[{"op":"test","path":"/multipleBirthInteger","value":1.0},{"op":"replace","path":"/gender","value":"other"}]`, `"gender":"other"`, 0},
		{"A.12 add to nothing", `[{"op":"add","path":"/contact/0/gender","value":"male"}]`, "", 422},
		{"copy", `[{"op":"copy","from":"/name/0","path":"/name/-"}]`, `{"text":"b"},{"text":"a"}]`, 0},
		{"replace what is not there", `[{"op":"replace","path":"/active","value":true}]`, "", 422},
		{"index with a leading zero", `[{"op":"remove","path":"/name/01"}]`, "", 422},
		{"index beyond the end", `[{"op":"add","path":"/name/3","value":{"text":"x"}}]`, "", 422},
		{"no operation", `[{"op":"merge","path":"/gender"}]`, "", 400},
		{"no array", `{"op":"remove","path":"/gender"}`, "", 400},
		{"no pointer", `[{"op":"remove","path":"gender"}]`, "", 400},
		{"into itself", `[{"op":"move","from":"/name","path":"/name/0/given"}]`, "", 400},
		{"no value", `[{"op":"add","path":"/active"}]`, "", 400},
		{"the second fails, the first is undone", `[{"op":"remove","path":"/gender"},{"op":"remove","path":"/gender"}]`, "", 422},
		{"what comes out is invalid", `[{"op":"replace","path":"/gender","value":"m"}]`, "", 422},
		{"another type", `[{"op":"replace","path":"/resourceType","value":"Person"}]`, "", 400},
		{"another id", `[{"op":"replace","path":"/id","value":"x"}]`, "", 400},
	}
	s := newServer(t)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			v := s.must(clin, post(base))
			res, f := s.do(clin, record.Op{Method: "PATCH", Type: "Patient", ID: v.ID, Body: []byte(tt.patch)})
			if status(f) != tt.status {
				t.Fatalf("patch = %d (%v), want %d", status(f), f, tt.status)
			}
			if f != nil {
				return
			}
			if got := string(res[0].Version.Body); !strings.Contains(got, tt.want) {
				t.Errorf("patch = %s, want %s in it", got, tt.want)
			}
		})
	}
}
