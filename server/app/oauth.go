package app

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/labstack/echo/v4"

	"tenon/fhir/issue"
	"tenon/fhir/tree"
	"tenon/oauth"
	"tenon/server/access"
	"tenon/server/record"
	"tenon/server/rest"
	"tenon/server/search"
)

// openOAuth makes the authorization server for apps.
func (a *App) openOAuth(context.Context) (err error) {
	key, err := a.secret("oauth.key")
	if err != nil {
		return err
	}
	a.OAuth.Compile, a.OAuth.StepUp = a.compileScope, a.Config.SignIn.stepUp()
	issuers, err := a.Config.SignIn.issuers()
	if err != nil {
		return err
	}
	brands, err := a.Config.SignIn.brands(a.Config.BaseURL)
	if err != nil {
		return err
	}
	keys := &idKeys{folder: a.keysFolder()}
	a.apps, err = oauth.NewServer(oauth.Options{
		Store: a.Store, Provider: a.OAuth, Base: a.Config.BaseURL, Key: key, Signing: keys.all, Chart: chart{a},
		IsType: a.model.IsResource, Fetch: a.fetchKeys, Audit: a.auditApps, Clock: a.clock, Log: a.log,
		Life: a.Config.SignIn.Life, Idle: a.Config.SignIn.Idle, Rates: a.Config.SignIn.rates(),
		Issuers: issuers, Brands: brands, Ask: a.guard().Client(a.Config.Outbound.Proxy).Do, Staff: a.staff,
	})
	return err
}

// oauthRoutes are the addresses of the authorization server.
func (a *App) oauthRoutes(e *echo.Echo) {
	h := echo.WrapHandler(a.apps)
	e.Any("/oauth/*", h)
	e.Any("/.well-known/openid-configuration", h)
	e.Any("/fhir/.well-known/smart-configuration", h)
}

// security is what the CapabilityStatement says of it.
func (a *App) security() *rest.Security {
	at := a.root() + "/oauth/"
	return &rest.Security{Authorize: at + "authorize", Token: at + "token", Introspect: at + "introspect", Revoke: at + "revoke"}
}

// compileScope reads the parameters of a scope as a search does.
func (a *App) compileScope(typ string, params []access.ScopeParam) (any, error) {
	q := search.Request{Type: typ, Strict: true, Now: a.clock(), BaseURL: a.Config.BaseURL,
		Reach: func(string) access.Predicate { return access.Nothing{} }}
	for _, p := range params {
		q.Params = append(q.Params, search.Param{Name: p.Name, Value: p.Value})
	}
	plan, _, err := a.keeper.Current().Search.Parse(q)
	if err != nil {
		return nil, err
	}
	if len(plan.Root.Where) < len(params) {
		return nil, fmt.Errorf("a scope on %s has a parameter that says nothing", typ)
	}
	return plan.Root.Where, nil
}

// fetchKeys gets the keys of an app where the guard lets requests go.
func (a *App) fetchKeys(ctx context.Context, url string, limit int64) (*oauth.Fetched, error) {
	q, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	q.Header.Set("Accept", "application/json")
	r, err := a.guard().Client(a.Config.Outbound.Proxy).Do(q)
	if err != nil {
		return nil, err
	}
	defer r.Body.Close()
	body, err := io.ReadAll(io.LimitReader(r.Body, limit+1))
	if err == nil && (r.StatusCode != http.StatusOK || int64(len(body)) > limit) {
		err = fmt.Errorf("the answer is %d with %d bytes", r.StatusCode, len(body))
	}
	return &oauth.Fetched{Body: body, CacheControl: r.Header.Get("Cache-Control")}, err
}

// auditApps keeps what happens at the authorization server, before its answer.
func (a *App) auditApps(ctx context.Context, e oauth.Event) error {
	house, err := a.houseOf(ctx, e.Principal)
	if err != nil {
		return err
	}
	row := record.Audit{At: a.clock().UTC(), Action: "E", Operation: e.Operation, Outcome: e.Outcome, Door: "oauth", Principal: e.Principal, Organization: house, Patient: e.Patient,
		RequestID: requestIn(ctx), Address: addressIn(ctx)}
	if e.Client != "" {
		row.Entity = "app/" + e.Client
	}
	return a.Store.Audit(ctx, []record.Audit{row})
}

// houseOf is the organisation of a principal as the directory has it, "" where it
// has none (any more). That the directory cannot be read is an error: a row that
// lacks the organisation would stay that way for ever.
func (a *App) houseOf(ctx context.Context, principal string) (string, error) {
	if principal == "" {
		return "", nil
	}
	who, err := a.OAuth.Principal(ctx, principal)
	if issue.As(err) != nil {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("audit: the organisation of %s: %w", principal, err)
	}
	return who.Organization, nil
}

// chart finds patients for the consent page, as the person who is asked.
type chart struct{ a *App }

// mostChoices bounds the list on the page.
const mostChoices = "20"

// Patients implements oauth.Chart.
func (c chart) Patients(ctx context.Context, who *access.Context, name string) ([]oauth.Choice, error) {
	params := []search.Param{{Name: "_count", Value: mostChoices}}
	if name = strings.TrimSpace(name); name != "" {
		params = append(params, search.Param{Name: "name:contains", Value: strings.NewReplacer(`\`, `\\`, `,`, `\,`, `$`, `\$`, `|`, `\|`).Replace(name)})
	}
	page, _, err := c.a.Recorder.Search(ctx, who, "Patient", params, true)
	if issue.As(err) != nil {
		return nil, nil // nobody has such a name
	}
	if err != nil {
		return nil, err
	}
	var list []oauth.Choice
	for _, hit := range page.Hits {
		if d, err := tree.Parse(hit.Body); err == nil && hit.Type == "Patient" {
			list = append(list, choice(hit.ID, d.Root()))
		}
	}
	return list, nil
}

func choice(id string, root tree.Node) oauth.Choice {
	name := root.Path("name", "text").Str()
	if name == "" {
		name = strings.TrimSpace(root.Path("name", "family").Str() + " " + root.Path("name", "given").Str())
	}
	if name == "" {
		name = id
	}
	return oauth.Choice{ID: id, Name: name, Born: root.Field("birthDate").Str(), Number: root.Path("identifier", "value").Str()}
}

// Cases implements oauth.Chart.
func (c chart) Cases(ctx context.Context, who *access.Context, patient string) ([]oauth.Choice, error) {
	params := []search.Param{{Name: "patient", Value: "Patient/" + patient}, {Name: "part-of:missing", Value: "true"}, {Name: "_count", Value: mostChoices}}
	page, _, err := c.a.Recorder.Search(ctx, who, "Task", params, true)
	if issue.As(err) != nil {
		return nil, nil // nothing of the kind in reach
	}
	if err != nil {
		return nil, err
	}
	var list []oauth.Choice
	for _, hit := range page.Hits {
		if d, err := tree.Parse(hit.Body); err == nil && hit.Type == "Task" {
			name := d.Root().Field("description").Str()
			if name == "" {
				name = d.Root().Path("code", "coding", "display").Str() + " " + d.Root().Field("authoredOn").Str()
			}
			list = append(list, oauth.Choice{ID: hit.ID, Name: name})
		}
	}
	return list, nil
}

// Encounters implements oauth.Chart.
func (c chart) Encounters(ctx context.Context, who *access.Context, patient string) ([]oauth.Choice, error) {
	params := []search.Param{{Name: "patient", Value: "Patient/" + patient}, {Name: "_sort", Value: "-date"}, {Name: "_count", Value: mostChoices}}
	page, _, err := c.a.Recorder.Search(ctx, who, "Encounter", params, true)
	if issue.As(err) != nil {
		return nil, nil // nothing of the kind in reach
	}
	if err != nil {
		return nil, err
	}
	var list []oauth.Choice
	for _, hit := range page.Hits {
		if d, err := tree.Parse(hit.Body); err == nil && hit.Type == "Encounter" {
			root := d.Root()
			name := root.Path("type", "text").Str()
			if name == "" {
				name = strings.TrimSpace(root.Path("class", "display").Str() + " " + root.Path("class", "code").Str())
			}
			list = append(list, oauth.Choice{ID: hit.ID, Name: name + " " + root.Field("status").Str(), Born: root.Path("period", "start").Str()})
		}
	}
	return list, nil
}

// Reaches implements oauth.Chart.
func (c chart) Reaches(ctx context.Context, who *access.Context, typ, id string) (bool, error) {
	_, err := c.a.Recorder.Read(ctx, who, typ, id)
	if issue.As(err) != nil {
		return false, nil
	}
	return err == nil, err
}

// idKeys are the keys that id_tokens are signed with: PEM files oauth-sign-*.pem of
// the key folder, the last by name signs. To rotate, an operator adds one with a
// later name; the old one stays until its tokens have expired.
type idKeys struct {
	folder string
	mu     sync.Mutex
	names  []string
	keys   []*rsa.PrivateKey
}

func (k *idKeys) all() ([]*rsa.PrivateKey, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	names, err := k.files()
	if err != nil || slices.Equal(names, k.names) {
		return k.keys, err
	}
	var keys []*rsa.PrivateKey
	for _, name := range slices.Backward(names) {
		key, err := readRSA(name)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", filepath.Base(name), err)
		}
		keys = append(keys, key)
	}
	k.names, k.keys = names, keys
	return keys, nil
}

// files are the names in order; the first key is made when it is needed.
func (k *idKeys) files() ([]string, error) {
	pattern := filepath.Join(k.folder, "oauth-sign-*.pem")
	names, err := filepath.Glob(pattern)
	if err != nil || len(names) > 0 {
		return names, err
	}
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	if err := keepWhole(filepath.Join(k.folder, "oauth-sign-1.pem"), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})); err != nil {
		return nil, err
	}
	return filepath.Glob(pattern)
}

func readRSA(name string) (*rsa.PrivateKey, error) {
	text, err := os.ReadFile(name) //nolint:gosec // of the key folder
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, errors.New("it is no PEM")
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, err
	}
	key, ok := parsed.(*rsa.PrivateKey)
	if !ok || key.N.BitLen() < 2048 {
		return nil, errors.New("it is no RSA key of 2048 bits at least")
	}
	return key, nil
}

// AddApp registers an app, or replaces its registration.
func (a *App) AddApp(ctx context.Context, c *oauth.Client) error {
	c.Tenant, c.Created = "main", a.clock().UTC()
	if err := c.Check(); err != nil {
		return err
	}
	if c.Principal != "" {
		if _, err := a.OAuth.Principal(ctx, c.Principal); err != nil {
			return err
		}
	}
	return a.Store.PutClient(ctx, c)
}

// Apps lists the registered apps.
func (a *App) Apps(ctx context.Context) ([]*oauth.Client, error) { return a.Store.Clients(ctx, "main") }

// RemoveApp removes an app and ends all that was granted to it.
func (a *App) RemoveApp(ctx context.Context, id string) error {
	found, err := a.Store.RemoveClient(ctx, "main", id)
	if err == nil && !found {
		err = fmt.Errorf("there is no app %q", id)
	}
	return err
}

// EnrolFactor gives a person a second factor for the sign-in: the address for an
// authenticator app, and recovery codes. Neither is told again.
func (a *App) EnrolFactor(ctx context.Context, principal, name string) (address string, recovery []string, err error) {
	who, err := a.OAuth.Principal(ctx, principal)
	if err != nil {
		return "", nil, err
	}
	if who.Kind != access.Person && who.Kind != access.Patient {
		return "", nil, fmt.Errorf("%s is no person: it does not sign in", principal)
	}
	return a.apps.Enrol(ctx, principal, name)
}

// RemoveFactor takes a person's second factor away.
func (a *App) RemoveFactor(ctx context.Context, principal string) error {
	found, err := a.apps.RemoveFactor(ctx, principal)
	if err == nil && !found {
		err = fmt.Errorf("%s has no second factor", principal)
	}
	return err
}

// SetPassword lets a person sign in by a name.
func (a *App) SetPassword(ctx context.Context, principal, name, password string) error {
	return a.apps.SetPassword(ctx, principal, name, password)
}
