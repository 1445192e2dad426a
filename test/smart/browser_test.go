package smart

import (
	"crypto/sha256"
	"encoding/base64"
	"html"
	"io"
	"maps"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"tenon/oauth"
)

// browser is a person at the pages: it keeps cookies and follows no redirect to
// an app.
type browser struct {
	h    *house
	http *http.Client
	last *page

	agent string // what it says it is, the usual where empty
	from  string // where a proxy says that it is
}

type page struct {
	status   int
	header   http.Header
	body     string
	location *url.URL // where an app was answered
}

func (h *house) browser(t testing.TB) *browser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	b := &browser{h: h}
	b.http = &http.Client{Jar: jar, CheckRedirect: func(r *http.Request, _ []*http.Request) error {
		if !strings.HasPrefix(r.URL.String(), h.URL) {
			return http.ErrUseLastResponse
		}
		return nil
	}}
	return b
}

func (b *browser) do(t testing.TB, r *http.Request) *page {
	t.Helper()
	if b.agent != "" {
		r.Header.Set("User-Agent", b.agent)
	}
	if b.from != "" {
		r.Header.Set("X-Forwarded-For", b.from)
	}
	res, err := b.http.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, _ := io.ReadAll(res.Body)
	b.last = &page{status: res.StatusCode, header: res.Header, body: string(body)}
	if at := res.Header.Get("Location"); at != "" {
		b.last.location, _ = url.Parse(at)
	}
	return b.last
}

func (b *browser) get(t testing.TB, path string) *page {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), "GET", b.h.URL+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	return b.do(t, r)
}

func (b *browser) post(t testing.TB, path string, form url.Values) *page {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), "POST", b.h.URL+path, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return b.do(t, r)
}

var field = regexp.MustCompile(`<input type="(hidden|checkbox|radio)" name="([a-z]+)" value="([^"]*)"`)

// form is what the page would post: hidden fields and ticked boxes.
func (p *page) form() url.Values {
	form := url.Values{}
	for _, m := range field.FindAllStringSubmatch(p.body[strings.LastIndex(p.body, `<form method="post"`):], -1) {
		if m[1] != "radio" {
			form.Add(m[2], html.UnescapeString(m[3]))
		}
	}
	return form
}

const password = "correct horse battery"

// person gives a person a password.
func (h *house) person(t testing.TB, principal, name string) {
	t.Helper()
	if err := h.App.SetPassword(t.Context(), principal, name, password); err != nil {
		t.Fatal(err)
	}
}

// signIn fills in the page on which the browser is.
func (b *browser) signIn(t testing.TB, name string) *page {
	t.Helper()
	form := b.last.form()
	form.Set("name", name)
	form.Set("password", password)
	return b.post(t, "/oauth/sign-in", form)
}

const (
	verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk" // RFC 7636, appendix B
	callback = "https://app.test/cb?x=1"
)

func challengeOf(verifier string) string {
	sum := sha256.Sum256([]byte(verifier))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// ask is an authorization request in order, changed by the test.
func (h *house) ask(client, scope string, change url.Values) string {
	q := url.Values{"response_type": {"code"}, "client_id": {client}, "redirect_uri": {callback}, "scope": {scope}, "state": {"st-0123456789"},
		"aud": {h.URL + "/fhir"}, "code_challenge": {challengeOf(verifier)}, "code_challenge_method": {"S256"}}
	maps.Copy(q, change)
	for name, v := range change {
		if v == nil {
			q.Del(name)
		}
	}
	return "/oauth/authorize?" + q.Encode()
}

// app registers one of persons.
func (h *house) app(t testing.TB, id, method string, scopes ...string) {
	t.Helper()
	c := oauth.Client{ID: id, Method: method, Redirects: []string{callback}, Launch: "https://app.test/launch", Scopes: scopes}
	if method == oauth.MethodSecret {
		var err error
		if c.Secret, err = oauth.HashSecret(password); err != nil {
			t.Fatal(err)
		}
	}
	h.register(t, c)
}

// code goes through sign-in and consent and returns the code.
func (h *house) code(t testing.TB, request, patient string) string {
	t.Helper()
	b := h.browser(t)
	b.get(t, request)
	b.signIn(t, "wang")
	form := b.last.form()
	form.Set("decision", "allow")
	if patient != "" {
		form.Set("patient", strings.TrimPrefix(patient, "Patient/"))
	}
	p := b.post(t, "/oauth/consent", form)
	if p.location == nil || p.location.Query().Get("code") == "" {
		t.Fatalf("the consent answers %d %v %.900s, want a code", p.status, p.location, p.body)
	}
	return p.location.Query().Get("code")
}

func redeem(client, code string) url.Values {
	return url.Values{"grant_type": {"authorization_code"}, "client_id": {client}, "code": {code}, "redirect_uri": {callback}, "code_verifier": {verifier}}
}

// tokens is the whole way of a public app.
func (h *house) tokens(t testing.TB, client, scope, patient string) answer {
	t.Helper()
	a := h.post(t, "/oauth/token", redeem(client, h.code(t, h.ask(client, scope, nil), patient)))
	if a.status != 200 {
		t.Fatalf("token = %d %v", a.status, a.body)
	}
	return a
}
