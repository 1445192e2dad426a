package oauth

import (
	"encoding/json"
	"fmt"
	"net"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/ory/fosite"

	"tenon/server/access"
)

// The ways in which an app shows that it is the one.
// https://hl7.org/fhir/smart-app-launch/STU2.2/app-launch.html#register-app-with-ehr
const (
	MethodNone   = "none"   // a public app: PKCE alone
	MethodSecret = "secret" // client_secret_basic and client_secret_post
	MethodKey    = "key"    // private_key_jwt
)

// Client is an app that an operator has registered.
type Client struct {
	ID     string `json:"id"`
	Tenant string `json:"tenant"`
	Name   string `json:"name"` // as people read it when they grant something
	Method string `json:"method"`
	// Redirects are compared byte by byte.
	Redirects []string `json:"redirects,omitempty"`
	Launch    string   `json:"launch,omitempty"` // where an EHR launch begins
	Scopes    []string `json:"scopes"`           // the most that it may ask for
	Secret    string   `json:"secret,omitempty"` // argon2id of the secret
	// Keys is the JWKS itself, KeysURL where it is; one of the two with MethodKey.
	Keys    json.RawMessage `json:"keys,omitempty"`
	KeysURL string          `json:"keysUrl,omitempty"`
	// Principal is in whose name a backend acts: Device/x or Organization/x. With
	// it the app gets client_credentials and nothing else.
	Principal string `json:"principal,omitempty"`
	// Inspects lets it ask what tokens of others are (introspection).
	Inspects bool `json:"inspects,omitempty"`
	// Pending: it registered itself, and no administrator has approved it yet.
	Pending  bool      `json:"pending,omitempty"`
	Contacts []string  `json:"contacts,omitempty"`
	Created  time.Time `json:"created"`
}

var clientID = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)

// plain are scopes that are not about resources.
// https://hl7.org/fhir/smart-app-launch/STU2.2/scopes-and-launch-context.html
var plain = []string{"openid", "fhirUser", "profile", "launch", "launch/patient", "launch/encounter", "offline_access", "online_access"}

// Check tells what is wrong with a registration.
func (c *Client) Check() error {
	switch {
	case !clientID.MatchString(c.ID):
		return fmt.Errorf("app: the id %q is not up to 64 letters, digits and ._-", c.ID)
	case strings.TrimSpace(c.Name) == "" || len(c.Name) > 200:
		return fmt.Errorf("app %s: a name is needed, which people read when they are asked for consent", c.ID)
	case len(c.Scopes) == 0:
		return fmt.Errorf("app %s: no scope that it may ask for", c.ID)
	case (c.Principal == "") == (len(c.Redirects) == 0):
		return fmt.Errorf("app %s: either redirect URIs, for an app of persons, or a principal, for a backend", c.ID)
	case c.Principal != "" && c.Method != MethodKey:
		// https://hl7.org/fhir/smart-app-launch/STU2.2/backend-services.html
		return fmt.Errorf("app %s: a backend shows who it is by a key", c.ID)
	}
	for _, check := range []func() error{c.checkMethod, c.checkURLs, c.checkScopes} {
		if err := check(); err != nil {
			return fmt.Errorf("app %s: %w", c.ID, err)
		}
	}
	return nil
}

func (c *Client) checkMethod() error {
	keys := 0
	if len(c.Keys) > 0 {
		if _, err := readKeys(c.Keys); err != nil {
			return err
		}
		keys++
	}
	if c.KeysURL != "" {
		if u, err := url.Parse(c.KeysURL); err != nil || u.Host == "" || u.Fragment != "" || u.User != nil || !secure(u) {
			return fmt.Errorf("the address of its keys %q is not an https URL", c.KeysURL)
		}
		keys++
	}
	ok := map[string]bool{
		MethodNone:   keys == 0 && c.Secret == "",
		MethodSecret: keys == 0 && c.Secret != "",
		MethodKey:    keys == 1 && c.Secret == "",
	}[c.Method]
	if !ok {
		return fmt.Errorf("the method %q does not fit: none, a secret, or keys (a JWKS or its URL)", c.Method)
	}
	return nil
}

// secure tells https, and http of the own machine.
func secure(u *url.URL) bool {
	host := u.Hostname()
	ip := net.ParseIP(host)
	return u.Scheme == "https" || u.Scheme == "http" && (host == "localhost" || ip != nil && ip.IsLoopback())
}

func (c *Client) checkURLs() error {
	for _, r := range c.Redirects {
		u, err := url.Parse(r)
		native := err == nil && strings.Contains(u.Scheme, ".") && u.Opaque == "" // com.example.app:/cb, RFC 8252 §7.1
		if err != nil || u.Fragment != "" || strings.Contains(r, "#") || u.User != nil || !native && (u.Host == "" || !secure(u)) {
			return fmt.Errorf("the redirect URI %q is neither https nor of the own machine, or it has a fragment", r)
		}
	}
	if c.Launch != "" {
		if u, err := url.Parse(c.Launch); err != nil || u.Host == "" || !secure(u) {
			return fmt.Errorf("the launch URL %q is not an https URL", c.Launch)
		}
	}
	return nil
}

func (c *Client) checkScopes() error {
	for _, text := range c.Scopes {
		if slices.Contains(plain, text) && c.Principal == "" {
			continue
		}
		s, err := access.ParseScope(text)
		if err != nil {
			return err
		}
		if (s.For == access.SystemScope) != (c.Principal != "") {
			return fmt.Errorf("scope %q: system/ is for backends, patient/ and user/ for apps of persons", text)
		}
	}
	return nil
}

// origins are those of its pages, which may use tokens from a browser.
func (c *Client) origins() (list []string) {
	for _, r := range c.Redirects {
		if u, err := url.Parse(r); err == nil && u.Host != "" && (u.Scheme == "https" || u.Scheme == "http") {
			list = append(list, u.Scheme+"://"+u.Host)
		}
	}
	return list
}

// asked is a Client as fosite wants it.
type asked struct{ *Client }

func (a asked) GetID() string                 { return a.ID }
func (a asked) GetHashedSecret() []byte       { return nil } // never by fosite
func (a asked) GetRedirectURIs() []string     { return a.Redirects }
func (a asked) GetScopes() fosite.Arguments   { return a.Scopes }
func (a asked) IsPublic() bool                { return a.Method == MethodNone }
func (a asked) GetAudience() fosite.Arguments { return nil }

func (a asked) GetGrantTypes() fosite.Arguments {
	if a.Principal != "" {
		return fosite.Arguments{"client_credentials"}
	}
	return fosite.Arguments{"authorization_code", "refresh_token"}
}

func (a asked) GetResponseTypes() fosite.Arguments {
	if a.Principal != "" {
		return nil
	}
	return fosite.Arguments{"code"}
}
