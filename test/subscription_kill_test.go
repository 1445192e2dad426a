package test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"tenon/fhir/tree"
	"tenon/server/app"
	"tenon/server/store/pgtest"
	"tenon/test/servertest"
)

// TestSubscriptionKill kills the server with kill -9 while it writes, matches and
// delivers. Every acknowledged resource is told, under one number; numbers begin
// with 1 and have no gap; what comes twice has the same number and the same focus.
func TestSubscriptionKill(t *testing.T) {
	kills := 1
	if proving {
		kills = 20
	}
	for _, engine := range []string{"SQLite", "PostgreSQL"} {
		t.Run(engine, func(t *testing.T) {
			c := app.Config{Listen: address(t), Data: t.TempDir(), Database: "sqlite"}
			if engine == "PostgreSQL" {
				c.Database = pgtest.Database(t, "empty", nil)
			}
			t.Setenv("TENON_OUTBOUND_ALLOW", "127.0.0.0/8")
			t.Setenv("TENON_SUBSCRIPTIONS_BACKOFF", "20ms")
			t.Setenv("TENON_EXCHANGE_ENDPOINTS", "any")
			t.Setenv("TENON_SUBSCRIPTIONS_LEASE", "1s")
			token := enrolled(t, c, "clin-wang")["clin-wang"]
			e := newEndpoint(t)
			p := spawn(t, c, binary(t), "serve")
			first := p.Create(t, token, about("urn:tenon:topic:resource-created", "Patient?", "id-only", fmt.Sprintf(`"type":"rest-hook","endpoint":%q`, e.URL), ""))
			until(t, "the handshake came", func() bool { return len(e.heard()) > 0 })
			until(t, first+" is active", func() bool {
				return strings.Contains(string(p.Expect(t, 200, servertest.Request{Token: token, Path: "/fhir/" + first}).Body), `"active"`)
			})
			acked := map[string]bool{}
			for range kills {
				ctx, cancel := context.WithCancel(t.Context())
				gone := make(chan struct{})
				go func() {
					defer close(gone)
					for ctx.Err() == nil {
						a, err := p.Try(ctx, servertest.Request{Token: token, Method: "POST", Path: "/fhir/Patient", Body: []byte(patient("K"))})
						if err != nil {
							return
						}
						if a.Status == 201 {
							acked[a.Ref()] = true
						}
					}
				}()
				time.Sleep(400*time.Millisecond + time.Duration(rand.Int64N(int64(time.Second))))
				p.kill()
				cancel()
				<-gone
				p = spawn(t, c, binary(t), "serve")
			}
			numberOf, told := map[string]string{}, map[string]string{}
			again := 0
			read := func() {
				numberOf, told, again = map[string]string{}, map[string]string{}, 0
				for _, h := range e.heard() {
					status := nodeOf(t, h.body).Field("entry").Index(0).Field("resource")
					for part := range status.Field("parameter").Items() {
						if part.Field("name").Str() != "notification-event" {
							continue
						}
						number, focus := event(part)
						if before, twice := told[number]; twice {
							again++
							if before != focus {
								t.Fatalf("event %s was %s and is %s", number, before, focus)
							}
						}
						if before, twice := numberOf[focus]; twice && before != number {
							t.Fatalf("%s is told as %s and as %s", focus, before, number)
						}
						told[number], numberOf[focus] = focus, number
					}
				}
			}
			missing := func() (n int) {
				for ref := range acked {
					if numberOf[ref] == "" {
						n++
					}
				}
				return n
			}
			for end := time.Now().Add(40 * time.Second); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
				if read(); missing() == 0 {
					break
				}
			}
			if n := missing(); n > 0 || len(acked) == 0 {
				t.Fatalf("%d of %d acknowledged resources are never told\n%s", n, len(acked), p.told())
			}
			for n := 1; n <= len(told); n++ {
				if told[fmt.Sprint(n)] == "" {
					t.Errorf("event %d of %d is missing", n, len(told))
				}
			}
			t.Logf("%s: %d kills, %d acknowledged, %d events told, %d of them again after a kill", engine, kills, len(acked), len(told), again)
		})
	}
}

// event is number and Type/id of a notification-event.
func event(n tree.Node) (number, focus string) {
	for part := range n.Field("part").Items() {
		switch part.Field("name").Str() {
		case "event-number":
			number = part.Field("valueString").Str()
		case "focus":
			_, focus, _ = strings.Cut(part.Path("valueReference", "reference").Str(), "/fhir/")
		}
	}
	return number, focus
}
