package app

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestTrustedProxies(t *testing.T) {
	for _, bad := range []string{"", "x", "10.0.0.0/33", "0.0.0.0/0", "::/0"} {
		if _, err := (Proxies{bad}).networks(); err == nil {
			t.Errorf("networks(%q) is taken", bad)
		}
	}
	trusted, err := Proxies{"10.0.0.0/8", "192.0.2.7", "fd00::/8"}.networks()
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		from string
		said []string
		want string
	}{
		{"203.0.113.5:1", []string{"198.51.100.1"}, "203.0.113.5:1"}, // not a proxy: what it says is nothing
		{"10.1.2.3:1", nil, "10.1.2.3:1"},
		{"10.1.2.3:1", []string{"198.51.100.1"}, "198.51.100.1:0"},
		{"192.0.2.7:1", []string{"198.51.100.1"}, "198.51.100.1:0"},
		{"[::ffff:10.1.2.3]:1", []string{"198.51.100.1"}, "198.51.100.1:0"},
		{"[fd00::1]:1", []string{"[2001:db8::5]:443"}, "[2001:db8::5]:0"},
		{"10.1.2.3:1", []string{"1.1.1.1, 198.51.100.1"}, "198.51.100.1:0"},               // the client wrote the first itself
		{"10.1.2.3:1", []string{"1.1.1.1", "198.51.100.1", "10.9.9.9"}, "198.51.100.1:0"}, // of several headers, through two proxies
		{"10.1.2.3:1", []string{"10.1.1.1, 10.2.2.2"}, "10.1.1.1:0"},
		{"10.1.2.3:1", []string{"rubbish"}, "10.1.2.3:1"},
		{"10.1.2.3:1", []string{"1.1.1.1, rubbish, 10.2.2.2"}, "10.2.2.2:0"}, // nothing beyond what cannot be read
		{"10.1.2.3:1", []string{"fe80::1%eth0"}, "[fe80::1]:0"},
		{"10.1.2.3:1", []string{"1.1.1.1," + strings.Repeat("10.0.0.1,", 5000) + "10.0.0.2"}, "10.0.0.1:0"},
	} {
		got := ""
		h := behind(trusted, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = r.RemoteAddr }))
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.RemoteAddr, r.Header["X-Forwarded-For"] = tt.from, tt.said
		h.ServeHTTP(httptest.NewRecorder(), r)
		if got != tt.want {
			t.Errorf("from %s saying %.60q: %s, want %s", tt.from, tt.said, got, tt.want)
		}
	}
}
