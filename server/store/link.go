package store

import (
	"context"
	"time"
)

// PutLink implements oauth.Links; a new one replaces the old one.
func (s *Store) PutLink(ctx context.Context, tenant, issuer, subject, principal string, at time.Time) error {
	return s.secret(ctx, "INSERT INTO oauth_link (tenant, issuer, subject, principal, created) VALUES (?, ?, ?, ?, ?) ON CONFLICT (tenant, issuer, subject) DO UPDATE "+
		"SET principal = excluded.principal, created = excluded.created", tenant, issuer, subject, principal, micros(at))
}

// Link implements oauth.Links.
func (s *Store) Link(ctx context.Context, tenant, issuer, subject string) (principal string, err error) {
	err = s.engine.readSecrets(ctx, func(q querier) error {
		principal = ""
		_, err := one(ctx, q, "SELECT principal FROM oauth_link WHERE tenant = ? AND issuer = ? AND subject = ?", []any{tenant, issuer, subject}, &principal)
		return err
	})
	return principal, err
}

// RemoveLinks implements oauth.Links.
func (s *Store) RemoveLinks(ctx context.Context, tenant, principal string) error {
	return s.secret(ctx, "DELETE FROM oauth_link WHERE tenant = ? AND principal = ?", tenant, principal)
}
