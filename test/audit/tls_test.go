package audit

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tenon/server/app"
	"tenon/test/servertest"
)

// TestTLS serves over TLS, renews the certificate while serving, and asks clients
// of system doors for one.
func TestTLS(t *testing.T) {
	t.Parallel()
	a, other := newAuthority(t), newAuthority(t)
	cert, key := a.issue(t, "server-1")
	secret := strings.Repeat("s", 40)
	s := servertest.Start(t, app.Config{Sample: true, TLS: app.TLS{Cert: cert, Key: key, Clients: filepath.Join(a.dir, "roots.pem")}, MES: app.MES{Secret: secret, Device: "mes"}})
	address := s.Config.Listen
	ask := func(path, token string, pairs ...tls.Certificate) (status int, header http.Header, name string, err error) {
		pool := x509.NewCertPool()
		pool.AddCert(a.cert)
		transport := &http.Transport{TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: pool, Certificates: pairs}}
		defer transport.CloseIdleConnections()
		r, err := http.NewRequestWithContext(t.Context(), "GET", "https://"+address+path, nil)
		if err != nil {
			return 0, nil, "", err
		}
		if token != "" {
			r.Header.Set("Authorization", "Bearer "+token)
		}
		res, err := (&http.Client{Transport: transport, Timeout: 20 * time.Second}).Do(r)
		if err != nil {
			return 0, nil, "", err
		}
		defer res.Body.Close()
		_, _ = io.Copy(io.Discard, res.Body)
		return res.StatusCode, res.Header, res.TLS.PeerCertificates[0].Subject.CommonName, nil
	}
	token := s.Token(t, "PractitionerRole/clin-wang")
	status, header, name, err := ask("/fhir/Patient", token)
	if err != nil || status != 200 || name != "server-1" || header.Get("Strict-Transport-Security") == "" {
		t.Fatalf("%d %v %s %v", status, header, name, err)
	}
	t.Run("plain HTTP is not answered", func(t *testing.T) {
		if answer, err := servertest.At("http://"+address).Try(t.Context(), servertest.Request{Path: "/healthz"}); err == nil && answer.Status == 200 {
			t.Error("a request without TLS is answered")
		}
	})
	t.Run("system doors need a certificate of our authorities", func(t *testing.T) {
		pair := func(of *authority) tls.Certificate {
			cert, key := of.issue(t, "mes")
			p, err := tls.LoadX509KeyPair(cert, key)
			if err != nil {
				t.Fatal(err)
			}
			return p
		}
		if status, _, _, err := ask("/adapters/mes/news", ""); err != nil || status != 403 {
			t.Errorf("without a certificate: %d %v, want 403", status, err)
		}
		if status, _, _, err := ask("/adapters/mes/news", "", pair(other)); err == nil && status != 403 {
			t.Errorf("with a certificate of strangers: %d, want a refusal", status)
		}
		if status, _, _, err := ask("/adapters/mes/news", "", pair(a)); err != nil || status == 403 {
			t.Errorf("with a certificate: %d %v", status, err)
		}
	})
	t.Run("a new certificate is served without a restart, a broken one is not", func(t *testing.T) {
		serving := func() string { _, _, name, _ := ask("/healthz", ""); return name }
		replace := func(cert2, key2 string) {
			for from, to := range map[string]string{cert2: cert, key2: key} {
				if err := os.Rename(from, to); err != nil {
					t.Fatal(err)
				}
			}
		}
		replace(a.issue(t, "server-2"))
		waitFor(t, "the new certificate is served", func() bool { return serving() == "server-2" })
		if err := os.WriteFile(cert, []byte("broken"), 0o600); err != nil {
			t.Fatal(err)
		}
		time.Sleep(1200 * time.Millisecond)
		if got := serving(); got != "server-2" {
			t.Errorf("with a broken file %q is served, want the one before", got)
		}
	})
	t.Run("a start without a certificate that can be read is refused", func(t *testing.T) {
		c := app.Config{Listen: "127.0.0.1:0", Data: t.TempDir(), Database: "sqlite", TLS: app.TLS{Cert: cert, Key: key}}
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		if err := app.Serve(ctx, c, io.Discard); err == nil || !strings.Contains(err.Error(), "tls-cert") {
			t.Errorf("Serve() = %v", err)
		}
	})
}

// TestHeaders looks at every door for what browsers are told, on answers of every
// kind.
func TestHeaders(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, app.Config{Sample: true, MES: app.MES{Secret: strings.Repeat("s", 40), Device: "mes"}})
	token := s.Token(t, "PractitionerRole/clin-wang")
	for _, path := range []string{"/", "/healthz", "/readyz", "/fhir/metadata", "/fhir/Patient", "/fhir/Patient/none", "/fhir/AuditEvent", "/fhir/nothing", "/fhir/.well-known/smart-configuration", "/.well-known/openid-configuration",
		"/oauth/sign-in", "/oauth/authorize", "/oauth/token", "/oauth/account", "/dicomweb/studies", "/dicomweb/nothing", "/adapters/mes/news", "/nothing", "/fhir/websocket"} {
		for _, as := range []string{"", token} {
			a := s.Send(t, servertest.Request{Path: path, Token: as})
			for name, want := range map[string]string{"X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Referrer-Policy": "no-referrer", "Content-Security-Policy": "'none'"} {
				if got := a.Header.Get(name); !strings.Contains(got, want) {
					t.Errorf("GET %s (%d): %s = %q, want %s", path, a.Status, name, got, want)
				}
			}
			if a.Header.Get("X-Request-Id") == "" || a.Header.Get("Strict-Transport-Security") != "" {
				t.Errorf("GET %s: %v", path, a.Header)
			}
		}
	}
	if a := s.Send(t, servertest.Request{Path: "/fhir/Patient", Header: map[string]string{"X-Large": strings.Repeat("x", 100<<10)}}); a.Status != 431 {
		t.Errorf("a header of 100 KB = %d, want 431", a.Status)
	}
	for path, body := range map[string]string{"/fhir/Patient": `{"resourceType":"Patient","x":` + strings.Repeat("[", 10000), "/fhir": `{"resourceType":"Bundle","x":` + strings.Repeat(`{"a":`, 10000)} {
		if a := s.Send(t, servertest.Request{Method: "POST", Path: path, Token: token, Body: []byte(body)}); a.Status < 400 || a.Status >= 500 {
			t.Errorf("deep JSON at %s = %d", path, a.Status)
		}
	}
	deep := fmt.Sprintf(`<Patient xmlns="http://hl7.org/fhir">%s`, strings.Repeat("<contact>", 10000))
	if a := s.Send(t, servertest.Request{Method: "POST", Path: "/fhir/Patient", Token: token, Body: []byte(deep), Header: map[string]string{"Content-Type": "application/fhir+xml"}}); a.Status < 400 || a.Status >= 500 {
		t.Errorf("deep XML = %d", a.Status)
	}
}
