package feed

import (
	"context"
	"fmt"
	"sync"
	"time"

	"tenon/fhir/issue"
	"tenon/server/access"
	"tenon/server/dispatch/subscription"
	"tenon/server/record"
)

// Rounds bound what one lease delivers, so that a long queue takes turns with
// the others.
const (
	mostRounds = 20
	mostBytes  = 4 << 20 // of the bodies in one notification
)

// failed is after how many failures the resource says error.
const failed = 3

// sending delivers what is due until the context ends.
func (e *Engine) sending(ctx context.Context) {
	var under sync.WaitGroup
	defer under.Wait()
	tick := time.NewTicker(e.o.Poll)
	defer tick.Stop()
	for {
		full := false
		for _, lane := range []struct {
			failing bool
			slots   chan struct{}
		}{{false, e.healthy}, {true, e.slow}} {
			n, err := e.lane(ctx, &under, lane.failing, lane.slots)
			if err != nil && ctx.Err() == nil {
				e.o.Log.Error("subscriptions are not delivered", "error", err)
			}
			full = full || err == nil && n > 0
		}
		if full && ctx.Err() == nil {
			select { // slots come free: see what else is due
			case <-time.After(10 * time.Millisecond):
			case <-ctx.Done():
			}
			continue
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		case <-e.send:
		}
	}
}

// lane leases as many as there are free slots and serves each on its own.
func (e *Engine) lane(ctx context.Context, under *sync.WaitGroup, failing bool, slots chan struct{}) (int, error) {
	free := cap(slots) - len(slots)
	if free == 0 {
		return 0, nil
	}
	rows, err := e.o.Store.LeaseDue(ctx, failing, free, e.o.Lease)
	for i := range rows {
		if !e.begin(rows[i].Subscriber, cap(slots)) {
			if err := e.o.Store.Settle(ctx, e.later(&rows[i])); err != nil {
				return 0, err
			}
			continue
		}
		slots <- struct{}{}
		under.Go(func() {
			defer func() { <-slots }()
			defer e.end(rows[i].Subscriber)
			if err := e.serve(ctx, &rows[i]); err != nil {
				e.o.Log.Error("a subscription is not served", "subscription", rows[i].ID, "error", err)
			}
			poke(e.send)
		})
	}
	return len(rows), err
}

// begin takes a slot for a subscriber, of whose deliveries a quarter of a lane
// may be under way: many slow endpoints of one hold nobody else up.
func (e *Engine) begin(subscriber string, slots int) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.busy[subscriber] >= max(1, slots/4) {
		return false
	}
	e.busy[subscriber]++
	return true
}

func (e *Engine) end(subscriber string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.busy[subscriber]--; e.busy[subscriber] <= 0 {
		delete(e.busy, subscriber)
	}
}

// turnTime is when a subscription is looked at again whose subscriber has enough
// under way.
const turnTime = time.Second

func (e *Engine) later(r *Row) *Settlement {
	return &Settlement{ID: r.ID, Version: r.Version, Status: r.Status, Reason: r.Reason, Delivered: r.Delivered,
		Attempts: r.Attempts, Failing: r.Failing, Next: e.o.Clock().Add(turnTime)}
}

// service is what is done for one subscription under one lease.
type service struct {
	e    *Engine
	row  *Row
	spec *subscription.Spec
	who  *access.Context
	out  Settlement
	last time.Time // when something was sent

	stopping context.Context //nolint:containedctx // done when the server stops
}

// parting is how long a request under way may still take when the server stops.
const parting = 5 * time.Second

// serve does what is due for a subscription and writes down what came of it.
func (e *Engine) serve(stopping context.Context, row *Row) error {
	ctx, cancel := context.WithCancel(context.WithoutCancel(stopping))
	defer cancel()
	defer context.AfterFunc(stopping, func() { time.AfterFunc(parting, cancel) })()
	s := &service{e: e, row: row, stopping: stopping, out: Settlement{
		ID: row.ID, Version: row.Version, Status: row.Status, Reason: row.Reason, Delivered: row.Delivered,
		Attempts: row.Attempts, Failing: row.Failing, Next: never,
	}}
	err := s.due(ctx)
	if err != nil && ctx.Err() == nil {
		return err // the lease runs out, and another tries
	}
	if err != nil { // broken off by the stop of the server: another goes on at once
		s.out.Next, s.out.AtOnce = e.o.Clock(), true
	}
	ctx = context.WithoutCancel(ctx)
	if err := e.o.Store.Settle(ctx, &s.out); err != nil {
		return err
	}
	if row.Shown != s.out.Status {
		return e.show(ctx, row.ID, s.out.Status, s.out.Reason)
	}
	return nil
}

// due finds out what is to be done, and does it. The error is one of this
// server: that an endpoint fails is a state of the subscription.
func (s *service) due(ctx context.Context) error {
	if s.row.Status == "off" {
		return nil
	}
	var err error
	if s.spec, err = s.e.spec(s.row); err != nil {
		return s.off(text(err))
	}
	if !s.spec.End.IsZero() && !s.e.o.Clock().Before(s.spec.End) {
		return s.off("The subscription has come to its end.")
	}
	if s.who, err = s.e.o.Resolve(ctx, s.row.authority()); issue.As(err) != nil {
		return s.off("The subscriber is unknown or no longer active, or what was granted to its app has ended.")
	} else if err != nil {
		return err
	}
	if s.spec.Channel != subscription.RestHook {
		return s.rest()
	}
	return s.hook(ctx)
}

func (s *service) off(reason string) error {
	s.out.Status, s.out.Reason = "off", reason
	return nil
}

// hook sends what an endpoint is due: the handshake, events, a heartbeat.
func (s *service) hook(ctx context.Context) error {
	// The directory may have changed since the subscription was admitted.
	if err := s.e.record.Outlet(ctx, s.who, "Subscription/"+s.row.ID, s.spec.Endpoint); issue.As(err) != nil {
		return s.failed(ctx, err)
	} else if err != nil {
		return err
	}
	post, err := s.e.poster(ctx, s.row, s.spec)
	if err != nil {
		return err
	}
	if s.row.Status == "requested" {
		if shakes(s.spec) {
			if err := post.bundle(ctx, s.status(), subscription.Handshake, nil); err != nil {
				return s.failed(ctx, err)
			}
			s.last = s.e.o.Clock()
		}
		s.well()
	}
	for i := 0; i < mostRounds && s.stopping.Err() == nil; i++ {
		sent, err := s.round(ctx, post)
		if err != nil || sent == 0 {
			return err
		}
	}
	return s.rest()
}

// round sends the next notification; sent is how many events it told of.
func (s *service) round(ctx context.Context, post *poster) (sent int, err error) {
	most := s.spec.MaxCount
	if !s.spec.Backport() {
		most = 1
	}
	events, err := s.e.o.Store.Events(ctx, s.row.ID, s.out.Delivered+1, s.row.Last, most)
	if err != nil {
		return 0, err
	}
	if len(events) == 0 || events[0].Number > s.out.Delivered+1 {
		if err := s.lost(ctx, events); err != nil {
			return 0, err
		}
	}
	if len(events) == 0 {
		return 0, s.beat(ctx, post)
	}
	focus, err := s.e.focus(ctx, s.who, events, s.spec.Content)
	if err != nil {
		return 0, err
	}
	focus = fitting(focus)
	if err := post.events(ctx, s.status(), focus); err != nil {
		return 0, s.failed(ctx, err)
	}
	s.out.Delivered, s.last = focus[len(focus)-1].Number, s.e.o.Clock()
	s.well()
	return len(focus), nil
}

// lost passes over events that were kept no longer: the operator is told.
func (s *service) lost(ctx context.Context, kept []subscription.Event) error {
	upTo := s.row.Last
	if len(kept) > 0 {
		upTo = kept[0].Number - 1
	}
	if upTo <= s.out.Delivered {
		return nil
	}
	reason := fmt.Sprintf("events %d to %d were never taken by the endpoint and are kept no longer", s.out.Delivered+1, upTo)
	s.out.Delivered = upTo
	s.e.o.Log.Error("dead letter", "sink", "subscription", "subscription", s.row.ID, "event", upTo)
	return s.e.o.Store.DeadLetter(ctx, s.row.ID, upTo, reason)
}

// beat sends a heartbeat where one is due: an endpoint that is failing is tried
// with one, too, so that it is known when it answers again.
func (s *service) beat(ctx context.Context, post *poster) error {
	if s.spec.Heartbeat > 0 && s.last.IsZero() || s.row.Attempts > 0 && s.last.IsZero() && s.spec.Backport() {
		if err := post.bundle(ctx, s.status(), subscription.Heartbeat, nil); err != nil {
			return s.failed(ctx, err)
		}
		s.last = s.e.o.Clock()
	}
	s.well()
	return s.rest()
}

// well says that the endpoint answers.
func (s *service) well() {
	s.out.Status, s.out.Reason, s.out.Attempts, s.out.Failing = "active", "", 0, time.Time{}
}

// rest says when something is due again: at once where events wait.
func (s *service) rest() error {
	if s.out.Status == "requested" {
		s.well()
	}
	s.out.AtOnce = s.spec.Channel == subscription.RestHook
	switch {
	case s.spec.Channel == subscription.RestHook && s.spec.Heartbeat > 0:
		s.out.Next = s.e.o.Clock().Add(s.spec.Heartbeat)
	case !s.spec.End.IsZero():
		s.out.Next = s.spec.End
	}
	return nil
}

// failed notes a failure: the same is tried again after a wait that doubles, for
// days; then the subscription stands until its subscriber asks again.
func (s *service) failed(ctx context.Context, cause error) error {
	if ctx.Err() != nil {
		return ctx.Err() // the server stops: that is no fault of the endpoint
	}
	now := s.e.o.Clock()
	s.out.Attempts++
	if s.out.Failing.IsZero() {
		s.out.Failing = now
	}
	s.out.Reason = cause.Error()
	if s.out.Attempts >= failed {
		s.out.Status = "error"
	}
	s.out.Next = now.Add(s.e.wait(s.out.Attempts))
	if now.Sub(s.out.Failing) < s.e.o.Patience {
		return nil
	}
	s.out.Status, s.out.Next = "error", never
	s.out.Reason += "; it was tried since " + s.out.Failing.UTC().Format(time.RFC3339) + " and is tried no more. Write the status requested to begin again."
	s.e.o.Log.Error("dead letter", "sink", "subscription", "subscription", s.row.ID, "attempts", s.out.Attempts)
	return s.e.o.Store.DeadLetter(ctx, s.row.ID, s.out.Delivered+1, s.out.Reason)
}

// wait doubles with every attempt.
func (e *Engine) wait(attempts int) time.Duration {
	return min(e.o.Backoff<<min(max(attempts-1, 0), 30), e.o.Longest)
}

func (s *service) status() *subscription.Status {
	st := statusOf(s.row, s.spec)
	st.Status = s.out.Status
	st.Reason = s.out.Reason
	if st.Status == "error" { // it is being told: so it answers
		st.Status, st.Reason = "active", ""
	}
	return st
}

func statusOf(r *Row, spec *subscription.Spec) *subscription.Status {
	st := &subscription.Status{ID: r.ID, Status: r.Status, Reason: r.Reason, Last: r.Last}
	if spec != nil && spec.Topic != nil {
		st.Topic = spec.Topic.URL
	}
	return st
}

// focus reads what events are about, as the subscriber may see it now.
func (e *Engine) focus(ctx context.Context, who *access.Context, events []subscription.Event, content string) ([]subscription.Focus, error) {
	all := make([]subscription.Focus, len(events))
	refs := make([]record.VersionRef, len(events))
	for i, ev := range events {
		all[i].Event = ev
		refs[i] = record.VersionRef{Type: ev.Type, ID: ev.ID, Version: ev.Version}
	}
	if content == subscription.Empty {
		return all, nil
	}
	found, err := e.record.Disclose(ctx, who, "subscription-notify", refs)
	if err != nil {
		return nil, err
	}
	for i, v := range found {
		all[i].Known = v != nil
		if v != nil && content == subscription.Full && !v.Deleted && len(v.Body) <= e.o.MaxBody {
			all[i].Body = v.Labelled()
		}
	}
	return all, nil
}

// fitting cuts a notification where its bodies get too large together.
func fitting(focus []subscription.Focus) []subscription.Focus {
	size := 0
	for i := range focus {
		if size += len(focus[i].Body); size > mostBytes && i > 0 {
			return focus[:i]
		}
	}
	return focus
}
