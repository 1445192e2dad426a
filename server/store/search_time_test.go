package store_test

import (
	"strings"
	"testing"
	"time"

	"tenon/fhir/issue"
	"tenon/server/store"
)

// A search that takes too long ends, in the database too, and says what it was;
// the connection serves the next one.
func TestSearchTime(t *testing.T) {
	worlds(t, func(t *testing.T, w *world) {
		w.visits()
		plan, _, err := w.plan(thrice + "class:not=AMB&_id=v0000&_summary=count")
		if err != nil {
			t.Fatal(err)
		}
		defer store.SetFewInner(store.SetFewInner(-1)) // asked of row after row it takes for ever
		w.LimitSearch(200 * time.Millisecond)
		for range 3 {
			start := time.Now()
			_, err = w.Search(t.Context(), plan)
			f := issue.As(err)
			if f == nil || f.HTTPStatus() != 503 || f.Issues[0].Type != issue.TooCostly || !strings.Contains(f.Issues[0].Text, "200ms") {
				t.Fatalf("Search() = %v, want that it took too long", err)
			}
			if took := time.Since(start); took > 5*time.Second {
				t.Errorf("the search is ended after %s", took)
			}
		}
		for until := time.Now().Add(10 * time.Second); ; time.Sleep(20 * time.Millisecond) {
			n, err := w.Busy(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if n == 0 {
				break
			}
			if time.Now().After(until) {
				t.Fatalf("the database still runs %d queries that nobody waits for", n)
			}
		}
		store.SetFewInner(1000)
		w.LimitSearch(time.Minute)
		if page, err := w.Search(t.Context(), plan); err != nil || *page.Total != 0 {
			t.Errorf("Search() afterwards = %v", err)
		}
	})
}
