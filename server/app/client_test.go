package app_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"tenon/fhir/issue"
	"tenon/server/app"
)

// TestGuardAddresses: what is not the public internet is not dialled, in whatever
// form the address comes.
// https://www.iana.org/assignments/iana-ipv4-special-registry
// https://www.iana.org/assignments/iana-ipv6-special-registry
func TestGuardAddresses(t *testing.T) {
	g := app.NewGuard([]string{"10.1.0.0/16", "192.168.7.7"})
	for address, want := range map[string]bool{
		"8.8.8.8": true, "93.184.216.34": true, "2606:4700:4700::1111": true, "1.1.1.1": true, "172.15.255.255": true, "172.32.0.1": true,
		"127.0.0.1": false, "127.255.255.254": false, "0.0.0.0": false, "0.1.2.3": false,
		"10.0.0.1": false, "172.16.0.1": false, "172.31.255.255": false, "192.168.0.1": false,
		"10.1.2.3": true, "192.168.7.7": true, "192.168.7.8": false,
		"169.254.169.254": false, "169.254.170.2": false, "100.64.0.1": false, "100.100.100.200": false, "100.127.255.255": false,
		"168.63.129.16": false, "192.0.0.192": false, "192.0.2.1": false, "198.18.0.1": false, "198.51.100.7": false, "203.0.113.9": false,
		"192.88.99.1": false, "224.0.0.1": false, "239.255.255.250": false, "240.0.0.1": false, "255.255.255.255": false,
		"::": false, "::1": false, "fe80::1": false, "fe80::1%eth0": false, "fc00::1": false, "fd00:ec2::254": false, "fec0::1": false, "ff02::1": false,
		"::ffff:127.0.0.1": false, "::ffff:169.254.169.254": false, "::ffff:8.8.8.8": true, "::ffff:10.1.2.3": true, "::127.0.0.1": false, "::ffff:0:127.0.0.1": false,
		"64:ff9b::7f00:1": false, "64:ff9b::a9fe:a9fe": false, "64:ff9b::808:808": true, "64:ff9b:1::7f00:1": false,
		"2002:7f00:1::": false, "2002:a9fe:a9fe::1": false, "2002:808:808::1": false, "2001:0:53aa:64c::1": false, "2001:db8::1": false, "100::1": false, "3fff::1": false, "5f00::1": false,
	} {
		if got := g.Allowed(netip.MustParseAddr(address)); got != want {
			t.Errorf("Allowed(%s) = %v, want %v", address, got, want)
		}
	}
}

// TestGuardURLs: what is refused when it is written.
func TestGuardURLs(t *testing.T) {
	g := app.NewGuard([]string{"10.1.0.0/16", "mes.plant.local", "gateway:8443"})
	for text, want := range map[string]bool{
		"https://example.org/hook": true, "https://example.org:8443/hook": true, "http://example.org/hook": false,
		"http://10.1.2.3/hook": true, "https://10.2.0.1/": false, "http://mes.plant.local/x": true, "https://other.plant.local/x": true,
		"https://gateway:8443/": true, "http://gateway/": false, "https://[::1]/": false, "https://[::ffff:127.0.0.1]/": false,
		"ftp://example.org/": false, "file:///etc/passwd": false, "gopher://example.org/": false, "https:///x": false,
	} {
		u, err := url.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		if got := g.Permit(u) == nil; got != want {
			t.Errorf("Permit(%s) = %v, want %v", text, got, want)
		}
	}
	bare := app.NewGuard(nil)
	for _, text := range []string{"https://localhost/", "https://LOCALHOST:8443/", "https://x.localhost/", "https://db.internal/", "https://127.0.0.1/", "https://169.254.169.254/latest/meta-data/"} {
		u, _ := url.Parse(text)
		f := issue.As(bare.Permit(u))
		if f == nil || f.HTTPStatus() != 422 || f.Issues[0].Rule != "outbound-address" {
			t.Errorf("Permit(%s) = %v, want a 422", text, f)
		}
	}
}

// TestGuardDials: names that lead inside, however they are written, redirects
// inside, and a proxy that only the environment names.
func TestGuardDials(t *testing.T) {
	asked := 0
	inside := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked++
		_, _ = io.WriteString(w, "secret")
	}))
	t.Cleanup(inside.Close)
	_, port, _ := net.SplitHostPort(inside.Listener.Addr().String())
	t.Setenv("HTTP_PROXY", inside.URL)
	t.Setenv("HTTPS_PROXY", inside.URL)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	get := func(c *http.Client, address string) (*http.Response, error) {
		r, err := http.NewRequestWithContext(ctx, "GET", address, nil)
		if err != nil {
			return nil, err
		}
		return c.Do(r)
	}
	closed := app.NewGuard(nil).Client("")
	for _, host := range []string{"localhost", "127.0.0.1", "127.1", "0x7f.0.0.1", "2130706433", "017700000001", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0", "[::]", "127.0.0.1."} {
		for _, scheme := range []string{"http", "https"} {
			res, err := get(closed, scheme+"://"+host+":"+port+"/")
			if err == nil {
				_ = res.Body.Close()
				t.Errorf("%s://%s was asked: %d", scheme, host, res.StatusCode)
			}
		}
	}
	if asked != 0 {
		t.Fatalf("the inside was asked %d times", asked)
	}
	// a name that is judged where it is dialled: the look-up of localhost gives a
	// loopback address, and its host is named nowhere
	res, err := get(app.NewGuard([]string{"10.0.0.0/8"}).Client(""), "http://localhost:"+port+"/")
	if err == nil {
		_ = res.Body.Close()
	}
	if f := issue.As(err); f == nil || f.Issues[0].Rule != "outbound-address" || asked != 0 {
		t.Errorf("a name that leads inside = %v, want outbound-address", err)
	}
	outside := httptest.NewServer(http.RedirectHandler(inside.URL+"/secret", http.StatusTemporaryRedirect))
	t.Cleanup(outside.Close)
	_, at, _ := net.SplitHostPort(outside.Listener.Addr().String())
	open := app.NewGuard([]string{"localhost:" + at}).Client("")
	res, err = get(open, "http://localhost:"+at+"/")
	if err != nil {
		t.Fatalf("an allowed host = %v", err)
	}
	_ = res.Body.Close()
	if res.StatusCode != http.StatusTemporaryRedirect || asked != 0 {
		t.Errorf("a redirect = %d, asked %d; want it as it came, and not followed", res.StatusCode, asked)
	}
	if res, err := get(open, "http://localhost:"+port+"/"); err == nil {
		_ = res.Body.Close()
		t.Error("another port of an allowed host and port was asked")
	}
}

// A header without end is cut off.
func TestGuardLimitsHeaders(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X", strings.Repeat("x", 1<<20))
	}))
	t.Cleanup(s.Close)
	r, err := http.NewRequestWithContext(t.Context(), "GET", s.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := app.NewGuard([]string{"127.0.0.1"}).Client("").Do(r)
	if err == nil {
		_ = res.Body.Close()
		t.Error("a header of 1 MiB is taken")
	}
}
