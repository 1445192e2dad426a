package store

import (
	"context"
	"io"

	"tenon/server/record"
)

// engine is what SQLite and PostgreSQL do each in their own way; everything else
// is written once over querier.
type engine interface {
	// commit writes a unit, checked and durable.
	commit(ctx context.Context, tenant int64, s *Store, u *record.Unit) error
	// audit writes rows with those of other callers, durable.
	audit(ctx context.Context, tenant int64, rows []record.Audit) error

	// read lends a connection; what it sees may move between two statements.
	read(ctx context.Context, w weight, f func(querier) error) error
	// view is a read in which all statements see the same commits.
	view(ctx context.Context, f func(querier) error) error
	// update runs f in one durable transaction. f may run again after a
	// conflict, so it must have no other effects.
	update(ctx context.Context, f func(querier) error) error
	// secrets is read and update of the tokens' tables, elsewhere on SQLite.
	readSecrets(ctx context.Context, f func(querier) error) error
	updateSecrets(ctx context.Context, f func(querier) error) error

	dialect() dialect
	migrate(ctx context.Context) error
	ready(ctx context.Context) error
	schema(ctx context.Context) (string, error)
	dump(ctx context.Context, scratch string, put func(name string, content io.Reader) error) (*Dump, error)
	close() error
}

// weight tells whether a read may take long enough to be worth interrupting.
type weight bool

const (
	short weight = false
	long  weight = true
)

// querier runs statements on one connection. A parameter is written ? and is
// an int64, float64, string, []byte or nil; on PostgreSQL also a list of these.
type querier interface {
	query(ctx context.Context, sql string, args []any) (cursor, error)
	exec(ctx context.Context, sql string, args []any) (affected int64, err error)
	// execMany runs the statement for each set of values, in one round trip.
	execMany(ctx context.Context, sql string, sets [][]any) error
	// askAll asks several questions in one round trip, in their order. They are
	// planned once for all values: each must have one way only to be answered.
	askAll(ctx context.Context, asks []ask) error
}

// ask is a question and what takes each row of its answer.
type ask struct {
	sql  string
	args []any
	row  func(cursor) error
}

// cursor walks over rows. scan takes *int64, *float64, *string and *[]byte, and
// pointers to the first three where NULL matters; the bytes belong to the caller.
type cursor interface {
	next() bool
	scan(dest ...any) error
	// close ends the statement and tells what went wrong on the way.
	close() error
}

// dialect is where the SQL of the engines differs.
type dialect struct {
	postgres   bool
	skipLocked string // for the outbox
	lockLog    string // statement that keeps other sequencers out, or ""
	forUpdate  string // keeps a row as it was read until the commit, and others from it
	// lockDefinitions keeps units of a tenant from committing under the
	// definitions that are being changed, or "".
	lockDefinitions string
	lockPerson      string // keeps other changes of how a person signs in waiting, or ""
}

// each calls f for every row.
func each(ctx context.Context, q querier, sql string, args []any, f func(cursor) error) error {
	c, err := q.query(ctx, sql, args)
	if err != nil {
		return err
	}
	for c.next() {
		if err := f(c); err != nil {
			_ = c.close()
			return err
		}
	}
	return c.close()
}

// one scans the first row and tells whether there was one.
func one(ctx context.Context, q querier, sql string, args []any, dest ...any) (bool, error) {
	found := false
	err := each(ctx, q, sql, args, func(c cursor) error {
		if found {
			return nil
		}
		found = true
		return c.scan(dest...)
	})
	return found, err
}
