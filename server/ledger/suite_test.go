package ledger_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"math/big"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/emmansun/gmsm/sm2"
	"github.com/emmansun/gmsm/smx509"

	"tenon/server/ledger"
)

// own is a certification authority outside, and a person's certificate of it.
type own struct {
	key         crypto.Signer
	certificate *x509.Certificate
	issuer      *x509.Certificate
	issuerKey   crypto.Signer
}

func create(t testing.TB, template, parent *x509.Certificate, public any, by crypto.Signer) *x509.Certificate {
	t.Helper()
	der, err := smx509.CreateCertificate(rand.Reader, template, parent, public, by)
	if err != nil {
		t.Fatal(err)
	}
	c, err := smx509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return c.ToX509()
}

func outside(t testing.TB, make func() (crypto.Signer, error)) own {
	t.Helper()
	ca, err := make()
	if err != nil {
		t.Fatal(err)
	}
	key, err := make()
	if err != nil {
		t.Fatal(err)
	}
	root := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Outside CA"}, NotBefore: now.AddDate(-1, 0, 0), NotAfter: now.AddDate(20, 0, 0),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign, SubjectKeyId: []byte{1, 2, 3}}
	issuer := create(t, root, root, ca.Public(), ca)
	leaf := &x509.Certificate{SerialNumber: big.NewInt(77), Subject: pkix.Name{CommonName: "王医生"}, NotBefore: now.AddDate(0, -1, 0), NotAfter: now.AddDate(1, 0, 0),
		KeyUsage: x509.KeyUsageContentCommitment, AuthorityKeyId: []byte{1, 2, 3}}
	return own{key, create(t, leaf, issuer, key.Public(), ca), issuer, ca}
}

func p256() (crypto.Signer, error)    { return ecdsa.GenerateKey(elliptic.P256(), rand.Reader) }
func rsa2048() (crypto.Signer, error) { return rsa.GenerateKey(rand.Reader, 2048) }
func guomi() (crypto.Signer, error)   { return sm2.GenerateKey(rand.Reader) }

// crl is a list of the issuer; serials are those that are revoked since a time.
func (o own) crl(t testing.TB, from, until time.Time, revoked map[int64]time.Time, extra ...pkix.Extension) []byte {
	t.Helper()
	l := &x509.RevocationList{Number: big.NewInt(1), ThisUpdate: from, NextUpdate: until, ExtraExtensions: extra}
	for serial, at := range revoked {
		l.RevokedCertificateEntries = append(l.RevokedCertificateEntries, x509.RevocationListEntry{SerialNumber: big.NewInt(serial), RevocationTime: at})
	}
	der, err := smx509.CreateRevocationList(rand.Reader, l, (*smx509.Certificate)(o.issuer), o.issuerKey)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

// signs is what the person's own device does with what it is given to sign.
func (o own) signs(t testing.TB, text string) string {
	t.Helper()
	var sig []byte
	var err error
	switch key := o.key.(type) {
	case *ecdsa.PrivateKey:
		return forge(t.(*testing.T), key, decode(t, strings.Split(text, ".")[0]), decode(t, strings.Split(text, ".")[1]))
	case *rsa.PrivateKey:
		h := crypto.SHA256.New()
		h.Write([]byte(text))
		sig, err = rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, h.Sum(nil))
	case *sm2.PrivateKey:
		var r, s *big.Int
		if r, s, err = sm2.SignWithSM2(rand.Reader, &key.PrivateKey, []byte("1234567812345678"), []byte(text)); err == nil {
			sig = append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...)
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	return text + "." + base64.RawURLEncoding.EncodeToString(sig)
}

func decode(t testing.TB, part string) string {
	t.Helper()
	b, err := base64.RawURLEncoding.DecodeString(part)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestSuites(t *testing.T) {
	k := keys(t)
	for suite, alg := range map[string]string{"ES256": "ES256", "RS256": "RS256", "SM2": "urn:oid:1.2.156.10197.1.501"} {
		t.Run("R000-021 "+suite, func(t *testing.T) {
			made, err := k.IssueSignerOf(suite, "PractitionerRole/clin", "王医生", "correct horse battery")
			if err != nil {
				t.Fatal(err)
			}
			key, err := ledger.OpenSigner(made.Sealed, "correct horse battery")
			if err != nil {
				t.Fatal(err)
			}
			jws, err := ledger.SignManifest(key, made.Certificate, manifest())
			if err != nil {
				t.Fatal(err)
			}
			if head := decode(t, strings.Split(jws, ".")[0]); !strings.Contains(head, `"alg":"`+alg+`"`) {
				t.Errorf("header %.80s, want alg %s", head, alg)
			}
			by := &ledger.Authorities{Signers: k.Authorities()}
			got, err := by.Verify(jws, nil)
			if err != nil || got.Suite != suite || got.Own || !reflect.DeepEqual(got.Manifest, manifest()) {
				t.Fatalf("Verify() = %+v, %v", got, err)
			}
			for _, i := range []int{len(jws) / 2, len(jws) - 3, 30} {
				forged := []byte(jws)
				forged[i] ^= 1
				if _, err := by.Verify(string(forged), nil); err == nil {
					t.Errorf("byte %d changed: no error", i)
				}
			}
			if other := (&ledger.Authorities{Signers: keys(t).Authorities()}); true {
				if _, err := other.Verify(jws, nil); err == nil {
					t.Error("an authority of somebody else was taken")
				}
			}
		})
	}
	t.Run("the algorithm follows from the key", func(t *testing.T) {
		p := signer(t, k, "PractitionerRole/clin")
		jws, _ := ledger.SignManifest(p.key, p.cert, manifest())
		part := strings.Split(jws, ".")
		for _, alg := range []string{"RS256", "urn:oid:1.2.156.10197.1.501"} {
			forged := forge(t, p.key, strings.Replace(decode(t, part[0]), `"ES256"`, `"`+alg+`"`, 1), decode(t, part[1]))
			if _, _, err := ledger.VerifyManifest(forged, k.Authority.Certificate); err == nil {
				t.Errorf("alg %s beside a P-256 key was taken", alg)
			}
		}
	})
	t.Run("no other suite", func(t *testing.T) {
		if _, err := k.IssueSignerOf("HS256", "PractitionerRole/clin", "N", "correct horse battery"); err == nil {
			t.Error("HS256 was issued")
		}
	})
}

// TestNationalVector checks the suite against the example of GB/T 32918.2-2016
// annex A.2 (curve of GB/T 32918.5): message "message digest", the default user
// id, private key and signature as printed there.
func TestNationalVector(t *testing.T) {
	hex := func(s string) *big.Int { n, _ := new(big.Int).SetString(s, 16); return n }
	d := hex("3945208F7B2144B13F36E38AC6D39F95889393692860B51A42FB81EF4DF7C5B8")
	x, y := sm2.P256().ScalarBaseMult(d.Bytes()) //nolint:staticcheck // the vector gives the scalar
	public := &ecdsa.PublicKey{Curve: sm2.P256(), X: x, Y: y}
	if x.Cmp(hex("09F9DF311E5421A150DD7D161E4BC5C672179FAD1833FC076BB08FF356F35020")) != 0 {
		t.Fatalf("public key %X", x)
	}
	r, s := hex("F5A03B0648D2C4630EEAC513E1BB81A15944DA3827D5B74143AC7EACEEE720B3"), hex("B1B6AA29DF212FD8763182BC0D421CA1BB9038FD1F7F42D4840B69C485BBC1AA")
	if !sm2.VerifyWithSM2(public, nil, []byte("message digest"), r, s) {
		t.Error("the standard's signature does not verify")
	}
	if sm2.VerifyWithSM2(public, nil, []byte("message digesu"), r, s) {
		t.Error("another message verifies")
	}
}

func TestOwnCertificate(t *testing.T) {
	for name, made := range map[string]func() (crypto.Signer, error){"ES256": p256, "RS256": rsa2048, "SM2": guomi} {
		k := keys(t)
		o := outside(t, made)
		bound, err := k.Bind("PractitionerRole/clin", "王医生", o.certificate)
		if err != nil {
			t.Fatal(err)
		}
		text, _, err := ledger.SigningInput(manifest(), o.certificate.Raw)
		if err != nil {
			t.Fatal(err)
		}
		jws := o.signs(t, text)
		by := &ledger.Authorities{Signers: k.Authorities(), Roots: []*x509.Certificate{o.issuer}}
		good := o.crl(t, now.Add(-time.Hour), now.AddDate(0, 0, 7), map[int64]time.Time{5: now.Add(-time.Hour)})
		stranger, err := p256()
		if err != nil {
			t.Fatal(err)
		}
		othersKey := create(t, &x509.Certificate{SerialNumber: big.NewInt(9), NotBefore: now, NotAfter: now.AddDate(1, 0, 0), KeyUsage: x509.KeyUsageDigitalSignature}, o.issuer, stranger.Public(), o.issuerKey)
		boundElsewhere, _ := k.Bind("PractitionerRole/clin", "N", othersKey)
		boundToAnother, _ := k.Bind("PractitionerRole/des", "N", o.certificate)
		boundByAnother, _ := keys(t).Bind("PractitionerRole/clin", "N", o.certificate)
		delta := pkix.Extension{Id: []int{2, 5, 29, 27}, Critical: true, Value: []byte{2, 1, 1}}
		for _, c := range []struct {
			name string
			by   *ledger.Authorities
			e    *ledger.Evidence
			want string // part of the error, "" for none
		}{
			{"R000-021 by the person's own certificate", by, &ledger.Evidence{Binding: bound, CRLs: [][]byte{good}}, ""},
			{"revoked after it signed", by, &ledger.Evidence{Binding: bound, CRLs: [][]byte{o.crl(t, now.Add(-time.Hour), now.AddDate(0, 0, 7), map[int64]time.Time{77: now.Add(time.Minute)})}}, ""},
			{"revoked before", by, &ledger.Evidence{Binding: bound, CRLs: [][]byte{o.crl(t, now.Add(-time.Hour), now.AddDate(0, 0, 7), map[int64]time.Time{77: now.Add(-time.Minute)})}}, "was revoked"},
			{"no evidence", by, nil, "no binding"},
			{"no revocation data", by, &ledger.Evidence{Binding: bound}, "nothing was kept"},
			{"a list that had ended", by, &ledger.Evidence{Binding: bound, CRLs: [][]byte{o.crl(t, now.AddDate(0, 0, -9), now.AddDate(0, 0, -2), nil)}}, "nothing was kept"},
			{"a list of the future", by, &ledger.Evidence{Binding: bound, CRLs: [][]byte{o.crl(t, now.AddDate(0, 0, 2), now.AddDate(0, 0, 9), nil)}}, "nothing was kept"},
			{"a list of another issuer", by, &ledger.Evidence{Binding: bound, CRLs: [][]byte{outside(t, made).crl(t, now.Add(-time.Hour), now.AddDate(0, 0, 7), nil)}}, "nothing was kept"},
			{"a delta", by, &ledger.Evidence{Binding: bound, CRLs: [][]byte{o.crl(t, now.Add(-time.Hour), now.AddDate(0, 0, 7), nil, delta)}}, "nothing was kept"},
			{"rubbish", by, &ledger.Evidence{Binding: bound, CRLs: [][]byte{{1, 2, 3}}, OCSPs: [][]byte{{4}}}, "nothing was kept"},
			{"a root that is not configured", &ledger.Authorities{Signers: k.Authorities(), Roots: []*x509.Certificate{outside(t, made).issuer}}, &ledger.Evidence{Binding: bound, CRLs: [][]byte{good}}, "certificate"},
			{"no roots", &ledger.Authorities{Signers: k.Authorities()}, &ledger.Evidence{Binding: bound, CRLs: [][]byte{good}}, "certificate"},
			{"the binding of another key", by, &ledger.Evidence{Binding: boundElsewhere, CRLs: [][]byte{good}}, "another key"},
			{"the binding to another person", by, &ledger.Evidence{Binding: boundToAnother, CRLs: [][]byte{good}}, "bound to"},
			{"the binding of another server", by, &ledger.Evidence{Binding: boundByAnother, CRLs: [][]byte{good}}, "binding"},
		} {
			t.Run(name+" "+c.name, func(t *testing.T) {
				got, err := c.by.Verify(jws, c.e)
				switch {
				case c.want == "" && (err != nil || !got.Own || got.Suite != name || got.Manifest.Signer != "PractitionerRole/clin"):
					t.Errorf("Verify() = %+v, %v", got, err)
				case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
					t.Errorf("Verify() = %v, want an error with %q", err, c.want)
				}
			})
		}
	}
	t.Run("a certificate that names a principal itself is never one of another authority", func(t *testing.T) {
		k, o := keys(t), outside(t, p256)
		leaf := create(t, &x509.Certificate{SerialNumber: big.NewInt(3), URIs: []*url.URL{{Scheme: "urn", Opaque: "tenon:principal:PractitionerRole/clin"}},
			NotBefore: now.Add(-time.Hour), NotAfter: now.AddDate(1, 0, 0), KeyUsage: x509.KeyUsageContentCommitment}, o.issuer, o.key.Public(), o.issuerKey)
		text, _, err := ledger.SigningInput(manifest(), leaf.Raw)
		if err != nil {
			t.Fatal(err)
		}
		by := &ledger.Authorities{Signers: k.Authorities(), Roots: []*x509.Certificate{o.issuer}}
		if _, err := by.Verify(o.signs(t, text), nil); err == nil {
			t.Error("a root's certificate spoke for a principal by itself")
		}
	})
}
