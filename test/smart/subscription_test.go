package smart

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"tenon/oauth"
	"tenon/server/app"
	"tenon/server/store/pgtest"
	"tenon/test/servertest"
)

// endpoint is a subscriber's server.
type endpoint struct {
	*httptest.Server
	mu    sync.Mutex
	paths []string // Type/id that it was told of
}

func newEndpoint(t *testing.T) *endpoint {
	e := &endpoint{}
	e.Server = httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		e.mu.Lock()
		defer e.mu.Unlock()
		e.paths = append(e.paths, strings.TrimPrefix(r.URL.Path, "/"))
	}))
	t.Cleanup(e.Close)
	return e
}

func (e *endpoint) heard(ref string) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, p := range e.paths {
		if p == ref {
			return true
		}
	}
	return false
}

func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if ok() {
			return
		}
	}
	t.Fatalf("in 20 s it did not come to this: %s", what)
}

func subscription(criteria, endpoint string) string {
	return fmt.Sprintf(`{"resourceType":"Subscription","status":"requested","reason":"test","criteria":%q,"channel":{"type":"rest-hook","endpoint":%q,"payload":"application/fhir+json"}}`, criteria, endpoint)
}

// TestSubscriptionByApp: what an app is told is what its scopes leave, as long as they
// are granted.
func TestSubscriptionByApp(t *testing.T) {
	for _, engine := range []string{"SQLite", "PostgreSQL"} {
		t.Run(engine, func(t *testing.T) {
			c := app.Config{Sample: true, Outbound: app.Outbound{Allow: []string{"127.0.0.0/8"}}, Exchange: app.Exchange{Endpoints: "any"}, Feeds: app.Feeds{Backoff: 20 * time.Millisecond}}
			if engine == "PostgreSQL" {
				c.Database = pgtest.Database(t, "empty", nil)
			}
			h := furnished(t, c)
			h.person(t, "PractitionerRole/clin-wang", "wang")
			for _, id := range []string{"chart", "other"} {
				h.app(t, id, oauth.MethodNone, "launch/patient", "patient/*.cruds", "user/*.cruds", "offline_access")
			}
			h.subscriptions(t)
		})
	}
}

func (h *house) subscriptions(t *testing.T) {
	const narrow = "user/Observation.rs?category=" + laboratory + " user/Subscription.cruds"
	token := func(client, scope, patient string) string {
		return h.tokens(t, client, scope, patient).text("access_token")
	}
	granted := h.tokens(t, "chart", narrow+" offline_access", "")
	chart := granted.text("access_token")
	e := newEndpoint(t)
	says := func(token, ref string) string {
		a := h.Send(t, servertest.Request{Token: token, Path: "/fhir/" + ref + "/$status"})
		for _, s := range []string{"requested", "active", "error", "off"} {
			if strings.Contains(string(a.Body), `"valueCode":"`+s+`"`) {
				return s
			}
		}
		return fmt.Sprint(a.Status, " ", string(a.Body))
	}
	active := func(token, body string) string {
		t.Helper()
		ref := h.Create(t, token, body)
		until(t, ref+" is active", func() bool { return says(token, ref) == "active" })
		return ref
	}
	patch := func(token, ref, body string) int {
		a := h.Send(t, servertest.Request{Token: token, Method: "PATCH", Path: "/fhir/" + ref, Body: []byte(body), Header: map[string]string{"Content-Type": "application/merge-patch+json"}})
		return a.Status
	}
	t.Run("what no scope covers cannot be subscribed to", func(t *testing.T) {
		for _, tt := range []struct{ name, token, criteria string }{
			{"a type beyond the scopes", chart, "Patient?"},
			{"no scope for subscriptions", token("chart", "user/Observation.rs", ""), "Observation?"},
			{"search alone", token("chart", "user/Observation.s user/Subscription.cruds", ""), "Observation?"},
			{"scopes of one patient", token("chart", "launch/patient patient/*.cruds", h.a), "Observation?"},
		} {
			same(t, tt.name, h.status(t, tt.token, "POST", "Subscription", []byte(subscription(tt.criteria, e.URL))), 403)
		}
	})
	ref := active(chart, subscription("Observation?", e.URL))
	t.Run("attack 22 what is told lies within the scopes", func(t *testing.T) {
		exam, lab := h.observation(t, h.token, h.a, "exam"), h.observation(t, h.token, h.b, "laboratory")
		until(t, "twin: the laboratory's is told", func() bool { return e.heard(lab) })
		same(t, "the other one", e.heard(exam), false)
		a := h.Expect(t, 200, servertest.Request{Token: chart, Path: "/fhir/" + ref + "/$events"})
		same(t, "$events", strings.Contains(string(a.Body), lab) && !strings.Contains(string(a.Body), exam), true)
	})
	t.Run("attack 22 another app of the same person", func(t *testing.T) {
		wide := token("other", "user/*.cruds", "")
		same(t, "$events", h.status(t, wide, "GET", ref+"/$events", nil), 403)
		same(t, "the endpoint", patch(wide, ref, `{"channel":{"endpoint":"`+e.URL+`/other"}}`), 403)
		own := active(h.token, subscription("Observation?", e.URL+"/person"))
		same(t, "the person's own, by an app", patch(wide, own, `{"channel":{"endpoint":"`+e.URL+`/other"}}`), 403)
		same(t, "its events", h.status(t, wide, "GET", own+"/$events", nil), 403)
		narrower := token("chart", "user/Observation.rs?category=exam user/Subscription.cruds", "")
		same(t, "the same app with other scopes", patch(narrower, ref, `{"reason":"mine"}`), 403)
		same(t, "twin: off", patch(wide, own, `{"status":"off"}`), 200)
	})
	t.Run("who subscribed without an app widens nothing by a change", func(t *testing.T) {
		same(t, "the person changes it", patch(h.token, ref, `{"reason":"changed"}`), 200)
		exam, lab := h.observation(t, h.token, h.a, "exam"), h.observation(t, h.token, h.a, "laboratory")
		until(t, "twin: the laboratory's is told", func() bool { return e.heard(lab) })
		same(t, "the other one", e.heard(exam), false)
	})
	t.Run("a websocket is bound by the app, and not by another", func(t *testing.T) {
		socket := h.Create(t, chart, `{"resourceType":"Subscription","status":"requested","reason":"x","criteria":"Observation?code=x","channel":{"type":"websocket"}}`)
		same(t, "twin", h.status(t, chart, "GET", socket+"/$get-ws-binding-token", nil), 200)
		same(t, "another", h.status(t, token("other", "user/*.cruds", ""), "GET", socket+"/$get-ws-binding-token", nil), 403)
	})
	t.Run("a backend", func(t *testing.T) {
		k := newKey(t, "k", jose.ES384)
		h.register(t, oauth.Client{ID: "bulk", Method: oauth.MethodKey, Keys: jwks(t, k), Scopes: []string{"system/*.cruds"}, Principal: "Organization/hospital"})
		machine := h.post(t, "/oauth/token", backend(k.sign(t, h.claims("bulk", nil), nil), "system/Observation.rs?category="+laboratory+" system/Subscription.crs")).text("access_token")
		hook := newEndpoint(t)
		active(machine, subscription("Observation?", hook.URL))
		exam, lab := h.observation(t, h.token, h.a, "exam"), h.observation(t, h.token, h.b, "laboratory")
		until(t, "twin: it hears", func() bool { return hook.heard(lab) })
		same(t, "the other one", hook.heard(exam), false)
	})
	t.Run("attack 22 what was granted is taken back", func(t *testing.T) {
		second := active(chart, subscription("Observation?", e.URL+"/second"))
		lasting := newEndpoint(t)
		stays := active(token("chart", narrow, ""), subscription("Observation?", lasting.URL)) // of another grant
		same(t, "taken back", h.post(t, "/oauth/revoke", map[string][]string{"token": {granted.text("refresh_token")}, "client_id": {"chart"}}).status, 200)
		time.Sleep(1100 * time.Millisecond) // as long as a checked token is trusted
		lab := h.observation(t, h.token, h.a, "laboratory")
		until(t, "twin: the other grant goes on", func() bool { return lasting.heard(lab) })
		for _, of := range []string{ref, second} {
			until(t, of+" of the same grant is off", func() bool { return says(h.token, of) == "off" })
		}
		same(t, "told", e.heard(lab), false)
		same(t, "twin: the other", says(h.token, stays), "active")
	})
}
