package test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"tenon/test/servertest"
)

// line is a websocket of a subscriber.
type line struct {
	*testing.T
	conn *websocket.Conn
}

func (l *listeners) connect(token string) *line {
	l.Helper()
	header := http.Header{}
	if token != "" {
		header.Set("Authorization", "Bearer "+token)
	}
	conn, answer, err := websocket.Dial(l.Context(), "ws"+strings.TrimPrefix(l.URL, "http")+"/fhir/websocket", &websocket.DialOptions{HTTPHeader: header})
	if err != nil {
		l.Fatalf("connect: %v (%v)", err, answer)
	}
	conn.SetReadLimit(1 << 20)
	l.Cleanup(func() { _ = conn.CloseNow() })
	return &line{l.T, conn}
}

func (c *line) say(text string) {
	c.Helper()
	if err := c.conn.Write(c.Context(), websocket.MessageText, []byte(text)); err != nil {
		c.Fatalf("say %q: %v", text, err)
	}
}

func (c *line) hear() string {
	c.Helper()
	ctx, cancel := context.WithTimeout(c.Context(), 10*time.Second)
	defer cancel()
	_, message, err := c.conn.Read(ctx)
	if err != nil {
		c.Fatalf("hear: %v", err)
	}
	return string(message)
}

// TestSubscriptionSocket: https://hl7.org/fhir/R4/subscription.html#2.46.7.2 and
// http://hl7.org/fhir/uv/subscriptions-backport/channels.html#websockets
func TestSubscriptionSocket(t *testing.T) {
	t.Parallel()
	onBothServers(t, func(l *listeners) {
		plain := l.active(l.clin, `{"resourceType":"Subscription","status":"requested","reason":"test","criteria":"Patient?active=true","channel":{"type":"websocket"}}`)
		id := strings.TrimPrefix(plain, "Subscription/")
		c := l.connect(l.clin)
		c.say("bind " + id)
		if got := c.hear(); got != "bound "+id {
			l.Fatalf("heard %q, want bound", got)
		}
		l.Create(l.T, l.clin, patient("A"))
		if got := c.hear(); got != "ping "+id {
			l.Errorf("heard %q, want ping", got)
		}
		l.Run("strangers", func(t *testing.T) {
			for name, token := range map[string]string{"another hospital": l.rival, "nobody": ""} {
				c := l.connect(token)
				c.say("bind " + id)
				if got := c.hear(); !strings.HasPrefix(got, "error: ") {
					t.Errorf("%s heard %q, want error", name, got)
				}
				c.say("bind-with-token " + strings.Repeat("A", 43))
				if got := c.hear(); !strings.HasPrefix(got, "error: ") {
					t.Errorf("%s heard %q with a false token, want error", name, got)
				}
			}
			if a := l.Send(t, servertest.Request{Token: l.rival, Path: "/fhir/" + plain + "/$get-ws-binding-token"}); a.Status != 404 {
				t.Errorf("a stranger's token = %d, want 404", a.Status)
			}
			if a := l.Send(t, servertest.Request{Path: "/fhir/websocket", Token: "tn_false", Header: map[string]string{"Connection": "Upgrade", "Upgrade": "websocket"}}); a.Status != 401 {
				t.Errorf("a false token = %d, want 401", a.Status)
			}
			_, answer, err := websocket.Dial(t.Context(), "ws"+strings.TrimPrefix(l.URL, "http")+"/fhir/websocket", &websocket.DialOptions{HTTPHeader: http.Header{"Origin": {"https://evil.example"}}})
			if err == nil || answer.StatusCode != 403 {
				t.Errorf("a page of another origin connects: %v", err)
			}
		})
		ref := l.active(l.clin, about("urn:tenon:topic:resource-created", "Patient?", "full-resource", `"type":"websocket"`,
			`,"extension":[{"url":"`+backport+`backport-heartbeat-period","valueUnsignedInt":1}]`))
		l.Create(l.T, l.clin, patient("B")) // while nobody listens
		answer := nodeOf(l.T, l.Expect(l.T, 200, servertest.Request{Token: l.clin, Path: "/fhir/" + ref + "/$get-ws-binding-token"}).Body)
		token, address := parameter(answer, "token"), parameter(answer, "websocket-url")
		if token == "" || !strings.HasPrefix(address, "ws") {
			l.Fatalf("$get-ws-binding-token = %s", answer.Raw())
		}
		c = l.connect("")
		c.say("bind-with-token " + token)
		l.Create(l.T, l.clin, patient("C"))
		var kinds, told []string
		for range 10 {
			status := nodeOf(l.T, []byte(c.hear())).Field("entry").Index(0).Field("resource")
			kinds = append(kinds, parameter(status, "type"))
			told = append(told, numbers(status)...)
			if len(told) == 2 && kinds[len(kinds)-1] == "heartbeat" {
				break
			}
		}
		if kinds[0] != "handshake" || fmt.Sprint(told) != "[1 2]" || kinds[len(kinds)-1] != "heartbeat" {
			l.Errorf("heard %v with the events %v, want a handshake, 1 and 2, a heartbeat", kinds, told)
		}
		again := l.connect("")
		again.say("bind-with-token " + token)
		if got := again.hear(); !strings.HasPrefix(got, "error: ") {
			l.Errorf("a token that was used binds again: %q", got)
		}
		again.say("whatever")
		if got := again.hear(); !strings.HasPrefix(got, "error: ") {
			l.Errorf("nonsense is answered %q", got)
		}
		l.Expect(l.T, 204, servertest.Request{Token: l.clin, Method: "DELETE", Path: "/fhir/" + ref})
		until(l.T, "the socket hears that it is unbound", func() bool { return strings.HasPrefix(c.hear(), "unbound ") })
	})
}
