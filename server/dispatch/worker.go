package dispatch

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"
)

// Options of a Worker; the zero values of the durations work.
type Options struct {
	Store Store
	Sinks []Sink
	Clock func() time.Time
	Log   *slog.Logger
	// Poll is how often the outbox is looked at when nobody wakes the worker.
	Poll time.Duration // 1 s
	// Lease is how long one delivery may take.
	Lease time.Duration // 1 min
	// Backoff is the wait after the first failure; it doubles up to an hour.
	Backoff time.Duration // 1 s
	// Attempts is how many deliveries are tried before a message is set aside.
	Attempts int // 16: about a day
}

// Worker delivers the outbox.
//
//	due → leased → delivered
//	        │  └─ fails → due again, later
//	        └─ fails for good, or too often → dead letter
type Worker struct {
	o     Options
	sinks map[string]Sink
	wake  chan struct{}
}

// batch is how many messages one turn leases.
const batch = 32

// New returns a Worker over these sinks.
func New(o Options) *Worker {
	if o.Clock == nil {
		o.Clock = time.Now
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	o.Poll = orDefault(o.Poll, time.Second)
	o.Lease = orDefault(o.Lease, time.Minute)
	o.Backoff = orDefault(o.Backoff, time.Second)
	if o.Attempts == 0 {
		o.Attempts = 16
	}
	w := &Worker{o: o, sinks: map[string]Sink{}, wake: make(chan struct{}, 1)}
	for _, s := range o.Sinks {
		w.sinks[s.Name()] = s
	}
	return w
}

func orDefault(d, otherwise time.Duration) time.Duration {
	if d == 0 {
		return otherwise
	}
	return d
}

// Wake makes the worker look at the outbox now, e.g. after a commit.
func (w *Worker) Wake() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// Run delivers until the context ends.
func (w *Worker) Run(ctx context.Context) {
	tick := time.NewTicker(w.o.Poll)
	defer tick.Stop()
	for {
		for {
			n, err := w.Once(ctx)
			if err != nil && ctx.Err() == nil {
				w.o.Log.Error("outbox", "error", err)
			}
			if n < batch || err != nil {
				break
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		case <-w.wake:
		}
	}
}

// Once leases and delivers one batch; it returns how many messages it leased.
func (w *Worker) Once(ctx context.Context) (int, error) {
	due, err := w.o.Store.Claim(ctx, batch, w.o.Lease)
	if err != nil {
		return 0, err
	}
	var wait sync.WaitGroup
	errs := make([]error, len(due))
	for i, m := range due {
		wait.Go(func() { errs[i] = w.deliver(ctx, m) })
	}
	wait.Wait()
	return len(due), errors.Join(errs...)
}

// deliver tries one message and writes down what came of it. The returned error
// is one of the store: a failed delivery is a state of the message.
func (w *Worker) deliver(ctx context.Context, m Message) error {
	sink, ok := w.sinks[m.Sink]
	if !ok {
		return w.o.Store.Dead(ctx, m.ID, "no sink is named "+m.Sink)
	}
	attempt, cancel := context.WithTimeout(ctx, w.o.Lease*9/10)
	defer cancel()
	err := sink.Deliver(attempt, m)
	if err == nil {
		return w.o.Store.Done(ctx, m.ID)
	}
	var permanent *Permanent
	if errors.As(err, &permanent) || m.Attempts+1 >= w.o.Attempts {
		w.o.Log.Error("dead letter", "sink", m.Sink, "kind", m.Kind, "message", m.ID, "attempts", m.Attempts+1)
		return w.o.Store.Dead(ctx, m.ID, err.Error())
	}
	return w.o.Store.Retry(ctx, m.ID, w.o.Clock().Add(w.wait(m.Attempts)), err.Error())
}

// wait doubles with every attempt, up to an hour.
func (w *Worker) wait(attempts int) time.Duration {
	d := w.o.Backoff << min(attempts, 20)
	return min(d, time.Hour)
}
