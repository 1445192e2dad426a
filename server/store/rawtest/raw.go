// Package rawtest is the yardstick of the benchmarks: it writes the rows that one
// FHIR create writes (resource, index rows, leaf, audit batch) with prepared
// statements straight into the schema, one durable commit each, and nothing
// else: no HTTP, no parsing, no validation, no access, no log.
package rawtest

import (
	"context"
	"crypto/rand"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	_ "modernc.org/sqlite" // the driver "sqlite"

	"tenon/fhir/tree"
	"tenon/profiles/r4"
	"tenon/server/search"
	"tenon/server/store"
)

// Body is an Observation of about 1.5 kB whose values vary with n.
func Body(n int64) []byte {
	return fmt.Appendf(nil, `{"resourceType":"Observation","status":"final",
"identifier":[{"system":"urn:bench:observation","value":"O-%[1]d"}],
"category":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/observation-category","code":"vital-signs","display":"Vital Signs"}]}],
"code":{"coding":[{"system":"http://loinc.org","code":"29463-7","display":"Body weight"}],"text":"Body weight"},"subject":{"display":"bench"},
"effectiveDateTime":"2026-0%[2]d-1%[2]dT08:%02[3]d:00+08:00","issued":"2026-0%[2]d-1%[2]dT09:00:00.000+08:00",
"valueQuantity":{"value":%[4]d.%[3]d,"unit":"kg","system":"http://unitsofmeasure.org","code":"kg"},
"note":[{"text":"%[5]s"}]}`, n, 1+n%9, n%60, 40+n%60, strings.Repeat("measured standing, without shoes, by the same nurse; ", 15))
}

// Load writes raw rows.
type Load struct {
	name  string
	base  int64 // of row numbers, so that a load can be repeated on one database
	n     atomic.Int64
	rows  search.Rows
	lite  *sql.DB
	stmts map[string]*sql.Stmt
	mu    sync.Mutex
	pool  *pgxpool.Pool
}

// Open makes the schema in a database of its own: a folder for SQLite, the
// database of the URL for PostgreSQL (the rows of a load have their own tenant).
func Open(ctx context.Context, database, dir string) (*Load, error) {
	url := database
	if database == "sqlite" {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return nil, err
		}
		url = "sqlite://" + dir
	}
	s, err := store.Open(ctx, store.Options{URL: url})
	if err != nil {
		return nil, err
	}
	if err := s.Migrate(ctx); err != nil {
		return nil, err
	}
	if err := s.Close(); err != nil {
		return nil, err
	}
	l := &Load{name: "SQLite", base: time.Now().UnixMilli() << 20, stmts: map[string]*sql.Stmt{}}
	if err := l.index(); err != nil {
		return nil, err
	}
	if database == "sqlite" {
		return l, l.openLite(dir)
	}
	l.name = "PostgreSQL"
	l.pool, err = pgxpool.New(ctx, url)
	return l, err
}

// index learns which rows one Observation has.
func (l *Load) index() error {
	doc, err := tree.Parse(Body(1))
	if err != nil {
		return err
	}
	registry, err := search.NewRegistry(r4.Model())
	if err != nil {
		return err
	}
	l.rows, err = registry.Index(doc.Root())
	return err
}

func (l *Load) openLite(dir string) error {
	files, err := filepath.Glob(filepath.Join(dir, "*.db"))
	if err != nil {
		return err
	}
	name := ""
	for _, f := range files {
		if !strings.Contains(f, "auth") && !strings.Contains(f, "token") {
			name = f
		}
	}
	if name == "" {
		return fmt.Errorf("rawtest: no database in %s", dir)
	}
	l.lite, err = sql.Open("sqlite", "file:"+name+"?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)")
	if err != nil {
		return err
	}
	l.lite.SetMaxOpenConns(1)
	return nil
}

// Name is the engine.
func (l *Load) Name() string { return l.name }

// Close closes the database.
func (l *Load) Close() {
	if l.lite != nil {
		_ = l.lite.Close()
	}
	if l.pool != nil {
		l.pool.Close()
	}
}

// statement is one insert with its values.
type statement struct {
	sql  string
	args []any
}

const tenant = 2 // the server under test writes as tenant 1

// statements are the inserts of one create.
func (l *Load) statements(n int64) []statement {
	digest := make([]byte, 32)
	_, _ = rand.Read(digest)
	body := Body(n)
	rid := l.base + n
	id := fmt.Sprintf("00000000-0000-4000-8000-%d", rid)
	out := []statement{{"INSERT INTO resource (rid, version, updated, tenant, deleted, level, integrity, type, id, method, owner, author, patient, grading, blob, digest, salt, body) " +
		"VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
		[]any{rid, int64(1), n, tenant, 0, 3, 2, "Observation", id, "POST", "", "operator", "", "0.1.0", "", digest, digest[:16], body}}}
	add := func(sql string, args ...any) { out = append(out, statement{sql, append([]any{rid, tenant}, args...)}) }
	seen := map[search.Key]bool{}
	for i, t := range l.rows.Tokens {
		add("INSERT INTO token_row (rid, tenant, key, code, system) VALUES (?, ?, ?, ?, ?)", int32(t.Key), fmt.Sprintf("%s%d", t.Code, i), int64(7))
	}
	for i, t := range l.rows.Strings {
		if seen[t.Key] {
			continue
		}
		seen[t.Key] = true
		if l.lite != nil {
			add("INSERT INTO string_row (rid, tenant, key, norm, ord, exact, rest) VALUES (?, ?, ?, ?, ?, ?, ?)", int32(t.Key), t.Normalised, i, t.Exact, "")
		} else {
			add("INSERT INTO string_row (rid, tenant, key, norm, exact, rest) VALUES (?, ?, ?, ?, ?, ?)", int32(t.Key), t.Normalised, t.Exact, "")
		}
	}
	for i, t := range l.rows.Dates {
		add("INSERT INTO date_row (rid, tenant, key, low, high) VALUES (?, ?, ?, ?, ?)", int32(t.Key), t.Low+int64(i), t.High)
	}
	for i, t := range l.rows.Numbers {
		add("INSERT INTO number_row (rid, tenant, key, canonical, low, high, code, system) VALUES (?, ?, ?, ?, ?, ?, ?, ?)", int32(t.Key), i, t.Low, t.High, t.Code, int64(7))
	}
	for i, t := range l.rows.References {
		add("INSERT INTO reference_row (rid, tenant, key, target, type) VALUES (?, ?, ?, ?, ?)", int32(t.Key), fmt.Sprintf("%s%d", t.ID, i), t.Type)
	}
	leaf := "INSERT INTO leaf (kind, ref, hash, at) VALUES (?, ?, ?, ?)"
	return append(out,
		statement{leaf, []any{"version", "Observation/" + id + "/_history/1", digest, n}},
		statement{leaf, []any{"audit", fmt.Sprintf("audit/raw-%d", rid), digest, n}},
		statement{"INSERT INTO audit (id, tenant, at, secret, body) VALUES (?, ?, ?, ?, ?)", []any{rid, tenant, n, digest, body[:200]}})
}

// Create writes one resource durably.
func (l *Load) Create() error {
	stmts := l.statements(l.n.Add(1))
	if l.lite != nil {
		return l.createLite(stmts)
	}
	batch := &pgx.Batch{}
	batch.Queue("BEGIN")
	for _, s := range stmts {
		batch.Queue(dollars(s.sql), s.args...)
	}
	batch.Queue("COMMIT")
	return l.pool.SendBatch(context.Background(), batch).Close()
}

func (l *Load) createLite(stmts []statement) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, s := range stmts {
		if l.stmts[s.sql] == nil {
			prepared, err := l.lite.PrepareContext(context.Background(), s.sql)
			if err != nil {
				return err
			}
			l.stmts[s.sql] = prepared
		}
	}
	tx, err := l.lite.BeginTx(context.Background(), nil)
	if err != nil {
		return err
	}
	for _, s := range stmts {
		if _, err := tx.Stmt(l.stmts[s.sql]).Exec(s.args...); err != nil {
			_ = tx.Rollback()
			return fmt.Errorf("%s: %w", s.sql, err)
		}
	}
	return tx.Commit()
}

// dollars numbers the parameters for PostgreSQL.
func dollars(sql string) string {
	var b strings.Builder
	n := 0
	for _, c := range sql {
		if c == '?' {
			n++
			fmt.Fprintf(&b, "$%d", n)
			continue
		}
		b.WriteRune(c)
	}
	return b.String()
}
