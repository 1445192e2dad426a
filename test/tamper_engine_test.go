package test

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tenon/server/app"
	"tenon/server/ledger"
	"tenon/server/store/pgtest"
	"tenon/test/servertest"
)

// stopped is a record with a signed contract and a file, on either engine, its
// server stopped, and what was trusted at the end.
type stopped struct {
	evidence
	database            string // of PostgreSQL, "" for SQLite
	contract, signature string // Contract/x, id of the Provenance
}

func toStop(t *testing.T, database string) *stopped {
	t.Helper()
	s := toSign(t, app.Config{Dev: true, Database: database})
	issued(t, s.Server, "ES256", "hosp-chen")
	issued(t, s.Server, "ES256", "mfr-xu")
	e := &stopped{database: database, contract: s.contract}
	e.data, e.content = s.Config.Data, bytes.Repeat([]byte("facet normal 0 0 1\n"), 20_000)
	e.signature = strings.TrimPrefix(s.sign(t, 201, s.hosp, s.contract, as("HOSP"), text("secret", "secret of hosp-chen")).Ref(), "Provenance/")
	s.sign(t, 201, s.mfr, s.contract, as("MFR"), text("secret", "secret of mfr-xu"))
	e.file = s.Expect(t, 201, servertest.Request{Method: "POST", Path: "/fhir/Binary", Body: e.content, Header: map[string]string{"Content-Type": "model/stl"}}).Ref()
	s.Expect(t, 200, patches("", s.contract, `[{"op":"replace","path":"/title","value":"a new title"}]`))
	e.after = trust(t, s.App)
	s.Stop(t)
	return e
}

// forged is what a verification says of a copy in which statements were run.
func (e *stopped) forged(t *testing.T, statements []string, files bool) *ledger.Report {
	t.Helper()
	c := e.copied(t)
	database := "sqlite"
	if e.database != "" {
		database = pgtest.Copy(t, e.database)
		if len(statements) > 0 && pgtest.Forge(t, database, statements...) == 0 {
			t.Fatal("no row was changed")
		}
	} else {
		for _, s := range statements {
			c.sql(t, s)
		}
	}
	if files {
		segments, err := filepath.Glob(filepath.Join(c.data, "blobs", "main", "*.seg"))
		if err != nil || len(segments) == 0 {
			t.Fatal("no file", err)
		}
		for _, s := range segments {
			if err := os.Remove(s); err != nil {
				t.Fatal(err)
			}
		}
	}
	a, err := app.OpenToVerify(t.Context(), app.Config{Listen: "127.0.0.1:0", Data: c.data, Database: database})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	r, err := a.VerifyDatabase(t.Context(), e.after)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestTamperEngines: each way of tampering, on both engines. The walk goes from
// rows to leaves and back, and from signatures to their rows and back.
func TestTamperEngines(t *testing.T) {
	onEngines(t, func(t *testing.T, database string) {
		e := toStop(t, database)
		id := strings.TrimPrefix(e.contract, "Contract/")
		const contract = "rid = (SELECT rid FROM resource WHERE type = 'Contract' AND id = '%s')"
		of := fmt.Sprintf(contract, id)
		give := fmt.Sprintf(" WHERE provenance = '%s'", e.signature)
		columns := "tenant, case_id, provenance, target, version, digest, role, purpose, stage, signer, person, at, outcome, conditions"
		for _, c := range []struct {
			name  string
			forge []string
			files bool
			want  string // beginning of a finding; "": none
		}{
			{"R000-018 untouched", nil, false, ""},
			{"R000-018 flip: a byte of the salt", []string{"UPDATE history SET salt = digest_of WHERE version = 1 AND " + of}, false, "changed version " + e.contract + "/_history/1:"},
			{"R000-018 delete: an old version", []string{"DELETE FROM history WHERE version = 1 AND " + of}, false, "missing version " + e.contract + "/_history/1:"},
			{"R000-018 delete: the newest version", []string{"DELETE FROM resource WHERE type = 'Contract' AND id = '" + id + "'"}, false, "missing version " + e.contract + "/_history/"},
			{"R000-018 delete: a batch of the audit", []string{"DELETE FROM audit WHERE id = (SELECT min(id) FROM audit)"}, false, "missing audit audit/"},
			{"R000-018 delete: the row of a file, and the file", []string{"DELETE FROM blob"}, true, fmt.Sprintf("missing blob sha-256/%x", sha256.Sum256(e.content))},
			{"R000-018 delete: the file", nil, true, fmt.Sprintf("missing blob sha-256/%x", sha256.Sum256(e.content))},
			{"R000-018 delete: a leaf with its row", []string{"DELETE FROM leaf WHERE ref = 'audit/' || (SELECT min(id) FROM audit)", "DELETE FROM audit WHERE id = (SELECT min(id) FROM audit)"}, false, "missing log leaf "},
			{"R000-018 reorder: two leaves", []string{"UPDATE leaf SET idx = 1000000 WHERE idx = 3", "UPDATE leaf SET idx = 3 WHERE idx = 4", "UPDATE leaf SET idx = 4 WHERE idx = 1000000"}, false, "changed log"},
			{"R000-018 insert: a version", []string{"UPDATE resource SET id = 'forged' WHERE type = 'Contract' AND id = '" + id + "'"}, false, "inserted version Contract/forged/_history/"},
			{"R000-018 roll back: the end of the log", []string{"DELETE FROM leaf WHERE idx >= (SELECT min(size) FROM checkpoint)", "DELETE FROM checkpoint WHERE size > (SELECT min(size) FROM checkpoint)"}, false, "forked log"},
			{"R000-018 fork: a leaf to match", []string{"UPDATE leaf SET hash = (SELECT hash FROM leaf WHERE idx = 4) WHERE idx = 3"}, false, "forked log"},
			{"R000-018 swapped signature: the row says another version", []string{"UPDATE signature SET version = version + 1" + give}, false, "changed signature Provenance/" + e.signature + ":"},
			{"R000-018 swapped signature: another's role", []string{"UPDATE signature SET role = 'QA'" + give}, false, "changed signature Provenance/" + e.signature + ":"},
			{"R000-018 swapped signature: another person behind the role", []string{"UPDATE signature SET person = 'Practitioner/somebody-else'" + give}, false, "changed signature Provenance/" + e.signature + ":"},
			{"R000-018 signature given by the database", []string{"INSERT INTO signature (" + columns + ") SELECT " + strings.Replace(columns, "role", "'QA'", 1) + " FROM signature" + give}, false, "inserted signature Provenance/" + e.signature + ":"},
			{"R000-018 signature taken away", []string{"DELETE FROM signature" + give}, false, "missing signature Provenance/" + e.signature + ":"},
		} {
			t.Run(c.name, func(t *testing.T) {
				for i := range c.forge {
					c.forge[i] = strings.ReplaceAll(c.forge[i], "digest_of", map[bool]string{true: "substr(digest, 1, 16)", false: "substring(digest from 1 for 16)"}[database == ""])
				}
				r := e.forged(t, c.forge, c.files)
				if c.want == "" && r.Exit() != 0 || c.want != "" && (r.Exit() != 1 || !named(r, c.want)) {
					t.Errorf("exit %d, want %q:\n%v", r.Exit(), c.want, r)
				}
			})
		}
	})
}
