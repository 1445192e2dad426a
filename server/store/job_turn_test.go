package store_test

import (
	"fmt"
	"testing"
	"time"

	"tenon/server/dispatch"
	"tenon/server/store"
)

// TestJobsTakeTurns: many jobs of one owner keep nobody else's waiting behind all
// of them.
func TestJobsTakeTurns(t *testing.T) {
	onStores(t, func(t *testing.T, s *store.Store, now *time.Time) {
		add := func(id, owner string) {
			t.Helper()
			*now = now.Add(time.Millisecond)
			if err := s.AddJob(t.Context(), &dispatch.Job{ID: id, Kind: "export", Owner: owner, Created: *now, Expires: now.Add(time.Hour), Request: []byte("{}")}, 20); err != nil {
				t.Fatal(err)
			}
		}
		for i := range 4 {
			add(fmt.Sprint("many", i), "P/1")
		}
		add("few0", "P/2")
		add("few1", "P/2")
		var got []string
		for range 6 {
			j, err := s.ClaimJob(t.Context(), []string{"export"}, "x", time.Minute)
			if err != nil || j == nil {
				t.Fatalf("ClaimJob() = %v %v", j, err)
			}
			got = append(got, j.ID)
		}
		if want := "[many0 few0 many1 few1 many2 many3]"; fmt.Sprint(got) != want {
			t.Errorf("the jobs are taken as %v, want %s", got, want)
		}
	})
}
