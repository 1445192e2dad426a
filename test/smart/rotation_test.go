package smart

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"
	"testing"

	"tenon/oauth"
	"tenon/server/app"
)

// TestKeyRotation adds a signing key while the server runs: new id_tokens are
// signed with it, and those of the old key verify as long as its file is there.
// F10: nothing is restarted.
func TestKeyRotation(t *testing.T) {
	h := furnished(t, app.Config{Sample: true})
	h.person(t, "PractitionerRole/clin-wang", "wang")
	h.app(t, "chart", oauth.MethodNone, "openid", "fhirUser", "user/*.rs")
	token := func() string { return h.tokens(t, "chart", "openid fhirUser user/*.rs", "").text("id_token") }
	before := token()
	subject := h.claimsOf(t, before)["sub"]
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	folder := filepath.Join(h.Config.Data, "keys")
	if err := os.WriteFile(filepath.Join(folder, "oauth-sign-2.pem"), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	after := token()
	if kidOf(t, before) == kidOf(t, after) {
		t.Error("the new key does not sign")
	}
	same(t, "the old one still verifies, sub", h.claimsOf(t, before)["sub"], subject)
	same(t, "and names the same person", h.claimsOf(t, after)["sub"], subject)
	if err := os.Remove(filepath.Join(folder, "oauth-sign-1.pem")); err != nil {
		t.Fatal(err)
	}
	same(t, "once it is taken away, keys of its kid", len(h.keys(t).Key(kidOf(t, before))), 0)
	same(t, "twin: of the new one", len(h.keys(t).Key(kidOf(t, after))), 1)
}
