package store

import (
	"context"
	"time"

	"tenon/oauth"
)

// PutPasskey implements oauth.Passkeys.
func (s *Store) PutPasskey(ctx context.Context, tenant string, k *oauth.Passkey) (bool, error) {
	return s.changes(ctx, "INSERT INTO oauth_passkey (tenant, id, principal, key, counter, movable, name, created, used) VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0) ON CONFLICT (tenant, id) DO NOTHING",
		tenant, k.ID, k.Principal, k.Key, int64(k.Counter), truth(k.Movable), k.Name, micros(k.Created))
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
func (s *Store) RemovePasskey(ctx context.Context, tenant, principal string, id []byte) (bool, error) {
	return s.changes(ctx, "DELETE FROM oauth_passkey WHERE tenant = ? AND principal = ? AND id = ?", tenant, principal, id)
}

// RemovePasskeys implements oauth.Passkeys.
func (s *Store) RemovePasskeys(ctx context.Context, tenant, principal string) (bool, error) {
	return s.changes(ctx, "DELETE FROM oauth_passkey WHERE tenant = ? AND principal = ?", tenant, principal)
}
