package oauth

import (
	"context"
	"time"
)

// Token is an access token as the store keeps it.
type Token struct {
	Hash      [32]byte // SHA-256 of the token
	Principal string   // PractitionerRole/x, Patient/x, RelatedPerson/x, Device/x
	Tenant    string
	Issued    time.Time
	Expires   time.Time
	Revoked   bool
	Note      string    // what it was issued for
	Grant     string    // of the app that holds it, "" for a token without an app
	Scope     string    // with a Grant: what it is good for
	Second    time.Time // without one: when its holder last showed a second factor
}

// Signer is a person's signing key. Sealed is the private key, encrypted under
// the person's own signing secret, which the server never keeps.
type Signer struct {
	Principal   string
	Certificate []byte // DER, issued by the server's signer authority
	Sealed      []byte
	// Chain is the person's own certificate, issued by somebody else, and those
	// between it and its root (DER, one after the other). Then Certificate binds
	// its key to the principal, and Sealed is empty: the key is not here.
	Chain    []byte
	Created  time.Time
	Failures int // wrong secrets in a row; locked at a limit
}

// Store keeps tokens and signing keys. On SQLite it is a second file.
type Store interface {
	PutToken(ctx context.Context, t Token) error
	// Token returns nil when no such token was issued.
	Token(ctx context.Context, hash [32]byte) (*Token, error)
	RevokeToken(ctx context.Context, hash [32]byte) error
	// StepToken keeps that the holder of a token without an app showed a second factor.
	StepToken(ctx context.Context, hash [32]byte, at time.Time) error
	PutSigner(ctx context.Context, s Signer) error
	// Signer returns nil when the principal has none.
	Signer(ctx context.Context, principal string) (*Signer, error)
	// SignerFailed counts a wrong secret (n+1) or, with ok, resets the count.
	SignerFailed(ctx context.Context, principal string, ok bool) error
	Apps
	Slips
	Logins
	Factors
	Passkeys
	Sessions
	Attempts
	Links
	States
}
