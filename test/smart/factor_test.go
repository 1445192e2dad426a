package smart

import (
	"encoding/base32"
	"encoding/json"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"tenon/oauth"
	"tenon/test/servertest"
)

// TestSecondFactor signs in with a password and a code of an authenticator app.
// https://www.rfc-editor.org/rfc/rfc6238
func TestSecondFactor(t *testing.T) {
	onBothEngines(t, func(t *testing.T, h *house) {
		h.person(t, "PractitionerRole/clin-wang", "wang")
		h.person(t, "PractitionerRole/img-li", "li")
		h.app(t, "chart", oauth.MethodNone, "openid", "fhirUser", "user/*.rs")
		address, recovery, err := h.App.EnrolFactor(t.Context(), "PractitionerRole/clin-wang", "王 wang")
		if err != nil {
			t.Fatal(err)
		}
		u, err := url.Parse(address)
		if err != nil || u.Scheme != "otpauth" || u.Host != "totp" || len(recovery) != 10 {
			t.Fatalf("enrolled with %q and %d codes", address, len(recovery))
		}
		secret, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(u.Query().Get("secret"))
		if err != nil || len(secret) != 20 {
			t.Fatalf("secret of %d bytes: %v", len(secret), err)
		}
		code := func(ahead int64) string { return oauth.OneTimeCode(secret, time.Now().Unix()/30+ahead) }
		password := func(t *testing.T) (*browser, url.Values) {
			b := h.browser(t)
			b.get(t, h.ask("chart", "openid user/*.rs", nil))
			p := b.signIn(t, "wang")
			if p.status != 200 || !strings.Contains(p.body, `name="code"`) || strings.Contains(p.body, "user/*.rs") {
				t.Fatalf("after the password: %d %.800s, want the page for the code", p.status, p.body)
			}
			return b, p.form()
		}
		t.Run("the password alone signs nobody in", func(t *testing.T) {
			b, form := password(t)
			for _, c := range b.http.Jar.Cookies(&url.URL{Scheme: "http", Host: strings.TrimPrefix(h.URL, "http://"), Path: "/oauth/"}) {
				same(t, "a session", c.Name == "tenon_session", false)
			}
			p := b.get(t, "/oauth/consent?request="+url.QueryEscape(form.Get("request")))
			same(t, "the consent asks to sign in", strings.Contains(p.body, `name="password"`), true)
		})
		t.Run("a wrong code, the ticket of another browser, an old code", func(t *testing.T) {
			b, form := password(t)
			form.Set("code", "000000")
			if form.Get("code") == code(0) {
				form.Set("code", "000001")
			}
			same(t, "wrong", b.post(t, "/oauth/second-factor", form).status, 401)
			form.Set("code", code(-5))
			same(t, "old", b.post(t, "/oauth/second-factor", form).status, 401)
			other, theirs := password(t)
			theirs.Set("ticket", form.Get("ticket"))
			theirs.Set("code", code(0))
			same(t, "another's ticket", other.post(t, "/oauth/second-factor", theirs).status, 401)
		})
		t.Run("twin: the code signs in, once", func(t *testing.T) {
			now := code(0)
			b, form := password(t)
			form.Set("code", now)
			p := b.post(t, "/oauth/second-factor", form)
			same(t, "consent", strings.Contains(p.body, "user/*.rs"), true)
			allow := p.form()
			allow.Set("decision", "allow")
			a := h.post(t, "/oauth/token", redeem("chart", b.post(t, "/oauth/consent", allow).location.Query().Get("code")))
			claims := h.claimsOf(t, a.text("id_token"))
			same(t, "amr", claims["amr"], []any{"pwd", "otp", "mfa"})
			if at, _ := claims["auth_time"].(float64); time.Since(time.Unix(int64(at), 0)) > time.Minute {
				t.Errorf("auth_time = %v", claims["auth_time"])
			}
			again, form2 := password(t)
			form2.Set("code", now)
			same(t, "the code again", again.post(t, "/oauth/second-factor", form2).status, 401)
			same(t, "the ticket again", b.post(t, "/oauth/second-factor", form).status != 200, true)
		})
		t.Run("a recovery code helps one of 3 at once, and then nobody", func(t *testing.T) {
			type try struct {
				b    *browser
				form url.Values
			}
			tries := make([]try, 3)
			for i := range tries {
				tries[i].b, tries[i].form = password(t)
				tries[i].form.Set("code", " "+strings.ToUpper(recovery[0])+" ")
			}
			var mu sync.Mutex
			good := 0
			var all sync.WaitGroup
			for _, x := range tries {
				all.Go(func() {
					if p := x.b.post(t, "/oauth/second-factor", x.form); p.status == 200 {
						mu.Lock()
						good++
						mu.Unlock()
					}
				})
			}
			all.Wait()
			same(t, "signed in", good, 1)
		})
		t.Run("wrong codes lock the name as wrong passwords do, and a right password between does not help", func(t *testing.T) {
			b, form := password(t)
			form.Set("code", recovery[1]) // ends the count of the tests before
			same(t, "recovery", b.post(t, "/oauth/second-factor", form).status, 200)
			for range 5 {
				b, form := password(t)
				form.Set("code", "zzzz-zzzz")
				same(t, "wrong", b.post(t, "/oauth/second-factor", form).status, 401)
			}
			b = h.browser(t)
			b.get(t, h.ask("chart", "openid user/*.rs", nil))
			same(t, "locked", b.signIn(t, "wang").status, 401)
		})
		t.Run("twin: who has none signs in with the password; one that is taken away is not asked for", func(t *testing.T) {
			b := h.browser(t)
			b.get(t, h.ask("chart", "openid user/*.rs", nil))
			same(t, "li", strings.Contains(b.signIn(t, "li").body, "user/*.rs"), true)
			if err := h.App.RemoveFactor(t.Context(), "PractitionerRole/clin-wang"); err != nil {
				t.Fatal(err)
			}
			h.person(t, "PractitionerRole/clin-wang", "wang") // ends the lock
			b = h.browser(t)
			b.get(t, h.ask("chart", "openid user/*.rs", nil))
			same(t, "wang", strings.Contains(b.signIn(t, "wang").body, "user/*.rs"), true)
			same(t, "a machine has none", enrolled(h, t, "Device/mes"), false)
		})
	})
}

func enrolled(h *house, t *testing.T, principal string) bool {
	_, _, err := h.App.EnrolFactor(t.Context(), principal, "x")
	return err == nil
}

// claimsOf are those of an id_token whose signature fits the published keys.
func (h *house) claimsOf(t testing.TB, text string) (c map[string]any) {
	t.Helper()
	signed := parsedID(t, text)
	keys := h.keys(t).Key(signed.Signatures[0].Protected.KeyID)
	if len(keys) != 1 {
		t.Fatalf("%d keys have the kid of the id_token", len(keys))
	}
	body, err := signed.Verify(keys[0])
	if err == nil {
		err = json.Unmarshal(body, &c)
	}
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// keys are the published ones.
func (h *house) keys(t testing.TB) *jose.JSONWebKeySet {
	t.Helper()
	set := new(jose.JSONWebKeySet)
	if err := json.Unmarshal(h.Expect(t, 200, servertest.Request{Path: "/oauth/jwks"}).Body, set); err != nil {
		t.Fatal(err)
	}
	return set
}

func parsedID(t testing.TB, text string) *jose.JSONWebSignature {
	t.Helper()
	signed, err := jose.ParseSignedCompact(text, []jose.SignatureAlgorithm{jose.RS256})
	if err != nil {
		t.Fatal(err)
	}
	return signed
}

func kidOf(t testing.TB, text string) string { return parsedID(t, text).Signatures[0].Protected.KeyID }
