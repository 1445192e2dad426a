package record

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"

	"tenon/fhir/issue"
	"tenon/server/access"
	"tenon/server/dispatch"
)

// Timers is the sink of timers: messages of the outbox that fall due later. What
// follows is written once, whichever server and however often it is delivered:
// its key is kept in the unit that carries it out, with the next timer. Two of them
// belong to no case: the day's look at due evaluations (evaluation_timer.go) and the
// escalation of emergency accesses that nobody reviews (emergency_timer.go).
type Timers struct{ Recorder *Recorder }

var _ dispatch.Sink = Timers{}

// Name implements dispatch.Sink.
func (Timers) Name() string { return "deadline" }

// Deliver looks at the case of a timer again and writes what the engine says.
func (t Timers) Deliver(ctx context.Context, m dispatch.Message) error {
	switch {
	case m.Kind == evaluationsKind:
		return t.Recorder.remindEvaluations(ctx)
	case m.Kind == escalationKind:
		return t.Recorder.escalate(ctx, m)
	case strings.HasSuffix(m.Kind, everywhere):
		return t.deliverEverywhere(ctx, m)
	}
	r := t.Recorder
	d := &Draft{Door: "deadline", Operation: "remind", Keys: []Key{{Door: "deadline", Key: m.Key, Digest: sha256.Sum256(m.Body), Ref: "Task/" + m.Case}}}
	who := &access.Context{Tenant: r.o.Tenant, Kind: access.Server, Principal: "server"}
	_, err := r.submit(ctx, who, d, internal{timer: &m, trusted: true})
	if errors.Is(err, ErrAbsent) {
		return nil // the case was erased: nobody is late
	}
	if f := issue.As(err); f != nil && f.HTTPStatus() < 500 && f.Issues[0].Rule != "contention" {
		return &dispatch.Permanent{Err: fmt.Errorf("record: timer %s: %w", m.Key, err)}
	}
	return err
}
