// Package dispatch carries what a commit left in the outbox to the world:
// adapters, subscriptions and exports, with retries, back-off and dead letters
// that an operator sees. It knows no database and no protocol: the store and
// the sinks are interfaces.
package dispatch

import (
	"context"
	"time"
)

// Message is one entry of the outbox. Delivery is at least once; Key makes it
// once for the receiver.
type Message struct {
	ID       int64
	Tenant   string
	Sink     string // which sink: "mes"
	Kind     string // "job-order"
	Key      string // idempotency key, unique per sink
	Case     string // root Task id, may be ""
	Body     []byte // JSON, as the sink understands it
	Created  time.Time
	Due      time.Time // not delivered before; zero: at once
	Attempts int
	LastErr  string
}

// Sink delivers messages of one kind. An error is retried unless it is wrapped
// in Permanent.
type Sink interface {
	Name() string
	Deliver(ctx context.Context, m Message) error
}

// Permanent marks an error that no retry can mend.
type Permanent struct{ Err error }

func (p *Permanent) Error() string { return p.Err.Error() }
func (p *Permanent) Unwrap() error { return p.Err }

// Store is the outbox.
type Store interface {
	// Claim leases at most limit due messages until the lease ends, so that
	// several servers share the work (SKIP LOCKED on PostgreSQL).
	Claim(ctx context.Context, limit int, lease time.Duration) ([]Message, error)
	// Done removes a delivered message from the queue and keeps its trace.
	Done(ctx context.Context, id int64) error
	// Retry makes the message due again at the given time.
	Retry(ctx context.Context, id int64, at time.Time, reason string) error
	// Dead sets the message aside.
	Dead(ctx context.Context, id int64, reason string) error
}
