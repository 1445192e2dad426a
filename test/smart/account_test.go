package smart

import (
	"encoding/json"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"tenon/oauth"
	"tenon/server/app"
	"tenon/server/store/pgtest"
	"tenon/test/servertest"
)

// signedIn is a browser in which a person is signed in, on the account's page.
func (h *house) signedIn(t testing.TB, name string) *browser {
	t.Helper()
	b := h.browser(t)
	b.get(t, "/oauth/account")
	if p := b.signIn(t, name); !strings.Contains(p.body, "我的账户") {
		t.Fatalf("after the sign-in: %d %.900s", p.status, p.body)
	}
	return b
}

var (
	otherSession = regexp.MustCompile(`name="end" value="([0-9a-f-]{36})"`)
	grantedTo    = regexp.MustCompile(`name="revoke" value="([0-9a-f-]{36})"`)
)

func TestAccount(t *testing.T) {
	onBothEngines(t, func(t *testing.T, h *house) {
		h.person(t, "PractitionerRole/clin-wang", "wang")
		h.person(t, "PractitionerRole/img-li", "li")
		h.app(t, "chart", oauth.MethodNone, "launch", "launch/patient", "online_access", "offline_access", "patient/*.rs", "user/*.rs")
		t.Run("sessions", func(t *testing.T) { h.sessionPages(t) })
		t.Run("apps", func(t *testing.T) { h.appPages(t) })
		t.Run("launcher", func(t *testing.T) { h.launcherPages(t) })
		t.Run("registration", func(t *testing.T) { h.registrations(t) })
		t.Run("life", func(t *testing.T) { h.lifeOfPerson(t) })
	})
}

func (h *house) sessionPages(t *testing.T) {
	here, there := h.signedIn(t, "wang"), h.browser(t)
	there.get(t, h.ask("chart", "user/*.rs online_access", nil))
	there.signIn(t, "wang")
	online := there.allowed(t, "chart")
	p := here.get(t, "/oauth/account")
	end := url.Values{"guard": {found(t, hiddenGuard, p)}, "end": {found(t, otherSession, p)}}
	li := h.signedIn(t, "li")
	t.Run("attack 33 another person ends no session, with their guard or mine", func(t *testing.T) {
		same(t, "my guard", li.post(t, "/oauth/account/sessions", end).status, 400)
		li.post(t, "/oauth/account/sessions", url.Values{"guard": {found(t, hiddenGuard, li.get(t, "/oauth/account"))}, "end": end["end"]})
		same(t, "it goes on", strings.Contains(there.get(t, "/oauth/account").body, "我的账户"), true)
		same(t, "without a guard", here.post(t, "/oauth/account/sessions", url.Values{"end": end["end"]}).status, 400)
	})
	same(t, "twin: the app works online", h.status(t, online.text("access_token"), "GET", h.a, nil), 200)
	here.post(t, "/oauth/account/sessions", end)
	same(t, "signed out there", strings.Contains(there.get(t, "/oauth/account").body, `name="password"`), true)
	same(t, "and here not", strings.Contains(here.get(t, "/oauth/account").body, "我的账户"), true)
	same(t, "its online app is not renewed", h.post(t, "/oauth/token", refresh(online.text("refresh_token"))).status, 400)
	time.Sleep(1100 * time.Millisecond)
	same(t, "and its token ends within a second", h.status(t, online.text("access_token"), "GET", h.a, nil), 401)
	t.Run("by the administrator, everywhere", func(t *testing.T) {
		n, err := h.App.SignOut(t.Context(), "PractitionerRole/clin-wang")
		if err != nil || n < 1 {
			t.Fatalf("SignOut = %d, %v", n, err)
		}
		same(t, "signed out", strings.Contains(here.get(t, "/oauth/account").body, `name="password"`), true)
		same(t, "twin: nobody else", strings.Contains(li.get(t, "/oauth/account").body, "我的账户"), true)
	})
}

func (h *house) appPages(t *testing.T) {
	b := h.browser(t)
	b.get(t, h.ask("chart", "user/*.rs offline_access", nil))
	b.signIn(t, "wang")
	tokens := b.allowed(t, "chart")
	p := b.get(t, "/oauth/account")
	for _, want := range []string{"影像 chart", "user/*.rs", "offline_access"} {
		if !strings.Contains(p.body, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	id := found(t, grantedTo, p)
	li := h.signedIn(t, "li")
	same(t, "another person sees none of it", strings.Contains(li.last.body, id), false)
	li.post(t, "/oauth/account/apps", url.Values{"guard": {found(t, hiddenGuard, li.last)}, "revoke": {id}})
	same(t, "and takes nothing back", h.status(t, tokens.text("access_token"), "GET", h.a, nil), 200)
	b.post(t, "/oauth/account/apps", url.Values{"guard": {found(t, hiddenGuard, p)}, "revoke": {id}})
	same(t, "taken back, its token ends at once", h.status(t, tokens.text("access_token"), "GET", h.a, nil), 401)
	same(t, "and is not renewed", h.post(t, "/oauth/token", refresh(tokens.text("refresh_token"))).status, 400)
}

func (h *house) launcherPages(t *testing.T) {
	b := h.signedIn(t, "wang")
	p := b.get(t, "/oauth/account/launch?find="+url.QueryEscape("王"))
	same(t, "patients in reach by name", strings.Contains(p.body, "王甲") && !strings.Contains(p.body, "李乙"), true)
	patient := strings.TrimPrefix(h.a, "Patient/")
	p = b.get(t, "/oauth/account/launch?patient="+patient)
	same(t, "its form may lead to the app", strings.Contains(p.header.Get("Content-Security-Policy"), "https://app.test"), true)
	form := url.Values{"guard": {found(t, hiddenGuard, p)}, "patient": {patient}, "app": {"chart"}, "case": {""}}
	for name, change := range map[string]url.Values{"an unknown app": {"app": {"nobody"}}, "a patient out of reach": {"patient": {"none"}}, "a case out of reach": {"case": {"none"}}, "no guard": {"guard": {"x"}}} {
		bad := url.Values{}
		for n, v := range form {
			bad[n] = v
		}
		for n, v := range change {
			bad[n] = v
		}
		same(t, name, b.post(t, "/oauth/account/launch", bad).status, 400)
	}
	p = b.post(t, "/oauth/account/launch", form)
	if p.location == nil || p.location.Host != "app.test" || p.location.Query().Get("iss") != h.URL+"/fhir" {
		t.Fatalf("the launcher leads to %v", p.location)
	}
	b.get(t, h.ask("chart", "launch patient/*.rs", url.Values{"launch": {p.location.Query().Get("launch")}}))
	same(t, "the app is about the patient", b.allowed(t, "chart").text("patient"), patient)
}

func (h *house) registrations(t *testing.T) {
	register := func(body string) (*servertest.Answer, map[string]any) {
		a := h.Send(t, servertest.Request{Method: "POST", Path: "/oauth/register", Body: []byte(body), Header: map[string]string{"Content-Type": "application/json"}})
		var m map[string]any
		_ = json.Unmarshal(a.Body, &m)
		return a, m
	}
	good := `{"client_name":"随访 Diary","redirect_uris":["` + callback + `"],"token_endpoint_auth_method":"none","grant_types":["authorization_code"],"scope":"patient/*.rs launch/patient"}`
	for name, change := range map[string][2]string{
		"no redirect": {`"` + callback + `"`, ``}, "a redirect by http": {callback, "http://evil.test/"}, "a redirect with a fragment": {callback, callback + "#x"},
		"a backend": {`"authorization_code"`, `"client_credentials"`}, "system scopes": {"patient/*.rs", "system/*.rs"}, "an unknown way": {`"none"`, `"tls_client_auth"`},
		"no name": {"随访 Diary", ""}, "a statement": {`{`, `{"software_statement":"e30.e30.",`}, "keys by http": {`"none"`, `"private_key_jwt","jwks_uri":"http://169.254.169.254/"`},
	} {
		a, m := register(strings.Replace(good, change[0], change[1], 1))
		if a.Status != 400 || m["error"] == nil || m["client_id"] != nil {
			t.Errorf("%s: %d %s", name, a.Status, a.Body)
		}
	}
	a, m := register(good)
	id, _ := m["client_id"].(string)
	if a.Status != 201 || id == "" || m["approval_status"] != "pending" || a.Header.Get("Cache-Control") != "no-store" {
		t.Fatalf("register = %d %s", a.Status, a.Body)
	}
	same(t, "before approval it is no app", h.browser(t).get(t, h.ask(id, "patient/*.rs", nil)).status, 400)
	same(t, "and it gets no token", h.post(t, "/oauth/token", redeem(id, "x")).status, 401)
	if err := h.App.ApproveApp(t.Context(), "chart", false); err == nil {
		t.Error("an app that does not wait was rejected")
	}
	same(t, "an ordinary person administers nothing", h.signedIn(t, "wang").get(t, "/oauth/admin").status, 403)
	if err := h.App.ApproveApp(t.Context(), id, true); err != nil {
		t.Fatal(err)
	}
	same(t, "twin: approved, it gets its token", h.tokens(t, id, "launch/patient patient/*.rs", h.a).text("patient"), strings.TrimPrefix(h.a, "Patient/"))
	_, m = register(strings.Replace(good, `"none"`, `"client_secret_basic"`, 1))
	if secret, _ := m["client_secret"].(string); len(secret) < 40 {
		t.Errorf("client_secret = %q", secret)
	}
	second, _ := m["client_id"].(string)
	if err := h.App.ApproveApp(t.Context(), second, false); err != nil {
		t.Fatal(err)
	}
	same(t, "rejected, nobody waits", h.App.ApproveApp(t.Context(), second, true) != nil, true)
}

func (h *house) lifeOfPerson(t *testing.T) {
	const who = "PractitionerRole/des-zhang"
	address, err := h.App.Invite(t.Context(), who, "Zhang", time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	u, _ := url.Parse(address)
	b := h.browser(t)
	same(t, "the page", b.get(t, u.RequestURI()).status, 200)
	form := url.Values{"code": {u.Query().Get("code")}, "password": {password}, "again": {"another one, longer"}}
	same(t, "two passwords that differ", b.post(t, "/oauth/invitation", form).status, 422)
	form.Set("again", password)
	form.Set("code", "x")
	same(t, "another code", b.post(t, "/oauth/invitation", form).status, 400)
	form.Set("code", u.Query().Get("code"))
	same(t, "accepted, on to the second factor", strings.Contains(b.post(t, "/oauth/invitation", form).body, "登记第二验证因素"), true)
	same(t, "good once", h.browser(t).post(t, "/oauth/invitation", form).status, 400)
	token := h.Token(t, who)
	same(t, "signs in and acts", h.signedIn(t, "zhang") != nil && h.status(t, token, "GET", "Task", nil) == 200, true)
	for _, active := range []bool{false, true} {
		if err := h.App.SetActive(t.Context(), who, active); err != nil {
			t.Fatal(err)
		}
		time.Sleep(1100 * time.Millisecond)
		same(t, "active "+strconv.FormatBool(active), h.status(t, token, "GET", "Task", nil), map[bool]int{true: 200, false: 401}[active])
	}
	if err := h.App.RemovePerson(t.Context(), who); err != nil {
		t.Fatal(err)
	}
	time.Sleep(1100 * time.Millisecond)
	same(t, "removed", h.status(t, token, "GET", "Task", nil), 401)
	other := h.browser(t)
	other.get(t, "/oauth/account")
	same(t, "and the name is none", other.signIn(t, "zhang").status, 401)
	list, err := h.App.People(t.Context())
	if err != nil || len(list) != 2 {
		t.Errorf("People = %v, %v, want wang and li", list, err)
	}
}

// TestTwoServers: what is taken away on one server is refused on the other within
// a second; guessing is slowed down.
func TestTwoServers(t *testing.T) {
	c := app.Config{Sample: true, Database: pgtest.Database(t, "empty", nil)}
	h := furnished(t, c)
	c.Data = h.Config.Data // keys are shared
	c.Sample = false
	c.SignIn = app.SignIn{NameRate: 0.01, ClientRate: 0.01, AddressRate: 1000, Burst: 300}
	c.BaseURL = h.URL + "/fhir"
	other := &house{Server: servertest.Start(t, c), a: h.a}
	h.person(t, "PractitionerRole/clin-wang", "wang")
	h.app(t, "chart", oauth.MethodNone, "user/*.rs", "online_access")
	tokens := h.tokens(t, "chart", "user/*.rs online_access", "")
	plain := h.Token(t, "PractitionerRole/img-li")
	for _, token := range []string{tokens.text("access_token"), plain} {
		same(t, "twin: on the other server", other.status(t, token, "GET", "Organization", nil), 200)
	}
	if _, err := h.App.SignOut(t.Context(), "PractitionerRole/clin-wang"); err != nil {
		t.Fatal(err)
	}
	if err := h.App.RemovePerson(t.Context(), "PractitionerRole/img-li"); err != nil {
		t.Fatal(err)
	}
	time.Sleep(1100 * time.Millisecond)
	same(t, "signed out here, refused there", other.status(t, tokens.text("access_token"), "GET", "Organization", nil), 401)
	same(t, "removed here, refused there", other.status(t, plain, "GET", "Organization", nil), 401)
	t.Run("too many requests of an app, of a name", func(t *testing.T) {
		var last answer
		for range 5 {
			last = other.post(t, "/oauth/token", redeem("chart", "x"))
		}
		same(t, "status", last.status, 429)
		if n, err := strconv.Atoi(last.header.Get("Retry-After")); err != nil || n < 1 {
			t.Errorf("Retry-After = %q", last.header.Get("Retry-After"))
		}
		same(t, "twin: another app", other.post(t, "/oauth/token", redeem("another", "x")).status, 401)
		b := other.browser(t)
		b.get(t, "/oauth/account")
		form := b.last.form()
		form.Set("name", "wang")
		form.Set("password", password)
		status := 0
		for range 5 {
			status = b.post(t, "/oauth/sign-in", form).status
		}
		same(t, "a name", status, 429)
		form.Set("name", "li")
		same(t, "twin: another name", b.post(t, "/oauth/sign-in", form).status, 401)
	})
}
