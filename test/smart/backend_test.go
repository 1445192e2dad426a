package smart

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"tenon/oauth"
	"tenon/server/app"
	"tenon/test/servertest"
)

func TestDiscovery(t *testing.T) {
	onBothEngines(t, func(t *testing.T, h *house) {
		h.register(t, oauth.Client{ID: "page", Method: oauth.MethodNone, Redirects: []string{"https://app.test/cb"}, Scopes: []string{"patient/*.rs"}})
		a := h.Expect(t, 200, servertest.Request{Path: "/fhir/.well-known/smart-configuration", Header: map[string]string{"Accept": "text/html", "Origin": "https://anybody.test"}})
		t.Run("SMART-16 SMART-30 SMART-372 SMART-374 SMART-377 SMART-380 any origin, JSON whatever is accepted", func(t *testing.T) {
			same(t, "Content-Type", a.Header.Get("Content-Type"), "application/json")
			same(t, "CORS", a.Header.Get("Access-Control-Allow-Origin"), "*")
		})
		var m map[string]any
		if err := json.Unmarshal(a.Body, &m); err != nil {
			t.Fatal(err)
		}
		t.Run("SMART-378 absolute addresses", func(t *testing.T) {
			for name, v := range m {
				if s, ok := v.(string); ok && !strings.HasPrefix(s, h.URL) {
					t.Errorf("%s = %q, want an address below %s", name, s, h.URL)
				}
			}
		})
		t.Run("SMART-14 SMART-15 SMART-394 S256 and never plain", func(t *testing.T) {
			same(t, "code_challenge_methods_supported", m["code_challenge_methods_supported"], []any{"S256"})
		})
		t.Run("SMART-285 SMART-286 SMART-287 SMART-288 SMART-289 SMART-381 SMART-382 SMART-383 SMART-384 SMART-385 SMART-391 SMART-392 SMART-393 what must be there", func(t *testing.T) {
			for name, want := range map[string]string{"capabilities": "client-confidential-asymmetric", "grant_types_supported": "client_credentials", "token_endpoint": "/oauth/token",
				"authorization_endpoint": "/oauth/authorize", "issuer": h.URL, "jwks_uri": "/oauth/jwks", "scopes_supported": "launch/patient", "introspection_endpoint": "/oauth/introspect",
				"revocation_endpoint": "/oauth/revoke", "token_endpoint_auth_methods_supported": "private_key_jwt", "token_endpoint_auth_signing_alg_values_supported": "ES384"} {
				if b, _ := json.Marshal(m[name]); !strings.Contains(string(b), want) {
					t.Errorf("%s = %s, want %q in it", name, b, want)
				}
			}
		})
		t.Run("F13 what discovery names is there, and answers as itself", func(t *testing.T) {
			seen := 0
			for name, want := range map[string]struct {
				method string
				status int
			}{"authorization_endpoint": {"GET", 400}, "token_endpoint": {"POST", 400}, "introspection_endpoint": {"POST", 401}, "revocation_endpoint": {"POST", 401},
				"registration_endpoint": {"POST", 400}, "management_endpoint": {"GET", 200}, "jwks_uri": {"GET", 200}} {
				at, _ := m[name].(string)
				if seen++; !strings.HasPrefix(at, h.URL) {
					t.Errorf("%s = %q", name, at)
					continue
				}
				a := h.Send(t, servertest.Request{Method: want.method, Path: strings.TrimPrefix(at, h.URL), Header: map[string]string{"Content-Type": "application/x-www-form-urlencoded"}})
				same(t, name, a.Status, want.status)
			}
			for name := range m {
				if strings.HasSuffix(name, "_endpoint") {
					seen--
				}
			}
			same(t, "endpoints that nobody asked", seen-1, 0) // jwks_uri ends otherwise
		})
		t.Run("CapabilityStatement", func(t *testing.T) {
			a := h.Expect(t, 200, servertest.Request{Path: "/fhir/metadata", Header: map[string]string{"Origin": "https://anybody.test"}})
			same(t, "CORS of metadata", a.Header.Get("Access-Control-Allow-Origin"), "https://anybody.test")
			for _, want := range []string{`"SMART-on-FHIR"`, `StructureDefinition/oauth-uris`, h.URL + `/oauth/token`} {
				if !strings.Contains(string(a.Body), want) {
					t.Errorf("the CapabilityStatement lacks %s", want)
				}
			}
		})
		t.Run("SMART-17 the pages of an app may read, others may not", func(t *testing.T) {
			for origin, want := range map[string]string{"https://app.test": "https://app.test", "https://evil.test": "", "null": ""} {
				a := h.Send(t, servertest.Request{Path: "/fhir/Patient", Header: map[string]string{"Origin": origin}})
				same(t, "CORS of a 401 for "+origin, a.Header.Get("Access-Control-Allow-Origin"), want)
				b := h.post(t, "/oauth/token", url.Values{"grant_type": {"x"}}, "Origin", origin)
				same(t, "CORS of the token endpoint for "+origin, b.header.Get("Access-Control-Allow-Origin"), want)
			}
		})
		t.Run("keys", func(t *testing.T) {
			var set jose.JSONWebKeySet
			if err := json.Unmarshal(h.Expect(t, 200, servertest.Request{Path: "/oauth/jwks"}).Body, &set); err != nil || len(set.Keys) != 1 || !set.Keys[0].IsPublic() {
				t.Errorf("jwks = %v, %v, want one public key", set, err)
			}
		})
	})
}

func TestBackend(t *testing.T) {
	onBothEngines(t, func(t *testing.T, h *house) {
		rs, es := newKey(t, "r", jose.RS384), newKey(t, "e", jose.ES384)
		h.register(t, oauth.Client{ID: "bulk", Method: oauth.MethodKey, Keys: jwks(t, rs, es), Scopes: []string{"system/Observation.rs", "system/Patient.r"}, Principal: "Organization/hospital"})
		var token string
		for _, k := range []key{rs, es} {
			t.Run("F5 SMART-249 SMART-297 SMART-310 "+string(k.alg)+" with a key that says no use", func(t *testing.T) {
				a := h.post(t, "/oauth/token", backend(k.sign(t, h.claims("bulk", nil), nil), "system/Observation.rs system/Patient.read system/Condition.rs openid"))
				same(t, "status", a.status, 200)
				same(t, "scope SMART-258 SMART-259", a.text("scope"), "system/Observation.rs system/Patient.r")
				same(t, "token_type SMART-255", strings.ToLower(a.text("token_type")), "bearer")
				same(t, "expires_in SMART-256 SMART-262", a.body["expires_in"], 300)
				same(t, "refresh_token SMART-248", a.body["refresh_token"], nil)
				same(t, "Cache-Control SMART-86", a.header.Get("Cache-Control"), "no-store")
				same(t, "Pragma SMART-87", a.header.Get("Pragma"), "no-cache")
				token = a.text("access_token")
			})
		}
		t.Run("aud may be the issuer", func(t *testing.T) {
			same(t, "status", h.post(t, "/oauth/token", backend(rs.sign(t, h.claims("bulk", map[string]any{"aud": []string{h.URL}}), nil), "system/Observation.rs")).status, 200)
		})
		t.Run("SMART-95 SMART-266 reads what its scopes cover", func(t *testing.T) {
			same(t, "search", len(strings.Fields(h.found(t, token, "Observation"))), 3)
			same(t, "read", h.status(t, token, "GET", h.lab, nil), 200)
			same(t, "read", h.status(t, token, "GET", h.a, nil), 200)
		})
		t.Run("and nothing else", func(t *testing.T) {
			for _, q := range []struct {
				method, path string
				body         []byte
			}{
				{"GET", "Patient", nil}, {"GET", "Condition", nil}, {"GET", "Condition/x", nil}, {"GET", "Patient/_history", nil}, {"GET", "PractitionerRole/clin-wang", nil},
				{"POST", "Observation", observation(h.a, "laboratory")}, {"PUT", h.lab, observation(h.a, "laboratory")}, {"DELETE", h.lab, nil}, {"GET", "Task/x/$case", nil}, {"GET", "$export?_type=Condition", nil},
				{"POST", "Subscription", []byte(`{"resourceType":"Subscription","status":"requested","reason":"x","criteria":"Observation?code=x","channel":{"type":"websocket"}}`)},
				{"GET", "Subscription/$status", nil},
			} {
				header := map[string]string{}
				if strings.HasPrefix(q.path, "$export") {
					header["Prefer"] = "respond-async"
				}
				a := h.Send(t, servertest.Request{Token: token, Method: q.method, Path: "/fhir/" + q.path, Body: q.body, Header: header})
				if a.Status != 403 || !strings.Contains(a.Header.Get("WWW-Authenticate"), "insufficient_scope") {
					t.Errorf("%s %s = %d %.200s %q, want 403 insufficient_scope", q.method, q.path, a.Status, a.Body, a.Header.Get("WWW-Authenticate"))
				}
			}
		})
		t.Run("attacks 1 2 4 5 an alias without the scope finds nothing", func(t *testing.T) {
			for _, query := range []string{"Observation?subject:Patient.name:contains=王", "Observation?_has:Provenance:target:agent=x"} {
				same(t, query, h.found(t, token, query), "")
			}
			same(t, "_include", len(strings.Fields(h.found(t, token, "Observation?_include=Observation:subject&_id="+strings.TrimPrefix(h.lab, "Observation/")))), 1)
		})
		t.Run("SMART-130 each entry of a batch is judged", func(t *testing.T) {
			a := h.Expect(t, 200, servertest.Request{Token: token, Method: "POST", Path: "/fhir", Body: []byte(`{"resourceType":"Bundle","type":"batch","entry":[{"request":{"method":"GET","url":"` + h.lab + `"}},{"request":{"method":"GET","url":"Patient"}}]}`)})
			for _, want := range []string{`"status":"200`, `"status":"403`} {
				if !strings.Contains(string(a.Body), want) {
					t.Errorf("the batch answers %s, want %s in it", a.Body, want)
				}
			}
		})
		t.Run("SMART-336 attack 30 a number once, also in parallel", func(t *testing.T) {
			form := backend(rs.sign(t, h.claims("bulk", nil), nil), "system/Observation.rs")
			var ok atomic.Int32
			var all sync.WaitGroup
			for range 16 {
				all.Go(func() {
					if h.post(t, "/oauth/token", form).status == 200 {
						ok.Add(1)
					}
				})
			}
			all.Wait()
			same(t, "taken", ok.Load(), 1)
		})
		t.Run("revoked with its app within a second", func(t *testing.T) {
			if err := h.App.RemoveApp(t.Context(), "bulk"); err != nil {
				t.Fatal(err)
			}
			time.Sleep(1100 * time.Millisecond)
			same(t, "status", h.status(t, token, "GET", h.lab, nil), 401)
		})
	})
}

// Each of these is refused as invalid_client, and uses no number up.
func TestAssertionsThatAreRefused(t *testing.T) {
	onBothEngines(t, func(t *testing.T, h *house) {
		k, other, twin := newKey(t, "k", jose.RS384), newKey(t, "k2", jose.RS384), newKey(t, "k", jose.RS384)
		mine := func(id string, keys ...key) {
			h.register(t, oauth.Client{ID: id, Method: oauth.MethodKey, Keys: jwks(t, keys...), Scopes: []string{"system/*.rs"}, Principal: "Organization/hospital"})
		}
		mine("one", k)
		mine("two", other)
		mine("twins", k, twin)
		h.register(t, oauth.Client{ID: "public", Method: oauth.MethodNone, Redirects: []string{"https://app.test/cb"}, Scopes: []string{"patient/*.rs"}})
		number := unique()
		change := func(pairs ...any) map[string]any {
			m := map[string]any{"jti": number}
			for i := 0; i < len(pairs); i += 2 {
				m[pairs[i].(string)] = pairs[i+1]
			}
			return m
		}
		now := time.Now()
		good := h.claims("one", nil)
		public, err := json.Marshal(jose.JSONWebKey{Key: k.signer.Public()})
		if err != nil {
			t.Fatal(err)
		}
		body, _ := json.Marshal(good)
		b64 := base64.RawURLEncoding.EncodeToString
		p256, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		hs, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.HS384, Key: public}, (&jose.SignerOptions{}).WithHeader("kid", "k"))
		if err != nil {
			t.Fatal(err)
		}
		hsSigned, _ := hs.Sign(body)
		hsText, _ := hsSigned.CompactSerialize()
		for name, assertion := range map[string]string{
			"attack 29 alg none":                     b64([]byte(`{"alg":"none","kid":"k"}`)) + "." + b64(body) + ".",
			"attack 29 HS384 with the public key":    hsText,
			"RS256":                                  key{"k", k.signer, jose.RS256}.sign(t, h.claims("one", change()), nil),
			"ES256":                                  key{"k", p256, jose.ES256}.sign(t, h.claims("one", change()), nil),
			"F6 no kid":                              key{"", k.signer, jose.RS384}.sign(t, h.claims("one", change()), nil),
			"unknown kid":                            key{"x", k.signer, jose.RS384}.sign(t, h.claims("one", change()), nil),
			"attack 29 kid with a path":              key{"../../k", k.signer, jose.RS384}.sign(t, h.claims("one", change()), nil),
			"F6 two keys of one kid":                 k.sign(t, h.claims("twins", change()), nil),
			"another key of the same kid":            twin.sign(t, h.claims("one", change()), nil),
			"another client's key":                   other.sign(t, h.claims("one", change()), nil),
			"SMART-338 jku without a registered one": k.sign(t, h.claims("one", change()), map[string]any{"jku": "https://evil.test/jwks"}),
			"attack 29 embedded key":                 twin.sign(t, h.claims("one", change()), map[string]any{"jwk": json.RawMessage(public)}),
			"x5u":                                    k.sign(t, h.claims("one", change()), map[string]any{"x5u": "https://evil.test/cert"}),
			"SMART-337 iss is not sub":               k.sign(t, h.claims("one", change("sub", "two")), nil),
			"unknown client":                         k.sign(t, h.claims("three", change()), nil),
			"a public client":                        k.sign(t, h.claims("public", change()), nil),
			"attack 30 wrong aud":                    k.sign(t, h.claims("one", change("aud", "https://other.test/oauth/token")), nil),
			"no aud":                                 k.sign(t, h.claims("one", change("aud", nil)), nil),
			"aud that begins alike":                  k.sign(t, h.claims("one", change("aud", h.URL+"/oauth/token/x")), nil),
			"no exp":                                 k.sign(t, h.claims("one", change("exp", nil)), nil),
			"expired":                                k.sign(t, h.claims("one", change("exp", now.Add(-2*time.Minute).Unix())), nil),
			"attack 30 F6 exp in an hour":            k.sign(t, h.claims("one", change("exp", now.Add(time.Hour).Unix())), nil),
			"nbf of the future":                      k.sign(t, h.claims("one", change("nbf", now.Add(3*time.Minute).Unix())), nil),
			"no jti":                                 k.sign(t, h.claims("one", map[string]any{"jti": nil}), nil),
			"empty":                                  "",
			"three dots":                             "...",
		} {
			t.Run(name, func(t *testing.T) {
				a := h.post(t, "/oauth/token", backend(assertion, "system/*.rs"))
				if a.status != 401 && a.status != 400 || a.text("error") != "invalid_client" {
					t.Errorf("answer = %d %v, want invalid_client", a.status, a.body)
				}
			})
		}
		t.Run("F6 the number of what was refused is still good, and of each client its own", func(t *testing.T) {
			for client, by := range map[string]key{"one": k, "two": other} {
				same(t, client, h.post(t, "/oauth/token", backend(by.sign(t, h.claims(client, change()), nil), "system/*.rs")).status, 200)
			}
			same(t, "again", h.post(t, "/oauth/token", backend(k.sign(t, h.claims("one", change()), nil), "system/*.rs")).status, 401)
		})
		for name, form := range map[string]url.Values{
			"F11 no scope":                 backend(k.sign(t, h.claims("one", nil), nil), ""),
			"no scope that is known":       backend(k.sign(t, h.claims("one", nil), nil), "patient/*.rs user/*.rs openid launch"),
			"wrong assertion type":         {"grant_type": {"client_credentials"}, "scope": {"system/*.rs"}, "client_assertion_type": {"x"}, "client_assertion": {k.sign(t, h.claims("one", nil), nil)}},
			"unknown grant type":           {"grant_type": {"password"}, "client_id": {"one"}},
			"client_id of another":         withID(backend(k.sign(t, h.claims("one", nil), nil), "system/*.rs"), "two"),
			"F11 a parameter twice":        {"grant_type": {"client_credentials", "client_credentials"}},
			"a public app gets no backend": {"grant_type": {"client_credentials"}, "client_id": {"public"}, "scope": {"system/*.rs"}},
			"a secret beside":              withSecret(backend(k.sign(t, h.claims("one", nil), nil), "system/*.rs")),
		} {
			t.Run(name, func(t *testing.T) {
				if a := h.post(t, "/oauth/token", form); a.status != 400 && a.status != 401 {
					t.Errorf("answer = %d %v, want 400 or 401", a.status, a.body)
				}
			})
		}
	})
}

func withID(f url.Values, id string) url.Values { f.Set("client_id", id); return f }
func withSecret(f url.Values) url.Values        { f.Set("client_secret", "x"); return f }

// F7: keys at an address are fetched once, kept as long as their owner says, and
// asked for anew when a kid is unknown, with a pause.
func TestKeysAtAnAddress(t *testing.T) {
	first, second := newKey(t, "1", jose.ES384), newKey(t, "2", jose.ES384)
	var asked atomic.Int32
	var body atomic.Value
	body.Store([]byte(jwks(t, first)))
	at := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		w.Header().Set("Cache-Control", "max-age=600")
		_, _ = w.Write(body.Load().([]byte))
	}))
	defer at.Close()
	h := furnished(t, app.Config{Sample: true, Outbound: app.Outbound{Allow: []string{"127.0.0.0/8"}}})
	h.register(t, oauth.Client{ID: "far", Method: oauth.MethodKey, KeysURL: at.URL, Scopes: []string{"system/*.rs"}, Principal: "Organization/hospital"})
	ask := func(k key, header map[string]any) int {
		return h.post(t, "/oauth/token", backend(k.sign(t, h.claims("far", nil), header), "system/*.rs")).status
	}
	for range 3 {
		same(t, "SMART-296 SMART-326 SMART-339", ask(first, nil), 200)
	}
	same(t, "SMART-342 fetched", asked.Load(), 1)
	same(t, "jku as registered", ask(first, map[string]any{"jku": at.URL}), 200)
	same(t, "SMART-338 jku elsewhere", ask(first, map[string]any{"jku": at.URL + "/other"}), 401)
	for range 5 {
		same(t, "unknown kid", ask(second, nil), 401)
	}
	same(t, "fetched within the pause", asked.Load(), 1)
	kept := atomic.Int32{}
	brief := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		set := jwks(t, first)
		if kept.Add(1) > 1 { // withdrawn
			set = jwks(t, second)
		}
		w.Header().Set("Cache-Control", "no-store")
		_, _ = w.Write(set)
	}))
	defer brief.Close()
	h.register(t, oauth.Client{ID: "brief", Method: oauth.MethodKey, KeysURL: brief.URL, Scopes: []string{"system/*.rs"}, Principal: "Organization/hospital"})
	for _, want := range []int{200, 401} {
		same(t, "SMART-341 kept no longer than its owner says", h.post(t, "/oauth/token", backend(first.sign(t, h.claims("brief", nil), nil), "system/*.rs")).status, want)
	}
	held := make(chan struct{})
	asking := make(chan struct{}, 8)
	slow := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asking <- struct{}{}; <-held }))
	defer slow.Close()
	h.register(t, oauth.Client{ID: "slow", Method: oauth.MethodKey, KeysURL: slow.URL, Scopes: []string{"system/*.rs"}, Principal: "Organization/hospital"})
	answered := make(chan int, 1)
	stuck := backend(first.sign(t, h.claims("slow", nil), nil), "system/*.rs")
	go func() { answered <- h.post(t, "/oauth/token", stuck).status }()
	<-asking
	same(t, "an app whose keys are there, while another's do not come", ask(first, nil), 200)
	select {
	case <-answered:
		t.Error("the slow address had answered: nothing was shown")
	default:
	}
	close(held)
	same(t, "and that one", <-answered, 401)
	h.register(t, oauth.Client{ID: "large", Method: oauth.MethodKey, KeysURL: at.URL + "/large", Scopes: []string{"system/*.rs"}, Principal: "Organization/hospital"})
	body.Store(append([]byte(jwks(t, first)), make([]byte, 1<<20)...))
	same(t, "F7 a body without end", h.post(t, "/oauth/token", backend(first.sign(t, h.claims("large", nil), nil), "system/*.rs")).status, 401)
}

// Attack 34: an address that is not public is not asked.
func TestKeysAtAPrivateAddress(t *testing.T) {
	k := newKey(t, "1", jose.ES384)
	var asked atomic.Int32
	at := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked.Add(1) }))
	defer at.Close()
	h := furnished(t, app.Config{Sample: true})
	h.register(t, oauth.Client{ID: "far", Method: oauth.MethodKey, KeysURL: at.URL, Scopes: []string{"system/*.rs"}, Principal: "Organization/hospital"})
	same(t, "status", h.post(t, "/oauth/token", backend(k.sign(t, h.claims("far", nil), nil), "system/*.rs")).status, 401)
	same(t, "asked", asked.Load(), 0)
}
