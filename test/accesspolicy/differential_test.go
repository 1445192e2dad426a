package accesspolicy

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"sync"
	"testing"

	"tenon/test/servertest"
)

// TestDifferential asks random questions as each of 200 random people, and
// compares what comes with what the policy allows. Longer, or another world:
// TENON_ACCESS_SEED, TENON_ACCESS_PEOPLE, TENON_ACCESS_QUESTIONS.
func TestDifferential(t *testing.T) {
	for _, engine := range []string{"SQLite", "PostgreSQL"} {
		t.Run(engine, func(t *testing.T) {
			if engine == "PostgreSQL" && os.Getenv("TENON_ACCESS_QUESTIONS") == "" {
				t.Setenv("TENON_ACCESS_QUESTIONS", "3") // the predicate is the same, its SQL all but; the model is judged above
			}
			w := newWorld(t, engine, uint64(setting("TENON_ACCESS_SEED", 20261123)))
			t.Run("R001-150 consents withhold something", w.withheld)
			t.Run("R000-010 R001-150 what is shown is what the policy allows", w.askAll)
			t.Run("R000-010 R001-150 absent and out of reach are alike", w.alike)
			t.Run("R000-010 elements above the level", w.parts)
			t.Run("R000-010 an explanation says what the server does", w.explained)
			t.Run("R000-010 emergency access", w.emergency)
			t.Run("R000-010 R001-150 an export holds what the policy allows", w.exports)
		})
	}
}

type asked struct {
	p *person
	q *question
}

// askAll makes the questions first, so that the seed alone decides about them.
func (w *world) askAll(t *testing.T) {
	lists, shown := map[string][]asked{}, map[string]int{}
	for _, p := range w.people {
		for range setting("TENON_ACCESS_QUESTIONS", 9) {
			k := pick(w, kinds)
			q := k.make(w, p)
			lists[k.name] = append(lists[k.name], asked{p, q})
			if len(q.want) > 0 && q.status == 0 && q.want[0] != "0" {
				shown[k.name]++
			}
		}
	}
	for _, k := range slices.Sorted(maps.Keys(lists)) {
		t.Run(k, func(t *testing.T) {
			w.each(t, lists[k], func(one asked) error { return w.judge(one.p, one.q) })
			if shown[k] < 3 && setting("TENON_ACCESS_QUESTIONS", 9) > 5 {
				t.Errorf("only %d of %d questions have an answer: the world is too small to prove anything", shown[k], len(lists[k]))
			}
		})
	}
}

// each runs a judge over a list, four at a time, and stops after ten failures.
func (w *world) each(t *testing.T, list []asked, judge func(asked) error) {
	t.Helper()
	var wait sync.WaitGroup
	var mu sync.Mutex
	failed := 0
	work := make(chan asked)
	for range 4 {
		wait.Go(func() {
			for one := range work {
				err := judge(one)
				mu.Lock()
				if err != nil && failed < 10 {
					failed++
					t.Errorf("%s: %v", one.p, err)
				}
				mu.Unlock()
			}
		})
	}
	for _, one := range list {
		work <- one
	}
	close(work)
	wait.Wait()
}

func (p *person) String() string {
	return fmt.Sprintf("%s of %q (hospital %v, app %v %v about %q)", p.principal, p.org, p.hospital, p.app, p.scopes, p.about)
}

func (w *world) send(p *person, path, body string) (*servertest.Answer, error) {
	q := servertest.Request{Token: p.token, Path: path, Method: "GET", Header: map[string]string{}}
	if body != "" {
		q.Method, q.Body, q.Header["Content-Type"] = "POST", []byte(body), "application/json"
	}
	return w.Try(context.Background(), q)
}

func (w *world) judge(p *person, q *question) error {
	a, err := w.send(p, q.path, q.body)
	if err != nil {
		return err
	}
	if q.status != 0 || a.Status != 200 && a.Status != 204 {
		if a.Status != q.status {
			return fmt.Errorf("%s %s = %d %.400s, want %d %v", q.path, q.body, a.Status, a.Body, q.status, q.want)
		}
		return nil
	}
	got, err := q.read(w, p, q, a)
	if err != nil {
		return fmt.Errorf("%s: %w", q.path, err)
	}
	return differ(q.path+" "+q.body, got, q.want)
}

// differ tells what is shown and should not be, and what should be and is not.
func differ(what string, got, want []string) error {
	slices.Sort(got)
	slices.Sort(want)
	if slices.Equal(got, want) {
		return nil
	}
	var leaked, missing []string
	for _, g := range got {
		if !slices.Contains(want, g) {
			leaked = append(leaked, g)
		}
	}
	for _, x := range want {
		if !slices.Contains(got, x) {
			missing = append(missing, x)
		}
	}
	text := fmt.Sprintf("%s: %d shown, %d expected", what, len(got), len(want))
	if len(leaked) > 0 {
		text += fmt.Sprint("; LEAKED ", leaked[:min(8, len(leaked))])
	}
	return errors.New(text + fmt.Sprint("; missing ", missing[:min(8, len(missing))]))
}
