package test

import (
	"bytes"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	_ "modernc.org/sqlite" // opens the database behind the server's back

	"tenon/server/app"
	"tenon/server/ledger"
	"tenon/test/servertest"
)

// evidence is a small record on disk, the server stopped, and the trust files
// that somebody kept outside: of before and of after its last writes.
type evidence struct {
	data          string
	before, after *ledger.Trust
	content       []byte // of the one file
	file          string // Binary/x
	people        [2]string
	deleted       string
}

// record writes patients with several versions, an observation, a deletion and
// a file through the doors, and reads, so that there is audit.
func record(t *testing.T) *evidence {
	t.Helper()
	s := servertest.Start(t, app.Config{Dev: true})
	e := &evidence{data: s.Config.Data, content: bytes.Repeat([]byte("facet normal 0 0 1\n"), 150_000)}
	for i := range e.people {
		e.people[i] = s.Create(t, "", fmt.Sprintf(`{"resourceType":"Patient","name":[{"family":"Tamper%d"}],"gender":"male"}`, i))
		id := strings.TrimPrefix(e.people[i], "Patient/")
		for _, year := range []string{"1970", "1980"} {
			s.Expect(t, 200, servertest.Request{Method: "PUT", Path: "/fhir/" + e.people[i],
				Body: fmt.Appendf(nil, `{"resourceType":"Patient","id":%q,"name":[{"family":"Tamper%d"}],"birthDate":%q}`, id, i, year)})
		}
	}
	e.before = trust(t, s.App)
	e.sql(t, "VACUUM INTO ?", filepath.Join(e.data, "older.db"))
	s.Create(t, "", `{"resourceType":"Observation","status":"final","code":{"text":"x"},"subject":{"reference":"`+e.people[0]+`"},"valueInteger":7}`)
	e.deleted = s.Create(t, "", `{"resourceType":"Observation","status":"final","code":{"text":"gone"}}`)
	s.Expect(t, 204, servertest.Request{Method: "DELETE", Path: "/fhir/" + e.deleted})
	e.file = s.Expect(t, 201, servertest.Request{Method: "POST", Path: "/fhir/Binary", Body: e.content, Header: map[string]string{"Content-Type": "model/stl"}}).Ref()
	s.Expect(t, 200, servertest.Request{Method: "GET", Path: "/fhir/" + e.people[1]})
	e.after = trust(t, s.App)
	s.Stop(t)
	return e
}

func trust(t *testing.T, a *app.App) *ledger.Trust {
	t.Helper()
	var b bytes.Buffer
	if err := a.WriteTrust(t.Context(), &b); err != nil {
		t.Fatal(err)
	}
	out, err := ledger.ReadTrust(&b)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// copied is a copy of the evidence for one forgery.
func (e *evidence) copied(t *testing.T) *evidence {
	t.Helper()
	c := *e
	c.data = t.TempDir()
	if err := os.CopyFS(c.data, os.DirFS(e.data)); err != nil {
		t.Fatal(err)
	}
	keys, err := filepath.Glob(filepath.Join(c.data, "keys", "*"))
	more, _ := filepath.Glob(filepath.Join(c.data, "blobs", "main", "*.key"))
	if err != nil || len(keys) == 0 {
		t.Fatal("no keys", err)
	}
	for _, k := range append(keys, more...) { // CopyFS widens the mode
		if err := os.Chmod(k, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return &c
}

// sql runs statements on the database file; each must change something.
func (e *evidence) sql(t *testing.T, statement string, args ...any) {
	t.Helper()
	db, err := sql.Open("sqlite", filepath.Join(e.data, "db", "tenon.db"))
	if err != nil {
		t.Fatal(err)
	}
	res, err := db.ExecContext(t.Context(), statement, args...)
	if err == nil {
		if n, _ := res.RowsAffected(); n == 0 && !strings.HasPrefix(statement, "VACUUM") {
			err = errors.New("no row was changed")
		}
	}
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

// one reads one value.
func (e *evidence) one(t *testing.T, query string, into any, args ...any) {
	t.Helper()
	db, err := sql.Open("sqlite", filepath.Join(e.data, "db", "tenon.db"))
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(db.QueryRowContext(t.Context(), query, args...).Scan(into), db.Close()); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
}

// rewrite changes stored bytes as a careful forger does: of the same length, and
// with the digest column to match.
func (e *evidence) rewrite(t *testing.T, table, where, from, to string, args ...any) {
	t.Helper()
	var body []byte
	e.one(t, "SELECT body FROM "+table+" WHERE "+where, &body, args...)
	forged := bytes.Replace(body, []byte(from), []byte(to), 1)
	if bytes.Equal(forged, body) {
		t.Fatalf("%s is not in %s", from, body)
	}
	digest := sha256.Sum256(forged)
	e.sql(t, "UPDATE "+table+" SET body = ?, digest = ? WHERE "+where, append([]any{forged, digest[:]}, args...)...)
}

// blob is the file in which the content lies, which is the largest one.
func (e *evidence) blob(t *testing.T) string {
	t.Helper()
	segments, err := filepath.Glob(filepath.Join(e.data, "blobs", "main", "*.seg"))
	if err != nil || len(segments) != 1 {
		t.Fatalf("segments %v %v, want one", segments, err)
	}
	return segments[0]
}

// verified is what VerifyDatabase and Check say of the copy.
func (e *evidence) verified(t *testing.T, trusted *ledger.Trust) (*ledger.Report, *app.CheckReport) {
	t.Helper()
	a, err := app.OpenToVerify(t.Context(), app.Config{Listen: "127.0.0.1:0", Data: e.data, Database: "sqlite"})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	report, err := a.VerifyDatabase(t.Context(), trusted)
	if err != nil {
		t.Fatal(err)
	}
	check, err := a.Check(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return report, check
}

const idOf = "rid = (SELECT rid FROM resource WHERE type = ? AND id = ?)"

// TestTamper changes one thing at a time behind the server's back; each is found
// and named.
func TestTamper(t *testing.T) {
	t.Parallel()
	e := record(t)
	first, second := strings.TrimPrefix(e.people[0], "Patient/"), strings.TrimPrefix(e.people[1], "Patient/")
	content := fmt.Sprintf("%x", sha256.Sum256(e.content))
	t.Run("R000-002 R000-018 untouched is proven", func(t *testing.T) {
		for name, trusted := range map[string]*ledger.Trust{"older": e.before, "newer": e.after} {
			r, c := e.copied(t).verified(t, trusted)
			if r.Exit() != 0 || r.Contents != 1 || r.Versions < 10 || len(c.Findings) > 0 {
				t.Errorf("%s trust: exit %d, check %v\n%v", name, r.Exit(), c.Findings, r)
			}
		}
	})
	t.Run("without trust", func(t *testing.T) {
		if r, _ := e.copied(t).verified(t, nil); r.Exit() != 3 {
			t.Errorf("exit %d, want 3\n%v", r.Exit(), r)
		}
	})
	for _, c := range []struct {
		name  string
		forge func(t *testing.T, e *evidence)
		want  string // beginning of a finding
	}{
		{"R000-002 one byte of a current version", func(t *testing.T, e *evidence) {
			e.rewrite(t, "resource", "type = ? AND id = ?", `"1980"`, `"1981"`, "Patient", first)
		}, "changed version " + e.people[0] + "/_history/3:"},
		{"one byte without the digest", func(t *testing.T, e *evidence) {
			e.sql(t, "UPDATE resource SET body = CAST(replace(CAST(body AS TEXT), '1980', '1981') AS BLOB) WHERE type = 'Patient' AND id = ?", first)
		}, "changed version " + e.people[0] + "/_history/3:"},
		{"one byte of an old version", func(t *testing.T, e *evidence) {
			e.rewrite(t, "history", "version = 2 AND "+idOf, `"1970"`, `"1971"`, "Patient", second)
		}, "changed version " + e.people[1] + "/_history/2:"},
		{"the newest version deleted", func(t *testing.T, e *evidence) {
			e.sql(t, "DELETE FROM resource WHERE type = 'Patient' AND id = ?", first)
		}, "missing version " + e.people[0] + "/_history/3:"},
		{"an old version deleted", func(t *testing.T, e *evidence) {
			e.sql(t, "DELETE FROM history WHERE version = 1 AND "+idOf, "Patient", first)
		}, "missing version " + e.people[0] + "/_history/1:"},
		{"the newest version taken back", func(t *testing.T, e *evidence) {
			e.sql(t, "UPDATE resource SET (version, body, digest, salt, updated) = (SELECT version, body, digest, salt, updated FROM history h WHERE h.rid = resource.rid AND h.version = 2) WHERE type = 'Patient' AND id = ?", first)
			e.sql(t, "DELETE FROM history WHERE version = 2 AND "+idOf, "Patient", first)
		}, "missing version " + e.people[0] + "/_history/3:"},
		{"a deletion taken back", func(t *testing.T, e *evidence) {
			e.sql(t, "UPDATE resource SET deleted = 0, (body, digest, salt) = (SELECT body, digest, salt FROM history h WHERE h.rid = resource.rid) WHERE type = 'Observation' AND id = ?", strings.TrimPrefix(e.deleted, "Observation/"))
		}, "changed version " + e.deleted + "/_history/2:"},
		{"a version made up", func(t *testing.T, e *evidence) {
			e.sql(t, "INSERT INTO resource SELECT (SELECT max(rid)+1 FROM resource), tenant, type, 'forged', 1, updated, deleted, method, owner, author, patient, level, integrity, grading, blob, digest, salt, body, part FROM resource WHERE type = 'Patient' AND id = ?", first)
		}, "inserted version Patient/forged/_history/1:"},
		{"the bytes of two people swapped", func(t *testing.T, e *evidence) {
			e.sql(t, "CREATE TEMP TABLE s AS SELECT * FROM resource WHERE type = 'Patient' AND id IN (?, ?); "+
				"UPDATE resource SET (body, digest, salt) = (SELECT body, digest, salt FROM s WHERE s.rid <> resource.rid) WHERE rid IN (SELECT rid FROM s)", first, second)
		}, "changed version " + e.people[0] + "/_history/3:"},
		{"two people swapped whole", func(t *testing.T, e *evidence) {
			e.sql(t, "UPDATE resource SET id = 'x' WHERE id = ?", first)
			e.sql(t, "UPDATE resource SET id = ? WHERE id = ?", first, second)
			e.sql(t, "UPDATE resource SET id = ? WHERE id = 'x'", second)
		}, "changed version " + e.people[0] + "/_history/1:"},
		{"the leaf to match", func(t *testing.T, e *evidence) {
			e.rewrite(t, "resource", "type = ? AND id = ?", `"1980"`, `"1981"`, "Patient", first)
			var body, salt []byte
			e.one(t, "SELECT body FROM resource WHERE type = 'Patient' AND id = ?", &body, first)
			e.one(t, "SELECT salt FROM resource WHERE type = 'Patient' AND id = ?", &salt, first)
			h := ledger.HashLeaf([16]byte(salt), body)
			e.sql(t, "UPDATE leaf SET hash = ? WHERE ref = ?", h[:], e.people[0]+"/_history/3")
		}, "changed log"},
		{"R000-018 a row of the audit", func(t *testing.T, e *evidence) {
			e.sql(t, "UPDATE audit SET body = CAST(replace(CAST(body AS TEXT), 'operator', 'somebody') AS BLOB) WHERE id = (SELECT max(id) FROM audit)")
		}, "changed audit audit/"},
		{"R000-018 a batch of the audit", func(t *testing.T, e *evidence) {
			e.sql(t, "DELETE FROM audit WHERE id = (SELECT max(id) FROM audit)")
		}, "missing audit audit/"},
		{"one byte of a file", func(t *testing.T, e *evidence) {
			flip(t, e.blob(t))
		}, "changed blob sha-256/" + content},
		{"a file cut short", func(t *testing.T, e *evidence) {
			if err := os.Truncate(e.blob(t), 1<<20); err != nil {
				t.Fatal(err)
			}
		}, "missing blob sha-256/" + content},
		{"a file deleted", func(t *testing.T, e *evidence) {
			if err := os.Remove(e.blob(t)); err != nil {
				t.Fatal(err)
			}
		}, "missing blob sha-256/" + content},
		{"the row of a file", func(t *testing.T, e *evidence) { e.sql(t, "DELETE FROM blob") }, "missing blob sha-256/" + content},
		{"the end of the log cut off", func(t *testing.T, e *evidence) {
			e.sql(t, "DELETE FROM leaf WHERE idx >= (SELECT size FROM checkpoint ORDER BY size LIMIT 1)")
			e.sql(t, "DELETE FROM checkpoint WHERE size > (SELECT min(size) FROM checkpoint)")
		}, "forked log"},
		{"the whole database set back", func(t *testing.T, e *evidence) {
			if err := os.Rename(filepath.Join(e.data, "older.db"), filepath.Join(e.data, "db", "tenon.db")); err != nil {
				t.Fatal(err)
			}
		}, "forked log"},
		{"the whole record written anew with other keys", func(t *testing.T, e *evidence) { *e = *record(t) }, "untrusted"},
	} {
		t.Run(c.name, func(t *testing.T) {
			copied := e.copied(t)
			c.forge(t, copied)
			r, _ := copied.verified(t, e.after)
			if r.Exit() != 1 || !named(r, c.want) {
				t.Errorf("exit %d, want 1 and %q:\n%v", r.Exit(), c.want, r)
			}
		})
	}
}

// TestTamperedDerivation changes rows that are derived from the record: the
// record stays proven, and Check names the rows.
func TestTamperedDerivation(t *testing.T) {
	t.Parallel()
	e := record(t)
	first := strings.TrimPrefix(e.people[0], "Patient/")
	const of = " WHERE rid = (SELECT rid FROM resource WHERE type = 'Patient' AND id = ?)"
	for _, c := range []struct{ name, statement string }{
		{"token rows removed", "DELETE FROM token_row" + of},
		{"a name removed", "DELETE FROM string_row" + of},
		{"a name changed", "UPDATE string_row SET norm = 'other'" + of},
		{"a date moved", "UPDATE date_row SET low = low - 1" + of},
		{"a token made up", "INSERT INTO token_row SELECT rid, 99999, 'x', 0, tenant FROM resource WHERE type = 'Patient' AND id = ?"},
	} {
		t.Run(c.name, func(t *testing.T) {
			copied := e.copied(t)
			copied.sql(t, c.statement, first)
			r, check := copied.verified(t, e.after)
			if r.Exit() != 0 {
				t.Errorf("exit %d, want 0: the record itself is untouched\n%v", r.Exit(), r)
			}
			if len(check.Findings) == 0 || !strings.HasPrefix(check.Findings[0], e.people[0]+": index:") {
				t.Errorf("Check() = %v, want a finding on %s", check.Findings, e.people[0])
			}
		})
	}
}

func named(r *ledger.Report, want string) bool {
	for _, f := range r.Findings {
		if strings.HasPrefix(f.String(), want) {
			return true
		}
	}
	return false
}

// flip changes one bit in the middle of a file.
func flip(t *testing.T, name string) {
	t.Helper()
	f, err := os.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	size, err := f.Seek(0, io.SeekEnd)
	b := make([]byte, 1)
	if err == nil {
		_, err = f.ReadAt(b, size/2)
	}
	b[0] ^= 1
	if err == nil {
		_, err = f.WriteAt(b, size/2)
	}
	if err := errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
}
