package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"

	"tenon/server/record"
	"tenon/server/store/reserve"
)

// isFull tells whether the database failed because its disk takes no more.
// https://www.sqlite.org/rescode.html#full and class 53 of
// https://www.postgresql.org/docs/current/errcodes-appendix.html
func isFull(err error) bool {
	if lite, ok := errors.AsType[*sqlite.Error](err); ok {
		return lite.Code()&0xff == sqliteFull
	}
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok {
		return pg.Code == "53100"
	}
	return errors.Is(err, syscall.ENOSPC)
}

const sqliteFull = 13

// fullOr is the refusal of what does not fit or cannot be written now, or the
// error as it is.
func fullOr(err error) error {
	switch {
	case err == nil:
		return nil
	case isFull(err):
		return record.Full(err)
	case isShut(err):
		return record.Shut(err)
	}
	return err
}

// errAudit says that a transaction failed at its audit.
var errAudit = errors.New("store: audit")

// isShut tells whether the database takes nothing from us now: it is closed or out
// of reach, a right was taken away, it is read-only, or its audit refuses.
// https://www.postgresql.org/docs/current/errcodes-appendix.html
func isShut(err error) bool {
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok {
		return pg.Code == "42501" || pg.Code == "25006" || strings.HasPrefix(pg.Code, "08") || strings.HasPrefix(pg.Code, "57P") || strings.HasPrefix(pg.Code, "53") || pg.TableName == "audit"
	}
	if lite, ok := errors.AsType[*sqlite.Error](err); ok {
		switch lite.Code() & 0xff {
		case 8, 10, 14: // READONLY, IOERR, CANTOPEN
			return true
		}
	}
	if _, ok := errors.AsType[*pgconn.ConnectError](err); ok {
		return true
	}
	return errors.Is(err, errAudit) || errors.Is(err, errClosed)
}

// audited writes audit rows; while the database is full they go to the reserve,
// so that reads go on and none is without its audit. When the reserve is full
// too, the caller gets no answer either.
func (s *Store) audited(ctx context.Context, tenant int64, rows []record.Audit) error {
	err := s.engine.audit(ctx, tenant, rows)
	if err == nil || ctx.Err() != nil {
		return err
	}
	if !isFull(err) { // nothing is told without its audit
		return record.Shut(err)
	}
	if s.reserve == nil {
		return record.Full(err)
	}
	entry, bad := json.Marshal(reserved{tenant, rows})
	if bad != nil {
		return errors.Join(err, bad)
	}
	if kept := s.reserve.Append(entry); kept != nil {
		return record.Full(errors.Join(err, kept))
	}
	return nil
}

// reserved is one call of Audit in the reserve.
type reserved struct {
	Tenant int64
	Rows   []record.Audit
}

// Restore moves what the reserve holds into the database as soon as that takes
// it, until the context ends. A kill on the way leaves rows that are there
// twice, never one that is missing.
func (s *Store) Restore(ctx context.Context, every time.Duration) {
	if s.reserve == nil {
		return
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		_ = s.restore(ctx) // tried again with the next tick
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func (s *Store) restore(ctx context.Context) error {
	return s.reserve.Drain(func(entry []byte) error {
		var e reserved
		if err := json.Unmarshal(entry, &e); err != nil {
			return fmt.Errorf("store: reserve: %w", err)
		}
		return s.engine.audit(ctx, e.Tenant, e.Rows)
	})
}

// openReserve makes the reserve where one is wanted.
func (s *Store) openReserve() (err error) {
	if s.o.Reserve != "" {
		s.reserve, err = reserve.Open(s.o.Reserve, reserve.Size)
	}
	return err
}
