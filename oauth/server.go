package oauth

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/ory/fosite"

	"tenon/server/access"
)

// Options are what the authorization server works with. Store, Provider, Base and
// Key are needed.
type Options struct {
	Store    Store
	Provider *Provider
	Tenant   string
	// Base is the FHIR door as clients see it, "https://host/fhir"; the issuer is
	// its parent, and tokens are for it alone.
	Base string
	// Key is a secret of 32 bytes from which successors of refresh tokens and
	// guards of forms are made. Servers that share a database share it.
	Key []byte
	// Signing gives the keys of id_tokens, the newest first; nil: none are issued,
	// and openid is granted to nobody.
	Signing func() ([]*rsa.PrivateKey, error)
	// Chart is how pages find patients; nil: nobody can choose one.
	Chart Chart
	// Brands are how the provider is shown to patients; nil: none are published.
	Brands *Brands
	// IsType tells the resource types that there are.
	IsType func(string) bool
	// Fetch gets keys of apps; nil: only those that are registered with their keys.
	Fetch Fetch
	// Life and Idle bound the sessions of the sign-in; 8 and 2 hours by default.
	Life, Idle time.Duration
	Rates      Rates // those of usualRates where all are zero
	// Issuers are other OpenID providers by whom people may sign in; Ask sends them
	// requests, Staff finds people by their numbers.
	Issuers []Issuer
	Ask     func(*http.Request) (*http.Response, error)
	Staff   Staff
	Audit   func(ctx context.Context, e Event) error
	Clock   func() time.Time
	Random  io.Reader
	Log     *slog.Logger
}

// Event is something that is audited.
type Event struct {
	Operation string // token, refresh, sign-in, consent, revoke, sign-out
	Principal string // as far as known
	Patient   string
	Client    string
	Outcome   int // as of HTTP
}

// Chart finds patients for the page on which one is chosen.
type Chart interface {
	// Patients are those whom the caller reaches, by a part of their name, few.
	Patients(ctx context.Context, who *access.Context, name string) ([]Choice, error)
	// Cases are those of a patient that the caller reaches, few.
	Cases(ctx context.Context, who *access.Context, patient string) ([]Choice, error)
	// Encounters are those of a patient that the caller reaches, few, the newest first.
	Encounters(ctx context.Context, who *access.Context, patient string) ([]Choice, error)
	// Reaches tells whether the caller reaches a resource; audited like a read.
	Reaches(ctx context.Context, who *access.Context, typ, id string) (bool, error)
}

// Choice is one patient, case or encounter to choose: what tells them apart.
type Choice struct{ ID, Name, Born, Number string }

// Server is the authorization server.
type Server struct {
	Options
	store   Store
	clock   func() time.Time
	fosite  *fosite.Fosite
	keyring *keyring
	pages   http.Handler
	origin  origins
	limiter limiter
}

// NewServer makes a server.
func NewServer(o Options) (*Server, error) {
	if o.Store == nil || o.Provider == nil || o.Base == "" || len(o.Key) < 32 {
		return nil, errors.New("oauth: Store, Provider, Base and Key are needed")
	}
	if o.Tenant == "" {
		o.Tenant = "main"
	}
	if o.Clock == nil {
		o.Clock = time.Now
	}
	if o.Life <= 0 {
		o.Life = sessionLife
	}
	if o.Idle <= 0 {
		o.Idle = sessionIdle
	}
	if o.Rates == (Rates{}) {
		o.Rates = usualRates
	}
	if o.Random == nil {
		o.Random = rand.Reader
	}
	if o.IsType == nil {
		o.IsType = func(string) bool { return true }
	}
	if o.Audit == nil {
		o.Audit = func(context.Context, Event) error { return nil }
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	o.Base = strings.TrimRight(o.Base, "/")
	s := &Server{Options: o, store: o.Store, clock: o.Clock}
	s.limiter.buckets = map[string]bucket{}
	s.keyring = &keyring{fetch: o.Fetch, clock: o.Clock, kept: map[string]*keptKeys{}}
	s.fosite = fosite.NewOAuth2Provider(clients{s}, s.config())
	s.pages = s.routes()
	return s, nil
}

// config takes of fosite the reading of requests and the writing of answers; the
// strategies that decide are ours.
func (s *Server) config() *fosite.Config {
	c := &fosite.Config{
		ScopeStrategy:                 func([]string, string) bool { return true }, // negotiated in scope.go
		AudienceMatchingStrategy:      func([]string, []string) error { return nil },
		ClientAuthenticationStrategy:  s.authenticate,
		OmitRedirectScopeParam:        true,
		MinParameterEntropy:           8,
		EnforcePKCE:                   true,
		DisableRefreshTokenValidation: true,
		RedirectSecureChecker:         fosite.IsRedirectURISecure,
	}
	c.TokenEndpointHandlers = fosite.TokenEndpointHandlers{codeFlow{s}, refreshFlow{s}, backendFlow{s}}
	return c
}

// Issuer is the OpenID Connect issuer.
func (s *Server) Issuer() string { return strings.TrimSuffix(s.Base, "/fhir") }

// at is an address of this server.
func (s *Server) at(path string) string { return s.Issuer() + path }

// client is an app of this tenant, or nil.
func (s *Server) client(ctx context.Context, id string) (*Client, error) {
	if !clientID.MatchString(id) {
		return nil, nil
	}
	c, err := s.store.Client(ctx, s.Tenant, id)
	if err != nil || c == nil || c.Pending {
		return nil, err
	}
	return c, nil
}

// clients finds apps for fosite.
type clients struct{ s *Server }

// GetClient implements fosite.ClientManager.
func (c clients) GetClient(ctx context.Context, id string) (fosite.Client, error) {
	found, err := c.s.client(ctx, id)
	if err != nil {
		return nil, err
	}
	if found == nil {
		return nil, fosite.ErrNotFound
	}
	return asked{found}, nil
}

// ClientAssertionJWTValid and SetClientAssertionJWT implement fosite.ClientManager;
// assertions are judged in assertion.go, and nothing calls these.
func (clients) ClientAssertionJWTValid(context.Context, string) error { return fosite.ErrServerError }
func (clients) SetClientAssertionJWT(context.Context, string, time.Time) error {
	return fosite.ErrServerError
}

// secret is a new random text of 256 bits.
func (s *Server) secret(prefix string) (string, error) {
	b := make([]byte, 32)
	if _, err := io.ReadFull(s.Random, b); err != nil {
		return "", err
	}
	return prefix + base64.RawURLEncoding.EncodeToString(b), nil
}

// derived is a text that this server alone can make of another one.
func (s *Server) derived(use, of string) string {
	h := hmac.New(sha256.New, s.Key)
	h.Write([]byte(use + "\x00" + of))
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil))
}

func hashOf(secret string) [32]byte { return sha256.Sum256([]byte(secret)) }
