package store

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"time"

	"tenon/server/ledger"
	"tenon/server/record"
)

// TakeAuditExport makes the holder the one server that sends the audit to the
// named place until a moment; position is up to which leaf of the log it was sent.
func (s *Store) TakeAuditExport(ctx context.Context, name, holder string, until time.Time) (position int64, ok bool, err error) {
	err = s.engine.update(ctx, func(q querier) error {
		if _, err := q.exec(ctx, "INSERT INTO audit_export (name, position, held, holder) VALUES (?, 0, 0, '') ON CONFLICT (name) DO NOTHING", []any{name}); err != nil {
			return err
		}
		ok, err = one(ctx, q, "UPDATE audit_export SET holder = ?, held = ? WHERE name = ? AND (holder = ? OR held <= ?) RETURNING position",
			[]any{holder, micros(until), name, holder, micros(s.o.Clock())}, &position)
		return err
	})
	return position, ok, err
}

// ErrTaken says that another server sends the audit now.
var ErrTaken = errors.New("store: another server sends the audit")

// MoveAuditExport keeps that everything before a leaf was delivered.
func (s *Store) MoveAuditExport(ctx context.Context, name, holder string, from, to int64) error {
	return s.engine.update(ctx, func(q querier) error {
		n, err := q.exec(ctx, "UPDATE audit_export SET position = ? WHERE name = ? AND holder = ? AND position = ?", []any{to, name, holder, from})
		if err == nil && n == 0 {
			err = ErrTaken
		}
		return err
	})
}

// LeaveAuditExport lets another server send at once.
func (s *Store) LeaveAuditExport(ctx context.Context, name, holder string) error {
	return s.engine.update(ctx, func(q querier) error {
		_, err := q.exec(ctx, "UPDATE audit_export SET held = 0, holder = '' WHERE name = ? AND holder = ?", []any{name, holder})
		return err
	})
}

// auditLeavesRows bounds what AuditLeaves gives beside its limit: no batch follows
// where that many rows are there.
const auditLeavesRows = 10_000

// AuditLeaves are the batches of audit whose leaves stand in the signed log from a
// place on, in its order, at most limit; next is the place behind them. What is in
// the log can no longer come in before what was given.
func (s *Store) AuditLeaves(ctx context.Context, from int64, limit int) (batches []record.AuditBatch, next int64, err error) {
	err = s.engine.view(ctx, func(q querier) error {
		batches, next = nil, from
		var end *int64
		if _, err := one(ctx, q, "SELECT max(size) FROM checkpoint", nil, &end); err != nil || end == nil || *end <= from {
			return err
		}
		next = *end
		var ids, places []int64
		seen, rows := 0, 0
		err := each(ctx, q, "SELECT idx, ref FROM leaf WHERE idx >= ? AND idx < ? AND kind = ? ORDER BY idx LIMIT ?", []any{from, *end, ledger.KindAudit, int64(limit)}, func(c cursor) error {
			var at int64
			var ref string
			if err := c.scan(&at, &ref); err != nil {
				return err
			}
			if seen++; seen == limit {
				next = at + 1
			}
			if id, err := strconv.ParseInt(strings.TrimPrefix(ref, "audit/"), 10, 64); err == nil {
				ids, places = append(ids, id), append(places, at)
			}
			return nil
		})
		for i, id := range ids {
			if err != nil {
				return err
			}
			if rows >= auditLeavesRows {
				next = places[i]
				break
			}
			// a batch that is gone is what tenon verify finds
			err = each(ctx, q, "SELECT b.id, b.at, b.body FROM audit b WHERE b.id = ?", []any{id}, func(c cursor) error {
				b, err := scanAuditBatch(c)
				batches, rows = append(batches, b), rows+len(b.Rows)
				return err
			})
		}
		return err
	})
	return batches, next, err
}
