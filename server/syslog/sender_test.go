package syslog_test

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"math/big"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	"tenon/server/syslog"
)

// listen is a collector that treats each connection as serve does.
func listen(t *testing.T, version uint16, serve func(*tls.Conn)) *syslog.Sender {
	t.Helper()
	key, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	of := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, of, of, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	cert, _ := x509.ParseCertificate(der)
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{MinVersion: tls.VersionTLS12, MaxVersion: version, Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go serve(conn.(*tls.Conn))
		}
	}()
	roots := x509.NewCertPool()
	roots.AddCert(cert)
	return &syslog.Sender{Address: l.Addr().String(), Settle: 20 * time.Millisecond, Patience: 5 * time.Second,
		TLS: func() (*tls.Config, error) {
			return &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots, ServerName: "127.0.0.1"}, nil
		}}
}

// TestSend: a group is delivered when the collector, having read to its end, ends the
// connection as TLS does; every other end says that it must be sent again.
// https://www.rfc-editor.org/rfc/rfc5425#section-4.4
func TestSend(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		serve     func(*tls.Conn)
		delivered bool
	}{
		"reads all and ends with close_notify": {func(c *tls.Conn) { _, _ = io.Copy(io.Discard, c); _ = c.Close() }, true},
		"reads all and ends the connection below TLS": {func(c *tls.Conn) {
			_, _ = io.Copy(io.Discard, c)
			_ = c.NetConn().Close()
		}, false},
		"goes before the end": {func(c *tls.Conn) { _, _ = bufio.NewReader(c).ReadByte(); _ = c.Close() }, false},
	} {
		for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
			t.Run(name+", "+tls.VersionName(version), func(t *testing.T) {
				t.Parallel()
				err := listen(t, version, tt.serve).Send(t.Context(), []syslog.Message{{At: time.Now(), Host: "h", App: "a", ID: "i", Text: "x"}})
				if (err == nil) != tt.delivered || err != nil && !errors.Is(err, syslog.ErrUnsure) {
					t.Errorf("Send = %v, want delivered %v", err, tt.delivered)
				}
			})
		}
	}
	t.Run("a collector that never ends has no more than the patience", func(t *testing.T) {
		t.Parallel()
		s := listen(t, tls.VersionTLS13, func(c *tls.Conn) { _, _ = io.Copy(io.Discard, c); time.Sleep(time.Minute) })
		s.Patience = 200 * time.Millisecond
		if err := s.Send(context.Background(), []syslog.Message{{Text: "x"}}); err == nil {
			t.Error("Send to a collector that never ends = nil")
		}
	})
}

// FuzzMessage: whatever a message holds, its header has the seven fields of RFC 5424
// in one line, and the text stands behind it byte for byte.
func FuzzMessage(f *testing.F) {
	f.Add("host", "tenon", "IHE+RFC-3881", "<AuditMessage/>", int64(0))
	f.Add("a b\n", "", strings.Repeat("ß", 300), "\x00\xff", int64(1)<<60)
	f.Fuzz(func(t *testing.T, host, app, id, text string, at int64) {
		m := syslog.Message{At: time.UnixMicro(at % (1 << 57)), Host: host, App: app, ID: id, Text: text}
		head, rest, ok := strings.Cut(string(m.Append(nil)), " - \ufeff")
		if !ok || rest != text {
			t.Fatalf("%q is not the text behind the header", rest)
		}
		fields := strings.Split(head, " ")
		if len(fields) != 6 || fields[0] != "<85>1" || fields[4] != "-" {
			t.Fatalf("%q has not the fields of a header", head)
		}
		for i, most := range map[int]int{2: 255, 3: 48, 5: 32} {
			if n := len(fields[i]); n == 0 || n > most || strings.IndexFunc(fields[i], func(r rune) bool { return r <= ' ' || r > '~' }) >= 0 {
				t.Errorf("field %d is %s", i, strconv.Quote(fields[i]))
			}
		}
	})
}
