package test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"tenon/server/app"
	"tenon/server/ledger"
)

// TestAudit reads the audit by case, person and period, and checks its proofs.
func TestAudit(t *testing.T) {
	s := toSign(t, app.Config{})
	issued(t, s.Server, "ES256", "hosp-chen")
	s.sign(t, 201, s.hosp, s.contract, as("HOSP"), text("secret", "secret of hosp-chen"))
	s.sign(t, 403, s.mfr, s.contract, as("MFR"), text("secret", "wrong"))
	kept := trust(t, s.App)
	read := func(t *testing.T, f ledger.AuditFilter, proofs bool) []string {
		t.Helper()
		var b bytes.Buffer
		if err := s.App.WriteAudit(t.Context(), &b, f, proofs); err != nil {
			t.Fatal(err)
		}
		return strings.Split(strings.TrimSpace(b.String()), "\n")
	}
	t.Run("R000-018 of a person", func(t *testing.T) {
		lines := read(t, ledger.AuditFilter{Person: "PractitionerRole/mfr-xu"}, false)
		all := strings.Join(lines, "\n")
		if !strings.Contains(all, `"operation":"sign"`) || !strings.Contains(all, `"outcome":403`) || strings.Contains(all, "hosp-chen") {
			t.Errorf("%.2000s", all)
		}
	})
	t.Run("R000-018 of a case", func(t *testing.T) {
		id := strings.TrimPrefix(s.root, "Task/")
		for _, line := range read(t, ledger.AuditFilter{Case: id}, false) {
			if !strings.Contains(line, `"case":"`+id+`"`) {
				t.Errorf("%s", line)
			}
		}
	})
	t.Run("R000-018 of a period", func(t *testing.T) {
		if lines := read(t, ledger.AuditFilter{Until: time.Now().Add(-time.Hour)}, false); lines[0] != "" {
			t.Errorf("%d rows of before", len(lines))
		}
	})
	t.Run("R000-018 with proofs that hold, and none once a byte is changed", func(t *testing.T) {
		lines := read(t, ledger.AuditFilter{Person: "PractitionerRole/hosp-chen"}, true)
		key, err := ledger.ParseLogKey(kept.LogKey)
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range lines {
			var x struct {
				Proof      json.RawMessage
				Checkpoint string
			}
			if err := json.Unmarshal([]byte(line), &x); err != nil {
				t.Fatal(err)
			}
			c, err := key.Open([]byte(x.Checkpoint))
			if err != nil {
				t.Fatal(err)
			}
			rows, err := ledger.CheckEvents(x.Proof, c)
			if err != nil || len(rows) == 0 || !bytes.Contains(rows[0], []byte("hosp-chen")) {
				t.Fatalf("CheckEvents() = %s, %v", rows, err)
			}
			at := bytes.Index(x.Proof, []byte(`"row":"`)) + 20
			forged := bytes.Clone(x.Proof)
			forged[at]++
			if _, err := ledger.CheckEvents(forged, c); err == nil {
				t.Error("a changed row is proven")
			}
		}
	})
}
