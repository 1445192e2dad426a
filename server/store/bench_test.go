package store_test

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"modernc.org/sqlite"

	"tenon/server/access"
	"tenon/server/record"
	"tenon/server/search"
	"tenon/server/store/storetest"
)

// The load of design §12: one resource of 1.5 kB with 12 index rows in a durable
// commit, with its leaf, its audit row and the leaf of that; "raw" writes the same
// rows with prepared statements and nothing else.
//
//	go test ./server/store -run '^$' -bench Create -benchtime 3s
const clients = 8

func observation(id string) record.Version {
	v := storetest.Make("Observation", id, 1,
		storetest.Token("code", "http://loinc.org", "8302-2"), storetest.Token("category", "http://terminology.hl7.org/CodeSystem/observation-category", "vital-signs"),
		storetest.Token("status", "http://hl7.org/fhir/observation-status", "final"), storetest.Token("identifier", "urn:oid:1.2.3.4", id),
		storetest.Token("combo-code", "http://loinc.org", "8302-2"), storetest.Token("_tag", "", id[len(id)-1:]),
		storetest.Date("date", 1700000000000000, 1700000000999999), storetest.Number("value-quantity", 172.5, 172.5, "http://unitsofmeasure.org", "cm"),
		storetest.Refer("subject", "Patient", "p"+id[len(id)-2:]), storetest.Refer("patient", "Patient", "p"+id[len(id)-2:]),
		storetest.Refer("encounter", "Encounter", "e"+id), storetest.Refer("performer", "PractitionerRole", "r"),
	)
	v.Body = append(v.Body, strings.Repeat("x", 1500-len(v.Body))...)
	v.Digest = sha256.Sum256(v.Body)
	return v
}

func creation(id string) *record.Unit {
	u := &record.Unit{At: time.Now(), Versions: []record.Version{observation(id)}}
	u.Reads.Versions = []record.VersionRead{{Type: "Observation", ID: id}}
	u.Leaves = storetest.Leaves(u.Versions)
	u.Audit = []record.Audit{auditOf(id)}
	return u
}

func auditOf(id string) record.Audit {
	return record.Audit{
		At: time.Now(), RequestID: "01920000-0000-7000-8000-000000000000", Principal: "PractitionerRole/a", Organization: "Organization/h",
		Door: "fhir", Action: "C", Operation: "create", Entity: "Observation/" + id + "/_history/1", Patient: "Patient/1", Outcome: 201,
	}
}

// parallel runs f from several clients with a number that nobody else has.
func parallel(b *testing.B, n int, f func(int) error) {
	b.Helper()
	b.ResetTimer()
	var next atomic.Int64
	var wg sync.WaitGroup
	for range n {
		wg.Go(func() {
			for {
				i := int(next.Add(1))
				if i > b.N {
					return
				}
				if err := f(i); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "/s")
}

func BenchmarkCreate(b *testing.B) {
	for _, name := range []string{"SQLite", "PostgreSQL"} {
		for _, n := range []int{1, clients} {
			b.Run(fmt.Sprintf("%s/store/%d", name, n), func(b *testing.B) {
				s := engines[name](b)
				parallel(b, n, func(i int) error { return s.Commit(b.Context(), creation(fmt.Sprintf("o%08d", i))) })
			})
			b.Run(fmt.Sprintf("%s/raw/%d", name, n), func(b *testing.B) { raw[name](b, n) })
		}
	}
}

func BenchmarkRead(b *testing.B) {
	for _, name := range []string{"SQLite", "PostgreSQL"} {
		url := urls[name](b)
		s := open(b, url)
		const n = 2000
		for i := range n / 100 {
			u := &record.Unit{At: time.Now()}
			for j := range 100 {
				u.Versions = append(u.Versions, observation(fmt.Sprintf("o%08d", i*100+j)))
			}
			if err := s.Commit(b.Context(), u); err != nil {
				b.Fatal(err)
			}
		}
		b.Run(name+"/store", func(b *testing.B) {
			parallel(b, clients, func(i int) error {
				_, err := s.Read(b.Context(), access.Everything{}, "Observation", fmt.Sprintf("o%08d", i%n))
				return err
			})
		})
		b.Run(name+"/raw", func(b *testing.B) {
			get := rawRead[name](b, url)
			parallel(b, clients, func(i int) error { return get(fmt.Sprintf("o%08d", i%n)) })
		})
		b.Run(name+"/token", func(b *testing.B) {
			parallel(b, clients, func(i int) error {
				page, err := s.Search(b.Context(), &search.Plan{Count: 20, Root: search.Alias{Types: []string{"Observation"}, Reach: access.Everything{}, Where: []search.Clause{
					storetest.Code("Observation", "identifier", "urn:oid:1.2.3.4", fmt.Sprintf("o%08d", i%n)),
				}}})
				if err == nil && len(page.Hits) != 1 {
					err = fmt.Errorf("%d hits", len(page.Hits))
				}
				return err
			})
		})
		b.Run(name+"/audit", func(b *testing.B) {
			parallel(b, 64, func(i int) error { return s.Audit(b.Context(), []record.Audit{auditOf("x")}) })
		})
	}
}

const rawSelect = "SELECT type, id, version, updated, deleted, method, owner, author, patient, level, integrity, grading, blob, digest, salt, body " +
	"FROM resource WHERE tenant = 1 AND type = 'Observation' AND id = "

// rawRead is a prepared select of the same columns on a connection a client.
var rawRead = map[string]func(*testing.B, string) func(id string) error{
	"SQLite": func(b *testing.B, url string) func(string) error {
		db, err := sql.Open("sqlite", "file:"+strings.TrimPrefix(url, "sqlite://")+"/tenon.db?_pragma=query_only(1)")
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { _ = db.Close() })
		db.SetMaxOpenConns(clients)
		db.SetMaxIdleConns(clients)
		st, err := db.PrepareContext(b.Context(), rawSelect+"?")
		if err != nil {
			b.Fatal(err)
		}
		return func(id string) error {
			_, pointers := rawDest()
			return st.QueryRowContext(b.Context(), id).Scan(pointers...)
		}
	},
	"PostgreSQL": func(b *testing.B, url string) func(string) error {
		pool, err := pgxpool.New(b.Context(), url)
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(pool.Close)
		return func(id string) error {
			_, pointers := rawDest()
			return pool.QueryRow(b.Context(), rawSelect+"$1", id).Scan(pointers...)
		}
	},
}

func rawDest() (*record.Version, []any) {
	v := new(record.Version)
	var updated, deleted, level, integrity int64
	var digest, salt []byte
	return v, []any{
		&v.Type, &v.ID, &v.Version, &updated, &deleted, &v.Method, &v.Owner, &v.Author, &v.Patient, &level,
		&integrity, &v.Grading, &v.Blob, &digest, &salt, &v.Body,
	}
}

var raw = map[string]func(*testing.B, int){"SQLite": rawLite, "PostgreSQL": rawPostgres}

// rawRows are the statements of one creation as a hand-written loader has them,
// with the values in the order of the columns.
func rawRows(i int) (rid int64, id string, v record.Version) {
	id = fmt.Sprintf("o%08d", i)
	return int64(i), id, observation(id)
}

// rawLite has one writer, as SQLite has: what waits goes into one transaction.
func rawLite(b *testing.B, n int) {
	dir := b.TempDir()
	open(b, "sqlite://"+filepath.ToSlash(dir)) // makes the schema
	c, err := new(sqlite.Driver).Open("file:" + dir + "/tenon.db?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=cache_size(-65536)&_pragma=wal_autocheckpoint(4000)&_pragma=busy_timeout(10000)")
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close()
	stmts := map[string]driver.Stmt{}
	exec := func(sql string, args ...driver.Value) {
		st, ok := stmts[sql]
		if !ok {
			if st, err = c.Prepare(sql); err != nil {
				b.Fatal(err)
			}
			stmts[sql] = st
		}
		named := make([]driver.NamedValue, len(args))
		for i, a := range args {
			named[i] = driver.NamedValue{Ordinal: i + 1, Value: a}
		}
		if _, err := st.(driver.StmtExecContext).ExecContext(context.Background(), named); err != nil {
			b.Fatal(err)
		}
	}
	type job struct {
		i    int
		done chan error
	}
	queue := make(chan job, 512)
	go func() {
		for j := range queue {
			group := []job{j}
			exec("BEGIN IMMEDIATE")
			for {
				insertRaw(exec, j.i)
				select {
				case next, ok := <-queue:
					if ok {
						j = next
						group = append(group, j)
						continue
					}
				default:
				}
				break
			}
			rawAudit(exec, group[0].i, len(group))
			exec("COMMIT")
			for _, j := range group {
				j.done <- nil
			}
		}
	}()
	parallel(b, n, func(i int) error {
		j := job{i, make(chan error, 1)}
		queue <- j
		return <-j.done
	})
	close(queue)
}

func insertRaw(exec func(string, ...driver.Value), i int) {
	rid, id, v := rawRows(i)
	exec("INSERT INTO resource (rid, tenant, type, id, version, updated, deleted, method, owner, author, patient, level, integrity, grading, blob, digest, salt, body) VALUES (?,1,?,?,1,?,0,'PUT',?,?,'',2,1,'1','',?,?,?)",
		rid, v.Type, id, v.Updated.UnixMicro(), v.Owner, v.Author, v.Digest[:], v.Salt[:], v.Body)
	for _, t := range v.Rows.Tokens {
		exec("INSERT INTO token_row (rid, key, code, system, tenant) VALUES (?,?,?,?,1)", rid, int64(t.Key), t.Code, int64(len(t.System)))
	}
	for _, t := range v.Rows.Dates {
		exec("INSERT INTO date_row (rid, key, low, high, tenant) VALUES (?,?,?,?,1)", rid, int64(t.Key), t.Low, t.High)
	}
	for _, t := range v.Rows.Numbers {
		exec("INSERT INTO number_row (rid, key, canonical, low, high, code, system, tenant) VALUES (?,?,0,?,?,?,?,1)", rid, int64(t.Key), t.Low, t.High, t.Code, int64(len(t.System)))
	}
	for _, t := range v.Rows.References {
		exec("INSERT INTO reference_row (rid, key, target, type, tenant) VALUES (?,?,?,?,1)", rid, int64(t.Key), t.ID, t.Type)
	}
	exec("INSERT INTO leaf (kind, ref, hash, at) VALUES ('version', ?, ?, ?)", "Observation/"+id+"/_history/1", v.Digest[:], v.Updated.UnixMicro())
}

func rawAudit(exec func(string, ...driver.Value), id, rows int) {
	body := []byte(strings.Repeat(strings.Repeat("a", 230)+"\n", rows))
	exec("INSERT INTO audit (id, tenant, at, secret, body) VALUES (?,1,0,?,?)", int64(id), make([]byte, 32), body)
	exec("INSERT INTO leaf (kind, ref, hash, at) VALUES ('audit', ?, ?, 0)", fmt.Sprint("audit/", id), make([]byte, 32))
}

// rawPostgres pipelines one insert a row, in one transaction a resource.
func rawPostgres(b *testing.B, n int) {
	url := postgresURL(b)
	pool, err := pgxpool.New(b.Context(), url)
	if err != nil {
		b.Fatal(err)
	}
	defer pool.Close()
	parallel(b, n, func(i int) error {
		rid, id, v := rawRows(i)
		q := &pgx.Batch{}
		q.Queue("INSERT INTO resource (rid, tenant, type, id, version, updated, deleted, method, owner, author, patient, level, integrity, grading, blob, digest, salt, body) VALUES ($1,1,$2,$3,1,$4,0,'PUT',$5,$6,'',2,1,'1','',$7,$8,$9)",
			rid, v.Type, id, v.Updated.UnixMicro(), v.Owner, v.Author, v.Digest[:], v.Salt[:], v.Body)
		for _, t := range v.Rows.Tokens {
			q.Queue("INSERT INTO token_row (rid, key, code, system, tenant) VALUES ($1,$2,$3,$4,1)", rid, int64(t.Key), t.Code, int64(len(t.System)))
		}
		for _, t := range v.Rows.Dates {
			q.Queue("INSERT INTO date_row (rid, key, low, high, tenant) VALUES ($1,$2,$3,$4,1)", rid, int64(t.Key), t.Low, t.High)
		}
		for _, t := range v.Rows.Numbers {
			q.Queue("INSERT INTO number_row (rid, key, canonical, low, high, code, system, tenant) VALUES ($1,$2,0,$3,$4,$5,$6,1)", rid, int64(t.Key), t.Low, t.High, t.Code, int64(len(t.System)))
		}
		for _, t := range v.Rows.References {
			q.Queue("INSERT INTO reference_row (rid, key, target, type, tenant) VALUES ($1,$2,$3,$4,1)", rid, int64(t.Key), t.ID, t.Type)
		}
		q.Queue("INSERT INTO leaf (kind, ref, hash, at) VALUES ('version', $1, $2, $3)", "Observation/"+id+"/_history/1", v.Digest[:], v.Updated.UnixMicro())
		q.Queue("INSERT INTO audit (id, tenant, at, secret, body) VALUES ($1,1,0,$2,$3)", rid, make([]byte, 32), make([]byte, 230))
		q.Queue("INSERT INTO leaf (kind, ref, hash, at) VALUES ('audit', $1, $2, 0)", "audit/"+id, make([]byte, 32))
		return pool.SendBatch(b.Context(), q).Close()
	})
}
