package app

import (
	"context"
	"net"
	"net/http"
)

// addressKey is where the context of a request has the address of its client.
type (
	addressKey struct{}
	requestKey struct{}
)

// located puts the address of the client, and the id of its request, where the audit
// finds them.
func located(r *http.Request, id string) *http.Request {
	ctx := context.WithValue(r.Context(), addressKey{}, addressOf(r))
	return r.WithContext(context.WithValue(ctx, requestKey{}, id))
}

func requestIn(ctx context.Context) string {
	id, _ := ctx.Value(requestKey{}).(string)
	return id
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
