package suite_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"strings"
	"testing"

	"tenon/conformance/suite"
)

func TestReports(t *testing.T) {
	c := &suite.Case{ID: "read/a", Title: "A <title>", Clause: suite.Specification + "http.html#read", Level: suite.Shall}
	results := []suite.Result{{Case: c, Verdict: suite.Passed}, {Case: c, Verdict: suite.Failed, Reason: "the status is 200 & so on\nrequest: GET"}, {Case: c, Verdict: suite.Unclaimed}}
	for _, format := range suite.Formats {
		var b bytes.Buffer
		if err := suite.Write(&b, format, results); err != nil {
			t.Errorf("Write(%s): %v", format, err)
		}
		switch format {
		case "text":
			if s := b.String(); !strings.Contains(s, "FAILED read/a\n") || !strings.Contains(s, "3 cases, 1 passed, 1 failed, 0 advised, 0 declined, 1 not claimed") || !strings.Contains(s, "http.html#read") {
				t.Errorf("text = %s", s)
			}
		case "tsv":
			if n := strings.Count(b.String(), "\n"); n != 4 {
				t.Errorf("tsv has %d lines, want 4", n)
			}
		case "json":
			var rows []map[string]any
			if err := json.Unmarshal(b.Bytes(), &rows); err != nil || len(rows) != 3 || rows[1]["verdict"] != "failed" {
				t.Errorf("json = %v %v", rows, err)
			}
		case "junit":
			var s struct {
				Failures int `xml:"failures,attr"`
				Skipped  int `xml:"skipped,attr"`
			}
			if err := xml.Unmarshal(b.Bytes(), &s); err != nil || s.Failures != 1 || s.Skipped != 1 {
				t.Errorf("junit = %+v %v", s, err)
			}
		}
	}
	if !suite.Failures(results) || suite.Failures(results[:1]) {
		t.Error("Failures does not tell a failed run from a good one")
	}
	if suite.Write(&bytes.Buffer{}, "pdf", nil) == nil {
		t.Error("an unknown format is written")
	}
}
