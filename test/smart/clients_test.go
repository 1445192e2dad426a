package smart

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"tenon/oauth"
	"tenon/test/servertest"
)

// TestClients lets clients that others have written come in: what they take for
// granted shows here. Their versions are those of clients/package.json.
func TestClients(t *testing.T) {
	folder := servertest.Scripts(t, "TENON_SMART_CLIENTS")
	onBothEngines(t, func(t *testing.T, h *house) {
		h.person(t, "PractitionerRole/clin-wang", "wang")
		h.register(t, oauth.Client{ID: "chart", Method: oauth.MethodNone, Redirects: []string{plainCallback}, Launch: "https://app.test/launch",
			Scopes: []string{"openid", "fhirUser", "launch", "launch/patient", "offline_access", "patient/*.rs"}})
		own := []string{h.lab, h.exam}
		slices.Sort(own)
		t.Run("R000-026 fhirclient standalone launch", func(t *testing.T) {
			c := h.script(t, folder, "fhirclient.mjs", "SCOPE=openid fhirUser launch/patient offline_access patient/*.rs")
			same(t, "found", c, map[string]any{"patient": h.a, "user": "PractitionerRole/clin-wang", "observations": own, "refreshed": true})
		})
		t.Run("R000-026 fhirclient EHR launch", func(t *testing.T) {
			body, _ := json.Marshal(map[string]string{"client": "chart", "patient": h.a})
			var launched struct{ URL string }
			if err := json.Unmarshal(h.Expect(t, 201, servertest.Request{Token: h.token, Method: "POST", Path: "/oauth/launch", Body: body}).Body, &launched); err != nil {
				t.Fatal(err)
			}
			c := h.script(t, folder, "fhirclient.mjs", "SCOPE=openid fhirUser launch offline_access patient/*.rs", "LAUNCH="+launched.URL)
			same(t, "found", c, map[string]any{"patient": h.a, "user": "PractitionerRole/clin-wang", "observations": own, "refreshed": true})
		})
		t.Run("openid-client: code, refresh, revocation", func(t *testing.T) {
			c := h.script(t, folder, "openid.mjs", "SCOPE=openid fhirUser launch/patient offline_access patient/*.rs")
			same(t, "found", c, map[string]any{"user": "PractitionerRole/clin-wang", "refreshed": true, "ended": true})
		})
		for _, alg := range []jose.SignatureAlgorithm{jose.ES384, jose.RS384} {
			t.Run("R000-023 jose and fhir-kit-client, backend "+string(alg), func(t *testing.T) {
				k := newKey(t, "k", alg)
				h.register(t, oauth.Client{ID: "bulk", Method: oauth.MethodKey, Keys: jwks(t, k), Scopes: []string{"system/*.rs"}, Principal: "Organization/hospital"})
				private, err := json.Marshal(jose.JSONWebKey{Key: k.signer, KeyID: "k", Algorithm: string(alg)})
				if err != nil {
					t.Fatal(err)
				}
				name := filepath.Join(t.TempDir(), "key.json")
				if err := os.WriteFile(name, private, 0o600); err != nil {
					t.Fatal(err)
				}
				all := []string{h.lab, h.exam, h.other}
				slices.Sort(all)
				c := h.script(t, folder, "backend.mjs", "CLIENT=bulk", "SCOPE=system/Observation.rs", "KEY="+name)
				same(t, "found", c, map[string]any{"observations": all, "scope": "system/Observation.rs"})
			})
		}
	})
}

// plainCallback has no query, which openid-client takes for the server's answer.
const plainCallback = "https://app.test/cb"

// script runs one of them; a person opens what it asks for and allows it.
func (h *house) script(t *testing.T, folder, name string, env ...string) map[string]any {
	t.Helper()
	run := exec.CommandContext(t.Context(), "node", name) //nolint:gosec // ours
	run.Dir = folder
	run.Env = append(append(os.Environ(), "FHIR_BASE="+h.URL+"/fhir", "REDIRECT="+plainCallback, "CLIENT=chart"), env...)
	in, err := run.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := run.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var wrong strings.Builder
	run.Stderr = &wrong
	if err := run.Start(); err != nil {
		t.Fatal(err)
	}
	var last map[string]any
	for lines := bufio.NewScanner(out); lines.Scan(); {
		var line struct {
			Open  string
			Found map[string]any
		}
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
			t.Fatalf("%s says %q", name, lines.Text())
		}
		last = line.Found
		if line.Open != "" {
			_, _ = fmt.Fprintln(in, h.allow(t, line.Open))
		}
	}
	if err := run.Wait(); err != nil {
		t.Fatalf("%s: %v\n%s", name, err, wrong.String())
	}
	return last
}

// allow signs in, allows all that is asked for, and tells where the app is
// answered.
func (h *house) allow(t *testing.T, address string) string {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil || !strings.HasPrefix(address, h.URL+"/oauth/authorize?") {
		t.Fatalf("the app opens %q", address)
	}
	b := h.browser(t)
	b.get(t, u.RequestURI())
	form := b.signIn(t, "wang").form()
	form.Set("decision", "allow")
	if strings.Contains(b.last.body, `name="patient"`) {
		form.Set("patient", strings.TrimPrefix(h.a, "Patient/"))
	}
	p := b.post(t, "/oauth/consent", form)
	if p.location == nil {
		t.Fatalf("the consent answers %d %.600s", p.status, p.body)
	}
	return p.location.String()
}
