package store

import (
	"context"
	"encoding/json"

	"tenon/oauth"
)

// secretBodies reads rows beside the record whose one column is JSON.
func secretBodies[T any](ctx context.Context, s *Store, sql string, args ...any) (list []*T, err error) {
	err = s.engine.readSecrets(ctx, func(q querier) error {
		list = nil
		return each(ctx, q, sql, args, func(row cursor) error {
			var body string
			if err := row.scan(&body); err != nil {
				return err
			}
			t := new(T)
			list = append(list, t)
			return json.Unmarshal([]byte(body), t)
		})
	})
	return list, err
}

// secretBody reads one; nil: there is none.
func secretBody[T any](ctx context.Context, s *Store, sql string, args ...any) (*T, error) {
	list, err := secretBodies[T](ctx, s, sql, args...)
	if err != nil || len(list) == 0 {
		return nil, err
	}
	return list[0], nil
}

// PutToken implements oauth.Store.
func (s *Store) PutToken(ctx context.Context, t oauth.Token) error {
	return s.secret(ctx, "INSERT INTO access_token (hash, principal, tenant, issued, expires, revoked, note, grant_id, scope, second) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
		t.Hash[:], t.Principal, t.Tenant, micros(t.Issued), micros(t.Expires), truth(t.Revoked), t.Note, t.Grant, t.Scope, used(t.Second))
}

// Token implements oauth.Store.
func (s *Store) Token(ctx context.Context, hash [32]byte) (*oauth.Token, error) {
	t := &oauth.Token{Hash: hash}
	var issued, expires, revoked, second int64
	found := false
	err := s.engine.readSecrets(ctx, func(q querier) (err error) {
		found, err = one(ctx, q, "SELECT principal, tenant, issued, expires, revoked, note, grant_id, scope, second FROM access_token WHERE hash = ?",
			[]any{hash[:]}, &t.Principal, &t.Tenant, &issued, &expires, &revoked, &t.Note, &t.Grant, &t.Scope, &second)
		return err
	})
	if err != nil || !found {
		return nil, err
	}
	t.Issued, t.Expires, t.Revoked = moment(issued), moment(expires), revoked != 0
	if second != 0 {
		t.Second = moment(second)
	}
	return t, nil
}

// RevokeToken implements oauth.Store; revoking what is not there does nothing.
func (s *Store) RevokeToken(ctx context.Context, hash [32]byte) error {
	return s.secret(ctx, "UPDATE access_token SET revoked = 1 WHERE hash = ?", hash[:])
}

// PutSigner implements oauth.Store; a new key replaces the old one.
func (s *Store) PutSigner(ctx context.Context, x oauth.Signer) error {
	return s.secret(ctx, "INSERT INTO signer (principal, certificate, sealed, chain, created, failures) VALUES (?, ?, ?, ?, ?, ?) "+
		"ON CONFLICT (principal) DO UPDATE SET certificate = excluded.certificate, sealed = excluded.sealed, chain = excluded.chain, "+
		"created = excluded.created, failures = excluded.failures",
		x.Principal, x.Certificate, filled(x.Sealed), filled(x.Chain), micros(x.Created), int64(x.Failures))
}

// Signer implements oauth.Store.
func (s *Store) Signer(ctx context.Context, principal string) (*oauth.Signer, error) {
	x := &oauth.Signer{Principal: principal}
	var created, failures int64
	found := false
	err := s.engine.readSecrets(ctx, func(q querier) (err error) {
		found, err = one(ctx, q, "SELECT certificate, sealed, chain, created, failures FROM signer WHERE principal = ?",
			[]any{principal}, &x.Certificate, &x.Sealed, &x.Chain, &created, &failures)
		return err
	})
	if err != nil || !found {
		return nil, err
	}
	x.Created, x.Failures = moment(created), int(failures)
	return x, nil
}

// SignerFailed implements oauth.Store.
func (s *Store) SignerFailed(ctx context.Context, principal string, ok bool) error {
	if ok {
		return s.secret(ctx, "UPDATE signer SET failures = 0 WHERE principal = ?", principal)
	}
	return s.secret(ctx, "UPDATE signer SET failures = failures + 1 WHERE principal = ?", principal)
}

func (s *Store) secret(ctx context.Context, sql string, args ...any) error {
	return s.engine.updateSecrets(ctx, func(q querier) error {
		_, err := q.exec(ctx, sql, args)
		return err
	})
}

// filled is bytes for a column that takes no NULL.
func filled(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}
