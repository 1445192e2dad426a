package smart

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"tenon/oauth"
	"tenon/server/app"
	"tenon/server/store/pgtest"
	"tenon/test/servertest"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Run(m.Run)) }

// house is a whole server with people, two patients and apps.
type house struct {
	*servertest.Server
	token string // of the clinician, without an app
	a, b  string // Patient/x
	lab   string // Observation of a, category laboratory
	exam  string // Observation of a, category exam
	other string // Observation of b, category laboratory
}

func onBothEngines(t *testing.T, test func(t *testing.T, h *house)) {
	for _, engine := range []string{"SQLite", "PostgreSQL"} {
		t.Run(engine, func(t *testing.T) {
			c := app.Config{Sample: true}
			if engine == "PostgreSQL" {
				c.Database = pgtest.Database(t, "empty", nil)
			}
			test(t, furnished(t, c))
		})
	}
}

func furnished(t testing.TB, c app.Config) *house {
	c.Exchange.Endpoints = "any" // no agreement names the backends of these tests
	h := &house{Server: servertest.Start(t, c)}
	h.token = h.Token(t, "PractitionerRole/clin-wang")
	patient := func(name string) string {
		return h.Create(t, h.token, `{"resourceType":"Patient","name":[{"text":"`+name+`"}],"birthDate":"1980-05-17","identifier":[{"system":"urn:his","value":"`+name+`"}]}`)
	}
	h.a, h.b = patient("王甲"), patient("李乙")
	h.lab, h.exam, h.other = h.observation(t, h.token, h.a, "laboratory"), h.observation(t, h.token, h.a, "exam"), h.observation(t, h.token, h.b, "laboratory")
	return h
}

func observation(patient, category string) []byte {
	return []byte(`{"resourceType":"Observation","status":"final","category":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/observation-category","code":"` + category +
		`"}]}],"code":{"coding":[{"system":"http://loinc.org","code":"718-7"}],"text":"x"},"subject":{"reference":"` + patient + `"}}`)
}

func (h *house) observation(t testing.TB, token, patient, category string) string {
	return h.Create(t, token, string(observation(patient, category)))
}

func (h *house) register(t testing.TB, c oauth.Client) {
	t.Helper()
	if c.Name == "" {
		c.Name = "影像 " + c.ID
	}
	if err := h.App.AddApp(t.Context(), &c); err != nil {
		t.Fatal(err)
	}
}

// answer is what the token endpoint says.
type answer struct {
	status int
	header http.Header
	body   map[string]any
}

func (a answer) text(name string) string { s, _ := a.body[name].(string); return s }

func (h *house) post(t testing.TB, path string, form url.Values, header ...string) answer {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), "POST", h.URL+path, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Error(err)
		return answer{}
	}
	defer res.Body.Close()
	out := answer{status: res.StatusCode, header: res.Header}
	_ = json.NewDecoder(res.Body).Decode(&out.body)
	return out
}

// key is a key of an app.
type key struct {
	kid    string
	signer crypto.Signer
	alg    jose.SignatureAlgorithm
}

func newKey(t testing.TB, kid string, alg jose.SignatureAlgorithm) key {
	t.Helper()
	var s crypto.Signer
	var err error
	if alg == jose.ES384 {
		s, err = ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	} else {
		s, err = rsa.GenerateKey(rand.Reader, 2048)
	}
	if err != nil {
		t.Fatal(err)
	}
	return key{kid, s, alg}
}

// jwks is the public set, without "use", as the examples of the guide have it.
func jwks(t testing.TB, keys ...key) json.RawMessage {
	t.Helper()
	set := jose.JSONWebKeySet{}
	for _, k := range keys {
		set.Keys = append(set.Keys, jose.JSONWebKey{Key: k.signer.Public(), KeyID: k.kid})
	}
	b, err := json.Marshal(set)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// claims of an assertion that is in order, changed by the test.
func (h *house) claims(client string, change map[string]any) map[string]any {
	c := map[string]any{"iss": client, "sub": client, "aud": h.URL + "/oauth/token", "exp": time.Now().Add(4 * time.Minute).Unix(), "jti": unique()}
	maps.Copy(c, change)
	for name, v := range change {
		if v == nil {
			delete(c, name)
		}
	}
	return c
}

func unique() string {
	b := make([]byte, 16)
	_, _ = rand.Read(b)
	return base64.RawURLEncoding.EncodeToString(b)
}

func (k key) sign(t testing.TB, claims map[string]any, header map[string]any) string {
	t.Helper()
	o := &jose.SignerOptions{ExtraHeaders: map[jose.HeaderKey]any{"typ": "JWT"}}
	if k.kid != "" {
		o.ExtraHeaders["kid"] = k.kid
	}
	for name, v := range header {
		o.ExtraHeaders[jose.HeaderKey(name)] = v
	}
	s, err := jose.NewSigner(jose.SigningKey{Algorithm: k.alg, Key: k.signer}, o)
	if err != nil {
		t.Fatal(err)
	}
	body, _ := json.Marshal(claims)
	signed, err := s.Sign(body)
	if err != nil {
		t.Fatal(err)
	}
	out, err := signed.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func backend(assertion, scope string) url.Values {
	return url.Values{"grant_type": {"client_credentials"}, "scope": {scope}, "client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"}, "client_assertion": {assertion}}
}

// status asks the FHIR door and tells the status.
func (h *house) status(t testing.TB, token, method, path string, body []byte) int {
	t.Helper()
	a := h.Send(t, servertest.Request{Token: token, Method: method, Path: "/fhir/" + path, Body: body})
	return a.Status
}

// found are the references of a searchset.
func (h *house) found(t testing.TB, token, query string) string {
	t.Helper()
	a := h.Expect(t, 200, servertest.Request{Token: token, Path: "/fhir/" + query})
	var b struct {
		Entry []struct {
			Resource struct{ ResourceType, ID string }
		}
	}
	if err := json.NewDecoder(bytes.NewReader(a.Body)).Decode(&b); err != nil {
		t.Fatal(err)
	}
	var refs []string
	for _, e := range b.Entry {
		if e.Resource.ResourceType != "OperationOutcome" {
			refs = append(refs, e.Resource.ResourceType+"/"+e.Resource.ID)
		}
	}
	return strings.Join(refs, " ")
}

func same(t testing.TB, what string, got, want any) {
	t.Helper()
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%s = %v, want %v", what, got, want)
	}
}
