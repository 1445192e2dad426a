package oauth

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"tenon/server/access"
)

// Grant is what an app may do in somebody's name.
type Grant struct {
	ID        string
	Tenant    string
	Client    string
	Principal string
	Created   time.Time
	Expires   time.Time
	Revoked   bool
	Terms
}

// Terms are what a grant says, as they are stored.
type Terms struct {
	Scope string `json:"scope"` // all of it, also openid and the like, by spaces
	// Patient is "Patient/x" in context, Encounter "Encounter/x".
	Patient   string          `json:"patient,omitempty"`
	Encounter string          `json:"encounter,omitempty"`
	Intent    string          `json:"intent,omitempty"`
	Context   json.RawMessage `json:"fhirContext,omitempty"`
	Banner    *bool           `json:"needPatientBanner,omitempty"`
	Nonce     string          `json:"nonce,omitempty"`   // of the OpenID request
	Session   string          `json:"session,omitempty"` // that an online refresh token ends with
	SignedIn  time.Time       `json:"signedIn,omitzero"`
	Methods   []string        `json:"amr,omitempty"` // how the person signed in
	ACR       string          `json:"acr,omitempty"` // the class of that
}

// Apps keeps apps and what was granted to them.
type Apps interface {
	PutClient(ctx context.Context, c *Client) error
	// Client returns nil when no such app is registered.
	Client(ctx context.Context, tenant, id string) (*Client, error)
	Clients(ctx context.Context, tenant string) ([]*Client, error)
	// RemoveClient also revokes what was granted to it and drops its state; false:
	// there was none.
	RemoveClient(ctx context.Context, tenant, id string) (bool, error)
	PutGrant(ctx context.Context, g *Grant) error
	// Grant returns nil when there is none.
	Grant(ctx context.Context, id string) (*Grant, error)
	RevokeGrant(ctx context.Context, id string) error
	// GrantsOf are those in a person's name that are not revoked and have not expired,
	// the newest first.
	GrantsOf(ctx context.Context, tenant, principal string) ([]*Grant, error)
}

// Slip is a secret that is good once or for a while.
type Slip struct {
	Kind    SlipKind
	Hash    [32]byte // SHA-256 of the secret
	Grant   string
	Expires time.Time
	Used    time.Time // zero: not yet
	Body    string    // JSON
}

// SlipKind tells what a slip is for; a secret of one kind is none of another.
type SlipKind string

// The kinds of slips.
const (
	codeSlip    SlipKind = "code"
	refreshSlip SlipKind = "refresh"
	numberSlip  SlipKind = "assertion" // the jti of an assertion, with its client
	requestSlip SlipKind = "request"   // an authorization request on its way
	sessionSlip SlipKind = "session"   // a person who is signed in
	launchSlip  SlipKind = "launch"
)

// Slips keeps secrets; those that have expired may be forgotten.
type Slips interface {
	// PutSlip returns false when there is one of this kind and hash.
	PutSlip(ctx context.Context, s *Slip) (bool, error)
	// Slip returns nil when there is none.
	Slip(ctx context.Context, kind SlipKind, hash [32]byte) (*Slip, error)
	// UseSlip returns true for one caller alone, however many ask at once.
	UseSlip(ctx context.Context, kind SlipKind, hash [32]byte, at time.Time) (bool, error)
}

// Login is a name that a person signs in with.
type Login struct {
	Name      string
	Principal string
	Hash      string // argon2id, in the usual text
	Failures  int
	Locked    time.Time // until when
}

// Logins keeps the names that people sign in with.
type Logins interface {
	PutLogin(ctx context.Context, tenant string, l *Login) error
	// Login returns nil when the name is unknown.
	Login(ctx context.Context, tenant, name string) (*Login, error)
	// LoginsOf are the names of a person, LoginNames all names.
	LoginsOf(ctx context.Context, tenant, principal string) ([]string, error)
	LoginNames(ctx context.Context, tenant string) ([]*Login, error)
	RemoveLogin(ctx context.Context, tenant, name string) (bool, error)
	// LoginAttempt counts one more password (n+1) before it is judged, and locks the
	// name until then where limit is reached. It tells whether the password may be
	// judged: not while the name is locked at that moment, however many come at once.
	LoginAttempt(ctx context.Context, tenant, name string, limit int, now, until time.Time) (bool, error)
	// LoginRight says that the password was right: the count begins anew.
	LoginRight(ctx context.Context, tenant, name string) error
}

// has tells whether a scope stands in a list by spaces.
func has(scope, one string) bool {
	for s := range strings.FieldsSeq(scope) {
		if s == one {
			return true
		}
	}
	return false
}

// scopesOf makes what a request with a token of the grant may do. scope is the
// token's; what does not compile (any more) gives nothing.
func (p *Provider) scopesOf(g *Grant, scope string) *access.Scopes {
	out := &access.Scopes{Patient: g.Patient, Client: g.Client, Grant: g.ID}
	for text := range strings.FieldsSeq(scope) {
		s, err := access.ParseScope(text)
		if err != nil {
			continue // openid, launch and the like
		}
		if len(s.Params) > 0 {
			if p.Compile == nil {
				continue
			}
			if s.Condition, err = p.Compile(s.Type, s.Params); err != nil {
				continue
			}
		}
		if s.For == access.PatientScope && g.Patient == "" {
			continue
		}
		out.List = append(out.List, s)
	}
	return out
}
