package store

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"tenon/server/access"
	"tenon/server/dispatch/feed"
	"tenon/server/record"
	"tenon/server/search"
)

const subscriptionColumns = "id, version, subscriber, status, shown, reason, body, last, delivered, failing, attempts, " +
	"COALESCE((SELECT w.body FROM subscription_warrant w WHERE w.tenant = subscription.tenant AND w.subscription = subscription.id), '')"

func scanSubscription(c cursor) (r feed.Row, err error) {
	var failing, attempts int64
	var warrant string
	err = c.scan(&r.ID, &r.Version, &r.Subscriber, &r.Status, &r.Shown, &r.Reason, &r.Body, &r.Last, &r.Delivered, &failing, &attempts, &warrant)
	if err == nil && warrant != "" {
		err = json.Unmarshal([]byte(warrant), &r.Warrant)
	}
	if failing > 0 {
		r.Failing = moment(failing)
	}
	r.Attempts = int(attempts)
	return r, err
}

// Subscriptions implements feed.Store.
func (s *Store) Subscriptions(ctx context.Context, ids []string) (all []feed.Row, err error) {
	tenant, err := s.tenantID(ctx, false)
	if err != nil {
		return nil, err
	}
	st := newStatement(tenant, s.engine.dialect())
	st.add("SELECT "+subscriptionColumns+" FROM subscription WHERE tenant = ?", tenant)
	if ids != nil {
		st.add(" AND ").inTexts("id", ids)
	}
	st.add(" ORDER BY id")
	err = s.engine.read(ctx, short, func(q querier) error {
		return each(ctx, q, st.sql(), st.args, func(c cursor) error {
			r, err := scanSubscription(c)
			all = append(all, r)
			return err
		})
	})
	return all, err
}

// Warrant implements feed.Store.
func (s *Store) Warrant(ctx context.Context, id string) (w feed.Warrant, err error) {
	tenant, err := s.tenantID(ctx, false)
	if err != nil {
		return w, err
	}
	body := ""
	err = s.engine.read(ctx, short, func(q querier) error {
		_, err := one(ctx, q, "SELECT body FROM subscription_warrant WHERE tenant = ? AND subscription = ?", []any{tenant, id}, &body)
		return err
	})
	if err != nil || body == "" {
		return w, err
	}
	return w, json.Unmarshal([]byte(body), &w)
}

// writeWarrant writes one with the version that it came with.
func writeWarrant(ctx context.Context, q doorWriter, tenant int64, w *feed.Warrant) error {
	body, err := json.Marshal(w)
	if err == nil {
		_, err = q.exec(ctx, "INSERT INTO subscription_warrant (tenant, subscription, body) VALUES (?, ?, ?) ON CONFLICT (tenant, subscription) DO UPDATE SET body = excluded.body",
			[]any{tenant, w.Subscription, string(body)})
	}
	return err
}

// SubscriptionsOf implements feed.Store.
func (s *Store) SubscriptionsOf(ctx context.Context, subscriber string) (int, error) {
	tenant, err := s.tenantID(ctx, false)
	if err != nil {
		return 0, err
	}
	var n int64
	err = s.engine.read(ctx, short, func(q querier) error {
		_, err := one(ctx, q, "SELECT count(*) FROM subscription WHERE tenant = ? AND subscriber = ? AND status <> 'off'", []any{tenant, subscriber}, &n)
		return err
	})
	return int(n), err
}

// LeaseDue implements feed.Store.
func (s *Store) LeaseDue(ctx context.Context, failing bool, limit int, lease time.Duration) (all []feed.Row, err error) {
	tenant, err := s.tenantID(ctx, false)
	if err != nil {
		return nil, err
	}
	now := s.o.Clock()
	which := "attempts = 0"
	if failing {
		which = "attempts > 0"
	}
	waiting := " FROM subscription WHERE tenant = ? AND due <= ? AND leased <= ? AND " + which
	args := []any{tenant, micros(now), micros(now)}
	some := false
	err = s.engine.read(ctx, short, func(q querier) error {
		var id string
		some, err = one(ctx, q, "SELECT id"+waiting+" LIMIT 1", args, &id)
		return err
	})
	if err != nil || !some {
		return nil, err
	}
	err = s.engine.update(ctx, func(q querier) error {
		all = nil
		return each(ctx, q, "UPDATE subscription SET leased = ? WHERE tenant = ? AND id IN (SELECT id"+waiting+" ORDER BY due, id LIMIT ?"+
			s.engine.dialect().skipLocked+") RETURNING "+subscriptionColumns,
			append([]any{micros(now.Add(lease)), tenant}, append(args, int64(limit))...), func(c cursor) error {
				r, err := scanSubscription(c)
				all = append(all, r)
				return err
			})
	})
	return all, err
}

// Settle implements feed.Store. What the subscriber wrote meanwhile stands: then
// the lease alone ends, and what was delivered is noted.
func (s *Store) Settle(ctx context.Context, x *feed.Settlement) error {
	tenant, err := s.tenantID(ctx, false)
	if err != nil {
		return err
	}
	failing := int64(0)
	if !x.Failing.IsZero() {
		failing = micros(x.Failing)
	}
	return s.engine.update(ctx, func(q querier) error {
		if _, err := q.exec(ctx, "UPDATE subscription SET leased = 0, delivered = CASE WHEN delivered < ? THEN ? ELSE delivered END WHERE tenant = ? AND id = ?",
			[]any{x.Delivered, x.Delivered, tenant, x.ID}); err != nil {
			return err
		}
		_, err := q.exec(ctx, "UPDATE subscription SET status = ?, reason = ?, attempts = ?, failing = ?, due = CASE WHEN ? = 1 AND last > delivered THEN CAST(? AS BIGINT) ELSE CAST(? AS BIGINT) END "+
			"WHERE tenant = ? AND id = ? AND version = ?",
			[]any{x.Status, x.Reason, int64(x.Attempts), failing, truth(x.AtOnce), micros(s.o.Clock()), micros(x.Next), tenant, x.ID, x.Version})
		return err
	})
}

// Delivered implements feed.Store.
func (s *Store) Delivered(ctx context.Context, id string, upTo int64) error {
	tenant, err := s.tenantID(ctx, false)
	if err != nil {
		return err
	}
	return s.settle(ctx, "UPDATE subscription SET delivered = ? WHERE tenant = ? AND id = ? AND delivered < ?", upTo, tenant, id, upTo)
}

// Shown implements feed.Store.
func (s *Store) Shown(ctx context.Context, id, status string) error {
	tenant, err := s.tenantID(ctx, false)
	if err != nil {
		return err
	}
	return s.settle(ctx, "UPDATE subscription SET shown = ? WHERE tenant = ? AND id = ?", status, tenant, id)
}

// Resume implements feed.Store.
func (s *Store) Resume(ctx context.Context, id string) error {
	tenant, err := s.tenantID(ctx, false)
	if err != nil {
		return err
	}
	return s.settle(ctx, "UPDATE subscription SET due = ?, failing = 0, attempts = 0 WHERE tenant = ? AND id = ?", micros(s.o.Clock()), tenant, id)
}

// DeadLetter implements feed.Store: it stands among those of the outbox.
func (s *Store) DeadLetter(ctx context.Context, id string, number int64, reason string) error {
	tenant, err := s.tenantID(ctx, true)
	if err != nil {
		return err
	}
	body, err := json.Marshal(map[string]any{"subscription": id, "event": number})
	if err != nil {
		return err
	}
	now := micros(s.o.Clock())
	return s.settle(ctx, "INSERT INTO outbox (tenant, sink, kind, key, case_id, body, created, due, attempts, state, settled, reason) VALUES (?, 'subscription', 'notification', ?, '', ?, ?, ?, 0, 2, ?, ?) "+
		"ON CONFLICT (tenant, sink, key) DO UPDATE SET state = 2, settled = excluded.settled, reason = excluded.reason",
		tenant, id, body, now, now, now, reason)
}

// errUndo takes a transaction back that was only run to see.
var errUndo = errors.New("store: only to see")

// MatchesAs implements feed.Store: the rows of the resource are replaced by those
// of the old version, the plan is run, and all of it is taken back.
func (s *Store) MatchesAs(ctx context.Context, plan *search.Plan, v *record.Version, rows search.Rows) (bool, error) {
	tenant, err := s.tenantID(ctx, false)
	if err != nil {
		return false, err
	}
	found := false
	as := *plan
	as.Root.Reach = access.Everything{}
	err = s.engine.update(ctx, func(q querier) error {
		var rid int64
		there, err := one(ctx, q, "SELECT rid FROM resource WHERE tenant = ? AND type = ? AND id = ?"+s.engine.dialect().forUpdate, []any{tenant, v.Type, v.ID}, &rid)
		if err != nil || !there {
			return errors.Join(err, errUndo)
		}
		if _, err := q.exec(ctx, "UPDATE resource SET deleted = 0, updated = ? WHERE rid = ?", []any{micros(v.Updated), rid}); err != nil {
			return err
		}
		for _, table := range indexTables {
			if _, err := q.exec(ctx, "DELETE FROM "+table+" WHERE rid = ?", []any{rid}); err != nil {
				return err
			}
		}
		for _, set := range indexRowsOf(&rows, systems{}).sets(rid, tenant, s.engine.dialect()) {
			if err := q.execMany(ctx, set.sql, set.values); err != nil && len(set.values) > 0 {
				return err
			}
		}
		page, err := runPlan(ctx, q, s.engine.dialect(), tenant, &as, s.hints())
		if err != nil {
			return err
		}
		found = len(page.Hits) > 0
		return errUndo
	})
	if errors.Is(err, errUndo) {
		err = nil
	}
	return found, err
}

// PutChannelSecret implements feed.Store.
func (s *Store) PutChannelSecret(ctx context.Context, id, subscription string, sealed []byte) error {
	return s.secret(ctx, "INSERT INTO subscription_secret (id, tenant, subscription, created, sealed) VALUES (?, ?, ?, ?, ?)",
		id, s.o.Tenant, subscription, micros(s.o.Clock()), sealed)
}

// ChannelSecrets implements feed.Store.
func (s *Store) ChannelSecrets(ctx context.Context, subscription string) (map[string][]byte, error) {
	all := map[string][]byte{}
	err := s.engine.readSecrets(ctx, func(q querier) error {
		return each(ctx, q, "SELECT id, sealed FROM subscription_secret WHERE tenant = ? AND subscription = ?", []any{s.o.Tenant, subscription}, func(c cursor) error {
			var id string
			var sealed []byte
			err := c.scan(&id, &sealed)
			all[id] = sealed
			return err
		})
	})
	return all, err
}

// DropChannelSecrets implements feed.Store.
func (s *Store) DropChannelSecrets(ctx context.Context, subscription string, keep []string, before time.Time) error {
	if subscription != "" {
		return s.dropSecrets(ctx, subscription, keep, before)
	}
	var named []string
	err := s.engine.readSecrets(ctx, func(q querier) error {
		return each(ctx, q, "SELECT DISTINCT subscription FROM subscription_secret WHERE tenant = ? AND created < ?", []any{s.o.Tenant, micros(before)}, func(c cursor) error {
			var id string
			err := c.scan(&id)
			named = append(named, id)
			return err
		})
	})
	if err != nil || len(named) == 0 {
		return err
	}
	there, err := s.Subscriptions(ctx, named)
	if err != nil {
		return err
	}
	known := map[string]bool{}
	for _, r := range there {
		known[r.ID] = true
	}
	for _, id := range named {
		if known[id] {
			continue
		}
		if err := s.dropSecrets(ctx, id, nil, before); err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) dropSecrets(ctx context.Context, subscription string, keep []string, before time.Time) error {
	st := newStatement(0, s.engine.dialect())
	st.add("DELETE FROM subscription_secret WHERE tenant = ? AND subscription = ? AND created < ?", s.o.Tenant, subscription, micros(before))
	if len(keep) > 0 {
		st.add(" AND NOT ").inTexts("id", keep)
	}
	return s.secret(ctx, st.sql(), st.args...)
}

// PutBinding implements feed.Store.
func (s *Store) PutBinding(ctx context.Context, hash [32]byte, b feed.Binding) error {
	list, err := json.Marshal(b.Subscriptions)
	if err != nil {
		return err
	}
	return s.engine.updateSecrets(ctx, func(q querier) error {
		if _, err := q.exec(ctx, "DELETE FROM binding_token WHERE expires < ?", []any{micros(s.o.Clock())}); err != nil {
			return err
		}
		_, err := q.exec(ctx, "INSERT INTO binding_token (hash, tenant, principal, session, subscriptions, expires) VALUES (?, ?, ?, ?, ?, ?)",
			[]any{hash[:], s.o.Tenant, b.Principal, b.Session, string(list), micros(b.Expires)})
		return err
	})
}

// TakeBinding implements feed.Store.
func (s *Store) TakeBinding(ctx context.Context, hash [32]byte) (b *feed.Binding, err error) {
	err = s.engine.updateSecrets(ctx, func(q querier) error {
		b = nil
		var x feed.Binding
		var list string
		var expires int64
		found, err := one(ctx, q, "DELETE FROM binding_token WHERE hash = ? AND tenant = ? AND expires > ? RETURNING principal, session, subscriptions, expires",
			[]any{hash[:], s.o.Tenant, micros(s.o.Clock())}, &x.Principal, &x.Session, &list, &expires)
		if err != nil || !found {
			return err
		}
		x.Expires, b = moment(expires), &x
		return json.Unmarshal([]byte(list), &x.Subscriptions)
	})
	return b, err
}
