package smart

import (
	"encoding/csv"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"tenon/server/app"
	"tenon/test/servertest"
)

// TestRequirements holds requirements.csv current: every SHALL of SMART App Launch
// 2.2 for a server names a test that is there, or says why it does not apply; and
// what does not apply for want of a capability is not claimed by discovery.
func TestRequirements(t *testing.T) {
	rows := table(t, "requirements.csv")
	known := map[string][]string{}
	for _, row := range rows {
		if len(row) != 4 || known[row[0]] != nil {
			t.Errorf("row %v is not id, level, test, reason, once", row)
			continue
		}
		known[row[0]] = row
		if (row[2] == "") == (row[3] == "") {
			t.Errorf("SMART-%s names a test or a reason, one of them: %v", row[0], row)
		}
	}
	tests := regexp.MustCompile(`(?m)^func (Test\w+)\(|t\.Run\("(\w+)", func`)
	present := map[string]bool{}
	for room, pattern := range map[string]string{"": "*_test.go", "oauth.": "../../oauth/*_test.go"} {
		names, err := filepath.Glob(pattern)
		if err != nil || len(names) == 0 {
			t.Fatal(pattern, err)
		}
		for _, name := range names {
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			top := ""
			for _, m := range tests.FindAllStringSubmatch(string(text), -1) {
				if m[1] != "" {
					top = room + m[1]
					present[top] = true
				} else {
					present[top+"/"+m[2]] = true
				}
			}
		}
	}
	for id, row := range known {
		if row[2] != "" && !present[row[2]] {
			t.Errorf("SMART-%s names %s, which is not there", id, row[2])
		}
	}
	matrix := "../../../shared/mission/smart22_server_requirements.csv"
	if _, err := os.Stat(matrix); err != nil {
		t.Log("the matrix is not here: only what is committed was judged")
		return
	}
	for _, row := range table(t, matrix) {
		if strings.HasPrefix(row[1], "SHALL") && known[row[0]] == nil {
			t.Errorf("SMART-%s is missing: %s", row[0], row[2])
		}
	}
}

// TestNotClaimed is the other side of the reasons.
func TestNotClaimed(t *testing.T) {
	h := furnished(t, app.Config{Sample: true})
	var m map[string]any
	if err := json.Unmarshal(h.Expect(t, 200, servertest.Request{Path: "/fhir/.well-known/smart-configuration"}).Body, &m); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"user_access_brand_bundle", "user_access_brand_identifier"} {
		if m[name] != nil {
			t.Errorf("%s is there, and the operator has given no brands", name)
		}
	}
}

func table(t *testing.T, name string) [][]string {
	t.Helper()
	f, err := os.Open(name) //nolint:gosec // ours
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil || len(rows) < 2 {
		t.Fatalf("%s: %v", name, err)
	}
	return rows[1:]
}
