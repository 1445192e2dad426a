package store

import (
	"context"
	"time"
)

// SetFewInner sets how many matches of an inner alias make a list, and gives back
// how many did before.
func SetFewInner(n int) (before int) {
	before, fewInner = fewInner, n
	return before
}

// LimitSearch sets how long a search may run.
func (s *Store) LimitSearch(d time.Duration) { s.o.SearchTime = d }

// Busy counts the queries that PostgreSQL runs for this database, but for itself.
func (s *Store) Busy(ctx context.Context) (n int64, err error) {
	if !s.engine.dialect().postgres {
		return 0, nil
	}
	err = s.engine.read(ctx, short, func(q querier) error {
		_, err := one(ctx, q, "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state = 'active' AND pid <> pg_backend_pid()", nil, &n)
		return err
	})
	return n, err
}

// SetFewWork sets how many cases and open stages of a role a worklist begins with.
func SetFewWork(cases, open int64) (before, opened int64) {
	before, opened = fewCases, fewOpen
	fewCases, fewOpen = cases, open
	return before, opened
}

// Run runs statements as they stand.
func (s *Store) Run(ctx context.Context, statements ...string) error {
	return s.engine.update(ctx, func(q querier) error {
		for _, sql := range statements {
			if _, err := q.exec(ctx, sql, nil); err != nil {
				return err
			}
		}
		return nil
	})
}
