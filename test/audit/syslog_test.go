package audit

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"encoding/xml"
	"fmt"
	"io"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"tenon/server/app"
	"tenon/test/servertest"
)

// authority makes certificates for a collector and its clients.
type authority struct {
	dir  string
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t *testing.T) *authority {
	a := &authority{dir: t.TempDir()}
	a.key, _ = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	of := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "authority"}, NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, of, of, a.key.Public(), a.key)
	if err != nil {
		t.Fatal(err)
	}
	a.cert, _ = x509.ParseCertificate(der)
	a.write(t, "roots.pem", "CERTIFICATE", der)
	return a
}

func (a *authority) write(t *testing.T, name, kind string, der []byte) string {
	t.Helper()
	path := filepath.Join(a.dir, name)
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// issue writes a certificate and its key for 127.0.0.1.
func (a *authority) issue(t *testing.T, name string) (cert, key string) {
	t.Helper()
	own, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	of := &x509.Certificate{SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name}, NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	der, err := x509.CreateCertificate(rand.Reader, of, a.cert, own.Public(), a.key)
	if err != nil {
		t.Fatal(err)
	}
	text, _ := x509.MarshalPKCS8PrivateKey(own)
	return a.write(t, name+".pem", "CERTIFICATE", der), a.write(t, name+".key", "PRIVATE KEY", text)
}

// collector takes messages as RFC 5425 frames them, from clients with a
// certificate.
type collector struct {
	net.Listener
	mu    sync.Mutex
	got   []string
	names map[string]bool // of the clients' certificates
	bad   []string
	dies  int // after how many messages of a connection it goes; 0: never
}

func collect(t *testing.T, a *authority, address string, dies int) *collector {
	t.Helper()
	cert, key := a.issue(t, "collector")
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(a.cert)
	l, err := tls.Listen("tcp", address, &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{pair}, ClientCAs: pool, ClientAuth: tls.RequireAndVerifyClientCert})
	if err != nil {
		t.Fatal(err)
	}
	c := &collector{Listener: l, names: map[string]bool{}, dies: dies}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go c.serve(conn.(*tls.Conn))
		}
	}()
	return c
}

func (c *collector) serve(conn *tls.Conn) {
	defer conn.Close()
	r := bufio.NewReader(conn)
	for n := 1; ; n++ {
		text, err := readFrame(r)
		c.mu.Lock()
		switch {
		case err == nil:
			c.got = append(c.got, text)
			c.names[conn.ConnectionState().PeerCertificates[0].Subject.CommonName] = true
		case err != io.EOF:
			c.bad = append(c.bad, err.Error())
		}
		c.mu.Unlock()
		if err != nil || n == c.dies {
			return
		}
	}
}

func readFrame(r *bufio.Reader) (string, error) {
	head, err := r.ReadString(' ')
	if err != nil {
		return "", err
	}
	n, err := strconv.Atoi(strings.TrimSuffix(head, " "))
	if err != nil || n < 1 || n > 1<<20 {
		return "", fmt.Errorf("%q is no length", head)
	}
	text := make([]byte, n)
	_, err = io.ReadFull(r, text)
	return string(text), err
}

var (
	header = regexp.MustCompile(`^<85>1 \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z \S+ tenon - IHE\+RFC-3881 - \x{feff}<AuditMessage>`)
	own    = regexp.MustCompile(`ParticipantObjectID="AuditEvent/([0-9]+-[0-9]+)"`)
)

// events counts how often each event came.
func (c *collector) events(t *testing.T) map[string]int {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	seen := map[string]int{}
	for _, text := range c.got {
		if !header.MatchString(text) {
			t.Fatalf("%.300q is no message of ITI-20", text)
		}
		_, body, _ := strings.Cut(text, "\ufeff")
		if err := xml.Unmarshal([]byte(body), new(struct {
			XMLName xml.Name `xml:"AuditMessage"`
		})); err != nil {
			t.Fatalf("%v in %s", err, body)
		}
		m := own.FindAllStringSubmatch(body, -1)
		seen[m[len(m)-1][1]]++
	}
	return seen
}

// TestSyslog sends the audit to a collector that dies, comes back and goes again.
func TestSyslog(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, database string) {
		a := newAuthority(t)
		cert, key := a.issue(t, "tenon-1")
		first := collect(t, a, "127.0.0.1:0", 3)
		address := first.Addr().String()
		trail := app.Trail{Syslog: address, Roots: filepath.Join(a.dir, "roots.pem"), Cert: cert, Key: key}
		s := servertest.Start(t, app.Config{Sample: true, Database: database, Trail: trail})
		token := s.Token(t, "PractitionerRole/clin-wang")
		for range 5 {
			s.Expect(t, 200, servertest.Request{Token: token, Path: "/fhir/Patient"})
		}
		waitFor(t, "the collector that dies has messages", func() bool { return len(first.events(t)) > 0 })
		_ = first.Close() // nobody listens; the doors do not notice
		for range 5 {
			s.Expect(t, 200, servertest.Request{Token: token, Path: "/fhir/Practitioner"})
		}
		time.Sleep(1500 * time.Millisecond)
		certificate, newKey := a.issue(t, "tenon-2") // the certificate is renewed on disk meanwhile
		for old, renewed := range map[string]string{cert: certificate, key: newKey} {
			if err := os.Rename(renewed, old); err != nil {
				t.Fatal(err)
			}
		}
		second := collect(t, a, address, 0)
		last := "tenon-last-" + strconv.Itoa(os.Getpid())
		s.Expect(t, 200, servertest.Request{Token: token, Path: "/fhir/Organization", Header: map[string]string{"X-Request-Id": last}})
		arrived := func(c *collector, what string) bool {
			c.mu.Lock()
			defer c.mu.Unlock()
			return strings.Contains(strings.Join(c.got, "\n"), what)
		}
		waitFor(t, "the last event has come", func() bool { return arrived(second, last) })
		t.Run("R000-018 nothing is lost", func(t *testing.T) {
			came := second.events(t)
			for id := range first.events(t) {
				came[id]++
			}
			b, n := int64(0), 0
			_, err := s.App.Store.AuditBatch(t.Context(), b)
			if err == nil {
				t.Error("there is a batch 0")
			}
			leaves, _, err := s.App.Store.AuditLeaves(t.Context(), 0, 10000)
			if err != nil {
				t.Fatal(err)
			}
			for _, b := range leaves {
				for i := range b.Rows {
					if n++; came[fmt.Sprintf("%d-%d", b.ID, i)] == 0 && !b.At.After(time.Now().Add(-3*time.Second)) {
						t.Errorf("event %d-%d (%s) was not sent", b.ID, i, b.Rows[i].Operation)
					}
				}
			}
			if n < 20 {
				t.Errorf("%d events", n)
			}
			if len(second.bad) > 0 || !second.names["tenon-2"] || !first.names["tenon-1"] {
				t.Errorf("the collector: %v, clients %v %v", second.bad, first.names, second.names)
			}
		})
		t.Run("R000-018 what was confirmed does not come again", func(t *testing.T) {
			time.Sleep(2500 * time.Millisecond)
			for id, n := range second.events(t) {
				if n > 1 {
					t.Errorf("%s came %d times to a collector that stayed", id, n)
				}
			}
		})
		if database == "" {
			return
		}
		t.Run("R000-018 of two servers one sends", func(t *testing.T) {
			other := servertest.Start(t, app.Config{Database: database, Data: s.Config.Data, Trail: trail})
			for i := range 6 {
				for _, x := range []*servertest.Server{s, other} {
					x.Expect(t, 200, servertest.Request{Token: token, Path: "/fhir/Patient", Header: map[string]string{"X-Request-Id": fmt.Sprintf("two-%d", i)}})
				}
				time.Sleep(200 * time.Millisecond)
			}
			waitFor(t, "the events of both have come", func() bool { return arrived(second, "two-5") })
			time.Sleep(1500 * time.Millisecond)
			for id, n := range second.events(t) {
				if n > 1 {
					t.Errorf("%s came %d times", id, n)
				}
			}
			s.Stop(t)
			other.Expect(t, 200, servertest.Request{Token: token, Path: "/fhir/Patient", Header: map[string]string{"X-Request-Id": "alone"}})
			waitFor(t, "the other server goes on", func() bool { return arrived(second, "alone") })
		})
	})
}

func waitFor(t *testing.T, what string, done func() bool) {
	t.Helper()
	for end := time.Now().Add(40 * time.Second); !done(); time.Sleep(100 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited in vain: %s", what)
		}
	}
}
