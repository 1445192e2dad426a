package smart

import (
	"encoding/base32"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"tenon/oauth"
	"tenon/server/app"
	"tenon/test/servertest"
)

var (
	shownKey    = regexp.MustCompile(`<code>([A-Z2-7 ]+)</code>`)
	shownCodes  = regexp.MustCompile(`<code>([a-z2-7-]{19})</code>`)
	hiddenGuard = regexp.MustCompile(`name="guard" value="([^"]*)"`)
	hiddenSeal  = regexp.MustCompile(`name="sealed" value="([^"]*)"`)
)

func found(t testing.TB, r *regexp.Regexp, p *page) string {
	t.Helper()
	m := r.FindStringSubmatch(p.body)
	if m == nil {
		t.Fatalf("the page (%d) lacks %v: %.1500s", p.status, r, p.body)
	}
	return m[1]
}

// factor is what a person keeps of an enrolment.
type factor struct {
	secret   []byte
	recovery []string
	enrolled int64 // the step of 30 s that it was enrolled in
}

// code is that of the enrolment, or of a step after it.
func (f *factor) code(after int64) string {
	return oauth.OneTimeCode(f.secret, f.enrolled+after)
}

// spare is a recovery code that was not used yet.
func (f *factor) spare() string {
	code := f.recovery[0]
	f.recovery = f.recovery[1:]
	return code
}

// enrol goes through the page of a person who is signed in.
func (b *browser) enrol(t testing.TB) *factor {
	t.Helper()
	p := b.get(t, "/oauth/account/factor")
	f := &factor{enrolled: time.Now().Unix() / 30}
	var err error
	if f.secret, err = base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(strings.ReplaceAll(found(t, shownKey, p), " ", "")); err != nil {
		t.Fatal(err)
	}
	form := url.Values{"guard": {found(t, hiddenGuard, p)}, "sealed": {found(t, hiddenSeal, p)}, "code": {f.code(0)}}
	p = b.post(t, "/oauth/account/factor", form)
	for _, m := range shownCodes.FindAllStringSubmatch(p.body, -1) {
		f.recovery = append(f.recovery, m[1])
	}
	if p.status != 200 || len(f.recovery) != 10 {
		t.Fatalf("enrolled: %d with %d recovery codes", p.status, len(f.recovery))
	}
	return f
}

// signs asks for a signature of what is in no case: 401 asks for a second factor, 422
// is from behind it.
func (h *house) signs(t testing.TB, token string) *servertest.Answer {
	t.Helper()
	return h.Send(t, servertest.Request{Token: token, Method: "POST", Path: "/fhir/" + h.a + "/$sign",
		Body: []byte(`{"resourceType":"Parameters","parameter":[{"name":"role","valueCode":"CLIN"},{"name":"purpose","valueCode":"judgement"},{"name":"secret","valueString":"x"}]}`)})
}

// allowed ends on the consent page and redeems the code.
func (b *browser) allowed(t testing.TB, client string) answer {
	t.Helper()
	form := b.last.form()
	form.Set("decision", "allow")
	p := b.post(t, "/oauth/consent", form)
	if p.location == nil {
		t.Fatalf("the consent answers %d %.900s", p.status, p.body)
	}
	return b.h.post(t, "/oauth/token", redeem(client, p.location.Query().Get("code")))
}

// TestStepUp: a signature asks for a second factor that was shown lately, and tells
// an app how its person shows it.
// https://www.rfc-editor.org/rfc/rfc9470
func TestStepUp(t *testing.T) {
	onBothEngines(t, func(t *testing.T, h *house) {
		h.person(t, "PractitionerRole/clin-wang", "wang")
		h.person(t, "PractitionerRole/img-li", "li")
		h.app(t, "signer", oauth.MethodNone, "openid", "fhirUser", "user/*.cruds")
		request := func(change url.Values) string { return h.ask("signer", "openid user/*.cruds", change) }
		multi := url.Values{"acr_values": {oauth.ACRMulti}, "max_age": {"900"}}
		b := h.browser(t)
		b.get(t, request(nil))
		b.signIn(t, "wang")
		before := b.allowed(t, "signer")
		same(t, "acr by a password", h.claimsOf(t, before.text("id_token"))["acr"], oauth.ACRSingle)
		same(t, "twin: who has no second factor is not asked", h.signs(t, before.text("access_token")).Status, 422)
		t.Run("acr_values that cannot be reached", func(t *testing.T) {
			p := b.get(t, request(multi))
			same(t, "error", p.location.Query().Get("error"), "unmet_authentication_requirements")
		})
		var f *factor
		t.Run("R000-011 the page of enrolment", func(t *testing.T) {
			p := b.get(t, "/oauth/account/factor")
			policy := p.header.Get("Content-Security-Policy")
			same(t, "the image is in the page, without a script", strings.Contains(p.body, `<svg class="qr"`) && !strings.Contains(p.body, "<script") &&
				strings.Contains(policy, "default-src 'none'") && !strings.Contains(policy, "img-src") && !strings.Contains(policy, "unsafe"), true)
			same(t, "both languages", strings.Contains(p.body, "登记第二验证因素") && strings.Contains(p.body, "Enrol a second factor"), true)
			form := url.Values{"guard": {found(t, hiddenGuard, p)}, "sealed": {found(t, hiddenSeal, p)}, "code": {"000000"}}
			same(t, "a wrong code", b.post(t, "/oauth/account/factor", form).status, 422)
			other := h.browser(t)
			theirs := other.get(t, "/oauth/account/factor")
			same(t, "who is not signed in signs in", strings.Contains(theirs.body, `name="password"`), true)
			theirs = other.signIn(t, "li")
			attack := url.Values{"guard": {found(t, hiddenGuard, theirs)}, "sealed": form["sealed"], "code": {"000000"}}
			same(t, "attack 33 a secret of another session", other.post(t, "/oauth/account/factor", attack).status, 400)
			form.Set("guard", attack.Get("guard"))
			same(t, "attack 33 the guard of another session", b.post(t, "/oauth/account/factor", form).status, 400)
			f = b.enrol(t)
		})
		time.Sleep(1100 * time.Millisecond) // a checked token is trusted for a second
		t.Run("R000-011 a signature without it is challenged", func(t *testing.T) {
			a := h.signs(t, before.text("access_token"))
			same(t, "status", a.Status, 401)
			challenge := a.Header.Get("WWW-Authenticate")
			for _, want := range []string{`error="insufficient_user_authentication"`, `acr_values="` + oauth.ACRMulti + `"`, `max_age="900"`} {
				if !strings.Contains(challenge, want) {
					t.Errorf("the challenge %q lacks %s", challenge, want)
				}
			}
			same(t, "twin: reading is not asked for it", h.status(t, before.text("access_token"), "GET", h.a, nil), 200)
		})
		t.Run("R000-011 twin: shown, the app signs", func(t *testing.T) {
			p := b.get(t, request(multi))
			same(t, "the signed-in person is asked for the code alone", strings.Contains(p.body, `name="code"`) && !strings.Contains(p.body, `name="password"`), true)
			form := p.form()
			form.Set("code", f.code(0))
			same(t, "the code of the enrolment again", b.post(t, "/oauth/second-factor", form).status, 401)
			form.Set("code", f.code(1))
			b.post(t, "/oauth/second-factor", form)
			after := b.allowed(t, "signer")
			claims := h.claimsOf(t, after.text("id_token"))
			same(t, "acr", claims["acr"], oauth.ACRMulti)
			same(t, "amr", claims["amr"], []any{"pwd", "otp", "mfa"})
			told := h.post(t, "/oauth/introspect", url.Values{"token": {after.text("access_token")}}, "Authorization", "Bearer "+after.text("access_token"))
			same(t, "introspected acr", told.body["acr"], oauth.ACRMulti)
			same(t, "introspected auth_time", told.body["auth_time"], claims["auth_time"])
			same(t, "signs", h.signs(t, after.text("access_token")).Status, 422)
			same(t, "the older token still does not", h.signs(t, before.text("access_token")).Status, 401)
		})
		t.Run("what an app asks of the sign-in", func(t *testing.T) {
			asksFor := func(change url.Values) string {
				switch p := b.get(t, request(change)); {
				case p.location != nil:
					return p.location.Query().Get("error")
				case strings.Contains(p.body, `name="password"`):
					return "password"
				case strings.Contains(p.body, `name="decision"`):
					return "consent"
				}
				return b.last.body
			}
			for want, change := range map[string][]url.Values{
				"consent":                           {nil, multi, {"max_age": {"900"}}, {"acr_values": {"urn:unknown " + oauth.ACRSingle}}, {"prompt": {"consent"}}},
				"password":                          {{"prompt": {"login"}}, {"max_age": {"0"}}, {"prompt": {"select_account consent"}}},
				"consent_required":                  {{"prompt": {"none"}}},
				"login_required":                    {{"prompt": {"none"}, "max_age": {"0"}}},
				"unmet_authentication_requirements": {{"acr_values": {"urn:unknown"}}},
				"invalid_request":                   {{"prompt": {"none login"}}, {"prompt": {"x"}}, {"max_age": {"-1"}}, {"max_age": {"soon"}}},
			} {
				for _, c := range change {
					same(t, c.Encode(), asksFor(c), want)
				}
			}
			same(t, "a stranger", h.browser(t).get(t, request(url.Values{"prompt": {"none"}})).location.Query().Get("error"), "login_required")
		})
		t.Run("a token without an app steps up by a code, once", func(t *testing.T) {
			time.Sleep(1100 * time.Millisecond)
			same(t, "before", h.signs(t, h.token).Status, 401)
			spare := f.spare()
			post := func(token, code string) int {
				return h.post(t, "/oauth/step-up", url.Values{"code": {code}}, "Authorization", "Bearer "+token).status
			}
			same(t, "a wrong code", post(h.token, "000000"), 401)
			same(t, "an app's token", post(before.text("access_token"), spare), 403)
			same(t, "a machine", post(h.Token(t, "Device/mes"), spare), 403)
			same(t, "another person", post(h.Token(t, "PractitionerRole/img-li"), spare), 401)
			same(t, "nobody", post("x", spare), 401)
			same(t, "the person", post(h.token, spare), 204)
			same(t, "the code again", post(h.token, spare), 401)
			same(t, "signs", h.signs(t, h.token).Status, 422)
			for range 5 {
				post(h.token, "000000")
			}
			same(t, "five wrong codes lock", post(h.token, f.spare()), 401)
		})
		t.Run("a job signs for nobody", func(t *testing.T) {
			same(t, "fresh, at once", h.signs(t, h.token).Status, 422)
			a := h.Send(t, servertest.Request{Token: h.token, Method: "POST", Path: "/fhir/" + h.a + "/$sign", Header: map[string]string{"Prefer": "respond-async"},
				Body: []byte(`{"resourceType":"Parameters","parameter":[{"name":"role","valueCode":"CLIN"},{"name":"purpose","valueCode":"judgement"},{"name":"secret","valueString":"x"}]}`)})
			if a.Status != 202 {
				return // it is not carried out by a job at all
			}
			where := strings.TrimPrefix(a.Header.Get("Content-Location"), h.URL)
			for a.Status == 202 {
				time.Sleep(50 * time.Millisecond)
				a = h.Send(t, servertest.Request{Token: h.token, Path: where})
			}
			same(t, "refused", strings.Contains(string(a.Body), "insufficient-user-authentication") || slices.Contains([]int{401, 403}, a.Status), true)
		})
	})
}

// TestStepUpRequired: where everybody must, who has no second factor signs nothing.
func TestStepUpRequired(t *testing.T) {
	h := furnished(t, app.Config{Sample: true, Dev: true, SignIn: app.SignIn{SecondFactor: oauth.SecondRequired}})
	a := h.signs(t, h.token)
	same(t, "R000-011 status", a.Status, 401)
	same(t, "challenge", strings.Contains(a.Header.Get("WWW-Authenticate"), "insufficient_user_authentication"), true)
	_, recovery, err := h.App.EnrolFactor(t.Context(), "PractitionerRole/clin-wang", "wang")
	if err != nil {
		t.Fatal(err)
	}
	same(t, "step up", h.post(t, "/oauth/step-up", url.Values{"code": {recovery[0]}}, "Authorization", "Bearer "+h.token).status, 204)
	same(t, "R000-011 twin: signs", h.signs(t, h.token).Status, 422)
	t.Run("R000-011 an administrator administers with it alone", func(t *testing.T) {
		admin := h.Create(t, "", `{"resourceType":"PractitionerRole","active":true,"organization":{"reference":"Organization/hospital"},"code":[{"coding":[{"system":"urn:tenon:role","code":"ADMIN"}]}],"practitioner":{"reference":"`+
			h.Create(t, "", `{"resourceType":"Practitioner","active":true}`)+`"}}`)
		token := h.Token(t, admin)
		deleted := h.Create(t, "", `{"resourceType":"Organization","name":"Gone"}`)
		h.Expect(t, 204, servertest.Request{Method: "DELETE", Path: "/fhir/" + deleted})
		acts := func(want ...int) {
			t.Helper()
			same(t, "a role", h.status(t, token, "POST", "PractitionerRole", []byte(`{"resourceType":"PractitionerRole","active":false}`)), want[0])
			same(t, "erasure", h.status(t, token, "POST", deleted+"/$expunge", []byte(`{"resourceType":"Parameters","parameter":[{"name":"reason","valueString":"a test"}]}`)), want[1])
			same(t, "import", h.status(t, token, "POST", "$import", []byte(`{"resourceType":"Parameters"}`)), want[2])
			same(t, "the review of an emergency access", h.status(t, token, "POST", "Task/none/$review", []byte(`{"resourceType":"Parameters"}`)), want[3])
			same(t, "reading", h.status(t, token, "GET", "PractitionerRole", nil), 200)
		}
		acts(401, 401, 401, 401)
		_, recovery, err := h.App.EnrolFactor(t.Context(), admin, "admin")
		if err != nil {
			t.Fatal(err)
		}
		same(t, "step up", h.post(t, "/oauth/step-up", url.Values{"code": {recovery[0]}}, "Authorization", "Bearer "+token).status, 204)
		acts(201, 202, 400, 404)
		h.person(t, admin, "admin")
		h.register(t, oauth.Client{ID: "waits", Method: oauth.MethodNone, Redirects: []string{callback}, Scopes: []string{"user/*.rs"}, Pending: true})
		b := h.browser(t)
		b.get(t, "/oauth/admin")
		form := b.signIn(t, "admin").form()
		form.Set("code", recovery[1])
		p := b.post(t, "/oauth/second-factor", form)
		same(t, "the page shows who waits", strings.Contains(p.body, "影像 waits") && strings.Contains(p.body, "待审批的应用"), true)
		approve := url.Values{"guard": {"x"}, "approve": {"waits"}}
		same(t, "attack 33 without its guard", b.post(t, "/oauth/admin", approve).status, 400)
		same(t, "still no app", h.browser(t).get(t, h.ask("waits", "user/*.rs", nil)).status, 400)
		approve.Set("guard", found(t, hiddenGuard, p))
		same(t, "approved", b.post(t, "/oauth/admin", approve).status, 200)
		same(t, "is one now", h.browser(t).get(t, h.ask("waits", "user/*.rs", nil)).status, 200)
		h.person(t, "PractitionerRole/img-li", "li")
		same(t, "another person's session", strings.Contains(h.signedIn(t, "li").last.body, "img-li"), true)
		same(t, "is ended", b.post(t, "/oauth/admin", url.Values{"guard": approve["guard"], "principal": {"PractitionerRole/img-li"}}).status, 200)
	})
	t.Run("R000-011 no account is shared", func(t *testing.T) {
		h.person(t, "PractitionerRole/clin-wang", "wang")
		if err := h.App.SetPassword(t.Context(), "PractitionerRole/img-li", "Wang", password); err == nil {
			t.Error("a second person got the name of the first")
		}
		nobody := h.Create(t, "", `{"resourceType":"PractitionerRole","active":true,"code":[{"coding":[{"system":"urn:tenon:role","code":"CLIN"}]}]}`)
		if err := h.App.SetPassword(t.Context(), nobody, "ward", password); err == nil {
			t.Error("a role without a person got an account")
		}
	})
}
