package ledger_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"

	"tenon/server/ledger"
)

type person struct {
	key  crypto.Signer
	cert []byte
}

func signer(t testing.TB, k *ledger.Keys, principal string) person {
	t.Helper()
	s, err := k.IssueSigner(principal, "Name", "correct horse battery")
	if err != nil {
		t.Fatal(err)
	}
	key, err := ledger.OpenSigner(s.Sealed, "correct horse battery")
	if err != nil {
		t.Fatal(err)
	}
	return person{key, s.Certificate}
}

func manifest() ledger.Manifest {
	return ledger.Manifest{
		Case: "case1", Stage: "S10", Role: "CLIN", Purpose: "approval", Signer: "PractitionerRole/clin", When: now,
		Comment: "<ok> & 同意", Conditions: []string{"c1"},
		Entries:     []ledger.ManifestEntry{{Reference: "DocumentReference/d/_history/2", Digest: sha256.Sum256([]byte("d"))}},
		Attachments: []ledger.Attachment{{Reference: "Binary/b", Digest: sha256.Sum256([]byte("b"))}},
	}
}

func TestManifestRoundTrip(t *testing.T) {
	k := keys(t)
	p := signer(t, k, "PractitionerRole/clin")
	t.Run("R000-021 signer, time, content hash and meaning are bound", func(t *testing.T) {
		jws, err := ledger.SignManifest(p.key, p.cert, manifest())
		if err != nil {
			t.Fatal(err)
		}
		got, cert, err := ledger.VerifyManifest(jws, k.Authority.Certificate)
		if err != nil || !reflect.DeepEqual(got, manifest()) || string(cert.Raw) != string(p.cert) {
			t.Errorf("VerifyManifest() = %+v, %v", got, err)
		}
	})
	t.Run("an independent reading of the JWS", func(t *testing.T) {
		jws, _ := ledger.SignManifest(p.key, p.cert, manifest())
		parts := strings.Split(jws, ".")
		var header struct {
			Alg, Typ string
			X5c      [][]byte
		}
		head, _ := base64.RawURLEncoding.DecodeString(parts[0])
		if err := json.Unmarshal(head, &header); err != nil || header.Alg != "ES256" || len(header.X5c) != 1 {
			t.Fatalf("header %s: %v", head, err)
		}
		c, err := x509.ParseCertificate(header.X5c[0])
		if err != nil {
			t.Fatal(err)
		}
		sig, _ := base64.RawURLEncoding.DecodeString(parts[2])
		sum := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
		if !ecdsa.Verify(c.PublicKey.(*ecdsa.PublicKey), sum[:], new(big.Int).SetBytes(sig[:32]), new(big.Int).SetBytes(sig[32:])) {
			t.Error("r ‖ s over header.payload does not verify")
		}
		payload, _ := base64.RawURLEncoding.DecodeString(parts[1])
		want := fmt.Sprintf(`{"format":"tenon-manifest/1","case":"case1","stage":"S10","role":"CLIN","purpose":"approval",`+
			`"signer":"PractitionerRole/clin","when":"2026-03-01T08:00:00.123456Z","comment":"<ok> & 同意","conditions":["c1"],`+
			`"entries":[{"reference":"DocumentReference/d/_history/2","sha256":"%x"}],"attachments":[{"reference":"Binary/b","sha256":"%x"}]}`,
			sha256.Sum256([]byte("d")), sha256.Sum256([]byte("b")))
		if string(payload) != want {
			t.Errorf("payload\n%s, want\n%s", payload, want)
		}
	})
}

func TestSignManifestRefuses(t *testing.T) {
	k := keys(t)
	clin, des := signer(t, k, "PractitionerRole/clin"), signer(t, k, "PractitionerRole/des")
	empty, timeless, other := manifest(), manifest(), manifest()
	empty.Entries, timeless.When, other.Signer = nil, time.Time{}, "PractitionerRole/des"
	for name, c := range map[string]struct {
		key  crypto.Signer
		cert []byte
		m    ledger.Manifest
	}{
		"key of another":         {des.key, clin.cert, manifest()},
		"certificate of another": {des.key, des.cert, manifest()},
		"manifest of another":    {clin.key, clin.cert, other},
		"no entries":             {clin.key, clin.cert, empty},
		"no time":                {clin.key, clin.cert, timeless},
		"no certificate":         {clin.key, []byte("x"), manifest()},
	} {
		if jws, err := ledger.SignManifest(c.key, c.cert, c.m); err == nil {
			t.Errorf("%s: SignManifest() = %s", name, jws)
		}
	}
}

// forge makes a JWS with any header and payload, signed by any key.
func forge(t *testing.T, key crypto.Signer, header, payload string) string {
	t.Helper()
	signed := base64.RawURLEncoding.EncodeToString([]byte(header)) + "." + base64.RawURLEncoding.EncodeToString([]byte(payload))
	sum := sha256.Sum256([]byte(signed))
	r, s, err := ecdsa.Sign(rand.Reader, key.(*ecdsa.PrivateKey), sum[:])
	if err != nil {
		t.Fatal(err)
	}
	sig := make([]byte, 64)
	r.FillBytes(sig[:32])
	s.FillBytes(sig[32:])
	return signed + "." + base64.RawURLEncoding.EncodeToString(sig)
}

func TestVerifyManifestRefuses(t *testing.T) {
	k := keys(t)
	p := signer(t, k, "PractitionerRole/clin")
	jws, err := ledger.SignManifest(p.key, p.cert, manifest())
	if err != nil {
		t.Fatal(err)
	}
	parts := strings.Split(jws, ".")
	head, _ := base64.RawURLEncoding.DecodeString(parts[0])
	payload, _ := base64.RawURLEncoding.DecodeString(parts[1])
	header, body := string(head), string(payload)
	mac := func(alg string) string {
		signed := base64.RawURLEncoding.EncodeToString([]byte(strings.Replace(header, "ES256", alg, 1))) + "." + parts[1]
		m := hmac.New(sha256.New, p.cert)
		m.Write([]byte(signed))
		return signed + "." + base64.RawURLEncoding.EncodeToString(m.Sum(nil))
	}
	cases := map[string]string{
		"alg none":              base64.RawURLEncoding.EncodeToString([]byte(strings.Replace(header, "ES256", "none", 1))) + "." + parts[1] + ".",
		"alg HS256":             mac("HS256"),
		"alg ES384":             forge(t, p.key, strings.Replace(header, "ES256", "ES384", 1), body),
		"alg twice":             forge(t, p.key, strings.Replace(header, `{"alg"`, `{"alg":"none","alg"`, 1), body),
		"crit":                  forge(t, p.key, strings.Replace(header, `{"alg"`, `{"crit":["b64"],"b64":false,"alg"`, 1), body),
		"embedded jwk":          forge(t, p.key, strings.Replace(header, `{"alg"`, `{"jwk":{},"alg"`, 1), body),
		"typ of another":        forge(t, p.key, strings.Replace(header, "tenon-manifest+jws", "JWT", 1), body),
		"no chain":              forge(t, p.key, `{"alg":"ES256","typ":"tenon-manifest+jws","x5c":[]}`, body),
		"payload changed":       parts[0] + "." + base64.RawURLEncoding.EncodeToString([]byte(strings.Replace(body, "S10", "S11", 1))) + "." + parts[2],
		"member twice":          forge(t, p.key, header, strings.Replace(body, `"stage"`, `"stage":"S01","stage"`, 1)),
		"member unknown":        forge(t, p.key, header, strings.Replace(body, `"stage"`, `"phase":"S01","stage"`, 1)),
		"manifest of another":   forge(t, p.key, header, strings.Replace(body, "PractitionerRole/clin", "PractitionerRole/des", 1)),
		"before it was issued":  forge(t, p.key, header, strings.Replace(body, "2026-03-01T08", "2026-02-01T08", 1)),
		"after it expired":      forge(t, p.key, header, strings.Replace(body, "2026-03-01T08", "2031-03-01T08", 1)),
		"four parts":            jws + ".",
		"two parts":             parts[0] + "." + parts[1],
		"padding":               jws + "==",
		"line break":            parts[0] + "\n." + parts[1] + "." + parts[2],
		"line break at the end": jws + "\n",
		"line break inside":     jws[:len(jws)-9] + "\n" + jws[len(jws)-9:],
		"empty":                 "",
	}
	for name, forged := range cases {
		if m, _, err := ledger.VerifyManifest(forged, k.Authority.Certificate); err == nil {
			t.Errorf("%s: VerifyManifest() = %+v, nil", name, m)
		}
	}
	t.Run("every byte", func(t *testing.T) {
		for i := range jws {
			forged := []byte(jws)
			forged[i] ^= 1
			if _, _, err := ledger.VerifyManifest(string(forged), k.Authority.Certificate); err == nil {
				t.Fatalf("byte %d (%q) changed: no error", i, jws[i])
			}
		}
	})
}

func TestVerifyManifestChain(t *testing.T) {
	k, other := keys(t), keys(t)
	p := signer(t, k, "PractitionerRole/clin")
	jws, _ := ledger.SignManifest(p.key, p.cert, manifest())
	if _, _, err := ledger.VerifyManifest(jws, other.Authority.Certificate); err == nil {
		t.Error("a chain to another authority was taken")
	}
	if _, _, err := ledger.VerifyManifest(jws, nil); err != nil {
		t.Errorf("without an authority: %v, want the signature alone judged", err)
	}
	// A person's certificate is no authority: what it issues counts for nothing.
	key, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	parent, _ := x509.ParseCertificate(p.cert)
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
		Subject: pkix.Name{CommonName: "mallory"}, URIs: []*url.URL{{Scheme: "urn", Opaque: "tenon:principal:PractitionerRole/clin"}},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(time.Hour), KeyUsage: x509.KeyUsageContentCommitment | x509.KeyUsageDigitalSignature,
	}, parent, key.Public(), p.key)
	if err != nil {
		t.Fatal(err)
	}
	m, err := ledger.SignManifest(key, der, manifest())
	if err != nil {
		t.Fatal(err)
	}
	head := strings.Split(m, ".")[0]
	text, _ := base64.RawURLEncoding.DecodeString(head)
	chained := strings.Replace(string(text), `"]}`, `","`+base64.StdEncoding.EncodeToString(p.cert)+`"]}`, 1)
	body, _ := base64.RawURLEncoding.DecodeString(strings.Split(m, ".")[1])
	if _, _, err := ledger.VerifyManifest(forge(t, key, chained, string(body)), k.Authority.Certificate); err == nil {
		t.Error("a certificate issued by a person was taken")
	}
}

// TestCertificatesForOtherPurposes: the authority may be a hospital's that
// certifies more than signers; only a certificate for content commitment signs.
func TestCertificatesForOtherPurposes(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		Subject: pkix.Name{CommonName: "Hospital CA"}, NotBefore: now.Add(-time.Hour), NotAfter: now.Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	secret, _ := x509.MarshalPKCS8PrivateKey(key)
	given := append(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret})...)
	k, err := ledger.KeyOptions{Authority: given, Cost: cheap, Clock: func() time.Time { return now }}.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	p := signer(t, k, "PractitionerRole/clin")
	jws, err := ledger.SignManifest(p.key, p.cert, manifest())
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := ledger.VerifyManifest(jws, k.Authority.Certificate); err != nil {
		t.Errorf("a signer of a given authority: %v", err)
	}
	web := &x509.Certificate{
		URIs:      []*url.URL{{Scheme: "urn", Opaque: "tenon:principal:PractitionerRole/clin"}},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(time.Hour), KeyUsage: x509.KeyUsageDigitalSignature,
	}
	der, err = x509.CreateCertificate(rand.Reader, web, k.Authority.Certificate, p.key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	if jws, err = ledger.SignManifest(p.key, der, manifest()); err != nil {
		t.Fatal(err)
	}
	if _, _, err := ledger.VerifyManifest(jws, k.Authority.Certificate); err == nil {
		t.Error("a certificate that is not for signing documents was taken")
	}
}

func FuzzVerifyManifest(f *testing.F) {
	k := keys(f)
	p := signer(f, k, "PractitionerRole/clin")
	jws, _ := ledger.SignManifest(p.key, p.cert, manifest())
	f.Add(jws)
	f.Add("a.b.c")
	f.Fuzz(func(t *testing.T, text string) {
		m, _, err := ledger.VerifyManifest(text, k.Authority.Certificate)
		if err == nil && !reflect.DeepEqual(m, manifest()) {
			t.Errorf("forged: %+v", m)
		}
	})
}
