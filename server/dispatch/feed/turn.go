package feed

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"tenon/fhir/issue"
	"tenon/fhir/tree"
	"tenon/server/access"
	"tenon/server/dispatch/subscription"
	"tenon/server/record"
)

// most is how many versions one turn matches; hold is how long a server keeps the
// feed after a turn has begun, longer where that was too short for its turns.
const (
	most    = 256
	hold    = 10 * time.Second
	longest = 10 * time.Minute
	// idle is how many leaves that concern nobody are passed over before the
	// position is written.
	idle = 50_000
)

// never is when nothing is due.
var never = time.Date(9000, 1, 1, 0, 0, 0, 0, time.UTC)

// active is a subscription that events are made for.
type active struct {
	row  *Row
	spec *subscription.Spec
	who  *access.Context
}

// Turn matches what the sequencer has added, as far as one transaction takes it;
// more tells that there is more. It does nothing while another server matches.
func (e *Engine) Turn(ctx context.Context) (more bool, err error) {
	rows, err := e.o.Store.Subscriptions(ctx, nil)
	if err != nil {
		return false, err
	}
	types := e.types(rows)
	if e.committed >= 0 { // nothing that concerns anybody is no reason to write
		leaves, next, err := e.o.Store.FeedLeaves(ctx, e.seen, types, 1)
		if err != nil {
			return false, err
		}
		if len(leaves) == 0 && next-e.committed < idle {
			e.seen = next
			return false, nil
		}
	}
	from, ok, err := e.o.Store.TakeFeed(ctx, e.holder, e.o.Clock().Add(e.hold))
	if err != nil || !ok {
		e.committed = -1
		return false, err
	}
	if e.committed != from {
		e.committed, e.seen = from, from
		if rows, err = e.o.Store.Subscriptions(ctx, nil); err != nil {
			return false, err
		}
		types = e.types(rows)
	}
	leaves, next, err := e.o.Store.FeedLeaves(ctx, e.seen, types, most)
	if err != nil || next == from {
		return false, err
	}
	return e.commit(ctx, rows, leaves, &Turn{Holder: e.holder, From: from, To: next, Keep: e.o.Keep})
}

// types are those that somebody listens to, and Subscription itself.
func (e *Engine) types(rows []Row) []string {
	all := []string{"Subscription"}
	for i := range rows {
		if !listening(&rows[i]) {
			continue
		}
		spec, err := e.spec(&rows[i])
		if err != nil {
			continue
		}
		for _, t := range spec.Triggers() {
			if !slices.Contains(all, t.Type) {
				all = append(all, t.Type)
			}
		}
	}
	return all
}

func listening(r *Row) bool { return r.Status == "active" || r.Status == "error" }

// commit makes the steps of the leaves up to the next change of subscriptions, or
// those of such changes.
func (e *Engine) commit(ctx context.Context, rows []Row, leaves []Leaf, t *Turn) (bool, error) {
	isSubscription := func(l Leaf) bool { return l.Type == "Subscription" }
	cut := slices.IndexFunc(leaves, isSubscription)
	if cut == 0 {
		if cut = slices.IndexFunc(leaves, func(l Leaf) bool { return !isSubscription(l) }); cut < 0 {
			cut = len(leaves)
		}
		if err := e.subscribe(ctx, leaves[:cut], t); err != nil {
			return false, err
		}
	} else {
		if cut < 0 {
			cut = len(leaves)
		}
		if err := e.match(ctx, rows, leaves[:cut], t); err != nil {
			return false, err
		}
	}
	if cut < len(leaves) {
		t.To = leaves[cut].Index
	}
	if err := e.o.Store.CommitTurn(ctx, t); err != nil {
		if errors.Is(err, ErrLost) {
			e.hold = min(2*e.hold, longest)
		}
		e.committed = -1
		return false, err
	}
	e.committed, e.seen = t.To, t.To
	if len(t.Steps) > 0 {
		e.announce()
	}
	return len(leaves) > 0, nil
}

// subscribe takes in what subscribers wrote. What the server wrote is the status
// of what is known already.
func (e *Engine) subscribe(ctx context.Context, leaves []Leaf, t *Turn) error {
	for _, l := range leaves {
		found, err := e.o.Store.Versions(ctx, true, l.VersionRef, record.VersionRef{Type: l.Type, ID: l.ID, Version: 1})
		if err != nil {
			return err
		}
		v, first := versionIn(found, l.Version), versionIn(found, 1)
		switch {
		case v == nil || v.Author == "server" && !v.Deleted && l.Version > 1:
		case v.Deleted:
			t.Steps = append(t.Steps, Step{Drop: l.ID})
			if err := e.o.Store.DropChannelSecrets(ctx, l.ID, nil, e.o.Clock()); err != nil {
				return err
			}
		case first != nil:
			t.Steps = append(t.Steps, Step{Put: e.rowOf(v, first.Author)})
			if err := e.sweepSecrets(ctx, v); err != nil {
				return err
			}
		}
	}
	return nil
}

// sweepSecrets drops the values of headers that a subscription has no more; those
// of a write that is under way are younger.
func (e *Engine) sweepSecrets(ctx context.Context, v *record.Version) error {
	spec, err := specOf(v.Body)
	if err != nil {
		return nil //nolint:nilerr // it is off, and says why
	}
	var keep []string
	for _, line := range spec.Headers {
		if h := subscription.HeaderOf(line); h.Secret != "" {
			keep = append(keep, h.Secret)
		}
	}
	return e.o.Store.DropChannelSecrets(ctx, v.ID, keep, e.o.Clock().Add(-time.Hour))
}

// shakes tells whether the endpoint must take a handshake before anything else.
func shakes(s *subscription.Spec) bool { return s.Backport() && s.Channel == subscription.RestHook }

func versionIn(all []record.Version, version int64) *record.Version {
	i := slices.IndexFunc(all, func(v record.Version) bool { return v.Version == version })
	if i < 0 {
		return nil
	}
	return &all[i]
}

func (e *Engine) rowOf(v *record.Version, subscriber string) *Row {
	r := &Row{ID: v.ID, Version: v.Version, Subscriber: subscriber, Status: "requested", Body: v.Body}
	spec, err := specOf(v.Body)
	switch {
	case err != nil: // stored before such were refused
		r.Status, r.Reason = "off", text(err)
	case spec.Status == "off":
		r.Status = "off"
	case !shakes(spec):
		r.Status = "active"
	}
	return r
}

func text(err error) string {
	if f := issue.As(err); f != nil {
		return f.Issues[0].Text
	}
	return "The subscription cannot be read."
}

// parsedSpec is what a version of a subscription says.
type parsedSpec struct {
	version int64
	spec    *subscription.Spec
	err     error
}

// spec reads a row once for each version.
func (e *Engine) spec(r *Row) (*subscription.Spec, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if p := e.parsed[r.ID]; p != nil && p.version == r.Version {
		return p.spec, p.err
	}
	p := &parsedSpec{version: r.Version}
	p.spec, p.err = specOf(r.Body)
	if len(e.parsed) > 10_000 {
		clear(e.parsed)
	}
	e.parsed[r.ID] = p
	return p.spec, p.err
}

func specOf(body []byte) (*subscription.Spec, error) {
	doc, err := tree.Parse(body)
	if err != nil {
		return nil, fmt.Errorf("feed: %w", err)
	}
	return subscription.Parse(doc.Root())
}
