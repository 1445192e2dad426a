package store

import (
	"context"

	"tenon/oauth"
)

// PutFactor implements oauth.Factors.
func (s *Store) PutFactor(ctx context.Context, tenant string, f *oauth.Factor) error {
	return s.engine.updateSecrets(ctx, func(q querier) error {
		if _, err := q.exec(ctx, "INSERT INTO oauth_factor (tenant, principal, sealed, step, created) VALUES (?, ?, ?, 0, ?) ON CONFLICT (tenant, principal) DO UPDATE "+
			"SET sealed = excluded.sealed, step = 0, created = excluded.created", []any{tenant, f.Principal, f.Sealed, micros(f.Created)}); err != nil {
			return err
		}
		if _, err := q.exec(ctx, "DELETE FROM oauth_recovery WHERE tenant = ? AND principal = ?", []any{tenant, f.Principal}); err != nil {
			return err
		}
		sets := make([][]any, len(f.Recovery))
		for i := range f.Recovery {
			sets[i] = []any{tenant, f.Principal, f.Recovery[i][:]}
		}
		return q.execMany(ctx, "INSERT INTO oauth_recovery (tenant, principal, hash) VALUES (?, ?, ?)", sets)
	})
}

// Factor implements oauth.Factors.
func (s *Store) Factor(ctx context.Context, tenant, principal string) (*oauth.Factor, error) {
	f := &oauth.Factor{Principal: principal}
	var created int64
	found := false
	err := s.engine.readSecrets(ctx, func(q querier) (err error) {
		found, err = one(ctx, q, "SELECT sealed, created FROM oauth_factor WHERE tenant = ? AND principal = ?", []any{tenant, principal}, &f.Sealed, &created)
		return err
	})
	if err != nil || !found {
		return nil, err
	}
	f.Created = moment(created)
	return f, nil
}

// RemoveFactor implements oauth.Factors.
func (s *Store) RemoveFactor(ctx context.Context, tenant, principal string) (found bool, err error) {
	err = s.engine.updateSecrets(ctx, func(q querier) error {
		n, err := q.exec(ctx, "DELETE FROM oauth_factor WHERE tenant = ? AND principal = ?", []any{tenant, principal})
		if err != nil {
			return err
		}
		found = n > 0
		_, err = q.exec(ctx, "DELETE FROM oauth_recovery WHERE tenant = ? AND principal = ?", []any{tenant, principal})
		return err
	})
	return found, err
}

// UseStep implements oauth.Factors.
func (s *Store) UseStep(ctx context.Context, tenant, principal string, step int64) (bool, error) {
	return s.changes(ctx, "UPDATE oauth_factor SET step = ? WHERE tenant = ? AND principal = ? AND step < ?", step, tenant, principal, step)
}

// UseRecovery implements oauth.Factors.
func (s *Store) UseRecovery(ctx context.Context, tenant, principal string, hash [32]byte) (bool, error) {
	return s.changes(ctx, "DELETE FROM oauth_recovery WHERE tenant = ? AND principal = ? AND hash = ?", tenant, principal, hash[:])
}

// changes tells whether a statement found a row of the secrets to change.
func (s *Store) changes(ctx context.Context, sql string, args ...any) (found bool, err error) {
	err = s.engine.updateSecrets(ctx, func(q querier) error {
		n, err := q.exec(ctx, sql, args)
		found = n > 0
		return err
	})
	return found, err
}
