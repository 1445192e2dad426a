package rules_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"tenon/fhir/tree"
)

const (
	// content is the canonical form of what signed puts into a Bundle.
	content  = `{"entry":[{"fullUrl":"http://example.org/fhir/Patient/1","resource":{"id":"1","name":[{"text":"王\"\n"}],"resourceType":"Patient"}}],"id":"b","meta":{"versionId":"1"},"resourceType":"Bundle","type":"collection"}`
	document = `{"entry":[{"fullUrl":"http://example.org/fhir/Patient/1","resource":{"id":"1","name":[{"text":"王\"\n"}],"resourceType":"Patient"}}],"resourceType":"Bundle","type":"collection"}`
	canon    = "http://hl7.org/fhir/canonicalization/json"
)

func signed(data, target string) string {
	return `{ "type" : "collection", "resourceType":"Bundle", "id":"b", "meta":{"versionId":"1"},
		"entry":[{"resource":{"resourceType":"Patient","name":[{"text":"\u738b\"\n"}],"id":"1"},"fullUrl":"http://example.org/fhir/Patient/1"}],
		"signature":{"when":"2026-01-01T00:00:00Z","sigFormat":"application/jose","targetFormat":"` + target + `","data":"` + data + `"}}`
}

func judgeRaw(t *testing.T, src string) []string {
	t.Helper()
	d, err := tree.Parse([]byte(src))
	if err != nil {
		t.Fatal(err)
	}
	return (&host{t: t}).judge(d.Root())
}

// sign makes a JWS over a payload, detached unless whole.
func sign(t *testing.T, key crypto.Signer, alg, rest, payload string, whole bool) string {
	t.Helper()
	url := base64.RawURLEncoding.EncodeToString
	header := url([]byte(`{"alg":"` + alg + `"` + rest + `}`))
	message := []byte(header + "." + url([]byte(payload)))
	digest := sha256.Sum256(message)
	var sig []byte
	var err error
	switch k := key.(type) {
	case *rsa.PrivateKey:
		if alg == "PS256" {
			sig, err = rsa.SignPSS(rand.Reader, k, crypto.SHA256, digest[:], nil)
		} else {
			sig, err = rsa.SignPKCS1v15(rand.Reader, k, crypto.SHA256, digest[:])
		}
	case *ecdsa.PrivateKey:
		r, s, e := ecdsa.Sign(rand.Reader, k, digest[:])
		sig, err = append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...), e
	case ed25519.PrivateKey:
		sig = ed25519.Sign(k, message)
	}
	if err != nil {
		t.Fatal(err)
	}
	middle := ""
	if whole {
		middle = url([]byte(payload))
	}
	return base64.StdEncoding.EncodeToString([]byte(header + "." + middle + "." + url(sig)))
}

// x5c makes the header of a certificate for the key.
func x5c(t *testing.T, key crypto.Signer) string {
	t.Helper()
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Test"}, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return `,"x5c":["` + base64.StdEncoding.EncodeToString(der) + `"]`
}

func TestSignatures(t *testing.T) {
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	ecKey, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	public, edKey, _ := ed25519.GenerateKey(rand.Reader)
	okp := fmt.Sprintf(`,"jwk":{"kty":"OKP","crv":"Ed25519","x":"%s"}`, base64.RawURLEncoding.EncodeToString(public))
	jwk := fmt.Sprintf(`,"jwk":{"kty":"RSA","e":"AQAB","n":"%s"}`, base64.RawURLEncoding.EncodeToString(rsaKey.N.Bytes()))
	target := "application/fhir+json;canonicalization=" + canon
	verified, invalid := list("information signature-verified Bundle"), list("error signature-invalid Bundle")
	for _, c := range []struct {
		name, data, target string
		want               []string
	}{
		{"RS256", sign(t, rsaKey, "RS256", x5c(t, rsaKey), content, false), target, verified},
		{"PS256", sign(t, rsaKey, "PS256", x5c(t, rsaKey), content, false), target, verified},
		{"ES256", sign(t, ecKey, "ES256", x5c(t, ecKey), content, false), target, verified},
		{"EdDSA by jwk", sign(t, edKey, "EdDSA", okp, content, false), target, verified},
		{"RSA by jwk", sign(t, rsaKey, "RS256", jwk, content, false), target, verified},
		{"no canonicalization told", sign(t, rsaKey, "RS256", jwk, content, false), "application/fhir+json", verified},
		{"canonicalization in the header", sign(t, rsaKey, "RS256", jwk+`,"canon":"`+canon+`#document"`, document, false), "application/fhir+json", verified},
		{"#document", sign(t, rsaKey, "RS256", jwk, document, false), target + "#document", verified},
		{"other content", sign(t, rsaKey, "RS256", jwk, strings.Replace(content, "王", "李", 1), false), target, invalid},
		{"another key", sign(t, ecKey, "ES256", x5c(t, rsaKey)[:1]+x5c(t, edKey)[1:], content, false), target, invalid},
		{"another algorithm than the key's", sign(t, rsaKey, "RS256", okp, content, false), target, invalid},
		{"payload", sign(t, rsaKey, "RS256", jwk, content, true), target, append(slices.Clone(verified), "warning signature-payload Bundle.signature.data")},
		{"another payload", sign(t, rsaKey, "RS256", jwk, document, true), target,
			list("error signature-content Bundle", "information signature-verified Bundle", "warning signature-payload Bundle.signature.data")},
		{"no key", sign(t, rsaKey, "RS256", "", content, false), target, list("information signature-unverified Bundle")},
		{"unknown canonicalization", sign(t, rsaKey, "RS256", jwk, content, false), "x;canonicalization=http://example.org/c14n", list("information signature-unverified Bundle")},
		{"no algorithm", sign(t, rsaKey, "none", jwk, content, false), target, list("error signature-jws Bundle.signature.data")},
		{"HMAC", sign(t, rsaKey, "HS256", jwk, content, false), target, list("error signature-jws Bundle.signature.data")},
		{"no JWS", "aGVsbG8=", target, list("error signature-jws Bundle.signature.data")},
		{"another time", sign(t, rsaKey, "RS256", jwk+`,"sigT":"2026-01-02T00:00:00Z"`, content, false), target, append(slices.Clone(verified), "warning signature-when Bundle.signature.when")},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := judgeRaw(t, signed(c.data, c.target)); !slices.Equal(got, c.want) {
				t.Errorf("rules = %q, want %q", got, c.want)
			}
		})
	}
	run(t, []judged{
		{"no format", `{'resourceType':'Provenance','signature':[{'data':'aGVsbG8='}]}`, list("warning signature-format Provenance.signature[0]")},
		{"XML", `{'resourceType':'Provenance','signature':[{'data':'aGVsbG8=','sigFormat':'application/signature+xml'}]}`, nil},
	})
}

// Signatures that others made over real Bundles.
func TestForeignSignatures(t *testing.T) {
	dir := os.Getenv("TENON_TESTDATA")
	if dir == "" {
		dir = "../../../shared/testdata"
	}
	for file, want := range map[string]string{
		"bundle-signed-good.json":   "information signature-verified Bundle",
		"signatures/example-1.json": "information signature-verified Bundle",
		"signatures/example-2.json": "error signature-content Bundle",
	} {
		src, err := os.ReadFile(filepath.Join(dir, "fhir-test-cases", "validator", file))
		if err != nil {
			t.Skip("no test data: set TENON_TESTDATA")
		}
		if got := judgeRaw(t, string(src)); !slices.Contains(got, want) {
			t.Errorf("rules of %s = %q, want %q among them", file, got, want)
		}
	}
}
