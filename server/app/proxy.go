package app

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// Proxies are the networks of those who stand in front of the server: what they say
// of where a request came from is believed, and of nobody else.
// https://developer.mozilla.org/docs/Web/HTTP/Reference/Headers/X-Forwarded-For
type Proxies []string

// mostHops bounds what is read of X-Forwarded-For.
const mostHops = 32

// networks reads the setting. One that holds every address would let anybody say
// who he is, so it is refused.
func (p Proxies) networks() (list []netip.Prefix, err error) {
	for _, text := range p {
		n, err := netip.ParsePrefix(text)
		if err != nil {
			a, err2 := netip.ParseAddr(text)
			if err2 != nil {
				return nil, fmt.Errorf("trusted-proxies: %q is neither an address nor a network such as 10.0.0.0/8", text)
			}
			n = netip.PrefixFrom(a, a.BitLen())
		}
		if n.Bits() == 0 {
			return nil, fmt.Errorf("trusted-proxies: %q is everybody", text)
		}
		list = append(list, n)
	}
	return list, nil
}

// behind lets the doors see the address of a client behind trusted proxies.
func behind(trusted []netip.Prefix, next http.Handler) http.Handler {
	if len(trusted) == 0 {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if at, ok := clientOf(trusted, r); ok {
			r.RemoteAddr = net.JoinHostPort(at.String(), "0")
		}
		next.ServeHTTP(w, r)
	})
}

// clientOf walks from the server outwards as far as proxies are trusted: the first
// address that is no trusted proxy's is the client's. What stands beyond it the
// client may have written itself.
func clientOf(trusted []netip.Prefix, r *http.Request) (at netip.Addr, ok bool) {
	from, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil || !within(trusted, from.Addr()) {
		return at, false
	}
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	if len(hops) > mostHops {
		hops = hops[len(hops)-mostHops:]
	}
	for i := len(hops) - 1; i >= 0; i-- {
		hop, err := hopOf(strings.TrimSpace(hops[i]))
		if err != nil {
			break
		}
		at, ok = hop, true
		if !within(trusted, hop) {
			break
		}
	}
	return at, ok
}

// hopOf reads an address, as some proxies write it with a port or in brackets.
func hopOf(text string) (netip.Addr, error) {
	if a, err := netip.ParseAddrPort(text); err == nil {
		return a.Addr().Unmap().WithZone(""), nil
	}
	a, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(text, "["), "]"))
	return a.Unmap().WithZone(""), err
}

func within(list []netip.Prefix, a netip.Addr) bool {
	a = a.Unmap()
	for _, n := range list {
		if n.Contains(a) {
			return true
		}
	}
	return false
}
