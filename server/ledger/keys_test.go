package ledger_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/x509"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"tenon/fhir/issue"
	"tenon/server/ledger"
)

var now = time.Date(2026, 3, 1, 8, 0, 0, 123456000, time.UTC)

// cheap makes secrets cost little, for tests.
var cheap = ledger.Cost{Passes: 1, KiB: 64, Threads: 1}

func keys(t testing.TB) *ledger.Keys {
	t.Helper()
	k, err := ledger.KeyOptions{Cost: cheap, Clock: func() time.Time { return now }}.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestKeysStay(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "keys")
	var wg sync.WaitGroup
	found := make([]*ledger.Keys, 6)
	for i := range found { // servers that start at once agree
		wg.Go(func() {
			k, err := ledger.OpenKeys(dir)
			if err != nil {
				t.Error(err)
			}
			found[i] = k
		})
	}
	wg.Wait()
	for _, k := range found[1:] {
		if k.Public != found[0].Public || !k.Authority.Certificate.Equal(found[0].Authority.Certificate) {
			t.Fatal("two servers made different keys")
		}
	}
	files, _ := os.ReadDir(dir)
	for _, f := range files {
		if info, _ := f.Info(); info.Mode().Perm() != 0o600 || strings.HasPrefix(f.Name(), ".new") {
			t.Errorf("%s has mode %v", f.Name(), info.Mode())
		}
	}
	if err := os.Chmod(filepath.Join(dir, "log.key"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := ledger.OpenKeys(dir); err == nil {
		t.Error("a key that all can read was taken")
	}
}

func TestOrigin(t *testing.T) {
	dir := t.TempDir()
	for _, origin := range []string{"two words", "a+b", "line\nbreak", "\xff"} {
		if _, err := (ledger.KeyOptions{Origin: origin}).Open(dir); err == nil {
			t.Errorf("the origin %q was taken", origin)
		}
	}
	k, err := ledger.KeyOptions{Origin: "example.org/log"}.Open(dir)
	if err != nil || k.Signer.Name() != "example.org/log" {
		t.Fatalf("Open() = %v, %v", k, err)
	}
	if _, err := (ledger.KeyOptions{Origin: "example.org/other"}).Open(dir); err == nil {
		t.Error("another origin than the key's was taken")
	}
}

func TestKeysThatDoNotFit(t *testing.T) {
	for _, name := range []string{"log.key", "authority.pem"} {
		a, b := t.TempDir(), t.TempDir()
		if _, err := ledger.OpenKeys(a); err != nil {
			t.Fatal(err)
		}
		if _, err := ledger.OpenKeys(b); err != nil {
			t.Fatal(err)
		}
		mine, _ := os.ReadFile(filepath.Join(a, name))
		other, _ := os.ReadFile(filepath.Join(b, name))
		half := bytes.Index(mine, []byte("\n")) + 1
		if name == "authority.pem" {
			half = bytes.Index(mine, []byte("-----BEGIN PRIVATE"))
		}
		cut := bytes.Index(other, []byte("\n")) + 1
		if name == "authority.pem" {
			cut = bytes.Index(other, []byte("-----BEGIN PRIVATE"))
		}
		for what, text := range map[string][]byte{
			"halves of two keys": append(append([]byte(nil), mine[:half]...), other[cut:]...),
			"half a key":         mine[:half], "nothing": {}, "rubbish": []byte("rubbish\n"),
		} {
			if err := os.WriteFile(filepath.Join(a, name), text, 0o600); err != nil {
				t.Fatal(err)
			}
			if _, err := ledger.OpenKeys(a); err == nil {
				t.Errorf("%s of %s was taken", name, what)
			}
		}
	}
}

func TestIssueSigner(t *testing.T) {
	k := keys(t)
	signer, err := k.IssueSigner("PractitionerRole/clin", "王医生 Dr Wang", "correct horse battery")
	if err != nil {
		t.Fatal(err)
	}
	c, err := x509.ParseCertificate(signer.Certificate)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.CheckSignatureFrom(k.Authority.Certificate); err != nil {
		t.Error(err)
	}
	if c.Subject.CommonName != "王医生 Dr Wang" || c.URIs[0].String() != "urn:tenon:principal:PractitionerRole/clin" || c.IsCA || c.SerialNumber.BitLen() < 64 {
		t.Errorf("certificate of %v, %v, CA %v, serial %v", c.Subject, c.URIs, c.IsCA, c.SerialNumber)
	}
	key, err := ledger.OpenSigner(signer.Sealed, "correct horse battery")
	if err != nil {
		t.Fatal(err)
	}
	if !key.Public().(*ecdsa.PublicKey).Equal(c.PublicKey) {
		t.Error("the key is not the certificate's")
	}
	for _, secret := range []string{"", "correct horse batterY", "correct horse battery "} {
		if _, err := ledger.OpenSigner(signer.Sealed, secret); !errors.Is(err, ledger.ErrSecret) {
			t.Errorf("OpenSigner(%q) = %v, want ErrSecret", secret, err)
		}
	}
	for i := range signer.Sealed {
		changed := bytes.Clone(signer.Sealed)
		changed[i] ^= 0x40
		if _, err := ledger.OpenSigner(changed, "correct horse battery"); !errors.Is(err, ledger.ErrSecret) {
			t.Fatalf("byte %d of the sealed key changed: %v, want ErrSecret", i, err)
		}
	}
	for i := range len(signer.Sealed) {
		if _, err := ledger.OpenSigner(signer.Sealed[:i], "correct horse battery"); !errors.Is(err, ledger.ErrSecret) {
			t.Fatalf("%d bytes of the sealed key: %v, want ErrSecret", i, err)
		}
	}
}

func TestIssueSignerRefuses(t *testing.T) {
	k := keys(t)
	for _, c := range []struct{ principal, secret string }{
		{"PractitionerRole/x", "short"}, {"PractitionerRole/x", "七个字的口令吗"}, {"x", "long enough secret"},
		{"PractitionerRole/", "long enough secret"}, {"PractitionerRole/a b", "long enough secret"},
	} {
		if _, err := k.IssueSigner(c.principal, "N", c.secret); issue.As(err) == nil {
			t.Errorf("IssueSigner(%q, %q) = %v, want an issue", c.principal, c.secret, err)
		}
	}
}

func BenchmarkOpenSigner(b *testing.B) {
	k, err := ledger.OpenKeys(b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	s, err := k.IssueSigner("PractitionerRole/clin", "N", "correct horse battery")
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := ledger.OpenSigner(s.Sealed, "correct horse battery"); err != nil {
			b.Fatal(err)
		}
	}
}
