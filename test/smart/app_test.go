package smart

import (
	"encoding/json"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"tenon/oauth"
	"tenon/test/servertest"
)

func TestApp(t *testing.T) {
	onBothEngines(t, func(t *testing.T, h *house) {
		h.person(t, "PractitionerRole/clin-wang", "wang")
		h.app(t, "chart", oauth.MethodNone, "openid", "fhirUser", "launch", "launch/patient", "offline_access", "online_access", "patient/*.cruds", "user/*.rs")
		h.app(t, "other", oauth.MethodNone, "patient/*.rs", "offline_access")
		h.app(t, "secret", oauth.MethodSecret, "patient/*.rs", "launch/patient")
		t.Run("standalone", func(t *testing.T) { h.standalone(t) })
		t.Run("scopes", func(t *testing.T) { h.scopes(t) })
		t.Run("codes", func(t *testing.T) { h.codes(t) })
		t.Run("refresh", func(t *testing.T) { h.refreshes(t) })
		t.Run("introspection", func(t *testing.T) { h.introspection(t) })
		t.Run("launch", func(t *testing.T) { h.launches(t) })
	})
}

func (h *house) standalone(t *testing.T) {
	b := h.browser(t)
	p := b.get(t, h.ask("chart", "openid fhirUser launch/patient patient/Observation.rs patient/Patient.read offline_access user/Device.cruds nonsense", url.Values{"nonce": {"n-1"}}))
	t.Run("the sign-in page needs no script and cannot be framed", func(t *testing.T) {
		same(t, "status", p.status, 200)
		policy := p.header.Get("Content-Security-Policy")
		for _, want := range []string{"default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'self' https://app.test"} {
			if !strings.Contains(policy, want) {
				t.Errorf("the policy %q lacks %q", policy, want)
			}
		}
		for _, want := range []string{"登录", "Sign in", `lang="zh-CN"`, `<label for="password"`} {
			if !strings.Contains(p.body, want) {
				t.Errorf("the page lacks %q", want)
			}
		}
		if strings.Contains(p.body, "<script") || strings.Contains(policy, "unsafe") {
			t.Error("the page has a script, or its policy allows one")
		}
	})
	form := p.form()
	form.Set("name", "wang")
	form.Set("password", "wrong horse battery")
	same(t, "a wrong password", b.post(t, "/oauth/sign-in", form).status, 401)
	p = b.signIn(t, "Wang ")
	t.Run("SMART-53 the consent names app, scopes and patients", func(t *testing.T) {
		for _, want := range []string{"影像 chart", "PractitionerRole/clin-wang", "patient/Observation.rs", "王甲", "李乙", "offline_access", "user/Device.rs"} {
			if !strings.Contains(p.body, want) {
				t.Errorf("the page lacks %q: %s", want, p.body)
			}
		}
		if strings.Contains(p.body, "nonsense") || strings.Contains(p.body, "user/Device.cruds") {
			t.Error("the page offers what the app is not registered for")
		}
	})
	p = b.get(t, "/oauth/consent?request="+url.QueryEscape(p.form().Get("request"))+"&find="+url.QueryEscape("王"))
	if !strings.Contains(p.body, "王甲") || strings.Contains(p.body, "李乙") {
		t.Error("finding a patient by name finds others")
	}
	form = p.form()
	form.Set("decision", "allow")
	same(t, "SMART-164 without a patient", b.post(t, "/oauth/consent", form).status, 422)
	form.Set("patient", "nobody")
	same(t, "with a patient who is not in reach", b.post(t, "/oauth/consent", form).status, 422)
	form.Set("patient", strings.TrimPrefix(h.a, "Patient/"))
	form["scope"] = []string{"patient/Observation.rs", "patient/Patient.read", "offline_access", "user/*.cruds", "system/*.cruds"} // the person leaves one out; two were never offered
	p = b.post(t, "/oauth/consent", form)
	q := p.location.Query()
	t.Run("SMART-56 SMART-57 SMART-59 the code goes back with the state, and says who answers", func(t *testing.T) {
		same(t, "state", q.Get("state"), "st-0123456789")
		same(t, "iss", q.Get("iss"), h.URL)
		same(t, "address", strings.HasPrefix(p.location.String(), "https://app.test/cb?"), true)
		same(t, "its own query", q.Get("x"), "1")
	})
	same(t, "a form is taken once", b.post(t, "/oauth/consent", form).status, 400)
	a := h.post(t, "/oauth/token", redeem("chart", q.Get("code")))
	same(t, "scope", a.text("scope"), "openid fhirUser launch/patient patient/Observation.rs patient/Patient.read offline_access")
	same(t, "SMART-170 patient", a.text("patient"), strings.TrimPrefix(h.a, "Patient/"))
	same(t, "SMART-91 expires_in", a.body["expires_in"], 3600)
	t.Run("SMART-197 SMART-198 SMART-200 SMART-205 SMART-207 id_token", func(t *testing.T) { h.identity(t, a.text("id_token")) })
	token := a.text("access_token")
	same(t, "SMART-136 the patient", h.found(t, token, "Patient"), h.a)
	same(t, "the observations", len(strings.Fields(h.found(t, token, "Observation"))), 2)
	same(t, "another patient's", h.status(t, token, "GET", h.other, nil), 404)
}

func (h *house) identity(t *testing.T, text string) {
	c := h.claimsOf(t, text)
	for name, want := range map[string]any{"iss": h.URL, "aud": "chart", "nonce": "n-1", "fhirUser": h.URL + "/fhir/PractitionerRole/clin-wang"} {
		same(t, name, c[name], want)
	}
	if sub, _ := c["sub"].(string); sub == "" || strings.Contains(sub, "wang") {
		t.Errorf("sub = %q", sub)
	}
}

func (h *house) scopes(t *testing.T) {
	lab := "http://terminology.hl7.org/CodeSystem/observation-category|laboratory"
	t.Run("SMART-370 attack 28 a granular scope holds for every way to read", func(t *testing.T) {
		token := h.tokens(t, "chart", "launch/patient patient/Patient.r patient/Observation.cruds?category="+lab, h.a).text("access_token")
		same(t, "search", h.found(t, token, "Observation"), h.lab)
		same(t, "read", h.status(t, token, "GET", h.lab, nil), 200)
		for _, path := range []string{h.exam, h.exam + "/_history/1", h.exam + "/_history", h.other, h.b} {
			same(t, path, h.status(t, token, "GET", path, nil), 404)
		}
		same(t, "everything", strings.Contains(string(h.Expect(t, 200, servertest.Request{Token: token, Path: "/fhir/" + h.a + "/$everything"}).Body), strings.TrimPrefix(h.exam, "Observation/")), false)
		same(t, "write", h.status(t, token, "POST", "Observation", observation(h.a, "laboratory")), 403)
	})
	t.Run("F9 points and stars of a scope's text mean nothing", func(t *testing.T) {
		h.app(t, "granular", oauth.MethodNone, "launch/patient", "patient/Observation.rs?category="+lab, "patient/Patient.r")
		granted := func(asked string) string {
			p := h.browser(t).get(t, h.ask("granular", asked, nil))
			if p.location != nil {
				return p.location.Query().Get("error")
			}
			a := h.post(t, "/oauth/token", redeem("granular", h.code(t, h.ask("granular", asked, nil), h.a)))
			return a.text("scope")
		}
		same(t, "twin: as registered, with points in its value", granted("patient/Observation.rs?category="+lab), "patient/Observation.rs?category="+lab)
		for _, asked := range []string{"patient/Observation", "patient/Observation.rs.x", "patient", "patient/*", "*", "patient/Patient.r.read", "patient/Condition.rs?category=" + lab, "patient/Patient.cud"} {
			same(t, asked, granted(asked), "invalid_scope")
		}
		for _, wider := range []string{"patient/Observation.rs", "patient/Observation.*", "patient/*.rs", "patient/Observation.rs?category=http://terminology.hl7"} {
			if got := granted(wider); got != "invalid_scope" && !strings.Contains(got, "laboratory") {
				t.Errorf("%s gives %q, want nothing beyond the category that is registered", wider, got)
			}
		}
	})
	t.Run("SMART-369 version 1", func(t *testing.T) {
		a := h.tokens(t, "chart", "launch/patient patient/Observation.read", h.a)
		same(t, "scope", a.text("scope"), "launch/patient patient/Observation.read")
		same(t, "search", len(strings.Fields(h.found(t, a.text("access_token"), "Observation"))), 2)
		same(t, "write", h.status(t, a.text("access_token"), "POST", "Observation", observation(h.a, "exam")), 403)
	})
	t.Run("attacks 14 15 16 writes stay with the patient in context", func(t *testing.T) {
		token := h.tokens(t, "chart", "launch/patient patient/Observation.cruds", h.a).text("access_token")
		made := h.observation(t, token, h.a, "exam")
		same(t, "about another", h.status(t, token, "POST", "Observation", observation(h.b, "exam")), 403)
		same(t, "of another", h.status(t, token, "DELETE", h.other, nil), 404)
		moved := strings.Replace(string(observation(h.b, "exam")), `{"resourceType":"Observation"`, `{"resourceType":"Observation","id":"`+strings.TrimPrefix(made, "Observation/")+`"`, 1)
		same(t, "moved to another", h.status(t, token, "PUT", made, []byte(moved)), 403)
		patch := h.Send(t, servertest.Request{Token: token, Method: "PATCH", Path: "/fhir/" + h.other, Header: map[string]string{"Content-Type": "application/json-patch+json"},
			Body: []byte(`[{"op":"test","path":"/status","value":"final"}]`)})
		same(t, "JSON Patch test of another", patch.Status, 404)
		same(t, "conditional on another", h.status(t, token, "PUT", "Observation?_id="+strings.TrimPrefix(h.other, "Observation/"), observation(h.a, "exam")), 201)
	})
	t.Run("SMART-119 SMART-140 the user's own reach still holds", func(t *testing.T) {
		a := h.tokens(t, "chart", "openid user/*.rs", "")
		same(t, "patients", len(strings.Fields(h.found(t, a.text("access_token"), "Patient"))), 2)
		same(t, "patient", a.body["patient"], nil)
	})
	t.Run("attack 27 a patient scope without a patient", func(t *testing.T) {
		b := h.browser(t)
		b.get(t, h.ask("chart", "patient/*.rs user/*.rs", nil))
		form := b.signIn(t, "wang").form()
		form.Set("decision", "allow")
		same(t, "status", b.post(t, "/oauth/consent", form).status, 422)
	})
}

func (h *house) codes(t *testing.T) {
	t.Run("16 redemptions at once, one token", func(t *testing.T) {
		form := redeem("chart", h.code(t, h.ask("chart", "launch/patient patient/*.rs", nil), h.a))
		tokens := make(chan string, 16)
		var all sync.WaitGroup
		for range 16 {
			all.Go(func() {
				if a := h.post(t, "/oauth/token", form); a.status == 200 {
					tokens <- a.text("access_token")
				} else if a.text("error") != "invalid_grant" {
					t.Errorf("refused with %d %v, want invalid_grant", a.status, a.body)
				}
			})
		}
		all.Wait()
		same(t, "tokens", len(tokens), 1)
		same(t, "and it is good", h.status(t, <-tokens, "GET", h.a, nil), 200)
	})
	for name, change := range map[string]url.Values{
		"F1 wrong verifier":             {"code_verifier": {strings.Repeat("x", 43)}},
		"F1 no verifier":                {"code_verifier": nil},
		"F1 verifier blank":             {"code_verifier": {""}},
		"F1 verifier is the challenge":  {"code_verifier": {challengeOf(verifier)}},
		"attack 32 another redirect":    {"redirect_uri": {"https://app.test/cb"}},
		"attack 32 no redirect":         {"redirect_uri": nil},
		"attack 31 another app":         {"client_id": {"other"}},
		"unknown app":                   {"client_id": {"nobody"}},
		"confidential app, unproven":    {"client_id": {"secret"}},
		"unknown code":                  {"code": {"x"}},
		"no code":                       {"code": nil},
		"F4 a code is no refresh token": {"grant_type": {"refresh_token"}},
	} {
		t.Run(name, func(t *testing.T) {
			code := h.code(t, h.ask("chart", "launch/patient patient/*.rs", nil), h.a)
			form := redeem("chart", code)
			for n, v := range change {
				form[n] = v
			}
			a := h.post(t, "/oauth/token", form)
			if a.status != 400 && a.status != 401 || a.body["access_token"] != nil {
				t.Errorf("token = %d %v, want a refusal", a.status, a.body)
			}
			form = redeem("chart", code)
			form.Del("code_verifier")
			same(t, "F1 then without a verifier", h.post(t, "/oauth/token", form).status, 400)
			same(t, "twin: then in order", h.post(t, "/oauth/token", redeem("chart", code)).status, 200)
		})
	}
	t.Run("a confidential app by its secret", func(t *testing.T) {
		code := h.code(t, h.ask("secret", "launch/patient patient/*.rs", nil), h.a)
		form := redeem("secret", code)
		form.Set("client_secret", "wrong horse battery")
		same(t, "wrong secret", h.post(t, "/oauth/token", form).status, 401)
		form.Set("client_secret", password)
		same(t, "secret", h.post(t, "/oauth/token", form).status, 200)
	})
	t.Run("what is wrong with app or address is told to nobody but the person", func(t *testing.T) {
		for name, change := range map[string]url.Values{
			"unknown app": {"client_id": {"nobody"}}, "path": {"redirect_uri": {"https://app.test/cb/../evil?x=1"}}, "query": {"redirect_uri": {"https://app.test/cb?x=1&y=2"}}, "userinfo": {"redirect_uri": {"https://evil@app.test/cb?x=1"}},
			"fragment": {"redirect_uri": {callback + "#f"}}, "host": {"redirect_uri": {"https://app.test.evil.test/cb?x=1"}}, "case": {"redirect_uri": {"https://APP.test/cb?x=1"}}, "none": {"redirect_uri": nil}, "twice": {"redirect_uri": {callback, "https://evil.test/"}},
		} {
			if p := h.browser(t).get(t, h.ask("chart", "patient/*.rs", change)); p.status != 400 || p.location != nil {
				t.Errorf("%s: %d %v, want a page and no redirect", name, p.status, p.location)
			}
		}
	})
	t.Run("everything else is told to the app", func(t *testing.T) {
		for name, tt := range map[string]struct {
			change url.Values
			want   string
		}{
			"F8 SMART-96 no aud": {url.Values{"aud": nil}, "invalid_request"}, "F8 aud elsewhere": {url.Values{"aud": {"https://evil.test/fhir"}}, "invalid_request"}, "F8 aud by prefix": {url.Values{"aud": {h.URL + "/fhir/x"}}, "invalid_request"},
			"F1 SMART-31 no challenge": {url.Values{"code_challenge": nil}, "invalid_request"}, "attack 31 plain": {url.Values{"code_challenge_method": {"plain"}}, "invalid_request"}, "no method": {url.Values{"code_challenge_method": nil}, "invalid_request"},
			"F11 a challenge of one character": {url.Values{"code_challenge": {"x"}}, "invalid_request"}, "F11 no scope": {url.Values{"scope": nil}, "invalid_scope"}, "scopes of others": {url.Values{"scope": {"system/*.rs patient/Nonsense.rs"}}, "invalid_scope"},
			"implicit": {url.Values{"response_type": {"token"}}, "unsupported_response_type"}, "no state": {url.Values{"state": nil}, "invalid_state"}, "unknown launch": {url.Values{"launch": {"x"}, "scope": {"launch patient/*.rs"}}, "invalid_request"},
			"F7 request_uri": {url.Values{"request_uri": {"http://169.254.169.254/"}}, "request_not_supported"}, "request": {url.Values{"request": {"e30.e30."}, "scope": {"openid"}}, "request_not_supported"},
		} {
			p := h.browser(t).get(t, h.ask("chart", "patient/*.rs", tt.change))
			if p.location == nil || p.location.Host != "app.test" || p.location.Query().Get("error") != tt.want || p.location.Query().Get("code") != "" || p.location.Query().Get("scope") != "" {
				t.Errorf("%s: %d %v, want the error %s", name, p.status, p.location, tt.want)
			}
		}
	})
	t.Run("SMART-49 by POST; SMART-54 the person says no", func(t *testing.T) {
		b := h.browser(t)
		_, query, _ := strings.Cut(h.ask("chart", "patient/*.rs", nil), "?")
		form, _ := url.ParseQuery(query)
		b.post(t, "/oauth/authorize", form)
		form = b.signIn(t, "wang").form()
		form.Set("decision", "deny")
		p := b.post(t, "/oauth/consent", form)
		same(t, "error", p.location.Query().Get("error"), "access_denied")
		same(t, "state", p.location.Query().Get("state"), "st-0123456789")
	})
	t.Run("attack 33 a form of another browser, or without its guard", func(t *testing.T) {
		b := h.browser(t)
		b.get(t, h.ask("chart", "patient/*.rs", nil))
		form := b.signIn(t, "wang").form()
		form.Set("decision", "allow")
		form.Set("patient", strings.TrimPrefix(h.a, "Patient/"))
		same(t, "another browser", h.browser(t).post(t, "/oauth/consent", form).status, 400)
		bad := url.Values{"request": form["request"], "guard": {"x"}, "decision": {"allow"}}
		same(t, "no guard", b.post(t, "/oauth/consent", bad).status, 400)
		if p := b.post(t, "/oauth/consent", form); p.location == nil {
			t.Errorf("twin: %d, want the code", p.status)
		}
	})
	t.Run("five wrong passwords lock the name, and nothing tells", func(t *testing.T) {
		h.person(t, "PractitionerRole/clin-zhao", "zhao")
		b := h.browser(t)
		form := b.get(t, h.ask("chart", "patient/*.rs", nil)).form()
		var bodies []string
		for _, name := range []string{"zhao", "zhao", "zhao", "zhao", "zhao", "nobody"} {
			form.Set("name", name)
			form.Set("password", "wrong horse battery")
			bodies = append(bodies, b.post(t, "/oauth/sign-in", form).body)
		}
		form.Set("name", "zhao")
		form.Set("password", password)
		p := b.post(t, "/oauth/sign-in", form)
		same(t, "the right one, locked", p.status, 401)
		for _, other := range bodies {
			if other != p.body {
				t.Error("the page tells a locked or unknown name from a wrong password")
			}
		}
	})
}

func refresh(token string) url.Values {
	return url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token}, "client_id": {"chart"}}
}

func (h *house) refreshes(t *testing.T) {
	first := h.tokens(t, "chart", "launch/patient patient/*.rs offline_access", h.a)
	t.Run("no refresh token without being asked", func(t *testing.T) {
		same(t, "refresh_token", h.tokens(t, "chart", "launch/patient patient/*.rs", h.a).body["refresh_token"], nil)
	})
	t.Run("F4 a refresh token opens nothing", func(t *testing.T) {
		same(t, "status", h.status(t, first.text("refresh_token"), "GET", h.a, nil), 401)
	})
	t.Run("SMART-103 bound to its app", func(t *testing.T) {
		form := refresh(first.text("refresh_token"))
		form.Set("client_id", "other")
		same(t, "status", h.post(t, "/oauth/token", form).status, 400)
	})
	t.Run("F2 F3 16 at once have one successor", func(t *testing.T) {
		var mu sync.Mutex
		successors := map[string]int{}
		var all sync.WaitGroup
		for range 16 {
			all.Go(func() {
				a := h.post(t, "/oauth/token", refresh(first.text("refresh_token")))
				mu.Lock()
				defer mu.Unlock()
				successors[a.text("refresh_token")]++
			})
		}
		all.Wait()
		if len(successors) != 1 || successors[""] > 0 {
			t.Errorf("successors = %v, want one for all", successors)
		}
	})
	second := h.post(t, "/oauth/token", refresh(first.text("refresh_token"))).text("refresh_token")
	t.Run("the answer is as the first SMART-110 SMART-112 SMART-113 SMART-114", func(t *testing.T) {
		a := h.post(t, "/oauth/token", refresh(second))
		second = a.text("refresh_token")
		same(t, "scope", a.text("scope"), first.text("scope"))
		same(t, "patient", a.text("patient"), first.text("patient"))
		same(t, "and it reads", h.status(t, a.text("access_token"), "GET", h.a, nil), 200)
	})
	t.Run("F3 SMART-104 SMART-109 less, never more", func(t *testing.T) {
		form := refresh(second)
		form.Set("scope", "patient/*.cruds")
		same(t, "more", h.post(t, "/oauth/token", form).text("error"), "invalid_scope")
		form.Set("scope", "patient/Observation.rs")
		a := h.post(t, "/oauth/token", form)
		second = a.text("refresh_token")
		same(t, "less", a.text("scope"), "patient/Observation.rs")
		same(t, "reads the one", h.status(t, a.text("access_token"), "GET", h.lab, nil), 200)
		same(t, "and not the other", h.status(t, a.text("access_token"), "GET", h.a, nil), 403)
	})
	t.Run("without client_id, as a common library asks", func(t *testing.T) {
		form := refresh(second)
		form.Del("client_id")
		a := h.post(t, "/oauth/token", form)
		same(t, "status", a.status, 200)
		second = a.text("refresh_token")
	})
	t.Run("revoked, all ends", func(t *testing.T) {
		token := h.post(t, "/oauth/token", refresh(second))
		same(t, "by another app", h.post(t, "/oauth/revoke", url.Values{"token": {token.text("refresh_token")}, "client_id": {"other"}}).status, 200)
		same(t, "still good", h.status(t, token.text("access_token"), "GET", h.a, nil), 200)
		same(t, "by its own", h.post(t, "/oauth/revoke", url.Values{"token": {token.text("refresh_token")}, "client_id": {"chart"}}).status, 200)
		time.Sleep(1100 * time.Millisecond)
		same(t, "access token", h.status(t, token.text("access_token"), "GET", h.a, nil), 401)
		same(t, "refresh token", h.post(t, "/oauth/token", refresh(token.text("refresh_token"))).status, 400)
	})
}

func (h *house) introspection(t *testing.T) {
	h.register(t, oauth.Client{ID: "guard", Method: oauth.MethodSecret, Secret: mustHash(t), Redirects: []string{callback}, Scopes: []string{"patient/*.rs"}, Inspects: true})
	a := h.tokens(t, "chart", "openid fhirUser launch/patient patient/*.rs", h.a)
	ask := func(token string, form url.Values, header ...string) answer {
		f := url.Values{"token": {token}}
		for n, v := range form {
			f[n] = v
		}
		return h.post(t, "/oauth/introspect", f, header...)
	}
	proof := url.Values{"client_id": {"guard"}, "client_secret": {password}}
	t.Run("SMART-271 to SMART-280", func(t *testing.T) {
		got := ask(a.text("access_token"), proof)
		for name, want := range map[string]any{"active": true, "scope": a.text("scope"), "client_id": "chart", "patient": a.text("patient"), "iss": h.URL, "fhirUser": h.URL + "/fhir/PractitionerRole/clin-wang"} {
			same(t, name, got.body[name], want)
		}
		if exp, _ := got.body["exp"].(float64); exp < float64(time.Now().Add(50*time.Minute).Unix()) || got.body["sub"] == nil {
			t.Errorf("exp and sub = %v", got.body)
		}
	})
	t.Run("F12 SMART-282 by a token of its own", func(t *testing.T) {
		got := ask(a.text("access_token"), nil, "Authorization", "Bearer "+a.text("access_token"))
		same(t, "active", got.body["active"], true)
	})
	t.Run("inactive says no more", func(t *testing.T) {
		for _, token := range []string{"nonsense", h.token, ""} {
			same(t, "answer", ask(token, proof).body, map[string]any{"active": false})
		}
		same(t, "another app's", ask(a.text("access_token"), url.Values{"client_id": {"secret"}, "client_secret": {password}}).body, map[string]any{"active": false})
	})
	t.Run("F12 who does not show who it is learns nothing", func(t *testing.T) {
		same(t, "public", ask(a.text("access_token"), url.Values{"client_id": {"chart"}}).status, 401)
		same(t, "nobody", ask(a.text("access_token"), nil).status, 401)
		same(t, "a token without an app", ask(a.text("access_token"), nil, "Authorization", "Bearer "+h.token).status, 401)
	})
}

func mustHash(t testing.TB) string {
	t.Helper()
	hash, err := oauth.HashSecret(password)
	if err != nil {
		t.Fatal(err)
	}
	return hash
}

func (h *house) launches(t *testing.T) {
	launch := func(t *testing.T, token, body string) (int, string) {
		a := h.Send(t, servertest.Request{Token: token, Method: "POST", Path: "/oauth/launch", Body: []byte(body)})
		var m struct{ Launch, URL string }
		_ = json.Unmarshal(a.Body, &m)
		if a.Status == 201 && !strings.HasPrefix(m.URL, "https://app.test/launch?") {
			t.Errorf("url = %q", m.URL)
		}
		return a.Status, m.Launch
	}
	context := `{"client":"chart","patient":"` + h.a + `","intent":"reconcile","needPatientBanner":false,"fhirContext":[{"reference":"ImagingStudy/1"}]}`
	t.Run("SMART-352 SMART-168 SMART-173 SMART-174 the context arrives", func(t *testing.T) {
		status, token := launch(t, h.token, context)
		same(t, "status", status, 201)
		request := h.ask("chart", "launch patient/*.rs", url.Values{"launch": {token}})
		a := h.post(t, "/oauth/token", redeem("chart", h.code(t, request, "")))
		same(t, "patient", a.text("patient"), strings.TrimPrefix(h.a, "Patient/"))
		same(t, "intent", a.text("intent"), "reconcile")
		same(t, "need_patient_banner", a.body["need_patient_banner"], false)
		same(t, "fhirContext", a.body["fhirContext"], []any{map[string]any{"reference": "ImagingStudy/1"}})
		if p := h.browser(t).get(t, request); p.location == nil || p.location.Query().Get("error") != "invalid_request" {
			t.Errorf("a launch was good twice: %d %v", p.status, p.location)
		}
	})
	t.Run("attack 33 of another person, or another app", func(t *testing.T) {
		_, token := launch(t, h.Token(t, "PractitionerRole/img-li"), strings.Replace(context, `"patient":"`+h.a+`",`, "", 1))
		b := h.browser(t)
		b.get(t, h.ask("chart", "launch patient/*.rs", url.Values{"launch": {token}}))
		if p := b.signIn(t, "wang"); p.location == nil || p.location.Query().Get("error") != "invalid_request" {
			t.Errorf("another person took the launch: %d %v", p.status, p.location)
		}
		_, token = launch(t, h.token, context)
		if p := h.browser(t).get(t, h.ask("other", "patient/*.rs", url.Values{"launch": {token}})); p.location == nil || p.location.Query().Get("error") != "invalid_request" {
			t.Errorf("another app took the launch: %d %v", p.status, p.location)
		}
	})
	t.Run("who may launch what", func(t *testing.T) {
		for body, want := range map[string]int{
			`{"client":"nobody"}`: 400, `{"client":"chart","patient":"Patient/none"}`: 404, `{"client":"chart","x":1}`: 400, `nonsense`: 400,
			`{"client":"chart","fhirContext":[{"reference":"Patient/x"}]}`: 400, `{"client":"chart","fhirContext":[{}]}`: 400, `{"client":"chart","fhirContext":[{"reference":"List/1","role":"mine"}]}`: 400, `{"client":"chart","fhirContext":[{"reference":"List/1","role":""}]}`: 400,
		} {
			status, _ := launch(t, h.token, body)
			same(t, body, status, want)
		}
		status, _ := launch(t, "", context)
		same(t, "nobody", status, 401)
		status, _ = launch(t, h.tokens(t, "chart", "launch/patient patient/*.rs", h.a).text("access_token"), context)
		same(t, "an app", status, 403)
		status, _ = launch(t, h.Token(t, "Device/mes"), context)
		same(t, "a machine", status, 400)
	})
}
