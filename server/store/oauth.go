package store

import (
	"context"
	"encoding/json"
	"time"

	"tenon/oauth"
)

// PutClient implements oauth.Apps; a new one replaces the old one.
func (s *Store) PutClient(ctx context.Context, c *oauth.Client) error {
	body, err := json.Marshal(c)
	if err != nil {
		return err
	}
	return s.secret(ctx, "INSERT INTO oauth_client (tenant, id, body) VALUES (?, ?, ?) ON CONFLICT (tenant, id) DO UPDATE SET body = excluded.body",
		c.Tenant, c.ID, string(body))
}

// Client implements oauth.Apps.
func (s *Store) Client(ctx context.Context, tenant, id string) (*oauth.Client, error) {
	return secretBody[oauth.Client](ctx, s, "SELECT body FROM oauth_client WHERE tenant = ? AND id = ?", tenant, id)
}

// Clients implements oauth.Apps.
func (s *Store) Clients(ctx context.Context, tenant string) ([]*oauth.Client, error) {
	return secretBodies[oauth.Client](ctx, s, "SELECT body FROM oauth_client WHERE tenant = ? ORDER BY id", tenant)
}

// RemoveClient implements oauth.Apps.
func (s *Store) RemoveClient(ctx context.Context, tenant, id string) (found bool, err error) {
	err = s.engine.updateSecrets(ctx, func(q querier) error {
		n, err := q.exec(ctx, "DELETE FROM oauth_client WHERE tenant = ? AND id = ?", []any{tenant, id})
		if err != nil {
			return err
		}
		found = n > 0
		if _, err := q.exec(ctx, "DELETE FROM oauth_state WHERE tenant = ? AND client = ?", []any{tenant, id}); err != nil {
			return err
		}
		_, err = q.exec(ctx, "UPDATE oauth_grant SET revoked = 1 WHERE tenant = ? AND client = ?", []any{tenant, id})
		return err
	})
	return found, err
}

// forgotten is how long what has expired is still kept.
const forgotten = 24 * time.Hour

// PutGrant implements oauth.Apps; grants and slips that expired long ago go.
func (s *Store) PutGrant(ctx context.Context, g *oauth.Grant) error {
	body, err := json.Marshal(g.Terms)
	if err != nil {
		return err
	}
	return s.engine.updateSecrets(ctx, func(q querier) error {
		for _, table := range []string{"oauth_slip", "oauth_grant"} {
			if _, err := q.exec(ctx, "DELETE FROM "+table+" WHERE expires < ?", []any{micros(s.o.Clock().Add(-forgotten))}); err != nil {
				return err
			}
		}
		_, err := q.exec(ctx, "INSERT INTO oauth_grant (id, tenant, client, principal, created, expires, revoked, body) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
			[]any{g.ID, g.Tenant, g.Client, g.Principal, micros(g.Created), micros(g.Expires), truth(g.Revoked), string(body)})
		return err
	})
}

// Grant implements oauth.Apps.
func (s *Store) Grant(ctx context.Context, id string) (*oauth.Grant, error) {
	list, err := s.grants(ctx, "id = ?", id)
	if err != nil || len(list) == 0 {
		return nil, err
	}
	return list[0], nil
}

// GrantsOf implements oauth.Apps.
func (s *Store) GrantsOf(ctx context.Context, tenant, principal string) ([]*oauth.Grant, error) {
	return s.grants(ctx, "tenant = ? AND principal = ? AND revoked = 0 AND expires > ? ORDER BY created DESC, id", tenant, principal, micros(s.o.Clock()))
}

func (s *Store) grants(ctx context.Context, where string, args ...any) (list []*oauth.Grant, err error) {
	err = s.engine.readSecrets(ctx, func(q querier) error {
		list = nil
		return each(ctx, q, "SELECT id, tenant, client, principal, created, expires, revoked, body FROM oauth_grant WHERE "+where, args, func(row cursor) error {
			g := new(oauth.Grant)
			var created, expires, revoked int64
			var body string
			if err := row.scan(&g.ID, &g.Tenant, &g.Client, &g.Principal, &created, &expires, &revoked, &body); err != nil {
				return err
			}
			g.Created, g.Expires, g.Revoked = moment(created), moment(expires), revoked != 0
			list = append(list, g)
			return json.Unmarshal([]byte(body), &g.Terms)
		})
	})
	return list, err
}

// RevokeGrant implements oauth.Apps; revoking what is not there does nothing.
func (s *Store) RevokeGrant(ctx context.Context, id string) error {
	return s.secret(ctx, "UPDATE oauth_grant SET revoked = 1 WHERE id = ?", id)
}

// PutSlip implements oauth.Slips.
func (s *Store) PutSlip(ctx context.Context, x *oauth.Slip) (fresh bool, err error) {
	err = s.engine.updateSecrets(ctx, func(q querier) error {
		n, err := q.exec(ctx, "INSERT INTO oauth_slip (kind, hash, grant_id, expires, used, body) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (kind, hash) DO NOTHING",
			[]any{string(x.Kind), x.Hash[:], x.Grant, micros(x.Expires), used(x.Used), x.Body})
		fresh = n > 0
		return err
	})
	return fresh, err
}

// used is 0 for what was not used.
func used(at time.Time) int64 {
	if at.IsZero() {
		return 0
	}
	return micros(at)
}

// Slip implements oauth.Slips.
func (s *Store) Slip(ctx context.Context, kind oauth.SlipKind, hash [32]byte) (*oauth.Slip, error) {
	x := &oauth.Slip{Kind: kind, Hash: hash}
	var expires, at int64
	found := false
	err := s.engine.readSecrets(ctx, func(q querier) (err error) {
		found, err = one(ctx, q, "SELECT grant_id, expires, used, body FROM oauth_slip WHERE kind = ? AND hash = ?",
			[]any{string(kind), hash[:]}, &x.Grant, &expires, &at, &x.Body)
		return err
	})
	if err != nil || !found {
		return nil, err
	}
	if x.Expires = moment(expires); at != 0 {
		x.Used = moment(at)
	}
	return x, nil
}

// UseSlip implements oauth.Slips.
func (s *Store) UseSlip(ctx context.Context, kind oauth.SlipKind, hash [32]byte, at time.Time) (first bool, err error) {
	err = s.engine.updateSecrets(ctx, func(q querier) error {
		n, err := q.exec(ctx, "UPDATE oauth_slip SET used = ? WHERE kind = ? AND hash = ? AND used = 0", []any{micros(at), string(kind), hash[:]})
		first = n > 0
		return err
	})
	return first, err
}

// PutLogin implements oauth.Logins; a new password ends a lock.
func (s *Store) PutLogin(ctx context.Context, tenant string, l *oauth.Login) error {
	return s.secret(ctx, "INSERT INTO oauth_login (tenant, name, principal, hash, failures, locked) VALUES (?, ?, ?, ?, 0, 0) ON CONFLICT (tenant, name) DO UPDATE "+
		"SET principal = excluded.principal, hash = excluded.hash, failures = 0, locked = 0", tenant, l.Name, l.Principal, l.Hash)
}

// Login implements oauth.Logins.
func (s *Store) Login(ctx context.Context, tenant, name string) (*oauth.Login, error) {
	l := &oauth.Login{Name: name}
	var failures, locked int64
	found := false
	err := s.engine.readSecrets(ctx, func(q querier) (err error) {
		found, err = one(ctx, q, "SELECT principal, hash, failures, locked FROM oauth_login WHERE tenant = ? AND name = ?",
			[]any{tenant, name}, &l.Principal, &l.Hash, &failures, &locked)
		return err
	})
	if err != nil || !found {
		return nil, err
	}
	if l.Failures = int(failures); locked != 0 {
		l.Locked = moment(locked)
	}
	return l, nil
}

// LoginNames implements oauth.Logins; without the hashes.
func (s *Store) LoginNames(ctx context.Context, tenant string) (list []*oauth.Login, err error) {
	err = s.engine.readSecrets(ctx, func(q querier) error {
		list = nil
		return each(ctx, q, "SELECT name, principal, failures, locked FROM oauth_login WHERE tenant = ? ORDER BY name", []any{tenant}, func(row cursor) error {
			l := new(oauth.Login)
			var failures, locked int64
			if err := row.scan(&l.Name, &l.Principal, &failures, &locked); err != nil {
				return err
			}
			if l.Failures = int(failures); locked != 0 {
				l.Locked = moment(locked)
			}
			list = append(list, l)
			return nil
		})
	})
	return list, err
}

// LoginsOf implements oauth.Logins.
func (s *Store) LoginsOf(ctx context.Context, tenant, principal string) (names []string, err error) {
	all, err := s.LoginNames(ctx, tenant)
	for _, l := range all {
		if l.Principal == principal {
			names = append(names, l.Name)
		}
	}
	return names, err
}

// RemoveLogin implements oauth.Logins.
func (s *Store) RemoveLogin(ctx context.Context, tenant, name string) (found bool, err error) {
	err = s.engine.updateSecrets(ctx, func(q querier) error {
		n, err := q.exec(ctx, "DELETE FROM oauth_login WHERE tenant = ? AND name = ?", []any{tenant, name})
		found = n > 0
		return err
	})
	return found, err
}

// LoginAttempt implements oauth.Logins. The row's lock makes one of several at once
// the last that is judged; the others are counted all the same.
func (s *Store) LoginAttempt(ctx context.Context, tenant, name string, limit int, now, until time.Time) (judged bool, err error) {
	err = s.engine.updateSecrets(ctx, func(q querier) error {
		n, err := q.exec(ctx, "UPDATE oauth_login SET failures = failures + 1, locked = CASE WHEN failures + 1 >= ? THEN ? ELSE locked END WHERE tenant = ? AND name = ? AND locked <= ?",
			[]any{int64(limit), micros(until), tenant, name, micros(now)})
		if judged = n > 0; err != nil || judged {
			return err
		}
		_, err = q.exec(ctx, "UPDATE oauth_login SET failures = failures + 1 WHERE tenant = ? AND name = ?", []any{tenant, name})
		return err
	})
	return judged, err
}

// LoginRight implements oauth.Logins.
func (s *Store) LoginRight(ctx context.Context, tenant, name string) error {
	return s.secret(ctx, "UPDATE oauth_login SET failures = 0, locked = 0 WHERE tenant = ? AND name = ?", tenant, name)
}
