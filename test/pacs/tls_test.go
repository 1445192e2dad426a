package pacs

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tenon/dicomweb/dimse"
	"tenon/server/app"
	"tenon/test/servertest"
)

// authority makes certificates for tests.
type authority struct {
	dir  string
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	file string
}

// issue writes certificate and key of a name and returns their files and the PEM.
func (a *authority) issue(t *testing.T, name string) (certFile, keyFile string, text []byte) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}}
	parent, signer := a.cert, a.key
	if parent == nil {
		c.IsCA, c.BasicConstraintsValid, c.KeyUsage, c.ExtKeyUsage = true, true, x509.KeyUsageCertSign, nil
		parent, signer = c, key
		a.cert, a.key = c, key
	}
	der, err := x509.CreateCertificate(rand.Reader, c, parent, &key.PublicKey, signer)
	if err != nil {
		t.Fatal(err)
	}
	pkcs, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	certFile, keyFile = filepath.Join(a.dir, name+".pem"), filepath.Join(a.dir, name+".key")
	text = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	if err := os.WriteFile(certFile, text, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(keyFile, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs}), 0o600); err != nil {
		t.Fatal(err)
	}
	return certFile, keyFile, text
}

// TestTLS: with authorities for peers, a peer must show a certificate of theirs,
// and the one that its registration names.
func TestTLS(t *testing.T) {
	a := &authority{dir: t.TempDir()}
	a.file, _, _ = a.issue(t, "ca")
	cert, key, _ := a.issue(t, "server")
	c := app.Config{}
	c.DIMSE.Cert, c.DIMSE.Key, c.DIMSE.Roots = cert, key, a.file
	h := newHouse(t, c)
	mine, mineKey, text := a.issue(t, "mine")
	other, otherKey, _ := a.issue(t, "other")
	p := &dimse.Peer{Title: "SECURE", Principal: "PractitionerRole/clin-wang"}
	if err := h.App.AddPeer(t.Context(), p, text); err != nil {
		t.Fatal(err)
	}
	with := func(cert, key string) []string { return []string{"+tls", key, cert, "+cf", a.file} }
	if code, out := h.run(t, "echoscu", "SECURE", with(mine, mineKey)...); code != 0 || !strings.Contains(out, "Received Echo Response (Success)") {
		t.Errorf("echoscu with its certificate = %d:\n%s", code, out)
	}
	if code, out := h.run(t, "echoscu", "SECURE", with(other, otherKey)...); code == 0 || !strings.Contains(out, "Calling AE Title Not Recognized") {
		t.Errorf("echoscu with another certificate = %d, want a rejection:\n%s", code, out)
	}
	if code, out := h.run(t, "echoscu", "SCANNER", "+tla", "+cf", a.file); code == 0 || strings.Contains(out, "Received Echo Response") {
		t.Errorf("echoscu without a certificate = %d:\n%s", code, out)
	}
	if code, out := h.run(t, "echoscu", "SCANNER"); code == 0 {
		t.Errorf("echoscu without TLS = %d:\n%s", code, out)
	}
	t.Run("peers that are called", func(t *testing.T) { h.calledOverTLS(t, a, with(mine, mineKey), with(other, otherKey)) })
}

// calledOverTLS: a workstation that wants TLS gets it, and shows a certificate of
// our authorities; one of a stranger is not sent to.
func (h *house) calledOverTLS(t *testing.T, a *authority, mine, scanner []string) {
	h.peer(t, dimse.Peer{Title: "SCANNER2", Principal: "PractitionerRole/clin-wang", Allow: []string{"store"}})
	if code, out := h.run(t, "storescu", "SCANNER2", append(append(scanner, "--"), h.files...)...); code != 0 {
		t.Fatalf("storescu over TLS = %d:\n%s", code, out)
	}
	dir := h.workstation(t, "SECUREWS", mine...)
	stranger := &authority{dir: t.TempDir()}
	stranger.file, _, _ = stranger.issue(t, "ca")
	cert, key, _ := stranger.issue(t, "stranger")
	h.workstation(t, "STRANGER", "+tls", key, cert, "+cf", a.file)
	h.workstation(t, "PLAIN")
	send := func(peer string) servertest.Request {
		return servertest.Request{Token: h.clin, Method: "POST", Path: "/dicomweb/studies/" + h.study.StudyUID + "/send?peer=" + peer}
	}
	h.Expect(t, 502, send("STRANGER"))
	if a := h.Expect(t, 200, send("SECUREWS")); string(a.Body) != `{"peer":"SECUREWS","stored":6,"warned":0}` {
		t.Errorf("sent over TLS: %s", a.Body)
	}
	h.same(t, dir, 6)
	h.Expect(t, 200, send("PLAIN")) // registered without TLS: the operator decides
}
