package store

import (
	"context"
	"strings"
	"time"

	"tenon/server/dispatch/feed"
	"tenon/server/dispatch/subscription"
	"tenon/server/record"
)

var _ feed.Store = (*Store)(nil)

// TakeFeed implements feed.Store.
func (s *Store) TakeFeed(ctx context.Context, holder string, until time.Time) (position int64, ok bool, err error) {
	tenant, err := s.tenantID(ctx, true)
	if err != nil {
		return 0, false, err
	}
	err = s.engine.update(ctx, func(q querier) error {
		if _, err := q.exec(ctx, "INSERT INTO feed (tenant, position, held, holder) VALUES (?, 0, 0, '') ON CONFLICT (tenant) DO NOTHING", []any{tenant}); err != nil {
			return err
		}
		ok, err = one(ctx, q, "UPDATE feed SET holder = ?, held = ? WHERE tenant = ? AND (holder = ? OR held <= ?) RETURNING position",
			[]any{holder, micros(until), tenant, holder, micros(s.o.Clock())}, &position)
		return err
	})
	return position, ok, err
}

// LeaveFeed implements feed.Store.
func (s *Store) LeaveFeed(ctx context.Context, holder string) error {
	tenant, err := s.tenantID(ctx, false)
	if err != nil {
		return err
	}
	return s.settle(ctx, "UPDATE feed SET held = 0, holder = '' WHERE tenant = ? AND holder = ?", tenant, holder)
}

// FeedLeaves implements feed.Store.
func (s *Store) FeedLeaves(ctx context.Context, from int64, types []string, limit int) (leaves []feed.Leaf, next int64, err error) {
	err = s.engine.view(ctx, func(q querier) error {
		leaves, next = nil, from
		var end *int64
		if _, err := one(ctx, q, "SELECT max(size) FROM checkpoint", nil, &end); err != nil || end == nil || *end <= from {
			return err
		}
		next = *end
		st := newStatement(0, s.engine.dialect())
		st.add("SELECT idx, ref FROM leaf WHERE idx >= ? AND idx < ? AND kind = 'version'", from, *end)
		for i, typ := range types {
			st.add([]string{" AND (", " OR "}[min(i, 1)]+"(ref >= ? AND ref < ?)", typ+"/", typ+"0")
		}
		if len(types) > 0 {
			st.add(")")
		}
		st.add(" ORDER BY idx LIMIT ?", int64(limit))
		seen := 0
		err := each(ctx, q, st.sql(), st.args, func(c cursor) error {
			var l feed.Leaf
			var ref string
			if err := c.scan(&l.Index, &ref); err != nil {
				return err
			}
			if seen++; seen == limit {
				next = l.Index + 1
			}
			var sound bool
			if l.VersionRef, sound = record.ParseVersionRef(ref); sound {
				leaves = append(leaves, l)
			}
			return nil
		})
		return err
	})
	return leaves, next, err
}

// CommitTurn implements feed.Store.
func (s *Store) CommitTurn(ctx context.Context, t *feed.Turn) error {
	tenant, err := s.tenantID(ctx, true)
	if err != nil {
		return err
	}
	return s.engine.update(ctx, func(q querier) error {
		n, err := q.exec(ctx, "UPDATE feed SET position = ? WHERE tenant = ? AND holder = ? AND position = ?", []any{t.To, tenant, t.Holder, t.From})
		if err != nil {
			return err
		}
		if n == 0 {
			return feed.ErrLost
		}
		for i := range t.Steps {
			if err := s.step(ctx, q, tenant, t, &t.Steps[i]); err != nil {
				return err
			}
		}
		return nil
	})
}

func (s *Store) step(ctx context.Context, q querier, tenant int64, t *feed.Turn, step *feed.Step) error {
	switch {
	case step.Put != nil:
		return putSubscription(ctx, q, tenant, step.Put, micros(s.o.Clock()))
	case step.Drop != "":
		if _, err := q.exec(ctx, "DELETE FROM subscription_event WHERE tenant = ? AND subscription = ?", []any{tenant, step.Drop}); err != nil {
			return err
		}
		if _, err := q.exec(ctx, "DELETE FROM subscription_warrant WHERE tenant = ? AND subscription = ?", []any{tenant, step.Drop}); err != nil {
			return err
		}
		_, err := q.exec(ctx, "DELETE FROM subscription WHERE tenant = ? AND id = ?", []any{tenant, step.Drop})
		return err
	}
	var number int64
	due := ""
	args := []any{tenant, step.For}
	if step.Due {
		due, args = ", due = CASE WHEN attempts = 0 THEN ? ELSE due END", append([]any{micros(s.o.Clock())}, args...)
	}
	found, err := one(ctx, q, "UPDATE subscription SET last = last + 1"+due+" WHERE tenant = ? AND id = ? RETURNING last", args, &number)
	if err != nil || !found {
		return err
	}
	e := &step.Event
	if _, err := q.exec(ctx, "INSERT INTO subscription_event (tenant, subscription, number, at, version, change, type, id) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
		[]any{tenant, step.For, number, micros(e.At), e.Version, int64(e.Change), e.Type, e.ID}); err != nil {
		return err
	}
	_, err = q.exec(ctx, "DELETE FROM subscription_event WHERE tenant = ? AND subscription = ? AND number <= ?", []any{tenant, step.For, number - t.Keep})
	return err
}

// putSubscription writes what the subscriber asks for now; numbers go on.
func putSubscription(ctx context.Context, q querier, tenant int64, r *feed.Row, now int64) error {
	_, err := q.exec(ctx, "INSERT INTO subscription (tenant, id, version, subscriber, status, shown, reason, body, last, delivered, due, leased, failing, attempts) "+
		"VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0, 0, ?, 0, 0, 0) ON CONFLICT (tenant, id) DO UPDATE SET version = excluded.version, "+
		"status = excluded.status, shown = excluded.shown, reason = excluded.reason, body = excluded.body, due = excluded.due, failing = 0, attempts = 0",
		[]any{tenant, r.ID, r.Version, r.Subscriber, r.Status, r.Shown, r.Reason, r.Body, now})
	return err
}

// Events implements feed.Store.
func (s *Store) Events(ctx context.Context, id string, since, until int64, limit int) (all []subscription.Event, err error) {
	tenant, err := s.tenantID(ctx, false)
	if err != nil {
		return nil, err
	}
	err = s.engine.read(ctx, short, func(q querier) error {
		return each(ctx, q, "SELECT number, at, version, change, type, id FROM subscription_event WHERE tenant = ? AND subscription = ? AND number >= ? AND number <= ? ORDER BY number LIMIT ?",
			[]any{tenant, id, since, until, int64(limit)}, func(c cursor) error {
				var e subscription.Event
				var at, change int64
				err := c.scan(&e.Number, &at, &e.Version, &change, &e.Type, &e.ID)
				e.At, e.Change = moment(at), subscription.Change(change)
				all = append(all, e)
				return err
			})
	})
	return all, err
}

// DropEvents implements feed.Store.
func (s *Store) DropEvents(ctx context.Context, before time.Time) error {
	return s.settle(ctx, "DELETE FROM subscription_event WHERE at < ?", micros(before))
}

// Without bodies: what is said of a version, and nothing of what it says.
var (
	versionOnly = strings.Replace(versionColumns, "r.body", "r.salt", 1)
	historyOnly = strings.Replace(historyColumns, "h.body", "h.salt", 1)
)

// Versions implements feed.Store.
func (s *Store) Versions(ctx context.Context, bodies bool, refs ...record.VersionRef) (all []record.Version, err error) {
	tenant, err := s.tenantID(ctx, false)
	if err != nil {
		return nil, err
	}
	now, old := versionColumns, historyColumns
	if !bodies {
		now, old = versionOnly, historyOnly
	}
	err = s.engine.view(ctx, func(q querier) error {
		all = nil
		for _, r := range refs {
			err := each(ctx, q, "SELECT "+now+" FROM resource r WHERE r.tenant = ? AND r.type = ? AND r.id = ? AND r.version = ? UNION ALL SELECT "+old+
				" FROM resource r JOIN history h ON h.rid = r.rid AND h.version = ? WHERE r.tenant = ? AND r.type = ? AND r.id = ?",
				[]any{tenant, r.Type, r.ID, r.Version, r.Version, tenant, r.Type, r.ID}, func(c cursor) error {
					var v record.Version
					err := scanVersion(c, &v)
					if !bodies {
						v.Body = nil
					}
					all = append(all, v)
					return err
				})
			if err != nil {
				return err
			}
		}
		return nil
	})
	return all, err
}

// Heads implements feed.Store.
func (s *Store) Heads(ctx context.Context, refs []record.VersionRef) (heads map[string]int64, err error) {
	tenant, err := s.tenantID(ctx, false)
	if err != nil {
		return nil, err
	}
	byType := map[string][]string{}
	for _, r := range refs {
		byType[r.Type] = append(byType[r.Type], r.ID)
	}
	heads = make(map[string]int64, len(refs))
	err = s.engine.read(ctx, short, func(q querier) error {
		for typ, ids := range byType {
			st := newStatement(tenant, s.engine.dialect())
			st.add("SELECT id, version FROM resource WHERE tenant = ? AND type = ? AND ", tenant, typ).inTexts("id", ids)
			err := each(ctx, q, st.sql(), st.args, func(c cursor) error {
				var id string
				var version int64
				err := c.scan(&id, &version)
				heads[typ+"/"+id] = version
				return err
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
	return heads, err
}
