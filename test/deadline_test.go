package test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"tenon/server/app"
	"tenon/server/store/pgtest"
	"tenon/test/servertest"
)

// waiting is how many cases wait to be reminded of; their timers are the first messages
// of the outbox, with the numbers 1 to waiting.
const waiting = 6

// TestRemindersOnce kills servers with kill -9 while they deliver reminders: each
// stage is reminded of exactly once, however often its timer was taken up. On
// PostgreSQL two servers deliver side by side.
func TestRemindersOnce(t *testing.T) {
	for _, engine := range []string{"SQLite", "PostgreSQL"} {
		t.Run("R001-214 "+engine, func(t *testing.T) {
			c := app.Config{Listen: address(t), Data: t.TempDir(), Database: "sqlite"}
			beside := c
			if engine == "PostgreSQL" {
				c.Database = pgtest.Database(t, "empty", nil)
				beside = c
				beside.Listen = address(t)
			}
			token := enrolled(t, c, "clin-wang")["clin-wang"]
			p := spawn(t, c, binary(t), "serve")
			for i := range waiting {
				openedFor(t, p.Client, token, fmt.Sprintf("R-%d", i))
			}
			p.kill()
			for range 3 {
				due(t, c)
				p = spawn(t, c, binary(t), "serve")
				other := p
				if engine == "PostgreSQL" {
					other = spawn(t, beside, binary(t), "serve")
				}
				time.Sleep(time.Duration(rand.Int64N(int64(150 * time.Millisecond)))) //nolint:gosec // any moment will do
				p.kill()
				other.kill()
				if n := len(reminded(t, c, token)); n >= waiting {
					break
				}
			}
			due(t, c) // what a dead server had taken up is due at once
			p = spawn(t, c, binary(t), "serve")
			if engine == "PostgreSQL" {
				spawn(t, beside, binary(t), "serve")
			}
			var told map[string]int
			until(t, "every stage is reminded of", func() bool { told = remindedBy(t, p.Client, token); return len(told) >= waiting })
			time.Sleep(time.Second) // one more would come now
			for task, n := range remindedBy(t, p.Client, token) {
				if told[task] > 1 || n > 1 {
					t.Errorf("%s is reminded of %d times at once, want once", task, n)
				}
			}
		})
	}
}

// openedFor opens an implant case of a patient of its own.
func openedFor(t *testing.T, c *servertest.Client, token, number string) {
	t.Helper()
	patient := c.Create(t, token, `{"resourceType":"Patient","name":[{"text":"张三"}],"gender":"male","birthDate":"1980-05-17"}`)
	c.Expect(t, 201, servertest.Request{Token: token, Method: "POST", Path: "/fhir/PlanDefinition/implant/$apply", Body: []byte(applying(patient, number))})
}

// due makes the first timers that wait due now, as if their time had come, and as if
// the lease of a dead server were over. A timer that follows one stays where it is.
func due(t *testing.T, c app.Config) {
	t.Helper()
	a, err := app.Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	for id := range int64(waiting + 1) {
		if err := a.Store.Retry(t.Context(), id, time.Now(), ""); err != nil {
			t.Fatal(err)
		}
	}
}

func reminded(t *testing.T, c app.Config, token string) map[string]int {
	t.Helper()
	p := spawn(t, c, binary(t), "serve")
	defer p.kill()
	return remindedBy(t, p.Client, token)
}

// remindedBy counts the reminders by the stage that they are about.
func remindedBy(t *testing.T, c *servertest.Client, token string) map[string]int {
	t.Helper()
	var found struct {
		Entry []struct {
			Resource struct{ About []struct{ Reference string } }
		}
	}
	a := c.Expect(t, 200, servertest.Request{Token: token, Path: "/fhir/Communication?category=urn:tenon:notice|reminder&_count=200"})
	if err := json.Unmarshal(a.Body, &found); err != nil {
		t.Fatal(err)
	}
	told := map[string]int{}
	for _, e := range found.Entry {
		told[e.Resource.About[0].Reference]++
	}
	return told
}
