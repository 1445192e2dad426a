package test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"tenon/server/app"
	"tenon/test/servertest"
)

// TestSubscriptionHangs: endpoints that take a request and never answer hold up
// neither the endpoints of others nor, for long, those of the same subscriber.
func TestSubscriptionHangs(t *testing.T) {
	t.Parallel()
	c := app.Config{Sample: true, Outbound: app.Outbound{Allow: []string{"127.0.0.0/8"}}, Exchange: app.Exchange{Endpoints: "any"}, Feeds: app.Feeds{Backoff: 20 * time.Millisecond}}
	w := newTownOf(t, c)
	l := &listeners{w.Server, t, w.token["clin"], w.token["rival"], w.token["machine"]}
	gone := make(chan struct{})
	hanging := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { <-gone }))
	t.Cleanup(func() { close(gone); hanging.Close() })
	well := newEndpoint(t)
	l.active(l.rival, to("Patient?", well.URL, ""))
	for range 40 {
		l.Create(t, l.clin, to("Patient?", hanging.URL, ""))
	}
	l.Create(t, l.clin, patient("A"))
	began := time.Now()
	l.Create(t, l.rival, patient("B"))
	until(t, "the endpoint that is well hears", func() bool { return len(well.heard()) == 1 })
	if took := time.Since(began); took > 4*time.Second {
		t.Errorf("with 40 endpoints that hang an event took %v, want less than 4 s", took)
	}
}

// TestSubscriptionGivesUp: after the patience of the configuration the operator
// finds a dead letter and can revive it; nothing is lost.
func TestSubscriptionGivesUp(t *testing.T) {
	t.Parallel()
	c := app.Config{Sample: true, Outbound: app.Outbound{Allow: []string{"127.0.0.0/8"}}, Exchange: app.Exchange{Endpoints: "any"},
		Feeds: app.Feeds{Backoff: 10 * time.Millisecond, Patience: 300 * time.Millisecond, Most: 2}}
	w := newTownOf(t, c)
	l := &listeners{w.Server, t, w.token["clin"], w.token["rival"], w.token["machine"]}
	e := newEndpoint(t)
	ref := l.active(l.clin, to("Patient?", e.URL, `,"payload":"application/fhir+json"`))
	e.fails(500)
	l.Create(t, l.clin, patient("A"))
	until(t, "it is tried no more", func() bool { return strings.Contains(l.field(l.clin, ref, "error"), "tried no more") })
	e.mu.Lock()
	asked := e.asked
	e.mu.Unlock()
	time.Sleep(time.Second)
	e.fails(0)
	if n := len(e.heard()); n != 0 || e.asked != asked {
		t.Errorf("the endpoint was asked %d times more", e.asked-asked)
	}
	letters, err := app.OpenDeadLetters(t.Context(), l.Config) // as `tenon dead-letters` does, beside the server
	if err != nil {
		t.Fatal(err)
	}
	defer letters.Close()
	dead, err := letters.List(t.Context())
	if err != nil || len(dead) != 1 || dead[0].Sink != "subscription" || !strings.Contains(dead[0].LastErr, "500") {
		t.Fatalf("DeadLetters() = %+v, %v", dead, err)
	}
	if err := letters.Revive(t.Context(), dead[0].ID); err != nil {
		t.Fatal(err)
	}
	if err := letters.Revive(t.Context(), dead[0].ID); err == nil {
		t.Error("what is no dead letter any more is revived")
	}
	until(t, "the event is told", func() bool { return len(e.heard()) == 1 })
	until(t, "the resource says active", func() bool { return l.status(l.clin, ref) == "active" })
	if why := l.field(l.clin, ref, "error"); why != "" {
		t.Errorf("Subscription.error = %q, want none", why)
	}
	t.Run("count", func(t *testing.T) {
		second := l.active(l.clin, to("Patient?", e.URL, ""))
		if a := l.Send(t, servertest.Request{Token: l.clin, Method: "POST", Path: "/fhir/Subscription", Body: []byte(to("Patient?", e.URL, ""))}); a.Status != 422 {
			t.Errorf("one too many = %d, want 422", a.Status)
		}
		l.Expect(t, 204, servertest.Request{Token: l.clin, Method: "DELETE", Path: "/fhir/" + second})
		until(t, "there is room for another", func() bool {
			return l.Send(t, servertest.Request{Token: l.clin, Method: "POST", Path: "/fhir/Subscription", Body: []byte(ending(e.URL))}).Status == 201
		})
	})
	t.Run("end", func(t *testing.T) {
		until(t, "the subscription that ended is off", func() bool {
			a := l.Expect(t, 200, servertest.Request{Token: l.clin, Path: "/fhir/Subscription/$status?status=off"})
			return strings.Contains(string(a.Body), "has come to its end")
		})
	})
	t.Run("large", func(t *testing.T) { // larger than what is sent: then it is named alone
		l.active(l.rival, about("urn:tenon:topic:resource", "Basic?", "full-resource", fmt.Sprintf(`"type":"rest-hook","endpoint":%q`, e.URL+"/large"), ""))
		ref := l.Create(t, l.rival, `{"resourceType":"Basic","code":{"text":"x"},"text":{"status":"generated","div":"<div xmlns=\"http://www.w3.org/1999/xhtml\">`+strings.Repeat("large ", 200_000)+`</div>"}}`)
		until(t, "the large resource is told", func() bool {
			for _, h := range e.heard() {
				if h.path == "/large" && strings.Contains(string(h.body), ref) {
					return len(h.body) < 10_000
				}
			}
			return false
		})
	})
}

// ending is a subscription that is over in a second.
func ending(endpoint string) string {
	return strings.Replace(to("Patient?", endpoint, ""), `"reason"`, `"end":"`+time.Now().Add(time.Second).UTC().Format(time.RFC3339Nano)+`","reason"`, 1)
}
