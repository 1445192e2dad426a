package test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"tenon/server/app"
	"tenon/test/servertest"
)

// silence waits until a connection has ended; what is heard until then is told.
func (c *line) silence(t *testing.T) (heard []string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	for {
		_, message, err := c.conn.Read(ctx)
		if err != nil {
			if ctx.Err() != nil {
				t.Errorf("the connection is still there after 10 s; heard %q", heard)
			}
			return heard
		}
		heard = append(heard, string(message))
	}
}

// TestSocketRevoked: whoever connects with a token that is revoked afterwards,
// or bound with one, hears nothing more.
func TestSocketRevoked(t *testing.T) {
	t.Parallel()
	onBothServers(t, func(l *listeners) {
		plain := l.active(l.clin, `{"resourceType":"Subscription","status":"requested","reason":"test","criteria":"Patient?active=true","channel":{"type":"websocket"}}`)
		ref := l.active(l.clin, about("urn:tenon:topic:resource-created", "Patient?", "full-resource", `"type":"websocket"`, ""))
		principal := l.principalOf(l.clin)
		for _, way := range []string{"by id", "by token"} {
			token := l.Token(l.T, principal)
			var c *line
			if way == "by id" {
				c = l.connect(token)
				c.say("bind " + strings.TrimPrefix(plain, "Subscription/"))
			} else {
				answer := nodeOf(l.T, l.Expect(l.T, 200, servertest.Request{Token: token, Path: "/fhir/" + ref + "/$get-ws-binding-token"}).Body)
				c = l.connect("")
				c.say("bind-with-token " + parameter(answer, "token"))
			}
			c.hear()
			if err := l.App.RevokeToken(l.Context(), token); err != nil {
				l.Fatal(err)
			}
			time.Sleep(1100 * time.Millisecond) // as long as a checked token is trusted
			l.Create(l.T, l.clin, patient("after "+way))
			for _, text := range c.silence(l.T) {
				if strings.Contains(text, "after "+way) || strings.HasPrefix(text, "ping ") {
					l.Errorf("%s: heard %q after the token was revoked", way, text)
				}
			}
		}
		// one is not made by a job, which would outlive the token of the request
		l.Expect(l.T, 200, servertest.Request{Token: l.clin, Path: "/fhir/" + ref + "/$get-ws-binding-token", Header: map[string]string{"Prefer": "respond-async"}})
		// a binding token that was given before is worth nothing afterwards
		token := l.Token(l.T, principal)
		answer := nodeOf(l.T, l.Expect(l.T, 200, servertest.Request{Token: token, Path: "/fhir/" + ref + "/$get-ws-binding-token"}).Body)
		if err := l.App.RevokeToken(l.Context(), token); err != nil {
			l.Fatal(err)
		}
		time.Sleep(1100 * time.Millisecond)
		c := l.connect("")
		c.say("bind-with-token " + parameter(answer, "token"))
		for _, text := range c.silence(l.T) {
			if !strings.HasPrefix(text, "unbound ") && !strings.HasPrefix(text, "error: ") {
				l.Errorf("heard %q by a binding token of a token that was revoked", text)
			}
		}
	})
}

// principalOf is who has a token.
func (l *listeners) principalOf(token string) string {
	l.Helper()
	who, err := l.App.OAuth.Authenticate(l.Context(), "Bearer "+token)
	if err != nil {
		l.Fatal(err)
	}
	return who.Principal
}

// TestSocketCrowd: neither one caller nor many that say not who they are keep
// others from listening.
func TestSocketCrowd(t *testing.T) {
	t.Parallel()
	w := newTown(t, app.Config{})
	dial := func(token string) bool {
		header := http.Header{}
		if token != "" {
			header.Set("Authorization", "Bearer "+token)
		}
		conn, answer, err := websocket.Dial(t.Context(), "ws"+strings.TrimPrefix(w.URL, "http")+"/fhir/websocket", &websocket.DialOptions{HTTPHeader: header})
		if err != nil {
			if answer == nil || answer.StatusCode != http.StatusServiceUnavailable {
				t.Fatalf("connect: %v", err)
			}
			return false
		}
		t.Cleanup(func() { _ = conn.CloseNow() })
		return true
	}
	crowd := func(token string) (n int) {
		for n = 0; n < 300 && dial(token); n++ {
		}
		return n
	}
	if n := crowd(w.token["clin"]); n != 20 {
		t.Errorf("one caller has %d connections, want 20", n)
	}
	if n := crowd(""); n != 200 {
		t.Errorf("nobody has %d connections, want 200", n)
	}
	if !dial(w.token["rival"]) {
		t.Error("another caller cannot connect")
	}
}
