package smart

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"html"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"tenon/oauth"
	"tenon/server/app"
	"tenon/server/store/pgtest"
)

// hospital is another OpenID provider, which says what the test tells it to.
type hospital struct {
	*httptest.Server
	key    key
	mu     sync.Mutex
	asked  url.Values     // the authorization request
	change map[string]any // claims that differ from those in order
	issuer string         // that its document claims to be of, "" its own
	by     *key           // that signs instead
	alg    jose.SignatureAlgorithm
	redeem int
}

func newHospital(t *testing.T) *hospital {
	o := &hospital{key: newKey(t, "h", jose.RS256)}
	m := http.NewServeMux()
	m.HandleFunc("GET /.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		issuer := o.issuer
		if issuer == "" {
			issuer = o.URL
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"issuer": issuer, "authorization_endpoint": o.URL + "/authorize", "token_endpoint": o.URL + "/token", "jwks_uri": o.URL + "/keys",
			"authorization_response_iss_parameter_supported": true})
	})
	m.HandleFunc("GET /keys", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(jwks(t, o.key)) })
	m.HandleFunc("POST /token", func(w http.ResponseWriter, r *http.Request) {
		o.mu.Lock()
		defer o.mu.Unlock()
		o.redeem++
		_ = r.ParseForm()
		sum := sha256.Sum256([]byte(r.PostForm.Get("code_verifier")))
		id, secret, _ := r.BasicAuth()
		secret, _ = url.QueryUnescape(secret) // RFC 6749 §2.3.1
		if base64.RawURLEncoding.EncodeToString(sum[:]) != o.asked.Get("code_challenge") || r.PostForm.Get("code") != "good" || id != "tenon" || secret != password {
			w.WriteHeader(400)
			return
		}
		claims := map[string]any{"iss": o.URL, "sub": "s-1", "aud": "tenon", "exp": time.Now().Add(time.Minute).Unix(), "iat": time.Now().Unix(), "nonce": o.asked.Get("nonce")}
		maps.Copy(claims, o.change)
		signs, alg := o.key, jose.RS256
		if o.by != nil {
			signs = *o.by
		}
		body, _ := json.Marshal(claims)
		signer, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: jose.JSONWebKey{Key: signs.signer, KeyID: signs.kid}}, nil)
		if o.alg != "" {
			signer, err = jose.NewSigner(jose.SigningKey{Algorithm: o.alg, Key: jose.JSONWebKey{Key: []byte(strings.Repeat("k", 64)), KeyID: signs.kid}}, nil)
		}
		if err != nil {
			t.Error(err)
			return
		}
		signed, _ := signer.Sign(body)
		text, _ := signed.CompactSerialize()
		_ = json.NewEncoder(w).Encode(map[string]string{"id_token": text, "access_token": "x", "token_type": "Bearer"})
	})
	o.Server = httptest.NewServer(m)
	t.Cleanup(o.Close)
	return o
}

// TestFederation: people sign in by the hospital's own provider.
// https://openid.net/specs/openid-connect-core-1_0.html#CodeFlowAuth
func TestFederation(t *testing.T) {
	for _, engine := range []string{"SQLite", "PostgreSQL"} {
		t.Run(engine, func(t *testing.T) {
			own, other := newHospital(t), newHospital(t)
			file := filepath.Join(t.TempDir(), "providers.json")
			text, _ := json.Marshal([]oauth.Issuer{
				{Name: "his", Label: "医院统一认证", Issuer: own.URL, Client: "tenon", Secret: password, NumberClaim: "employee_number", NumberSystem: "urn:hospital:staff"},
				{Name: "other", Label: "Other", Issuer: other.URL, Client: "tenon", Secret: password},
			})
			if err := os.WriteFile(file, text, 0o600); err != nil {
				t.Fatal(err)
			}
			c := app.Config{Sample: true, Dev: true, SignIn: app.SignIn{Providers: file}, Outbound: app.Outbound{Allow: []string{"127.0.0.0/8"}}}
			if engine == "PostgreSQL" {
				c.Database = pgtest.Database(t, "empty", nil)
			}
			h := furnished(t, c)
			h.federation(t, own, other)
		})
	}
}

var ledTo = regexp.MustCompile(`<meta http-equiv="refresh" content="0;url=([^"]*)">`)

// onward is where a page leads; nil: nowhere. A policy for its forms does not bind it.
func (p *page) onward() *url.URL {
	m := ledTo.FindStringSubmatch(p.body)
	if m == nil || strings.Contains(p.header.Get("Content-Security-Policy"), "script-src") {
		return nil
	}
	u, _ := url.Parse(html.UnescapeString(m[1]))
	return u
}

func (h *house) federation(t *testing.T, own, other *hospital) {
	// abroad sends a browser to a provider and comes back with what it is told to.
	abroad := func(t *testing.T, o *hospital, name string, back url.Values) (*browser, *page) {
		t.Helper()
		b := h.browser(t)
		b.get(t, "/oauth/account")
		form := b.last.form()
		form.Set("provider", name)
		p := b.post(t, "/oauth/sign-in/elsewhere", form)
		to := p.onward()
		if to == nil || to.Path != "/authorize" {
			return b, p
		}
		o.mu.Lock()
		o.asked = to.Query()
		o.mu.Unlock()
		q := url.Values{"state": {o.asked.Get("state")}, "code": {"good"}, "iss": {o.URL}}
		maps.Copy(q, back)
		return b, b.get(t, "/oauth/sign-in/callback?"+q.Encode())
	}
	in := func(p *page) bool { return p.status == 200 && strings.Contains(p.body, "我的账户") }
	t.Run("nobody is linked by an e-mail address, or by an unverified name", func(t *testing.T) {
		own.change = map[string]any{"email": "wang@hospital.test", "email_verified": true, "preferred_username": "wang", "name": "王"}
		_, p := abroad(t, own, "his", nil)
		same(t, "status", p.status, 401)
		for _, claim := range []string{"email", "preferred_username"} {
			i := oauth.Issuer{Name: "x", Label: "x", Issuer: "https://x.test", Client: "x", Secret: "x", NumberClaim: claim, NumberSystem: "urn:x"}
			same(t, claim+" as a number", i.Check() != nil, true)
		}
		own.change = nil
	})
	same(t, "a link with an unknown issuer", h.App.Link(t.Context(), "https://evil.test", "s-1", "PractitionerRole/clin-wang") != nil, true)
	if err := h.App.Link(t.Context(), own.URL, "s-1", "PractitionerRole/clin-wang"); err != nil {
		t.Fatal(err)
	}
	t.Run("twin: a linked person signs in", func(t *testing.T) {
		b, p := abroad(t, own, "his", nil)
		same(t, "signed in", in(p) && strings.Contains(p.body, "PractitionerRole/clin-wang"), true)
		same(t, "with PKCE and a nonce", own.asked.Get("code_challenge_method") == "S256" && len(own.asked.Get("nonce")) > 40, true)
		q := url.Values{"state": {own.asked.Get("state")}, "code": {"good"}, "iss": {own.URL}}
		same(t, "the answer again", b.get(t, "/oauth/sign-in/callback?"+q.Encode()).status, 400)
	})
	t.Run("attack 33 the answer in another browser", func(t *testing.T) {
		b := h.browser(t)
		b.get(t, "/oauth/account")
		form := b.last.form()
		form.Set("provider", "his")
		state := b.post(t, "/oauth/sign-in/elsewhere", form).onward().Query().Get("state")
		q := url.Values{"state": {state}, "code": {"good"}, "iss": {own.URL}}
		same(t, "a victim's browser", h.browser(t).get(t, "/oauth/sign-in/callback?"+q.Encode()).status, 400)
	})
	t.Run("attack 32 mix-up: the answer of one provider for another", func(t *testing.T) {
		before := own.redeem + other.redeem
		_, p := abroad(t, other, "other", url.Values{"iss": {own.URL}})
		same(t, "another iss", p.status, 401)
		_, p = abroad(t, own, "his", url.Values{"iss": nil})
		same(t, "no iss of one that always sends it", p.status, 401)
		same(t, "no code was sent anywhere", own.redeem+other.redeem, before)
		other.issuer = own.URL
		b := h.browser(t)
		b.get(t, "/oauth/account")
		form := b.last.form()
		form.Set("provider", "other")
		same(t, "a document of another issuer", b.post(t, "/oauth/sign-in/elsewhere", form).status, 502)
		other.issuer = ""
		other.change = map[string]any{"iss": own.URL}
		_, p = abroad(t, other, "other", nil)
		same(t, "an id_token of another issuer", p.status, 401)
		other.change = nil
		_, p = abroad(t, other, "other", nil)
		same(t, "the same subject of another issuer is nobody", p.status, 401)
	})
	t.Run("id_tokens that are refused", func(t *testing.T) {
		for name, change := range map[string]map[string]any{
			"another nonce": {"nonce": "x"}, "no nonce": {"nonce": ""}, "another audience": {"aud": "evil"}, "several, for another party": {"aud": []string{"tenon", "evil"}, "azp": "evil"},
			"expired": {"exp": time.Now().Add(-time.Hour).Unix()}, "of the future": {"iat": time.Now().Add(time.Hour).Unix()}, "no subject": {"sub": ""}, "another subject": {"sub": "s-2"},
		} {
			own.change = change
			_, p := abroad(t, own, "his", nil)
			same(t, name, p.status, 401)
		}
		own.change = nil
		evil := newKey(t, "h", jose.RS256)
		own.by = &evil
		_, p := abroad(t, own, "his", nil)
		same(t, "another key of the same kid", p.status, 401)
		own.by = nil
		own.alg = jose.HS256
		_, p = abroad(t, own, "his", nil)
		same(t, "attack 29 HS256", p.status, 401)
		own.alg = ""
		_, p = abroad(t, own, "his", url.Values{"code": {"bad"}})
		same(t, "a code that it refuses", p.status, 401)
		_, p = abroad(t, own, "his", nil)
		same(t, "twin", in(p), true)
	})
	t.Run("a number that the provider vouches for", func(t *testing.T) {
		person := h.Create(t, "", `{"resourceType":"Practitioner","active":true,"identifier":[{"system":"urn:hospital:staff","value":"4711"}]}`)
		role := h.Create(t, "", `{"resourceType":"PractitionerRole","active":true,"practitioner":{"reference":"`+person+`"},"organization":{"reference":"Organization/hospital"},"code":[{"coding":[{"system":"urn:tenon:role","code":"CLIN"}]}]}`)
		own.change = map[string]any{"sub": "s-4711", "employee_number": "4711"}
		b, p := abroad(t, own, "his", nil)
		same(t, "signs in", in(p) && strings.Contains(p.body, role), true)
		f := b.enrol(t)
		_, p = abroad(t, own, "his", nil)
		same(t, "R000-011 the own second factor is still asked for", strings.Contains(p.body, `name="code"`), true)
		same(t, "and there is one", len(f.recovery), 10)
		own.change = map[string]any{"sub": "s-9", "employee_number": "*"}
		_, p = abroad(t, own, "his", nil)
		same(t, "another number", p.status, 401)
		h.Create(t, "", `{"resourceType":"Practitioner","active":true,"identifier":[{"system":"urn:hospital:staff","value":"4711"}]}`)
		own.change = map[string]any{"sub": "s-4712", "employee_number": "4711"}
		_, p = abroad(t, own, "his", nil)
		same(t, "a number of two people", p.status, 401)
	})
}
