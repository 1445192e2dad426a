package store

import (
	"context"
	"time"

	"tenon/server/dispatch"
)

const messageColumns = "id, (SELECT name FROM tenant t WHERE t.tenant = outbox.tenant), sink, kind, key, case_id, body, created, attempts, reason"

// Claim implements dispatch.Store: messages of every tenant, oldest due first.
func (s *Store) Claim(ctx context.Context, limit int, lease time.Duration) (claimed []dispatch.Message, err error) {
	now := s.o.Clock()
	waits := false
	err = s.engine.read(ctx, short, func(q querier) error {
		var id int64
		waits, err = one(ctx, q, "SELECT id FROM outbox WHERE state = 0 AND due <= ? LIMIT 1", []any{micros(now)}, &id)
		return err
	})
	if err != nil || !waits {
		return nil, err
	}
	err = s.engine.update(ctx, func(q querier) error {
		claimed = nil
		return each(ctx, q, "UPDATE outbox SET due = ?, attempts = attempts + 1 WHERE id IN (SELECT id FROM outbox WHERE state = 0 AND due <= ? "+
			"ORDER BY due, id LIMIT ?"+s.engine.dialect().skipLocked+") RETURNING "+messageColumns,
			[]any{micros(now.Add(lease)), micros(now), int64(limit)}, func(c cursor) error {
				m, err := scanMessage(c)
				claimed = append(claimed, m)
				return err
			})
	})
	return claimed, err
}

func scanMessage(c cursor) (m dispatch.Message, err error) {
	var created, attempts int64
	err = c.scan(&m.ID, &m.Tenant, &m.Sink, &m.Kind, &m.Key, &m.Case, &m.Body, &created, &attempts, &m.LastErr)
	m.Created, m.Attempts = moment(created), int(attempts)
	return m, err
}

// Done implements dispatch.Store.
func (s *Store) Done(ctx context.Context, id int64) error {
	return s.settle(ctx, "UPDATE outbox SET state = 1, settled = ?, reason = '' WHERE id = ?", micros(s.o.Clock()), id)
}

// Retry implements dispatch.Store.
func (s *Store) Retry(ctx context.Context, id int64, at time.Time, reason string) error {
	return s.settle(ctx, "UPDATE outbox SET due = ?, reason = ? WHERE id = ? AND state = 0", micros(at), reason, id)
}

// Dead implements dispatch.Store.
func (s *Store) Dead(ctx context.Context, id int64, reason string) error {
	return s.settle(ctx, "UPDATE outbox SET state = 2, settled = ?, reason = ? WHERE id = ? AND state = 0", micros(s.o.Clock()), reason, id)
}

func (s *Store) settle(ctx context.Context, sql string, args ...any) error {
	return s.engine.update(ctx, func(q querier) error {
		_, err := q.exec(ctx, sql, args)
		return err
	})
}

// DeadLetters are the newest messages that were set aside, for an operator.
func (s *Store) DeadLetters(ctx context.Context, limit int) (dead []dispatch.Message, err error) {
	err = s.engine.read(ctx, short, func(q querier) error {
		return each(ctx, q, "SELECT "+messageColumns+" FROM outbox WHERE state = 2 ORDER BY id DESC LIMIT ?", []any{int64(limit)}, func(c cursor) error {
			m, err := scanMessage(c)
			dead = append(dead, m)
			return err
		})
	})
	return dead, err
}

// Revive makes a message that was set aside due again, as an operator asks.
func (s *Store) Revive(ctx context.Context, id int64) error {
	return s.settle(ctx, "UPDATE outbox SET state = 0, due = ? WHERE id = ? AND state = 2", micros(s.o.Clock()), id)
}
