package store_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"tenon/server/dispatch/feed"
	"tenon/server/dispatch/subscription"
	"tenon/server/store"
)

// onStores runs a test over each engine with a clock that the test moves.
func onStores(t *testing.T, test func(t *testing.T, s *store.Store, now *time.Time)) {
	t.Helper()
	for name, url := range map[string]func(testing.TB) string{"SQLite": liteURL, "PostgreSQL": postgresURL} {
		t.Run(name, func(t *testing.T) {
			now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
			s, err := store.Open(t.Context(), store.Options{URL: url(t), Clock: func() time.Time { return now }})
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			if err := s.Migrate(t.Context()); err != nil {
				t.Fatal(err)
			}
			test(t, s, &now)
		})
	}
}

// TestFeedHolder: one server matches at a time, and one that was overtaken
// commits nothing.
func TestFeedHolder(t *testing.T) {
	onStores(t, func(t *testing.T, s *store.Store, now *time.Time) {
		take := func(holder string, want bool) {
			t.Helper()
			if _, ok, err := s.TakeFeed(t.Context(), holder, now.Add(10*time.Second)); err != nil || ok != want {
				t.Errorf("TakeFeed(%s) = %v %v, want %v", holder, ok, err, want)
			}
		}
		take("a", true)
		take("b", false)
		take("a", true)
		if err := s.CommitTurn(t.Context(), &feed.Turn{Holder: "a", From: 0, To: 7, Keep: 10}); err != nil {
			t.Fatal(err)
		}
		*now = now.Add(11 * time.Second)
		take("b", true)
		for _, turn := range []feed.Turn{{Holder: "a", From: 7, To: 9}, {Holder: "b", From: 0, To: 9}} {
			turn.Steps = []feed.Step{{Put: &feed.Row{ID: "lost", Version: 1, Subscriber: "P/1", Status: "active", Body: []byte("{}")}}}
			if err := s.CommitTurn(t.Context(), &turn); !errors.Is(err, feed.ErrLost) {
				t.Errorf("CommitTurn(%s from %d) = %v, want ErrLost", turn.Holder, turn.From, err)
			}
		}
		if rows, err := s.Subscriptions(t.Context(), nil); err != nil || len(rows) != 0 {
			t.Errorf("what was lost is there: %v %v", rows, err)
		}
		if err := s.LeaveFeed(t.Context(), "b"); err != nil {
			t.Fatal(err)
		}
		take("a", true)
	})
}

// subscribed makes a subscription with n events.
func subscribed(t *testing.T, s *store.Store, from int64, id string, n int, keep int64) {
	t.Helper()
	if _, ok, err := s.TakeFeed(t.Context(), "a", time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)); err != nil || !ok {
		t.Fatal(ok, err)
	}
	turn := &feed.Turn{Holder: "a", From: from, To: from + 1, Keep: keep, Steps: []feed.Step{{Put: &feed.Row{ID: id, Version: 1, Subscriber: "P/1", Status: "active", Body: []byte("{}")}}}}
	for i := range n {
		turn.Steps = append(turn.Steps, feed.Step{For: id, Due: true, Event: subscription.Event{At: time.Unix(int64(i), 0), Type: "Patient", ID: fmt.Sprint("p", i), Version: 1, Change: subscription.Create}})
	}
	if err := s.CommitTurn(t.Context(), turn); err != nil {
		t.Fatal(err)
	}
}

// TestFeedEvents: numbers have no gap, what is kept is bounded, and a queue is
// served by one server at a time until it has said what came of it.
func TestFeedEvents(t *testing.T) {
	onStores(t, func(t *testing.T, s *store.Store, now *time.Time) {
		for i := range 5 {
			subscribed(t, s, int64(i), fmt.Sprint("s", i), 12, 10)
		}
		events, err := s.Events(t.Context(), "s3", 0, 100, 100)
		if err != nil || len(events) != 10 || events[0].Number != 3 || events[9].Number != 12 || events[9].ID != "p11" || events[9].Change != subscription.Create {
			t.Errorf("Events() = %+v %v, want 3 to 12", events, err)
		}
		var mu sync.Mutex
		seen := map[string]int{}
		var all sync.WaitGroup
		for range 4 {
			all.Go(func() {
				rows, err := s.LeaseDue(t.Context(), false, 3, time.Minute)
				if err != nil {
					t.Error(err)
				}
				mu.Lock()
				defer mu.Unlock()
				for _, r := range rows {
					seen[r.ID]++
				}
			})
		}
		all.Wait()
		if fmt.Sprint(seen) != "map[s0:1 s1:1 s2:1 s3:1 s4:1]" {
			t.Errorf("leased %v, want each once", seen)
		}
		settle := func(x feed.Settlement) {
			t.Helper()
			if err := s.Settle(t.Context(), &x); err != nil {
				t.Fatal(err)
			}
		}
		far := now.Add(1000 * time.Hour)
		settle(feed.Settlement{ID: "s0", Version: 1, Status: "active", Delivered: 5, Next: far, AtOnce: true})  // more waits
		settle(feed.Settlement{ID: "s1", Version: 1, Status: "active", Delivered: 12, Next: far, AtOnce: true}) // nothing does
		settle(feed.Settlement{ID: "s2", Version: 1, Status: "error", Attempts: 3, Failing: *now, Next: *now})  // fails
		settle(feed.Settlement{ID: "s3", Version: 9, Status: "off", Delivered: 7, Next: far})                   // was written anew meanwhile
		due := func(failing bool) (ids string) {
			rows, err := s.LeaseDue(t.Context(), failing, 10, time.Minute)
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range rows {
				ids += fmt.Sprint(r.ID, " ", r.Status, " ", r.Delivered, ";")
			}
			return ids
		}
		if got := due(false); got != "s0 active 5;s3 active 7;" {
			t.Errorf("due = %s", got)
		}
		if got := due(true); got != "s2 error 0;" {
			t.Errorf("failing = %s", got)
		}
		*now = now.Add(2 * time.Minute) // leases run out: s4 was never settled
		if got := due(false); got != "s0 active 5;s3 active 7;s4 active 0;" {
			t.Errorf("after the leases = %s", got)
		}
		if n, err := s.SubscriptionsOf(t.Context(), "P/1"); err != nil || n != 5 {
			t.Errorf("SubscriptionsOf() = %d %v, want 5", n, err)
		}
	})
}

// TestChannelSecrets: kept by subscription, swept when nobody names them.
func TestChannelSecrets(t *testing.T) {
	onStores(t, func(t *testing.T, s *store.Store, now *time.Time) {
		subscribed(t, s, 0, "s", 0, 10)
		for _, x := range [][2]string{{"1", "s"}, {"2", "s"}, {"3", "never"}} {
			if err := s.PutChannelSecret(t.Context(), x[0], x[1], []byte("sealed "+x[0])); err != nil {
				t.Fatal(err)
			}
		}
		*now = now.Add(48 * time.Hour)
		if err := s.DropChannelSecrets(t.Context(), "", nil, now.Add(-24*time.Hour)); err != nil {
			t.Fatal(err)
		}
		if err := s.DropChannelSecrets(t.Context(), "s", []string{"2"}, *now); err != nil {
			t.Fatal(err)
		}
		kept, err := s.ChannelSecrets(t.Context(), "s")
		if err != nil || len(kept) != 1 || string(kept["2"]) != "sealed 2" {
			t.Errorf("ChannelSecrets(s) = %q %v", kept, err)
		}
		if gone, err := s.ChannelSecrets(t.Context(), "never"); err != nil || len(gone) != 0 {
			t.Errorf("ChannelSecrets(never) = %q %v", gone, err)
		}
		hash := [32]byte{1}
		b := feed.Binding{Principal: "P/1", Subscriptions: []string{"s"}, Expires: now.Add(time.Minute)}
		if err := s.PutBinding(t.Context(), hash, b); err != nil {
			t.Fatal(err)
		}
		if got, err := s.TakeBinding(t.Context(), [32]byte{2}); got != nil || err != nil {
			t.Errorf("TakeBinding(another) = %v %v", got, err)
		}
		if got, err := s.TakeBinding(t.Context(), hash); err != nil || got == nil || got.Principal != "P/1" || len(got.Subscriptions) != 1 {
			t.Errorf("TakeBinding() = %v %v", got, err)
		}
		if got, _ := s.TakeBinding(t.Context(), hash); got != nil {
			t.Error("a binding is taken twice")
		}
		if err := s.PutBinding(t.Context(), hash, b); err != nil {
			t.Fatal(err)
		}
		*now = now.Add(2 * time.Minute)
		if got, _ := s.TakeBinding(t.Context(), hash); got != nil {
			t.Error("a binding is taken after its time")
		}
	})
}
