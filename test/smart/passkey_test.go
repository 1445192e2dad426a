package smart

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"html"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"tenon/oauth"
	"tenon/oauth/webauthn"
	"tenon/server/app"
	"tenon/test/standin/authenticator"
)

var (
	shownOptions = regexp.MustCompile(`data-options="([^"]*)"`)
	shownScript  = regexp.MustCompile(`(?s)<script>(.*?)</script>`)
	shownKeyID   = regexp.MustCompile(`name="key" value="([^"]*)"`)
)

// options are what the page hands to the authenticator.
type options struct {
	Challenge        string
	RPID             string `json:"rpId"`
	RP               struct{ ID string }
	User             struct{ ID, Name string }
	UserVerification string
	AllowCredentials []struct{ Type, ID string }
	PubKeyCredParams []struct{ Alg int }
}

func (p *page) options(t testing.TB) (o options) {
	t.Helper()
	if err := json.Unmarshal([]byte(html.UnescapeString(found(t, shownOptions, p))), &o); err != nil {
		t.Fatal(err)
	}
	return o
}

func (h *house) key(t testing.TB, algorithm string) *authenticator.Key {
	t.Helper()
	u, err := url.Parse(h.URL)
	if err != nil {
		t.Fatal(err)
	}
	k, err := authenticator.New(u.Hostname(), h.URL, algorithm)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// made is what the script fills into the form of enrolment.
func (p *page) made(t testing.TB, k *authenticator.Key) url.Values {
	t.Helper()
	form := p.form()
	client, attestation, err := k.Create(p.options(t).Challenge, false)
	if err != nil {
		t.Fatal(err)
	}
	form.Set("name", "蓝色钥匙 <b>")
	form.Set("client", b64(client))
	form.Set("attestation", b64(attestation))
	return form
}

// shows is what it fills into the form of the sign-in.
func (p *page) shows(t testing.TB, k *authenticator.Key) url.Values {
	t.Helper()
	client, raw, signature, err := k.Get(p.options(t).Challenge)
	if err != nil {
		t.Fatal(err)
	}
	first, _, _ := strings.Cut(p.body, "</form>")
	form := (&page{body: first}).form()
	for name, b := range map[string][]byte{"credential": k.ID, "client": client, "data": raw, "signature": signature} {
		form.Set(name, b64(b))
	}
	return form
}

// enrolKey goes through the page of a person who is signed in.
func (b *browser) enrolKey(t testing.TB, k *authenticator.Key) {
	t.Helper()
	p := b.post(t, "/oauth/account/passkey", b.get(t, "/oauth/account/passkey").made(t, k))
	if p.status != 200 || !strings.Contains(p.body, "我的账户") {
		t.Fatalf("enrolled: %d %.600s", p.status, p.body)
	}
}

// TestPasskey: a security key is a second factor that no other site can ask for.
// https://www.w3.org/TR/webauthn-2/
func TestPasskey(t *testing.T) {
	onBothEngines(t, func(t *testing.T, h *house) {
		h.person(t, "PractitionerRole/clin-wang", "wang")
		h.person(t, "PractitionerRole/img-li", "li")
		h.app(t, "signer", oauth.MethodNone, "openid", "fhirUser", "user/*.cruds")
		wang, li := h.key(t, "ES256"), h.key(t, "EdDSA")
		t.Run("R000-011 enrolment", func(t *testing.T) { h.passkeyEnrolment(t, wang) })
		h.signedIn(t, "li").enrolKey(t, li)
		t.Run("sign-in", func(t *testing.T) { h.passkeySignIn(t, wang, li) })
		t.Run("R000-011 step-up", func(t *testing.T) { h.passkeyStepUp(t, wang) })
		t.Run("account", func(t *testing.T) { h.passkeyAccount(t, wang) })
	})
}

func (h *house) passkeyEnrolment(t *testing.T, k *authenticator.Key) {
	b := h.signedIn(t, "wang")
	p := b.get(t, "/oauth/account/passkey")
	o := p.options(t)
	same(t, "the site", o.RP.ID, k.Site)
	same(t, "the person is no name", strings.Contains(o.User.ID, "wang"), false)
	same(t, "algorithms", o.PubKeyCredParams, []struct{ Alg int }{{-7}, {-8}, {-257}})
	script := found(t, shownScript, p)
	sum := sha256.Sum256([]byte(script))
	policy := p.header.Get("Content-Security-Policy")
	same(t, "the script alone runs", strings.Contains(policy, "; script-src 'sha256-"+base64.StdEncoding.EncodeToString(sum[:])+"';") && strings.Contains(policy, "default-src 'none'") &&
		!strings.Contains(policy, "unsafe") && !strings.Contains(policy, "connect-src"), true)
	same(t, "without it the page says what is missing", strings.Contains(p.body, `id="passkey-needs"`) && strings.Contains(p.body, "hidden>"), true)
	same(t, "other pages have none", strings.Contains(b.get(t, "/oauth/account").header.Get("Content-Security-Policy"), "script-src"), false)
	for name, change := range map[string]func(*authenticator.Key){
		"other origin": func(k *authenticator.Key) { k.Origin = "https://evil.test" },
		"other site":   func(k *authenticator.Key) { k.Site = "evil.test" },
		"not verified": func(k *authenticator.Key) { k.Flags = authenticator.Present },
	} {
		lying := *k
		change(&lying)
		same(t, "attack: "+name, b.post(t, "/oauth/account/passkey", b.get(t, "/oauth/account/passkey").made(t, &lying)).status, 422)
	}
	form := b.get(t, "/oauth/account/passkey").made(t, k)
	other := h.signedIn(t, "wang")
	theirs := other.get(t, "/oauth/account/passkey").form()
	stolen := url.Values{"guard": theirs["guard"], "challenge": form["challenge"], "client": form["client"], "attestation": form["attestation"], "name": {"x"}}
	same(t, "attack 33 the answer to a challenge of another session", other.post(t, "/oauth/account/passkey", stolen).status, 422)
	without := with(form, "guard", "x")
	same(t, "attack 33 without its guard", b.post(t, "/oauth/account/passkey", without).status, 400)
	same(t, "twin: enrolled", b.post(t, "/oauth/account/passkey", form).status, 200)
	same(t, "its name is text", strings.Contains(b.last.body, "蓝色钥匙 &lt;b&gt;"), true)
	time.Sleep(10 * time.Millisecond)
	b = h.browser(t)
	b.get(t, "/oauth/account/passkey")
	p = b.signIn(t, "wang")
	same(t, "who has a key shows it before a page of ours", strings.Contains(p.body, "使用安全密钥") && !strings.Contains(p.body, `name="code"`), true)
	form = b.post(t, "/oauth/second-factor", p.shows(t, k)).made(t, k)
	same(t, "a key that is enrolled already", b.post(t, "/oauth/account/passkey", form).status, 422)
	same(t, "attack: the challenge again", b.post(t, "/oauth/account/passkey", b.last.form()).status, 422)
}

func with(form url.Values, name, value string) url.Values {
	out := url.Values{}
	for n, v := range form {
		out[n] = slices.Clone(v)
	}
	out.Set(name, value)
	return out
}

func (h *house) passkeySignIn(t *testing.T, wang, li *authenticator.Key) {
	ask := h.ask("signer", "openid user/*.cruds", nil)
	password := func(t *testing.T, name string) (*browser, *page) {
		t.Helper()
		b := h.browser(t)
		b.get(t, ask)
		p := b.signIn(t, name)
		same(t, "the password alone signs nobody in", strings.Contains(p.body, "user/*.cruds"), false)
		return b, p
	}
	b, p := password(t, "wang")
	n := 0
	for name, change := range map[string]func(*authenticator.Key){
		"other origin":                   func(k *authenticator.Key) { k.Origin = "https://evil.test" },
		"other site":                     func(k *authenticator.Key) { k.Site = "evil.test" },
		"user not verified":              func(k *authenticator.Key) { k.Flags = authenticator.Present },
		"the count goes back":            func(k *authenticator.Key) { k.Counter = 1 },
		"another person's key":           func(k *authenticator.Key) { *k = *li },
		"another's key by the own id":    func(k *authenticator.Key) { k.Signer = li.Signer },
		"the own key by an unknown id":   func(k *authenticator.Key) { k.ID = []byte("unknown") },
		"an answer to another challenge": func(k *authenticator.Key) { k.Client = map[string]any{"challenge": b64(make([]byte, 32))} },
	} {
		if n++; n%4 == 0 { // the right one ends the count of wrong ones
			same(t, "twin: the own key", b.post(t, "/oauth/second-factor", p.shows(t, wang)).status, 200)
			b, p = password(t, "wang")
		}
		lying := *wang
		change(&lying)
		p = b.post(t, "/oauth/second-factor", p.shows(t, &lying))
		same(t, "attack: "+name, p.status, 401)
	}
	same(t, "twin: the own key", b.post(t, "/oauth/second-factor", p.shows(t, wang)).status, 200)
	t.Run("attack: replay", func(t *testing.T) {
		b, p := password(t, "wang")
		form := p.shows(t, wang)
		other, q := password(t, "wang")
		replayed := q.shows(t, wang)
		for _, name := range []string{"credential", "client", "data", "signature"} {
			replayed.Set(name, form.Get(name))
		}
		same(t, "in another sign-in", other.post(t, "/oauth/second-factor", replayed).status, 401)
		same(t, "the ticket in another browser", other.post(t, "/oauth/second-factor", with(replayed, "ticket", form.Get("ticket"))).status, 401)
		wang.Counter++
		form = p.shows(t, wang)
		same(t, "twin", b.post(t, "/oauth/second-factor", form).status, 200)
		same(t, "again", b.post(t, "/oauth/second-factor", form).status != 200, true)
	})
	t.Run("of 4 at once with one answer, one signs in", func(t *testing.T) {
		b, p := password(t, "wang")
		form := p.shows(t, wang)
		var mu sync.Mutex
		good := 0
		var all sync.WaitGroup
		for range 4 {
			twin := &browser{h: b.h, http: b.http}
			all.Go(func() {
				if r := twin.post(t, "/oauth/second-factor", form); strings.Contains(r.body, "user/*.cruds") && r.status == 200 && !strings.Contains(r.body, "passkey-needs") {
					mu.Lock()
					good++
					mu.Unlock()
				}
			})
		}
		all.Wait()
		same(t, "signed in", good, 1)
	})
	t.Run("a code of an app that the person does not have", func(t *testing.T) {
		b, p := password(t, "wang")
		form := p.shows(t, wang)
		form.Del("credential")
		form.Set("code", "000000")
		same(t, "status", b.post(t, "/oauth/second-factor", form).status, 401)
	})
	t.Run("wrong keys lock the name as wrong codes do", func(t *testing.T) {
		lying := *li
		lying.Signer = h.key(t, "EdDSA").Signer
		b, p := password(t, "li")
		for range 5 {
			p = b.post(t, "/oauth/second-factor", p.shows(t, &lying))
			same(t, "wrong", p.status, 401)
		}
		b = h.browser(t)
		b.get(t, ask)
		same(t, "locked", b.signIn(t, "li").status, 401)
	})
}

func (h *house) passkeyStepUp(t *testing.T, wang *authenticator.Key) {
	request := func(acr string) string {
		return h.ask("signer", "openid user/*.cruds", url.Values{"acr_values": {acr}, "max_age": {"900"}})
	}
	b := h.browser(t)
	b.get(t, h.ask("signer", "openid user/*.cruds", nil))
	b.post(t, "/oauth/second-factor", b.signIn(t, "wang").shows(t, wang))
	a := b.allowed(t, "signer")
	claims := h.claimsOf(t, a.text("id_token"))
	same(t, "acr", claims["acr"], oauth.ACRPhish)
	same(t, "amr", claims["amr"], []any{"pwd", "hwk", "mfa"})
	same(t, "signs", h.signs(t, a.text("access_token")).Status, 422) // from behind the second factor
	f := b.enrol(t)
	// Signed in by a code, an app that asks for phr leads to the key alone.
	b = h.browser(t)
	b.get(t, request(oauth.ACRMulti))
	p := b.signIn(t, "wang")
	same(t, "either", strings.Contains(p.body, `name="code"`) && strings.Contains(p.body, "data-options"), true)
	form := p.form()
	form.Set("code", f.spare())
	b.post(t, "/oauth/second-factor", form)
	same(t, "acr by a code", h.claimsOf(t, b.allowed(t, "signer").text("id_token"))["acr"], oauth.ACRMulti)
	p = b.get(t, request(oauth.ACRPhish))
	same(t, "the key alone", !strings.Contains(p.body, `name="code"`) && strings.Contains(p.body, "data-options"), true)
	form = p.form()
	form.Set("code", f.spare())
	same(t, "attack: a code instead leads to no consent", strings.Contains(b.post(t, "/oauth/second-factor", form).body, `name="decision"`), false)
	p = b.get(t, request(oauth.ACRPhish))
	b.post(t, "/oauth/second-factor", p.shows(t, wang))
	same(t, "twin: acr by the key", h.claimsOf(t, b.allowed(t, "signer").text("id_token"))["acr"], oauth.ACRPhish)
}

func (h *house) passkeyAccount(t *testing.T, wang *authenticator.Key) {
	b := h.browser(t)
	b.from = "203.0.113.9"
	b.get(t, "/oauth/account/passkey")
	p := b.signIn(t, "wang")
	p = b.post(t, "/oauth/second-factor", p.shows(t, wang))
	synced := h.key(t, "RS256")
	synced.Flags |= authenticator.Movable | authenticator.Moved
	same(t, "a second key", b.post(t, "/oauth/account/passkey", p.made(t, synced)).status, 200)
	c := h.browser(t)
	c.get(t, h.ask("signer", "openid user/*.cruds", nil))
	q := c.signIn(t, "wang")
	same(t, "both are asked for", len(q.options(t).AllowCredentials), 2)
	same(t, "the person is to be verified", q.options(t).UserVerification, "required")
	c.post(t, "/oauth/second-factor", q.shows(t, synced))
	claims := h.claimsOf(t, c.allowed(t, "signer").text("id_token"))
	same(t, "what may be copied to other machines is no hardware", claims["amr"], []any{"pwd", "swk", "mfa"})
	p = b.get(t, "/oauth/account")
	same(t, "no proxy is trusted that is not named", strings.Contains(p.body, "127.0.0.1") && !strings.Contains(p.body, "203.0.113.9"), true)
	remove := url.Values{"guard": {found(t, hiddenGuard, p)}, "key": {found(t, shownKeyID, p)}}
	same(t, "attack 33 removal without the guard", b.post(t, "/oauth/account/passkey/remove", with(remove, "guard", "x")).status, 400)
	same(t, "removed", b.post(t, "/oauth/account/passkey/remove", remove).status, 200)
	c = h.browser(t)
	c.get(t, h.ask("signer", "openid user/*.cruds", nil))
	q = c.signIn(t, "wang")
	same(t, "a removed key", c.post(t, "/oauth/second-factor", q.shows(t, wang)).status, 401)
	if err := h.App.RemoveFactor(t.Context(), "PractitionerRole/clin-wang"); err != nil {
		t.Fatal(err)
	}
	c = h.browser(t)
	c.get(t, h.ask("signer", "openid user/*.cruds", nil))
	same(t, "the operator takes all away", strings.Contains(c.signIn(t, "wang").body, "user/*.cruds"), true)
}

// TestLastPasskey: where everybody must have a second factor the last one stays.
func TestLastPasskey(t *testing.T) {
	h := furnished(t, app.Config{Sample: true, SignIn: app.SignIn{SecondFactor: oauth.SecondRequired, AddressRate: 1, Burst: 30}, TrustedProxies: app.Proxies{"127.0.0.0/8"}})
	h.person(t, "PractitionerRole/clin-wang", "wang")
	b := h.browser(t)
	b.from = "198.51.100.66, 203.0.113.9" // the first it wrote itself, the second the proxy
	b.get(t, "/oauth/account")
	p := b.signIn(t, "wang")
	same(t, "behind a trusted proxy the address is the client's", strings.Contains(p.body, "203.0.113.9") && !strings.Contains(p.body, "198.51.100.66"), true)
	k := h.key(t, "ES256")
	b.enrolKey(t, k)
	p = b.get(t, "/oauth/account/passkey")
	p = b.post(t, "/oauth/second-factor", p.shows(t, k))
	second := h.key(t, "ES256")
	remove := func(status int) {
		t.Helper()
		p := b.get(t, "/oauth/account")
		same(t, "removal", b.post(t, "/oauth/account/passkey/remove", url.Values{"guard": {found(t, hiddenGuard, p)}, "key": {found(t, shownKeyID, p)}}).status, status)
	}
	remove(400)
	flood := h.browser(t)
	flood.from = "203.0.113.10"
	status := 0
	for range 40 {
		status = flood.get(t, h.ask("none", "x", nil)).status
	}
	same(t, "one address asks too often", status, 429)
	same(t, "another", b.post(t, "/oauth/account/passkey", p.made(t, second)).status, 200)
	remove(200) // twin: from another address behind the same proxy
	remove(400)
	for i := range 9 {
		fresh, err := h.App.Store.PutPasskey(t.Context(), "main", &oauth.Passkey{Credential: webauthn.Credential{ID: []byte{byte(i)}, Key: []byte{1}}, Principal: "PractitionerRole/clin-wang", Created: time.Now()}, 10)
		same(t, "kept", fresh && err == nil, true)
	}
	p = b.get(t, "/oauth/account/passkey")
	same(t, "who has ten keys is asked for none", p.status == 200 && strings.Contains(p.body, "Remove one first") && !strings.Contains(p.body, "<script>"), true)
	same(t, "nor does script run there", strings.Contains(p.header.Get("Content-Security-Policy"), "script-src"), false)
}
