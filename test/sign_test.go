package test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ocsp"

	"tenon/server/app"
	"tenon/server/ledger"
	"tenon/server/store/pgtest"
	"tenon/test/servertest"
)

// signed is a server with an agreement case whose contract waits for signatures.
type signed struct {
	*servertest.Server
	hosp, mfr string // tokens
	root      string
	contract  string
}

func asked(t testing.TB, s *servertest.Server) func(context.Context, *servertest.Client, int, servertest.Request) (*servertest.Answer, error) {
	return func(_ context.Context, _ *servertest.Client, status int, q servertest.Request) (*servertest.Answer, error) {
		return s.Expect(t, status, q), nil
	}
}

// onEngines runs a test on a database of each engine.
func onEngines(t *testing.T, test func(t *testing.T, database string)) {
	t.Helper()
	t.Run("SQLite", func(t *testing.T) {
		t.Parallel()
		test(t, "")
	})
	t.Run("PostgreSQL", func(t *testing.T) {
		t.Parallel()
		test(t, pgtest.Database(t, "empty", nil))
	})
}

func toSign(t *testing.T, c app.Config) *signed {
	t.Helper()
	c.Sample = true
	s := &signed{Server: servertest.Start(t, c)}
	s.hosp, s.mfr = s.Token(t, "PractitionerRole/hosp-chen"), s.Token(t, "PractitionerRole/mfr-xu")
	s.open(t)
	return s
}

// open brings a new case to where the contract is to be signed.
func (s *signed) open(t *testing.T) {
	t.Helper()
	w := &cases{send: asked(t, s.Server), hosp: s.hosp, mfr: s.mfr}
	for w.at < 6 {
		if err := w.step(t.Context(), s.Client); err != nil {
			t.Fatal(err)
		}
	}
	s.root, s.contract = w.root, w.contract
}

func (s *signed) sign(t *testing.T, status int, token, target string, parameters ...string) *servertest.Answer {
	t.Helper()
	return s.Expect(t, status, servertest.Request{Token: token, Method: "POST", Path: "/fhir/" + target + "/$sign",
		Body: []byte(`{"resourceType":"Parameters","parameter":[` + strings.Join(parameters, ",") + `]}`)})
}

func text(name, value string) string { return fmt.Sprintf(`{"name":%q,"valueString":%q}`, name, value) }

func as(role string) string { return text("role", role) + "," + text("purpose", "agreement") }

// jwsIn is the JWS of a Provenance.
func jwsIn(t *testing.T, a *servertest.Answer) string {
	t.Helper()
	var p struct{ Signature []struct{ Data []byte } }
	if err := json.Unmarshal(a.Body, &p); err != nil || len(p.Signature) != 1 {
		t.Fatalf("%v: %.300s", err, a.Body)
	}
	return string(p.Signature[0].Data)
}

// verdict is what a verification of the case's dossier says.
func (s *signed) verdict(t *testing.T, trust *ledger.Trust, at time.Time) *ledger.Report {
	t.Helper()
	a := s.Expect(t, 200, servertest.Request{Token: s.hosp, Method: "GET", Path: "/fhir/" + s.root + "/$dossier"})
	r, err := ledger.VerifyDossier(t.Context(), bytes.NewReader(a.Body), trust, ledger.VerifyOptions{Clock: func() time.Time { return at }})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func issued(t *testing.T, s *servertest.Server, suite, principal string) {
	t.Helper()
	if err := s.App.IssueSignerOf(t.Context(), suite, "PractitionerRole/"+principal, "secret of "+principal); err != nil {
		t.Fatal(err)
	}
}

func TestSignersOverOneDigest(t *testing.T) {
	t.Parallel()
	onEngines(t, signersOverOneDigest)
}

func signersOverOneDigest(t *testing.T, database string) {
	s := toSign(t, app.Config{Database: database})
	for _, c := range []struct{ hosp, mfr string }{{"ES256", "SM2"}, {"SM2", "RS256"}} {
		t.Run("R000-021 "+c.hosp+" and "+c.mfr, func(t *testing.T) {
			issued(t, s.Server, c.hosp, "hosp-chen")
			issued(t, s.Server, c.mfr, "mfr-xu")
			if c.hosp == "SM2" {
				s.open(t)
			}
			var digests []string
			for who, token := range map[string]string{"hosp-chen HOSP": s.hosp, "mfr-xu MFR": s.mfr} {
				name, role, _ := strings.Cut(who, " ")
				jws := jwsIn(t, s.sign(t, 201, token, s.contract, as(role), text("secret", "secret of "+name)))
				m, _, err := ledger.ManifestIn(jws)
				if err != nil || m.Signer != "PractitionerRole/"+name {
					t.Fatalf("ManifestIn() = %+v, %v", m, err)
				}
				digests = append(digests, fmt.Sprintf("%x", m.Entries[0].Digest))
			}
			body := s.Expect(t, 200, servertest.Request{Token: s.hosp, Method: "GET", Path: "/fhir/" + s.contract + "/$bytes"}).Body
			if want := fmt.Sprintf("%x", sha256.Sum256(body)); digests[0] != want || digests[1] != want {
				t.Errorf("digests %v, want that of what is read: %s", digests, want)
			}
			r := s.verdict(t, trust(t, s.App), time.Now())
			if r.Exit() != 0 || r.Signed != 2 {
				t.Errorf("exit %d, %d signatures\n%v", r.Exit(), r.Signed, r)
			}
		})
	}
	t.Run("a secret for another's key", func(t *testing.T) {
		s.open(t)
		a := s.sign(t, 403, s.hosp, s.contract, as("HOSP"), text("secret", "secret of mfr-xu"))
		if !bytes.Contains(a.Body, []byte("sign-secret")) {
			t.Errorf("%s", a.Body)
		}
	})
}

func TestSoleControl(t *testing.T) {
	t.Parallel()
	onEngines(t, soleControl)
}

func soleControl(t *testing.T, database string) {
	s := toSign(t, app.Config{Database: database})
	issued(t, s.Server, "ES256", "hosp-chen")
	before, err := s.App.Store.Signer(t.Context(), "PractitionerRole/hosp-chen")
	if err != nil {
		t.Fatal(err)
	}
	t.Run("R000-021 a new secret makes a new key; the old one opens with neither", func(t *testing.T) {
		if err := s.App.IssueSigner(t.Context(), "PractitionerRole/hosp-chen", "secret of the administrator"); err != nil {
			t.Fatal(err)
		}
		after, err := s.App.Store.Signer(t.Context(), "PractitionerRole/hosp-chen")
		if err != nil || bytes.Equal(before.Sealed, after.Sealed) || bytes.Equal(before.Certificate, after.Certificate) {
			t.Fatalf("the same key after a reset, %v", err)
		}
		if _, err := ledger.OpenSigner(before.Sealed, "secret of the administrator"); !errors.Is(err, ledger.ErrSecret) {
			t.Errorf("the old key opens with the new secret: %v", err)
		}
		s.sign(t, 403, s.hosp, s.contract, as("HOSP"), text("secret", "secret of hosp-chen"))
		old, _ := x509.ParseCertificate(before.Certificate)
		jws := jwsIn(t, s.sign(t, 201, s.hosp, s.contract, as("HOSP"), text("secret", "secret of the administrator")))
		if _, c, _ := ledger.ManifestIn(jws); c.SerialNumber.Cmp(old.SerialNumber) == 0 {
			t.Error("who reset the secret signs with the person's old certificate: the two cannot be told apart")
		}
	})
	t.Run("R000-021 nothing on the server's disk opens a key", func(t *testing.T) {
		held, _ := s.App.Store.Signer(t.Context(), "PractitionerRole/hosp-chen")
		err := filepath.WalkDir(filepath.Join(s.Config.Data, "keys"), func(name string, d os.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			content, err := os.ReadFile(name)
			if err != nil {
				return err
			}
			if _, oerr := ledger.OpenSigner(held.Sealed, string(content)); !errors.Is(oerr, ledger.ErrSecret) {
				t.Errorf("%s opens it", d.Name())
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}

func TestRefusalToSign(t *testing.T) {
	t.Parallel()
	onEngines(t, refusalToSign)
}

func refusalToSign(t *testing.T, database string) {
	s := toSign(t, app.Config{Database: database})
	issued(t, s.Server, "ES256", "hosp-chen")
	issued(t, s.Server, "ES256", "mfr-xu")
	mfr := text("secret", "secret of mfr-xu")
	s.sign(t, 201, s.hosp, s.contract, as("HOSP"), text("secret", "secret of hosp-chen"))
	t.Run("R001-011 a refusal without reason", func(t *testing.T) {
		if a := s.sign(t, 422, s.mfr, s.contract, as("MFR"), mfr, text("outcome", "refused")); !bytes.Contains(a.Body, []byte("refusal-reason")) {
			t.Errorf("%s", a.Body)
		}
	})
	t.Run("R001-011 a judgement is not refused", func(t *testing.T) {
		s.sign(t, 422, s.mfr, s.contract, text("role", "MFR"), text("purpose", "judgement"), mfr, text("outcome", "refused"), text("comment", "no"))
	})
	state := func(t *testing.T) string {
		t.Helper()
		return string(s.Expect(t, 200, servertest.Request{Token: s.hosp, Method: "GET", Path: "/fhir/" + s.root + "/$case"}).Body)
	}
	t.Run("R001-011 a refusal is signed, recorded, and no signature", func(t *testing.T) {
		a := s.sign(t, 201, s.mfr, s.contract, as("MFR"), mfr, text("outcome", "refused"), text("comment", "the acceptance standard is missing"))
		m, _, err := ledger.ManifestIn(jwsIn(t, a))
		if err != nil || m.Outcome != "refused" || m.Comment != "the acceptance standard is missing" {
			t.Errorf("manifest %+v, %v", m, err)
		}
		if !bytes.Contains(a.Body, []byte(`"text":"the acceptance standard is missing"`)) {
			t.Errorf("the Provenance does not say why: %s", a.Body)
		}
		if got := state(t); !strings.Contains(got, "refused to sign version") || !strings.Contains(got, "拒绝签署") {
			t.Errorf("$case does not tell of the refusal: %.2000s", got)
		}
		if r := s.verdict(t, trust(t, s.App), time.Now()); r.Exit() != 0 || r.Signed != 2 {
			t.Errorf("exit %d\n%v", r.Exit(), r)
		}
	})
	t.Run("R001-011 who refused may sign later", func(t *testing.T) {
		s.sign(t, 201, s.mfr, s.contract, as("MFR"), mfr)
		if got := state(t); strings.Contains(got, "lacks the signature of [MFR]") || strings.Contains(got, "refused to sign") {
			t.Errorf("$case = %.2000s", got)
		}
	})
	t.Run("R001-011 who signed may take it back before anybody relies on it", func(t *testing.T) {
		s.sign(t, 201, s.mfr, s.contract, as("MFR"), mfr, text("outcome", "refused"), text("comment", "second thoughts"))
		if got := state(t); !strings.Contains(got, "refused to sign version") {
			t.Errorf("$case = %.2000s", got)
		}
	})
}

// authority is a certification authority outside, with a responder and a list on
// loopback, and one person's certificate.
type authority struct {
	key, person *ecdsa.PrivateKey
	root, leaf  *x509.Certificate
	status      int // of the leaf, by OCSP
	silent      bool
	asked       int
}

func newAuthority(t *testing.T) (*authority, string) {
	t.Helper()
	a := &authority{status: ocsp.Good}
	web := httptest.NewServer(a)
	t.Cleanup(web.Close)
	a.key, _ = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	a.person, _ = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	now := time.Now()
	root := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Outside"}, NotBefore: now.Add(-time.Hour), NotAfter: now.AddDate(10, 0, 0),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign}
	a.root = made(t, root, root, a.key.Public(), a.key)
	a.leaf = made(t, &x509.Certificate{SerialNumber: big.NewInt(7), Subject: pkix.Name{CommonName: "陈院长"}, NotBefore: now.Add(-time.Hour), NotAfter: now.AddDate(0, 6, 0),
		KeyUsage: x509.KeyUsageContentCommitment, OCSPServer: []string{web.URL}}, a.root, a.person.Public(), a.key)
	file := filepath.Join(t.TempDir(), "roots.pem")
	if err := os.WriteFile(file, pemOf(a.root), 0o600); err != nil {
		t.Fatal(err)
	}
	return a, file
}

func made(t *testing.T, template, parent *x509.Certificate, public crypto.PublicKey, by crypto.Signer) *x509.Certificate {
	t.Helper()
	der, err := x509.CreateCertificate(rand.Reader, template, parent, public, by)
	if err != nil {
		t.Fatal(err)
	}
	c, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func pemOf(c *x509.Certificate) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})
}

// ServeHTTP is the responder.
func (a *authority) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	a.asked++
	if a.silent {
		http.Error(w, "down", http.StatusServiceUnavailable)
		return
	}
	now := time.Now()
	der, err := ocsp.CreateResponse(a.root, a.root, ocsp.Response{Status: a.status, SerialNumber: a.leaf.SerialNumber, ThisUpdate: now.Add(-time.Minute), NextUpdate: now.Add(time.Hour), RevokedAt: now.Add(-time.Minute)}, a.key)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	_, _ = w.Write(der)
}

// signs is what the person's card does: ES256 over the text.
func (a *authority) signs(t *testing.T, text string) string {
	t.Helper()
	sum := sha256.Sum256([]byte(text))
	der, err := ecdsa.SignASN1(rand.Reader, a.person, sum[:])
	if err != nil {
		t.Fatal(err)
	}
	var rs struct{ R, S *big.Int }
	if _, err := asn1.Unmarshal(der, &rs); err != nil {
		t.Fatal(err)
	}
	sig := append(rs.R.FillBytes(make([]byte, 32)), rs.S.FillBytes(make([]byte, 32))...)
	return text + "." + base64.RawURLEncoding.EncodeToString(sig)
}

// prepared is what $sign gives to sign.
func (s *signed) prepared(t *testing.T, token string, more ...string) string {
	t.Helper()
	a := s.sign(t, 200, token, s.contract, append([]string{`{"name":"prepare","valueBoolean":true}`}, more...)...)
	var p struct {
		Parameter []struct{ Name, ValueString string }
	}
	if err := json.Unmarshal(a.Body, &p); err != nil || len(p.Parameter) != 4 || p.Parameter[0].Name != "signing-input" {
		t.Fatalf("%v: %s", err, a.Body)
	}
	return p.Parameter[0].ValueString
}

func TestOwnCertificate(t *testing.T) {
	t.Parallel()
	onEngines(t, ownCertificate)
}

func ownCertificate(t *testing.T, database string) {
	outside, roots := newAuthority(t)
	s := toSign(t, app.Config{Database: database, Signing: app.Signing{Roots: roots}, Outbound: app.Outbound{Allow: []string{"127.0.0.0/8"}}})
	t.Run("without a certificate nothing is prepared", func(t *testing.T) {
		if a := s.sign(t, 403, s.hosp, s.contract, `{"name":"prepare","valueBoolean":true}`, as("HOSP")); !bytes.Contains(a.Body, []byte("sign-no-certificate")) {
			t.Errorf("%s", a.Body)
		}
	})
	t.Run("a certificate of nobody configured is not bound", func(t *testing.T) {
		other, _ := newAuthority(t)
		if err := s.App.BindCertificate(t.Context(), "PractitionerRole/hosp-chen", pemOf(other.leaf)); err == nil {
			t.Error("bound")
		}
	})
	if err := s.App.BindCertificate(t.Context(), "PractitionerRole/hosp-chen", pemOf(outside.leaf)); err != nil {
		t.Fatal(err)
	}
	refused := func(name, jws, rule string, status int) {
		t.Run(name, func(t *testing.T) {
			if a := s.sign(t, status, s.hosp, s.contract, text("jws", jws)); !bytes.Contains(a.Body, []byte(rule)) {
				t.Errorf("want %s: %s", rule, a.Body)
			}
		})
	}
	input := s.prepared(t, s.hosp, as("HOSP"), text("comment", "同意 & <ok>"))
	part := strings.Split(input, ".")
	payload, _ := base64.RawURLEncoding.DecodeString(part[1])
	change := func(from, to string) string {
		if !bytes.Contains(payload, []byte(from)) {
			t.Fatalf("%s is not in %s", from, payload)
		}
		return part[0] + "." + base64.RawURLEncoding.EncodeToString(bytes.Replace(payload, []byte(from), []byte(to), 1))
	}
	refused("another purpose than prepared may not be signed in", outside.signs(t, change(`"purpose":"agreement"`, `"purpose":"order"`)), "signature-asked", 403)
	refused("another digest", outside.signs(t, change(`"sha256":"`, `"sha256":"0000`)), "sign-parameter", 400)
	refused("an entry more", outside.signs(t, change(`"entries":[`, `"entries":[{"reference":"Patient/x/_history/1","sha256":"`+strings.Repeat("0", 64)+`"},`)), "sign-manifest", 409)
	refused("a time of yesterday", outside.signs(t, change(`"when":"`+time.Now().UTC().Format("2006"), `"when":"2020`)), "sign-prepared", 409)
	refused("another signer", outside.signs(t, change("hosp-chen", "mfr-xu")), "sign-own", 403)
	other, _ := newAuthority(t)
	refused("the key of another under this certificate", other.signs(t, input), "sign-parameter", 400)
	outside.silent = true
	refused("R000-021 while nobody says whether it is revoked", outside.signs(t, input), "sign-certificate", 403)
	outside.silent, outside.status = false, ocsp.Revoked
	refused("R000-021 revoked", outside.signs(t, input), "was revoked", 403)
	outside.status = ocsp.Good
	jws := outside.signs(t, input)
	t.Run("R000-021 by the own certificate, whose key was never here", func(t *testing.T) {
		a := s.sign(t, 201, s.hosp, s.contract, text("jws", jws))
		if jwsIn(t, a) != jws || !bytes.Contains(a.Body, []byte(ledger.EvidenceExtension)) {
			t.Errorf("%s", a.Body)
		}
	})
	refused("the same signature twice", jws, "sign-twice", 409)
	t.Run("R000-021 verified offline by roots and kept revocation data", func(t *testing.T) {
		asked := outside.asked
		kept := trust(t, s.App)
		if r := s.verdict(t, kept, time.Now()); r.Exit() != 0 || r.Signed != 1 || outside.asked != asked {
			t.Errorf("exit %d, asked %d times more\n%v", r.Exit(), outside.asked-asked, r)
		}
		kept.Roots = nil
		if r := s.verdict(t, kept, time.Now()); r.Exit() != 1 {
			t.Errorf("without the root: exit %d\n%v", r.Exit(), r)
		}
	})
	t.Run("R000-021 a certificate that has ended, with and without proof of before", func(t *testing.T) {
		kept := trust(t, s.App)
		after := outside.leaf.NotAfter.AddDate(0, 1, 0)
		if r := s.verdict(t, kept, after); r.Exit() != 0 { // the trust file of today covers it
			t.Errorf("exit %d\n%v", r.Exit(), r)
		}
		kept.At = time.Time{}
		if r := s.verdict(t, kept, after); r.Exit() != 1 || !named(r, "expired signature") {
			t.Errorf("nothing proves that it was there: exit %d\n%v", r.Exit(), r)
		}
	})
}

// TestSummary takes the PDF out of a dossier, and changes it there.
func TestSummary(t *testing.T) {
	t.Parallel()
	s := toSign(t, app.Config{})
	issued(t, s.Server, "ES256", "hosp-chen")
	s.sign(t, 201, s.hosp, s.contract, as("HOSP"), text("secret", "secret of hosp-chen"))
	dossier := s.Expect(t, 200, servertest.Request{Token: s.hosp, Method: "GET", Path: "/fhir/" + s.root + "/$dossier"}).Body
	kept := trust(t, s.App)
	r := verifies(t, dossier, kept, time.Now())
	if r.Exit() != 0 || !bytes.HasPrefix(r.Summary, []byte("%PDF-1.7\n")) {
		t.Fatalf("exit %d, summary %.20q\n%v", r.Exit(), r.Summary, r)
	}
	t.Run("R000-018 its digest is under the seal", func(t *testing.T) {
		data := base64.StdEncoding.EncodeToString(r.Summary)
		for name, forged := range map[string][]byte{
			"changed":  bytes.Replace(dossier, []byte(data[4000:4040]), []byte(strings.Repeat("A", 40)), 1),
			"left out": bytes.Replace(dossier, []byte(data), nil, 1),
		} {
			if bytes.Equal(forged, dossier) {
				t.Fatalf("%s: nothing was changed", name)
			}
			if x := verifies(t, forged, kept, time.Now()); x.Exit() != 1 || !named(x, "changed summary") || x.Summary != nil {
				t.Errorf("%s: exit %d\n%v", name, x.Exit(), x)
			}
		}
	})
	t.Run("R001-035 a reader finds stages, signatures, digests and how to verify, in both languages", func(t *testing.T) {
		if file := os.Getenv("TENON_SUMMARY"); file != "" {
			if err := os.WriteFile(file, r.Summary, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		program, err := exec.LookPath("pdftotext")
		if err != nil {
			t.Skip("pdftotext is not here (apt install poppler-utils)")
		}
		cmd := exec.CommandContext(t.Context(), program, "-layout", "-", "-")
		cmd.Stdin = bytes.NewReader(r.Summary)
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		for _, want := range []string{"病例档案摘要", "阶段 Stages", "签名 Signatures", "PractitionerRole/hosp-chen", "协议 Agreement", s.contract, "How to verify this without us", "不依赖本系统", kept.LogKey[:20]} {
			if !bytes.Contains(out, []byte(want)) {
				t.Errorf("%q is not in\n%.3000s", want, out)
			}
		}
	})
}

// TestKeyOfPredecessor: the key of whoever had a role before signs nothing for who
// has it now: gates count persons, and the certificate is what proves who one is.
func TestKeyOfPredecessor(t *testing.T) {
	t.Parallel()
	s := toSign(t, app.Config{Dev: true})
	issued(t, s.Server, "ES256", "hosp-chen")
	issued(t, s.Server, "ES256", "mfr-xu")
	s.Expect(t, 200, patches("", "PractitionerRole/hosp-chen", `[{"op":"replace","path":"/practitioner/reference","value":"Practitioner/clin-zhao"}]`))
	s.hosp = s.Token(t, "PractitionerRole/hosp-chen") // of the successor
	a := s.sign(t, 403, s.hosp, s.contract, as("HOSP"), text("secret", "secret of hosp-chen"))
	if !bytes.Contains(a.Body, []byte("sign-key-person")) {
		t.Errorf("R001-034 signed with the key of the person before: %s", a.Body)
	}
	issued(t, s.Server, "ES256", "hosp-chen")
	s.sign(t, 201, s.hosp, s.contract, as("HOSP"), text("secret", "secret of hosp-chen"))
	s.sign(t, 201, s.mfr, s.contract, as("MFR"), text("secret", "secret of mfr-xu"))
}
