// Package rawtest is the yardstick of the benchmarks: it writes the rows that FHIR
// interactions write (resource, index rows, leaf, audit) with prepared statements
// straight into the schema, in durable commits, and selects what searches select
// with statements written by hand; nothing else: no HTTP, no parsing, no
// validation, no access, no log.
package rawtest

import (
	"context"
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
	base     int64 // of row numbers, so that a load can be repeated on one database
	n        atomic.Int64
	registry *search.Registry
	one      *Resource // what Create writes
	lite     *sql.DB
	stmts    map[string]*sql.Stmt
	mu       sync.Mutex
	pool     *pgxpool.Pool
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
	l := &Load{base: time.Now().UnixMilli() << 20, stmts: map[string]*sql.Stmt{}}
	if l.registry, err = search.NewRegistry(r4.Model()); err != nil {
		return nil, err
	}
	if database != "sqlite" {
		l.pool, err = pgxpool.New(ctx, url)
	} else if l.lite, err = openLite(dir, "&_pragma=synchronous(FULL)&_pragma=cache_size(-65536)&_pragma=wal_autocheckpoint(4000)"); err == nil {
		l.lite.SetMaxOpenConns(1)
	}
	if err != nil {
		return nil, err
	}
	l.one, err = l.Prepare("Observation", Body(1))
	return l, err
}

// openLite opens the record's file in a folder of SQLite databases.
func openLite(dir, pragmas string) (*sql.DB, error) {
	name := filepath.Join(dir, "tenon.db")
	if _, err := os.Stat(name); err != nil {
		return nil, fmt.Errorf("rawtest: %w", err)
	}
	return sql.Open("sqlite", "file:"+name+"?_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)"+pragmas)
}

// Close closes the database.
func (l *Load) Close() {
	if l.lite != nil {
		_ = l.lite.Close()
	}
	if l.pool != nil {
		l.pool.Close()
	}
}

// Create writes one resource durably.
func (l *Load) Create() error {
	n := l.n.Add(1)
	return l.commit(l.one.insert(l.base+n, Body(n)))
}

// Batch writes resources in one durable commit.
func (l *Load) Batch(resources []*Resource) error {
	var all []statement
	for _, r := range resources {
		all = append(all, r.insert(l.base+l.n.Add(1), r.body)...)
	}
	return l.commit(all)
}

// Mix creates a resource, reads it, updates it and deletes it: three durable
// commits and a select, as the four requests of the mix do. The read writes no
// audit row here.
func (l *Load) Mix(r *Resource) error {
	rid := l.base + l.n.Add(1)
	if err := l.commit(r.insert(rid, r.body)); err != nil {
		return err
	}
	if err := l.read(r.typ, idOf(rid)); err != nil {
		return err
	}
	if err := l.commit(r.update(rid, r.body)); err != nil {
		return err
	}
	return l.commit(r.remove(rid))
}

func (l *Load) commit(stmts []statement) error {
	if l.lite != nil {
		return l.commitLite(stmts)
	}
	batch := &pgx.Batch{}
	batch.Queue("BEGIN")
	for _, s := range stmts {
		batch.Queue(dollars(s.sql), s.args...)
	}
	batch.Queue("COMMIT")
	return l.pool.SendBatch(context.Background(), batch).Close()
}

func (l *Load) commitLite(stmts []statement) error {
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

const readOne = "SELECT version, updated, deleted, level, patient, digest, body FROM resource WHERE tenant = ? AND type = ? AND id = ?"

func (l *Load) read(typ, id string) error {
	var version, updated, deleted, level int64
	var patient string
	var digest, body []byte
	dest := []any{&version, &updated, &deleted, &level, &patient, &digest, &body}
	if l.pool != nil {
		return l.pool.QueryRow(context.Background(), dollars(readOne), tenant, typ, id).Scan(dest...)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.stmts[readOne] == nil {
		prepared, err := l.lite.PrepareContext(context.Background(), readOne)
		if err != nil {
			return err
		}
		l.stmts[readOne] = prepared
	}
	return l.stmts[readOne].QueryRow(tenant, typ, id).Scan(dest...)
}

var numbered sync.Map // SQL with ? → with $n

// dollars numbers the parameters for PostgreSQL.
func dollars(sql string) string {
	if known, ok := numbered.Load(sql); ok {
		return known.(string)
	}
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
	numbered.Store(sql, b.String())
	return b.String()
}
