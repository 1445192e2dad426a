package store

import (
	"context"
	"time"

	"tenon/oauth"
)

// PutPasskey implements oauth.Passkeys.
func (s *Store) PutPasskey(ctx context.Context, tenant string, k *oauth.Passkey, most int) (fresh bool, err error) {
	err = s.forPerson(ctx, tenant, k.Principal, func(q querier) error {
		n, err := q.exec(ctx, "INSERT INTO oauth_passkey (tenant, id, principal, key, counter, movable, name, created, used) SELECT ?, ?, ?, ?, ?, ?, ?, ?, 0 "+
			"WHERE (SELECT count(*) FROM oauth_passkey WHERE tenant = ? AND principal = ?) < ? ON CONFLICT (tenant, id) DO NOTHING",
			[]any{tenant, k.ID, k.Principal, k.Key, int64(k.Counter), truth(k.Movable), k.Name, micros(k.Created), tenant, k.Principal, int64(most)})
		fresh = n > 0
		return err
	})
	return fresh, err
}

// forPerson changes what a person signs in with, one change after the other: a count
// of rows is then what it was when the rows are written.
func (s *Store) forPerson(ctx context.Context, tenant, principal string, change func(querier) error) error {
	return s.engine.updateSecrets(ctx, func(q querier) error {
		if lock := s.engine.dialect().lockPerson; lock != "" {
			if _, err := q.exec(ctx, lock, []any{"sign-in " + tenant + " " + principal}); err != nil {
				return err
			}
		}
		return change(q)
	})
}

// Passkeys implements oauth.Passkeys.
func (s *Store) Passkeys(ctx context.Context, tenant, principal string) (list []*oauth.Passkey, err error) {
	err = s.engine.readSecrets(ctx, func(q querier) error {
		list = nil
		return each(ctx, q, "SELECT id, key, counter, movable, name, created, used FROM oauth_passkey WHERE tenant = ? AND principal = ? ORDER BY created, id", []any{tenant, principal}, func(row cursor) error {
			k := &oauth.Passkey{Principal: principal}
			var counter, movable, created, last int64
			if err := row.scan(&k.ID, &k.Key, &counter, &movable, &k.Name, &created, &last); err != nil {
				return err
			}
			k.Counter, k.Movable, k.Created = uint32(counter), movable != 0, moment(created) //nolint:gosec // it was one
			if last != 0 {
				k.Used = moment(last)
			}
			list = append(list, k)
			return nil
		})
	})
	return list, err
}

// UsePasskey implements oauth.Passkeys.
func (s *Store) UsePasskey(ctx context.Context, tenant, principal string, id []byte, counter uint32, at time.Time) (bool, error) {
	n := int64(counter)
	return s.changes(ctx, "UPDATE oauth_passkey SET counter = ?, used = ? WHERE tenant = ? AND principal = ? AND id = ? AND (counter < ? OR counter = 0 AND ? = 0)",
		n, micros(at), tenant, principal, id, n, n)
}

// RemovePasskey implements oauth.Passkeys.
func (s *Store) RemovePasskey(ctx context.Context, tenant, principal string, id []byte, keep bool) (found bool, err error) {
	err = s.forPerson(ctx, tenant, principal, func(q querier) error {
		n, err := q.exec(ctx, "DELETE FROM oauth_passkey WHERE tenant = ? AND principal = ? AND id = ? AND (? = 0 "+
			"OR EXISTS (SELECT 1 FROM oauth_factor f WHERE f.tenant = ? AND f.principal = ?) "+
			"OR EXISTS (SELECT 1 FROM oauth_passkey k WHERE k.tenant = ? AND k.principal = ? AND k.id <> ?))",
			[]any{tenant, principal, id, truth(keep), tenant, principal, tenant, principal, id})
		found = n > 0
		return err
	})
	return found, err
}

// RemovePasskeys implements oauth.Passkeys.
func (s *Store) RemovePasskeys(ctx context.Context, tenant, principal string) (bool, error) {
	return s.changes(ctx, "DELETE FROM oauth_passkey WHERE tenant = ? AND principal = ?", tenant, principal)
}
