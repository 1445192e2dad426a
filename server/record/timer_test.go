package record_test

import (
	"encoding/json"
	"testing"
	"time"

	"tenon/server/dispatch"
	"tenon/server/record"
	"tenon/server/search"
)

// TestTimers lets the timer of a stage fall due: what follows is written once,
// however often and by however many servers it is delivered.
func TestTimers(t *testing.T) {
	s, patient, root := opened(t)
	if due, err := s.store.Claim(t.Context(), 10, time.Minute); err != nil || len(due) != 0 {
		t.Fatalf("Claim = %v, %v; want no timer before it is due", due, err)
	}
	page, _, err := s.Search(t.Context(), wang, "Task", []search.Param{{Name: "part-of", Value: "Task/" + root}}, true)
	if err != nil || len(page.Hits) != 1 {
		t.Fatalf("Task?part-of = %v, %v; want S01", page, err)
	}
	task, err := s.Read(t.Context(), wang, "Task", page.Hits[0].ID)
	if err != nil {
		t.Fatal(err)
	}
	var made struct{ AuthoredOn string }
	if err := json.Unmarshal(task.Body, &made); err != nil {
		t.Fatal(err)
	}
	m := dispatch.Message{Sink: "deadline", Kind: "stage", Key: "stage/1", Case: root, Body: []byte(`{"case":"` + root + `","about":"S01","from":"` + made.AuthoredOn + `"}`)}
	for range 2 {
		if err := (record.Timers{Recorder: s.Recorder}).Deliver(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
	told, _, err := s.Search(t.Context(), wang, "Communication", []search.Param{{Name: "subject", Value: patient}}, true)
	if err != nil || len(told.Hits) != 1 {
		t.Errorf("R001-214 %d Communications, %v; want one for two deliveries", len(told.Hits), err)
	}
	m.Key, m.Case = "stage/2", "gone"
	if err := (record.Timers{Recorder: s.Recorder}).Deliver(t.Context(), m); err != nil {
		t.Errorf("the timer of a case that was erased = %v, want it done", err)
	}
}
