package store

import (
	"context"
	"encoding/json"

	"tenon/dicomweb/dimse"
)

// PutPeer registers a DICOM application entity; a new one replaces the old one.
func (s *Store) PutPeer(ctx context.Context, tenant string, p *dimse.Peer) error {
	body, err := json.Marshal(p)
	if err != nil {
		return err
	}
	return s.secret(ctx, "INSERT INTO dicom_peer (tenant, title, body) VALUES (?, ?, ?) ON CONFLICT (tenant, title) DO UPDATE SET body = excluded.body",
		tenant, p.Title, string(body))
}

// Peer finds an application entity by its title; nil: there is none.
func (s *Store) Peer(ctx context.Context, tenant, title string) (*dimse.Peer, error) {
	return secretBody[dimse.Peer](ctx, s, "SELECT body FROM dicom_peer WHERE tenant = ? AND title = ?", tenant, title)
}

// Peers are the application entities of a tenant by title.
func (s *Store) Peers(ctx context.Context, tenant string) ([]*dimse.Peer, error) {
	return secretBodies[dimse.Peer](ctx, s, "SELECT body FROM dicom_peer WHERE tenant = ? ORDER BY title", tenant)
}

// RemovePeer removes an application entity and tells whether it was there.
func (s *Store) RemovePeer(ctx context.Context, tenant, title string) (found bool, err error) {
	err = s.engine.updateSecrets(ctx, func(q querier) error {
		n, err := q.exec(ctx, "DELETE FROM dicom_peer WHERE tenant = ? AND title = ?", []any{tenant, title})
		found = n > 0
		return err
	})
	return found, err
}
