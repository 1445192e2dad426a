package audit

import (
	"database/sql"
	"encoding/json"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	_ "modernc.org/sqlite" // opens the database behind the server's back

	"tenon/test/servertest"
)

// breaks takes the table of the audit away from the server, and gives it back.
func (w *world) breaks(t *testing.T) (gone, back func()) {
	t.Helper()
	if w.Config.Database != "sqlite" {
		c, err := pgx.Connect(t.Context(), w.Config.Database)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close(t.Context()) })
		run := func(text string) func() {
			return func() {
				if _, err := c.Exec(t.Context(), text); err != nil {
					t.Fatal(err)
				}
			}
		}
		// What the server sees is what a right that was revoked gives: the owner of a
		// table keeps his, so a trigger stands for it.
		run("CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'permission denied for table audit' USING ERRCODE = '42501'; END $$")()
		return run("CREATE TRIGGER refuse BEFORE INSERT ON audit FOR EACH ROW EXECUTE FUNCTION refuse()"), run("DROP TRIGGER refuse ON audit")
	}
	db, err := sql.Open("sqlite", "file:"+w.SQLite()+"?_pragma=busy_timeout(10000)")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	run := func(text string) func() {
		return func() {
			if _, err := db.ExecContext(t.Context(), text); err != nil {
				t.Fatal(err)
			}
		}
	}
	return run("CREATE TRIGGER refuse BEFORE INSERT ON audit BEGIN SELECT RAISE(ABORT, 'no right'); END"), run("DROP TRIGGER refuse")
}

// TestLostAudit takes the audit away from a running server: nothing is written and
// nothing is told until it is back.
func TestLostAudit(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, database string) {
		w := newWorld(t, database)
		clin := w.as(t, "clin0")
		study := map[string]string{"Accept": "application/dicom+json"}
		asks := []servertest.Request{
			{Method: "POST", Path: "/fhir/Observation", Body: []byte(`{"resourceType":"Observation","status":"final","code":{"text":"lost"},"subject":{"reference":"Patient/p1"}}`)},
			{Method: "PUT", Path: "/fhir/Patient/p1", Body: []byte(`{"resourceType":"Patient","id":"p1","gender":"other"}`)},
			{Method: "DELETE", Path: "/fhir/Patient/p2"},
			{Method: "POST", Path: "/fhir", Body: []byte(`{"resourceType":"Bundle","type":"transaction","entry":[{"resource":{"resourceType":"Device","lotNumber":"lost"},"request":{"method":"POST","url":"Device"}}]}`)},
			{Path: "/fhir/Patient/p1"}, {Path: "/fhir/Patient?gender=female"}, {Path: "/fhir/Patient/p1/_history"}, {Path: "/fhir/Patient/p1/$everything"},
			{Path: "/fhir/Patient/p3"}, {Path: "/dicomweb/studies", Header: study},
		}
		gone, back := w.breaks(t)
		lost := func(t *testing.T) {
			for _, q := range asks {
				q.Token = clin
				a := w.Send(t, q)
				if a.Status != 503 || strings.Contains(string(a.Body), "female") || !strings.Contains(string(a.Body), "audit-unavailable") {
					t.Errorf("%s %s without audit = %d %.400s, want 503 and a reason", q.Method, q.Path, a.Status, a.Body)
				}
				var o struct{ ResourceType string }
				if strings.HasPrefix(q.Path, "/fhir") && (json.Unmarshal(a.Body, &o) != nil || o.ResourceType != "OperationOutcome") {
					t.Errorf("%s %s: %.300s, want an OperationOutcome", q.Method, q.Path, a.Body)
				}
			}
		}
		gone()
		t.Run("R000-018 the right to write the audit is lost", lost)
		back()
		t.Run("R000-018 with the audit everything goes on, and nothing was written", func(t *testing.T) {
			for path, want := range map[string]string{"/fhir/Patient/p1": `"gender":"female"`, "/fhir/Patient/p2": `"gender":"male"`} {
				if body := w.get(t, 200, clin, path); !strings.Contains(string(body), want) {
					t.Errorf("%s = %s, want %s", path, body, want)
				}
			}
			for _, path := range []string{"/fhir/Observation?subject=Patient/p1", "/fhir/Device?_summary=count"} {
				if body := w.get(t, 200, clin, path); strings.Contains(string(body), "lost") || strings.Contains(path, "count") && !strings.Contains(string(body), `"total":0`) {
					t.Errorf("%s = %.500s", path, body)
				}
			}
			w.Create(t, clin, `{"resourceType":"Observation","status":"final","code":{"text":"x"},"subject":{"reference":"Patient/p1"}}`)
		})
	})
}
