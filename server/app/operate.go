package app

import (
	"context"
	"time"

	"tenon/oauth"
	"tenon/server/ledger"
)

// IssueToken makes an access token for one principal.
func (a *App) IssueToken(ctx context.Context, principal string, life time.Duration, note string) (string, error) {
	return a.OAuth.Issue(ctx, principal, life, note)
}

// RevokeToken makes a token worthless.
func (a *App) RevokeToken(ctx context.Context, token string) error { return a.OAuth.Revoke(ctx, token) }

// IssueSigner gives a principal an ES256 signing key; see IssueSignerOf.
func (a *App) IssueSigner(ctx context.Context, principal, secret string) error {
	return a.IssueSignerOf(ctx, ledger.ES256, principal, secret)
}

// IssueSignerOf gives a principal a signing key of a suite (ES256, RS256, SM2) that
// only the secret unlocks. A new key replaces the old one, which nothing opens any
// more; old signatures stay valid, since they carry their certificate.
func (a *App) IssueSignerOf(ctx context.Context, suite, principal, secret string) error {
	who, err := a.OAuth.Principal(ctx, principal)
	if err != nil {
		return err
	}
	made, err := a.keys.IssueSignerOf(suite, principal, who.Person, secret)
	if err != nil {
		return err
	}
	return a.Store.PutSigner(ctx, oauth.Signer{
		Principal: principal, Certificate: made.Certificate, Sealed: made.Sealed, Created: a.clock(),
	})
}
