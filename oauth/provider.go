package oauth

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"tenon/fhir/issue"
	"tenon/server/access"
)

// cacheTTL is how long a checked token is trusted without asking the store
// again, so that a revoked one is refused within a second everywhere.
const cacheTTL = time.Second

// cacheSize bounds the cache; beyond it the cache starts anew.
const cacheSize = 50_000

// Directory reads the resource of a principal, whoever asks.
type Directory interface {
	// Resource returns the stored JSON of the current version, or nil.
	Resource(ctx context.Context, typ, id string) ([]byte, error)
}

// Provider issues tokens and turns them into the access context of a request.
type Provider struct {
	// Compile turns the search parameters of a scope into the condition that the
	// store understands. It is set before the first request; without it scopes with
	// parameters give nothing.
	Compile func(typ string, params []access.ScopeParam) (any, error)

	// StepUp is set before the first request, too.
	StepUp StepUp

	// Consents is set before the first request, too; without it what any patient
	// withholds in part is withheld whole.
	Consents *access.Consents

	store     Store
	directory Directory
	tenant    string
	clock     func() time.Time

	mu    sync.RWMutex
	cache map[[32]byte]cached
}

type cached struct {
	who     *access.Context
	expires time.Time
	until   time.Time
}

// New returns a Provider of the tenant.
func New(store Store, directory Directory, tenant string, clock func() time.Time) *Provider {
	return &Provider{store: store, directory: directory, tenant: tenant, clock: clock, cache: map[[32]byte]cached{}}
}

// Issue makes a token for one principal (PractitionerRole/x, Patient/x,
// RelatedPerson/x or Device/x), which must exist and be active. The token itself
// is returned once and kept nowhere.
func (p *Provider) Issue(ctx context.Context, principal string, life time.Duration, note string) (string, error) {
	if strings.HasPrefix(principal, "Organization/") { // a backend's, which scopes bound
		return "", issue.Errorf(issue.Login, "%s holds tokens only by an app: register one.", principal).Rule("principal-type")
	}
	if _, err := p.resolve(ctx, principal); err != nil {
		return "", err
	}
	secret := make([]byte, 32)
	if _, err := rand.Read(secret); err != nil {
		return "", err
	}
	token := "tn_" + base64.RawURLEncoding.EncodeToString(secret)
	now := p.clock()
	return token, p.store.PutToken(ctx, Token{
		Hash: sha256.Sum256([]byte(token)), Principal: principal, Tenant: p.tenant,
		Issued: now, Expires: now.Add(life), Note: note,
	})
}

// Authenticate checks the value of an Authorization header. Failures: login
// (401) for a missing, unknown, expired or revoked token.
func (p *Provider) Authenticate(ctx context.Context, header string) (*access.Context, error) {
	scheme, token, _ := strings.Cut(header, " ")
	if !strings.EqualFold(scheme, "Bearer") || token == "" {
		return nil, issue.Errorf(issue.Login, "This request needs a token: Authorization: Bearer ….").Rule("no-token").Chinese("请先登录。")
	}
	return p.known(ctx, sha256.Sum256([]byte(strings.TrimSpace(token))))
}

// Alive refuses the Session of a Context whose token has expired or was revoked
// since, as Authenticate would.
func (p *Provider) Alive(ctx context.Context, session string) error {
	hash, err := sessionHash(session)
	if err == nil {
		_, err = p.known(ctx, hash)
	}
	return err
}

// known is the caller with a token, from the cache where that is fresh.
func (p *Provider) known(ctx context.Context, hash [32]byte) (*access.Context, error) {
	now := p.clock()
	p.mu.RLock()
	hit, ok := p.cache[hash]
	p.mu.RUnlock()
	if ok && now.Before(hit.until) && now.Before(hit.expires) {
		return hit.who, nil
	}
	return p.check(ctx, hash, now)
}

func (p *Provider) check(ctx context.Context, hash [32]byte, now time.Time) (*access.Context, error) {
	t, err := p.store.Token(ctx, hash)
	if err != nil {
		return nil, fmt.Errorf("oauth: token: %w", err)
	}
	if t == nil || t.Revoked || !now.Before(t.Expires) || t.Tenant != p.tenant {
		return nil, refused()
	}
	who, err := p.resolve(ctx, t.Principal)
	if err != nil {
		return nil, err
	}
	shown := t.Second
	if t.Grant != "" {
		g, err := p.granted(ctx, t.Grant, t.Principal, now)
		if err != nil {
			return nil, err
		}
		who.Scopes, shown = p.scopesOf(g, t.Scope), g.second()
	}
	if who.Due, err = p.due(ctx, who, shown, now); err != nil {
		return nil, err
	}
	who.Session = hex.EncodeToString(hash[:])
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.cache) >= cacheSize {
		p.cache = map[[32]byte]cached{}
	}
	p.cache[hash] = cached{who: who, expires: t.Expires, until: now.Add(cacheTTL)}
	return who, nil
}

// granted is the grant of a token while it and its app are there.
func (p *Provider) granted(ctx context.Context, id, principal string, now time.Time) (*Grant, error) {
	g, err := p.store.Grant(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("oauth: grant: %w", err)
	}
	if g == nil || g.Revoked || g.Tenant != p.tenant || g.Principal != principal || !now.Before(g.Expires) {
		return nil, refused()
	}
	if g.Session != "" && !has(g.Scope, "offline_access") { // works while the person is there
		x, err := p.store.Session(ctx, g.Session)
		if err != nil {
			return nil, fmt.Errorf("oauth: session: %w", err)
		}
		if x == nil || !x.Ended.IsZero() {
			return nil, refused()
		}
	}
	return g, nil
}

// second is when the person of a grant showed a second factor; zero: did not.
func (g *Grant) second() time.Time {
	if slices.Contains(g.Methods, "mfa") {
		return g.SignedIn
	}
	return time.Time{}
}

// forget has a token checked anew.
func (p *Provider) forget(hash [32]byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.cache, hash)
}

// forgetGrant has the tokens of a grant checked anew.
func (p *Provider) forgetGrant(id string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for hash, hit := range p.cache {
		if hit.who.Scopes != nil && hit.who.Scopes.Grant == id {
			delete(p.cache, hash)
		}
	}
}

// sessionHash is the hash of the token that a Context.Session names.
func sessionHash(session string) ([32]byte, error) {
	b, err := hex.DecodeString(session)
	if err != nil || len(b) != sha256.Size {
		return [32]byte{}, refused()
	}
	return [32]byte(b), nil
}

func refused() error {
	return issue.Errorf(issue.Login, "The token is unknown, expired or revoked. Ask for a new one.").Rule("token-refused").Chinese("令牌无效或已过期。")
}

// Revoke makes a token worthless within a second.
func (p *Provider) Revoke(ctx context.Context, token string) error {
	hash := sha256.Sum256([]byte(token))
	p.forget(hash)
	return p.store.RevokeToken(ctx, hash)
}
