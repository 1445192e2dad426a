package store

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// pgAnalyst keeps the planner's statistics in step with a database that grows
// fast: autovacuum looks once a minute, and until it has looked PostgreSQL takes
// every table for tiny and joins the wrong way round. It runs ANALYZE each time
// the record has grown fourfold, up to the size where autovacuum suffices.
type pgAnalyst struct {
	e      *pg
	rows   atomic.Int64 // versions committed here, and those there were
	due    atomic.Int64
	active sync.Mutex
	ctx    context.Context
	stop   context.CancelFunc
	wg     sync.WaitGroup
}

const (
	firstAnalyze = 400
	lastAnalyze  = 1_000_000
)

func newPgAnalyst(e *pg) *pgAnalyst {
	a := &pgAnalyst{e: e}
	a.ctx, a.stop = context.WithCancel(context.Background())
	a.due.Store(firstAnalyze)
	return a
}

// known takes the size that the database has counted already.
func (a *pgAnalyst) known(ctx context.Context) error {
	var rows int64
	err := a.e.pool.QueryRow(ctx, "SELECT coalesce(max(reltuples), 0)::bigint FROM pg_class WHERE oid = to_regclass('resource')").Scan(&rows)
	a.rows.Store(max(0, rows))
	a.due.Store(max(firstAnalyze, 4*rows))
	return err
}

// grown counts committed versions.
func (a *pgAnalyst) grown(n int) {
	rows := a.rows.Add(int64(n))
	due := a.due.Load()
	if rows < due || due > lastAnalyze || !a.active.TryLock() {
		return
	}
	a.due.Store(4 * rows)
	a.wg.Go(func() {
		defer a.active.Unlock()
		ctx, cancel := context.WithTimeout(a.ctx, time.Minute)
		defer cancel()
		// Only speed hangs on it, so a failure is left to autovacuum.
		_, _ = a.e.pool.Exec(ctx, "ANALYZE resource, token_row, string_row, date_row, number_row, reference_row, uri_row, group_row, member, case_access, history, leaf")
	})
}

func (a *pgAnalyst) close() {
	a.stop()
	a.wg.Wait()
}
