package dispatch_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"tenon/server/dispatch"
)

// outbox is a Store of one message.
type outbox struct {
	m     dispatch.Message
	due   time.Time
	state string
	now   time.Time
}

func (o *outbox) Claim(context.Context, int, time.Duration) ([]dispatch.Message, error) {
	if o.state != "" || o.now.Before(o.due) {
		return nil, nil
	}
	return []dispatch.Message{o.m}, nil
}
func (o *outbox) Done(context.Context, int64) error { o.state = "done"; return nil }
func (o *outbox) Dead(_ context.Context, _ int64, why string) error {
	o.state = "dead: " + why
	return nil
}
func (o *outbox) Retry(_ context.Context, _ int64, at time.Time, why string) error {
	o.m.Attempts++
	o.m.LastErr, o.due = why, at
	return nil
}

type sink struct{ answers []error }

func (s *sink) Name() string { return "mes" }
func (s *sink) Deliver(context.Context, dispatch.Message) error {
	err := s.answers[0]
	s.answers = s.answers[1:]
	return err
}

func run(o *outbox, s dispatch.Sink, turns int) []time.Duration {
	w := dispatch.New(dispatch.Options{Store: o, Sinks: []dispatch.Sink{s}, Clock: func() time.Time { return o.now }, Attempts: 4})
	var waits []time.Duration
	for range turns {
		before := o.due
		_, _ = w.Once(context.Background())
		if o.due != before {
			waits = append(waits, o.due.Sub(o.now))
		}
		o.now = o.due
	}
	return waits
}

func TestDelivery(t *testing.T) {
	fail := errors.New("503")
	tests := []struct {
		name    string
		sink    string
		answers []error
		state   string
		waits   []time.Duration
	}{
		{"at once", "mes", []error{nil}, "done", nil},
		{"after two failures", "mes", []error{fail, fail, nil}, "done", []time.Duration{time.Second, 2 * time.Second}},
		{"too often", "mes", []error{fail, fail, fail, fail}, "dead: 503", []time.Duration{time.Second, 2 * time.Second, 4 * time.Second}},
		{"for good", "mes", []error{&dispatch.Permanent{Err: errors.New("422")}}, "dead: 422", nil},
		{"nowhere to go", "fax", nil, "dead: no sink is named fax", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			o := &outbox{m: dispatch.Message{ID: 1, Sink: tt.sink}, now: time.Unix(1000, 0)}
			waits := run(o, &sink{tt.answers}, 4)
			if o.state != tt.state || !slices.Equal(waits, tt.waits) {
				t.Errorf("state %q after waits %v, want %q after %v", o.state, waits, tt.state, tt.waits)
			}
		})
	}
}
