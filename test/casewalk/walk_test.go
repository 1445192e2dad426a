package casewalk

import (
	"context"
	"os"
	"strconv"
	"testing"
	"time"

	"tenon/server/app"
	"tenon/server/store/pgtest"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Run(m.Run)) }

// number reads a number of the environment.
func number(t *testing.T, name string, otherwise int) int {
	t.Helper()
	v := os.Getenv(name)
	if v == "" {
		return otherwise
	}
	n, err := strconv.Atoi(v)
	if err != nil {
		t.Fatalf("%s=%q is no number", name, v)
	}
	return n
}

// engines runs a test on both.
func engines(t *testing.T, test func(t *testing.T, database string)) {
	t.Run("sqlite", func(t *testing.T) { test(t, "sqlite") })
	t.Run("postgres", func(t *testing.T) { test(t, database(t)) })
}

func database(t *testing.T) string {
	return pgtest.Database(t, "casewalk", func(ctx context.Context, url string) error {
		// Migrated and no more: the log begins with the keys of the server that runs on it.
		d, err := app.OpenDefinitions(ctx, app.Config{Listen: "127.0.0.1:0", Data: t.TempDir(), Database: url})
		if err != nil {
			return err
		}
		return d.Close()
	})
}

// TestWalk takes random steps; TENON_WALK_STEPS says how many for each plan and
// engine, TENON_WALK_SEED which, TENON_WALK_ENOUGH after how many disagreements it
// gives up, TENON_WALK_MINUTES how long it goes on at most with each plan.
// PostgreSQL gets a tenth of the steps of SQLite, at least 60.
func TestWalk(t *testing.T) {
	steps, seed := number(t, "TENON_WALK_STEPS", 60), number(t, "TENON_WALK_SEED", 1)
	minutes := number(t, "TENON_WALK_MINUTES", 0)
	report := &walkReport{Steps: steps}
	engines(t, func(t *testing.T, database string) {
		w := NewWorld(t, database)
		w.Enough = number(t, "TENON_WALK_ENOUGH", w.Enough)
		if w.Enough > 6 { // a search
			w.Tell = func(d *Disagreement) {
				t.Log((&Disagreement{d.Err, d.Trace[max(0, len(d.Trace)-12):], d.Where}).Error())
			}
		}
		if err := w.Agree(); err != nil {
			t.Fatal(err)
		}
		for _, p := range []*Process{agreementProcess(), implant(), socket()} {
			t.Run(p.Plan, func(t *testing.T) {
				if minutes > 0 {
					w.Until = time.Now().Add(time.Duration(minutes) * time.Minute)
				}
				took := steps
				if database != "sqlite" {
					took = max(min(steps, 60), steps/10)
				}
				tally, err := w.Walk(p, uint64(seed), took)
				report.known(w)
				report.add(t.Name(), tally, err)
				report.write(t)
				if err != nil {
					t.Fatal(w.Shrunk(p, err, time.Duration(number(t, "TENON_WALK_SHRINK", 60))*time.Second))
				}
				t.Log(tally)
			})
		}
	})
}
