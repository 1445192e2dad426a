package store

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"tenon/server/record"
)

// pg is the engine for production: several servers may share one database.
type pg struct {
	pool    *pgxpool.Pool
	ids     *idBlock
	auditor *pgAuditor
	analyst *pgAnalyst
	secret  func() ([32]byte, error)
	clock   record.Clock
}

// logLock is the advisory lock of the sequencer and migrateLock that of
// migrations; the locks of conditional interactions are hashes of text.
const (
	logLock     = 0x74656e6f6e01 // "tenon" and a number
	migrateLock = 0x74656e6f6e02
	// definitionsLock is the first of two numbers, the tenant is the second:
	// shared by units, exclusive for what changes definitions.
	definitionsLock = 0x746e0003
)

func openPostgres(ctx context.Context, o *Options) (engine, error) {
	c, err := pgxpool.ParseConfig(o.URL)
	if err != nil {
		return nil, errors.New("store: the database URL is not one of PostgreSQL: want postgres://user:secret@host/name")
	}
	if !strings.Contains(o.URL, "pool_max_conns") {
		c.MaxConns = int32(max(16, 4*runtime.GOMAXPROCS(0)))
		if o.Readers > 0 {
			c.MaxConns = int32(o.Readers)
		}
	}
	for name, value := range map[string]string{"application_name": "tenon", "jit": "off"} {
		if _, set := c.ConnConfig.RuntimeParams[name]; !set {
			c.ConnConfig.RuntimeParams[name] = value
		}
	}
	pool, err := pgxpool.NewWithConfig(ctx, c)
	if err != nil {
		return nil, fmt.Errorf("store: %w", err)
	}
	e := &pg{pool: pool, secret: secretsFrom(o.Random), clock: o.Clock}
	e.ids = &idBlock{fetch: e.fetchIDs}
	if err := e.durable(ctx); err != nil {
		pool.Close()
		return nil, err
	}
	e.analyst = newPgAnalyst(e)
	if err := e.analyst.known(ctx); err != nil {
		pool.Close()
		return nil, fmt.Errorf("store: %w", err)
	}
	e.auditor = newPgAuditor(e)
	return e, nil
}

// durable refuses a server that acknowledges commits before they are safe.
func (e *pg) durable(ctx context.Context) error {
	for _, setting := range []string{"fsync", "synchronous_commit"} {
		var value string
		if err := e.pool.QueryRow(ctx, "SELECT current_setting($1)", setting).Scan(&value); err != nil {
			return fmt.Errorf("store: connect: %w", err)
		}
		if value == "off" {
			return fmt.Errorf("store: PostgreSQL runs with %s = off, so commits could be lost: set it to on", setting)
		}
	}
	return nil
}

// pgDB is what a pool's connection and a transaction have in common.
type pgDB interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
	SendBatch(ctx context.Context, b *pgx.Batch) pgx.BatchResults
}

// pgQuerier is querier on PostgreSQL. A long read is planned with its values
// each time: a plan that is made once for all of them knows no selectivity.
type pgQuerier struct {
	db   pgDB
	long bool
}

// prepared plans once for all values: for statements that can be run in one way
// only, where to plan costs more than to run.
func prepared(q querier) querier {
	if p, ok := q.(pgQuerier); ok {
		p.long = false
		return p
	}
	return q
}

func (q pgQuerier) query(ctx context.Context, sql string, args []any) (cursor, error) {
	args = clean(args)
	if q.long {
		args = append([]any{pgx.QueryExecModeCacheDescribe}, args...)
	}
	rows, err := q.db.Query(ctx, numbered(sql), args...)
	if err != nil {
		return nil, err
	}
	return pgCursor{rows}, nil
}

func (q pgQuerier) exec(ctx context.Context, sql string, args []any) (int64, error) {
	tag, err := q.db.Exec(ctx, numbered(sql), clean(args)...)
	return tag.RowsAffected(), err
}

func (q pgQuerier) execMany(ctx context.Context, sql string, sets [][]any) error {
	if len(sets) == 0 {
		return nil
	}
	b := &pgx.Batch{}
	for _, args := range sets {
		b.Queue(numbered(sql), clean(args)...)
	}
	return q.db.SendBatch(ctx, b).Close()
}

func (q pgQuerier) askAll(ctx context.Context, asks []ask) error {
	if len(asks) == 0 {
		return nil
	}
	b := &pgx.Batch{}
	for _, a := range asks {
		b.Queue(numbered(a.sql), clean(a.args)...).Query(func(rows pgx.Rows) error {
			for rows.Next() {
				if err := a.row(pgCursor{rows}); err != nil {
					return err
				}
			}
			return rows.Err()
		})
	}
	return q.db.SendBatch(ctx, b).Close()
}

type pgCursor struct{ rows pgx.Rows }

func (c pgCursor) next() bool             { return c.rows.Next() }
func (c pgCursor) scan(dest ...any) error { return c.rows.Scan(dest...) }
func (c pgCursor) close() error           { c.rows.Close(); return c.rows.Err() }

// numbered turns ? into $1, $2, …; no statement of this room has one in a text.
func numbered(sql string) string {
	if known, ok := numberedSQL.Load(sql); ok {
		return known.(string)
	}
	var b strings.Builder
	n := 0
	for i := range len(sql) {
		if sql[i] != '?' {
			b.WriteByte(sql[i])
			continue
		}
		n++
		b.WriteByte('$')
		b.WriteString(strconv.Itoa(n))
	}
	out := b.String()
	if numberedCount.Add(1) <= maxNumbered {
		numberedSQL.Store(sql, out)
	}
	return out
}

const maxNumbered = 1000

var (
	numberedSQL   sync.Map
	numberedCount atomic.Int64
)

// clean replaces what PostgreSQL cannot keep in a text: NUL and broken UTF-8.
// Nothing valid has them, so such a value only has to match nothing.
func clean(args []any) []any {
	for i, a := range args {
		switch a := a.(type) {
		case string:
			args[i] = cleanText(a)
		case []string:
			for n := range a { // lists are shared: nothing is written that need not be
				if c := cleanText(a[n]); c != a[n] {
					a[n] = c
				}
			}
		}
	}
	return args
}

func cleanText(s string) string {
	if utf8.ValidString(s) && strings.IndexByte(s, 0) < 0 {
		return s
	}
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
}

func (e *pg) read(ctx context.Context, w weight, f func(querier) error) error {
	c, err := e.pool.Acquire(ctx)
	if err != nil {
		return fmt.Errorf("store: %w", err)
	}
	defer c.Release()
	return f(pgQuerier{c.Conn(), bool(w)})
}

func (e *pg) view(ctx context.Context, f func(querier) error) error {
	return pgx.BeginTxFunc(ctx, e.pool, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error {
		return f(pgQuerier{tx, true})
	})
}

// attempts is how often a transaction is run that lost a deadlock.
const attempts = 4

func (e *pg) update(ctx context.Context, f func(querier) error) (err error) {
	for range attempts {
		err = pgx.BeginFunc(ctx, e.pool, func(tx pgx.Tx) error { return f(pgQuerier{tx, false}) })
		if !lostRace(err) {
			return err
		}
	}
	return err
}

func (e *pg) readSecrets(ctx context.Context, f func(querier) error) error {
	return e.read(ctx, short, f)
}

func (e *pg) updateSecrets(ctx context.Context, f func(querier) error) error {
	return e.update(ctx, f)
}

// lostRace tells whether another transaction was in the way and this one may be
// run again. https://www.postgresql.org/docs/15/errcodes-appendix.html
func lostRace(err error) bool {
	return stateOf(err) == "40001" || stateOf(err) == "40P01"
}

func stateOf(err error) string {
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		return e.Code
	}
	return ""
}

func (e *pg) dialect() dialect {
	return dialect{
		postgres:   true,
		skipLocked: " FOR UPDATE SKIP LOCKED",
		lockLog:    "SELECT pg_advisory_xact_lock(" + strconv.Itoa(logLock) + ")",
		forUpdate:  " FOR NO KEY UPDATE",

		lockDefinitions: "SELECT pg_advisory_xact_lock(" + strconv.Itoa(definitionsLock) + ", ?::int)",
		lockPerson:      "SELECT pg_advisory_xact_lock(hashtextextended(?, 0))",
	}
}

func (e *pg) close() error {
	e.auditor.close()
	e.analyst.close()
	e.pool.Close()
	return nil
}

// idBlock gives row numbers from blocks of 64, so that a commit needs no round
// trip for them. https://www.postgresql.org/docs/15/sql-createsequence.html
type idBlock struct {
	fetch     func(ctx context.Context, blocks int) ([]int64, error)
	mu        sync.Mutex
	next, end int64
}

const blockSize = 64

func (b *idBlock) take(ctx context.Context, n int) ([]int64, error) {
	if n == 0 {
		return nil, nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	ids := make([]int64, 0, n)
	use := func() {
		for b.next < b.end && len(ids) < n {
			ids = append(ids, b.next)
			b.next++
		}
	}
	use()
	if len(ids) == n {
		return ids, nil
	}
	starts, err := b.fetch(ctx, (n-len(ids)+blockSize-1)/blockSize)
	for _, s := range starts {
		b.next, b.end = s, s+blockSize
		use()
	}
	return ids, err
}

func (e *pg) fetchIDs(ctx context.Context, blocks int) ([]int64, error) {
	rows, err := e.pool.Query(ctx, "SELECT nextval('ids') FROM generate_series(1, $1)", blocks)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[int64])
}
