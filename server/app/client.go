package app

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"syscall"
	"time"

	"tenon/fhir/issue"
)

// Outbound says where the server itself may send requests: the endpoints of
// subscriptions and of the MES. Public addresses are open; every other one is
// refused unless it stands here.
type Outbound struct {
	Allow []string `help:"Hosts (name or name:port), addresses and networks (10.1.0.0/16) that requests may go to although they are private, and by plain http." env:"TENON_OUTBOUND_ALLOW"`
	Proxy string   `help:"URL of the proxy for requests of the server; it then chooses and guards the addresses. None by default, whatever HTTP_PROXY says." env:"TENON_OUTBOUND_PROXY"`
}

func (o *Outbound) validate() error {
	for _, a := range o.Allow {
		if strings.Contains(a, "/") {
			if _, err := netip.ParsePrefix(a); err != nil {
				return fmt.Errorf("outbound-allow: %q is neither a host, an address nor a network such as 10.1.0.0/16", a)
			}
			continue
		}
		if a == "" || strings.ContainsAny(a, " *?@") {
			return fmt.Errorf("outbound-allow: %q is neither a host, an address nor a network such as 10.1.0.0/16", a)
		}
	}
	if o.Proxy != "" {
		if u, err := url.Parse(o.Proxy); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			return errors.New("outbound-proxy: it is not an http(s) URL")
		}
	}
	return nil
}

// Guard decides which addresses the server asks. A name is resolved when it is
// dialled, and the address that is dialled is the one that was judged: a name
// that changes its address between two look-ups gains nothing.
type Guard struct {
	hosts    []string // "name" or "name:port", lower case
	networks []netip.Prefix
}

// NewGuard reads a list of hosts, addresses and networks that are allowed
// although they are not public.
func NewGuard(allow []string) *Guard {
	g := &Guard{}
	for _, a := range allow {
		if p, err := netip.ParsePrefix(a); err == nil {
			g.networks = append(g.networks, p.Masked())
			continue
		}
		if ip, err := netip.ParseAddr(strings.Trim(a, "[]")); err == nil {
			ip = ip.Unmap()
			g.networks = append(g.networks, netip.PrefixFrom(ip, ip.BitLen()))
			continue
		}
		g.hosts = append(g.hosts, strings.ToLower(a))
	}
	return g
}

// Permit refuses a URL that would never be asked; a name is only known once it
// is dialled. Failures: 422.
func (g *Guard) Permit(u *url.URL) error {
	host := strings.ToLower(u.Hostname())
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	ip, err := netip.ParseAddr(host)
	literal := err == nil
	switch {
	case u.Scheme != "http" && u.Scheme != "https" || host == "":
		return refusedAddress("only http and https are spoken")
	case g.named(net.JoinHostPort(host, port)):
		return nil
	case literal && !g.Allowed(ip):
		return refusedAddress("the address is not a public one")
	case !literal && (host == "localhost" || strings.HasSuffix(host, ".localhost") || strings.HasSuffix(host, ".local") || strings.HasSuffix(host, ".internal")) && len(g.networks) == 0:
		return refusedAddress("the name is not a public one")
	case u.Scheme == "http" && !(literal && g.listed(ip.Unmap())) && !(host == "localhost" && len(g.networks) > 0):
		return refusedAddress("data leave only by https")
	}
	return nil
}

func refusedAddress(why string) error {
	return issue.Errorf(issue.Forbidden, "This server sends nothing there: %s. An operator can allow an endpoint with outbound-allow.", why).
		WithStatus(http.StatusUnprocessableEntity).At("Subscription.channel.endpoint").Rule("outbound-address").Chinese("服务器不允许向该地址发送数据。")
}

// named tells whether a host, as it was asked for, is allowed by its name.
func (g *Guard) named(address string) bool {
	host, _, err := net.SplitHostPort(address)
	address = strings.ToLower(address)
	return err == nil && (slices.Contains(g.hosts, address) || slices.Contains(g.hosts, strings.ToLower(host)))
}

func (g *Guard) listed(ip netip.Addr) bool {
	return slices.ContainsFunc(g.networks, func(p netip.Prefix) bool { return p.Contains(ip) })
}

// Allowed tells whether an address may be dialled: it is public, or listed. An
// address that carries another one is judged by that one.
func (g *Guard) Allowed(ip netip.Addr) bool {
	if ip.Zone() != "" {
		return false
	}
	ip = ip.Unmap()
	if g.listed(ip) {
		return true
	}
	if nat64.Contains(ip) {
		b := ip.As16()
		return g.Allowed(netip.AddrFrom4([4]byte(b[12:16])))
	}
	if ip.Is6() && !global6.Contains(ip) {
		return false
	}
	return ip.IsGlobalUnicast() && !ip.IsPrivate() && !slices.ContainsFunc(special, func(p netip.Prefix) bool { return p.Contains(ip) })
}

// special are blocks that are not the public internet, or that reach it by a
// way around this list.
// https://www.iana.org/assignments/iana-ipv4-special-registry
// https://www.iana.org/assignments/iana-ipv6-special-registry
var special = prefixes(
	"0.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24",
	"198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
	"168.63.129.16/32", // the host of a virtual machine in one large cloud
	"2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20",
)

var (
	nat64   = netip.MustParsePrefix("64:ff9b::/96")
	global6 = netip.MustParsePrefix("2000::/3")
)

func prefixes(texts ...string) []netip.Prefix {
	all := make([]netip.Prefix, len(texts))
	for i, t := range texts {
		all[i] = netip.MustParsePrefix(t)
	}
	return all
}

// control judges the address that is about to be dialled.
func (g *Guard) control(_, address string, _ syscall.RawConn) error {
	at, err := netip.ParseAddrPort(address)
	if err != nil || !g.Allowed(at.Addr()) {
		return refusedAddress("the name leads to an address that is not a public one")
	}
	return nil
}

// dial connects to a host that is allowed by its name, or to an address that is.
func (g *Guard) dial(ctx context.Context, network, address string) (net.Conn, error) {
	d := &net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}
	if !g.named(address) {
		d.Control = g.control
	}
	return d.DialContext(ctx, network, address)
}

// Client is the one client for requests to others: it dials what the guard
// allows, bounded in time and size, takes no proxy from the environment, and
// follows no redirect, since that would send a body to an address that nobody
// chose.
func (g *Guard) Client(proxy string) *http.Client {
	t := &http.Transport{
		DialContext: g.dial, TLSHandshakeTimeout: 10 * time.Second, ResponseHeaderTimeout: 60 * time.Second,
		MaxResponseHeaderBytes: 32 << 10, MaxIdleConns: 100, MaxIdleConnsPerHost: 4, MaxConnsPerHost: 16, IdleConnTimeout: time.Minute,
		DisableCompression: true, ForceAttemptHTTP2: true,
	}
	if u, err := url.Parse(proxy); err == nil && proxy != "" {
		t.Proxy = http.ProxyURL(u)
		t.DialContext = (&net.Dialer{Timeout: 10 * time.Second}).DialContext
	}
	return &http.Client{
		Transport: guarded{g, t}, Timeout: 90 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// guarded refuses what needs no look-up to be refused.
type guarded struct {
	guard *Guard
	next  http.RoundTripper
}

func (t guarded) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := t.guard.Permit(r.URL); err != nil {
		return nil, err
	}
	return t.next.RoundTrip(r)
}

// guard is the guard of this server: with --dev the own machine may be asked.
func (a *App) guard() *Guard {
	allow := slices.Clone(a.Config.Outbound.Allow)
	if a.Config.Dev {
		allow = append(allow, "127.0.0.0/8", "::1", "localhost")
	}
	return NewGuard(allow)
}

// outbound is the client for an address that the operator has configured, which
// is thereby allowed.
func (a *App) outbound(address string) *http.Client {
	g := a.guard()
	if u, err := url.Parse(address); err == nil {
		g.hosts = append(g.hosts, strings.ToLower(u.Hostname()))
	}
	return g.Client(a.Config.Outbound.Proxy)
}
