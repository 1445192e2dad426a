package app

import (
	"context"
	"net"
	"net/http"
)

// addressKey is where the context of a request has the address of its client.
type addressKey struct{}

// located puts the address of the client where the audit finds it.
func located(r *http.Request) *http.Request {
	return r.WithContext(context.WithValue(r.Context(), addressKey{}, addressOf(r)))
}

// addressOf is the address of the client in the network, without its port.
func addressOf(r *http.Request) string { return hostOf(r.RemoteAddr) }

func addressIn(ctx context.Context) string {
	address, _ := ctx.Value(addressKey{}).(string)
	return address
}

func hostOf(remote string) string {
	if host, _, err := net.SplitHostPort(remote); err == nil {
		return host
	}
	return remote
}
