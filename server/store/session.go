package store

import (
	"context"
	"strings"
	"time"

	"tenon/oauth"
)

const sessionColumns = "id, tenant, principal, hash, started, shown, methods, seen, expires, ended, agent, address"

// PutSession implements oauth.Sessions; sessions and counts that ended long ago go.
func (s *Store) PutSession(ctx context.Context, x *oauth.Session) error {
	return s.engine.updateSecrets(ctx, func(q querier) error {
		long := micros(s.o.Clock().Add(-forgotten))
		if _, err := q.exec(ctx, "DELETE FROM oauth_session WHERE expires < ?", []any{long}); err != nil {
			return err
		}
		if _, err := q.exec(ctx, "DELETE FROM oauth_attempt WHERE since < ?", []any{long}); err != nil {
			return err
		}
		_, err := q.exec(ctx, "INSERT INTO oauth_session ("+sessionColumns+") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
			[]any{x.ID, x.Tenant, x.Principal, x.Hash[:], micros(x.Started), micros(x.Shown), strings.Join(x.Methods, " "), micros(x.Seen), micros(x.Expires), used(x.Ended), x.Agent, x.Address})
		return err
	})
}

// Session implements oauth.Sessions.
func (s *Store) Session(ctx context.Context, id string) (*oauth.Session, error) {
	return s.session(ctx, "id = ?", id)
}

// SessionOf implements oauth.Sessions.
func (s *Store) SessionOf(ctx context.Context, hash [32]byte) (*oauth.Session, error) {
	return s.session(ctx, "hash = ?", hash[:])
}

func (s *Store) session(ctx context.Context, where string, args ...any) (*oauth.Session, error) {
	list, err := s.sessions(ctx, where, args...)
	if err != nil || len(list) == 0 {
		return nil, err
	}
	return list[0], nil
}

// Sessions implements oauth.Sessions.
func (s *Store) Sessions(ctx context.Context, tenant, principal string) ([]*oauth.Session, error) {
	return s.sessions(ctx, "tenant = ? AND principal = ? AND ended = 0 AND expires > ? ORDER BY started DESC, id", tenant, principal, micros(s.o.Clock()))
}

func (s *Store) sessions(ctx context.Context, where string, args ...any) (list []*oauth.Session, err error) {
	err = s.engine.readSecrets(ctx, func(q querier) error {
		list = nil
		return each(ctx, q, "SELECT "+sessionColumns+" FROM oauth_session WHERE "+where, args, func(row cursor) error {
			x := new(oauth.Session)
			var hash []byte
			var started, shown, seen, expires, ended int64
			var methods string
			if err := row.scan(&x.ID, &x.Tenant, &x.Principal, &hash, &started, &shown, &methods, &seen, &expires, &ended, &x.Agent, &x.Address); err != nil {
				return err
			}
			copy(x.Hash[:], hash)
			x.Started, x.Shown, x.Seen, x.Expires, x.Methods = moment(started), moment(shown), moment(seen), moment(expires), strings.Fields(methods)
			if ended != 0 {
				x.Ended = moment(ended)
			}
			list = append(list, x)
			return nil
		})
	})
	return list, err
}

// RenewSession implements oauth.Sessions.
func (s *Store) RenewSession(ctx context.Context, x *oauth.Session) error {
	return s.secret(ctx, "UPDATE oauth_session SET hash = ?, shown = ?, methods = ?, seen = ? WHERE id = ? AND ended = 0",
		x.Hash[:], micros(x.Shown), strings.Join(x.Methods, " "), micros(x.Seen), x.ID)
}

// SeeSession implements oauth.Sessions.
func (s *Store) SeeSession(ctx context.Context, id string, at time.Time) error {
	return s.secret(ctx, "UPDATE oauth_session SET seen = ? WHERE id = ? AND ended = 0", micros(at), id)
}

// EndSession implements oauth.Sessions.
func (s *Store) EndSession(ctx context.Context, tenant, principal, id string, at time.Time) (bool, error) {
	return s.changes(ctx, "UPDATE oauth_session SET ended = ? WHERE tenant = ? AND principal = ? AND id = ? AND ended = 0", micros(at), tenant, principal, id)
}

// EndSessions implements oauth.Sessions.
func (s *Store) EndSessions(ctx context.Context, tenant, principal, but string, at time.Time) (ended int, err error) {
	err = s.engine.updateSecrets(ctx, func(q querier) error {
		n, err := q.exec(ctx, "UPDATE oauth_session SET ended = ? WHERE tenant = ? AND principal = ? AND id <> ? AND ended = 0", []any{micros(at), tenant, principal, but})
		ended = int(n)
		return err
	})
	return ended, err
}

// Attempt implements oauth.Attempts.
func (s *Store) Attempt(ctx context.Context, key string, at time.Time, window time.Duration) (count int, err error) {
	now, old := micros(at), micros(at.Add(-window))
	var n int64
	err = s.engine.updateSecrets(ctx, func(q querier) error {
		_, err := one(ctx, q, "INSERT INTO oauth_attempt (key, since, count) VALUES (?, ?, 1) ON CONFLICT (key) DO UPDATE SET "+
			"count = CASE WHEN oauth_attempt.since <= ? THEN 1 ELSE oauth_attempt.count + 1 END, "+
			"since = CASE WHEN oauth_attempt.since <= ? THEN ? ELSE oauth_attempt.since END RETURNING count", []any{key, now, old, old, now}, &n)
		return err
	})
	return int(n), err
}

// Attempts implements oauth.Attempts.
func (s *Store) Attempts(ctx context.Context, key string, at time.Time, window time.Duration) (count int, err error) {
	var n int64
	err = s.engine.readSecrets(ctx, func(q querier) error {
		n = 0
		_, err := one(ctx, q, "SELECT count FROM oauth_attempt WHERE key = ? AND since > ?", []any{key, micros(at.Add(-window))}, &n)
		return err
	})
	return int(n), err
}

// ForgetAttempts implements oauth.Attempts.
func (s *Store) ForgetAttempts(ctx context.Context, key string) error {
	return s.secret(ctx, "DELETE FROM oauth_attempt WHERE key = ?", key)
}

// StepToken implements oauth.Store.
func (s *Store) StepToken(ctx context.Context, hash [32]byte, at time.Time) error {
	return s.secret(ctx, "UPDATE access_token SET second = ? WHERE hash = ? AND grant_id = ''", micros(at), hash[:])
}
