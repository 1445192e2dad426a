package test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"tenon/server/app"
	"tenon/server/store/pgtest"
	"tenon/test/servertest"
)

// waiting is how many cases wait to be reminded of.
const waiting = 6

// TestRemindersOnce kills servers with kill -9 while they deliver reminders: each
// stage, and an evaluation that is due, is reminded of exactly once, however often its timer was taken up. On
// PostgreSQL two servers deliver side by side.
func TestRemindersOnce(t *testing.T) {
	t.Parallel()
	for _, engine := range []string{"SQLite", "PostgreSQL"} {
		t.Run("R001-214 "+engine, func(t *testing.T) {
			c := app.Config{Listen: address(t), Data: t.TempDir(), Database: "sqlite"}
			beside := c
			if engine == "PostgreSQL" {
				c.Database = pgtest.Database(t, "empty", nil)
				beside = c
				beside.Listen = address(t)
			}
			tokens := enrolled(t, c, "clin-wang", "qa-wu")
			token := tokens["clin-wang"]
			p := spawn(t, c, binary(t), "serve")
			p.Expect(t, 201, servertest.Request{Token: tokens["qa-wu"], Method: "POST", Path: "/fhir/DeviceDefinition/family-cranial-plate/$evaluate-type?start=2020-01-01&end=2020-03-31"})
			for i := range waiting {
				openedFor(t, p.Client, token, fmt.Sprintf("R-%d", i))
			}
			p.kill()
			var timers []int64
			for range 3 {
				timers = due(t, c, timers)
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
			due(t, c, timers) // what a dead server had taken up is due at once
			p = spawn(t, c, binary(t), "serve")
			if engine == "PostgreSQL" {
				spawn(t, beside, binary(t), "serve")
			}
			var told map[string]int
			until(t, "every stage is reminded of", func() bool { told = remindedBy(t, p.Client, token); return len(told) >= waiting })
			owed := func() string {
				return string(p.Expect(t, 200, servertest.Request{Token: tokens["qa-wu"], Path: "/fhir/Task?code=urn:tenon:record|evaluation-due&_summary=count"}).Body)
			}
			until(t, "the evaluation is reminded of", func() bool { return strings.Contains(owed(), `"total":1`) })
			time.Sleep(time.Second) // one more would come now
			if got := owed(); !strings.Contains(got, `"total":1`) {
				t.Errorf("R001-145 reminders of one evaluation: %s, want one", got)
			}
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

// due makes timers due now, as if their time had come, and as if the lease of a dead
// server were over: those that were due before, or all that wait, with tomorrow's
// look at evaluations. A timer that follows one stays where it is.
func due(t *testing.T, c app.Config, before []int64) (timers []int64) {
	t.Helper()
	a, err := app.Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	all := before
	for id := range int64(100) {
		if before == nil {
			all = append(all, id)
		}
	}
	for _, id := range all {
		if err := a.Store.Retry(t.Context(), id, time.Now(), ""); err != nil {
			t.Fatal(err)
		}
	}
	if before != nil {
		return before
	}
	claimed, err := a.Store.Claim(t.Context(), 100, time.Millisecond)
	if err != nil || len(claimed) < waiting {
		t.Fatalf("%d timers wait, %v", len(claimed), err)
	}
	for _, m := range claimed {
		timers = append(timers, m.ID)
	}
	return timers
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
