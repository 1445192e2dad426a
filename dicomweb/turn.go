package dicomweb

import (
	"context"
	"slices"
	"sync"

	"tenon/server/access"
)

// Requests that store into one study take turns, since each makes the next
// version of its ImagingStudy. Who waits meanwhile is taken along by the one
// whose turn it is, where both may do the same: eight senders of single
// instances make one version, not eight that meet each other.
//
//	join → wait for the turn → taken along? yes: done
//	                           no: take all that fit → one unit → tell them

// batch is what one request waits to store into a study.
type batch struct {
	in    *ingest
	group []*arrival
	taken bool  // another request stores it
	err   error // how that ended

	synced chan error // tells once that the blobs are durable
}

// fits tells whether one unit can hold both: same caller by the same app, same
// door and doing, same case. The unit is judged and written as the leader's.
func (b *batch) fits(o *batch) bool {
	x, y := b.in.r.who, o.in.r.who
	return x.Kind == y.Kind && x.Principal == y.Principal && x.Tenant == y.Tenant && x.Organization == y.Organization &&
		x.Side == y.Side && slices.Equal(x.Roles, y.Roles) && sameScopes(x.Scopes, y.Scopes) && b.in.subject.task == o.in.subject.task &&
		b.in.restoring == o.in.restoring && b.in.r.name() == o.in.r.name() && b.in.r.storing() == o.in.r.storing()
}

// sameScopes tells whether two apps may do the same, by the same grant.
func sameScopes(a, b *access.Scopes) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.Client == b.Client && a.Patient == b.Patient && a.Grant == b.Grant && a.String() == b.String()
}

// turns are the studies that are being stored into.
type turns struct {
	mu      sync.Mutex
	studies map[string]*turn
}

// turn is one study; slot holds a token while somebody stores.
type turn struct {
	slot    chan struct{}
	users   int
	waiting []*batch
}

// join waits for the turn of the batch and stores it with others that fit.
func (t *turns) join(ctx context.Context, study string, b *batch, store func([]*batch) error) error {
	s := t.enter(study, b)
	defer t.leave(study, s, b)
	select {
	case s.slot <- struct{}{}:
	case <-ctx.Done():
		if t.withdraw(b) {
			return ctx.Err()
		}
		s.slot <- struct{}{} // another one is storing it: its rows must stay till then
	}
	defer func() { <-s.slot }()
	if b.taken {
		return b.err
	}
	party := t.gather(s, b)
	err := store(party)
	for _, o := range party {
		o.err = err
	}
	return err
}

func (t *turns) enter(study string, b *batch) *turn {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.studies == nil {
		t.studies = map[string]*turn{}
	}
	s := t.studies[study]
	if s == nil {
		s = &turn{slot: make(chan struct{}, 1)}
		t.studies[study] = s
	}
	s.users++
	s.waiting = append(s.waiting, b)
	return s
}

func (t *turns) leave(study string, s *turn, b *batch) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if s.users--; s.users == 0 {
		delete(t.studies, study)
	}
	s.waiting = slices.DeleteFunc(s.waiting, func(o *batch) bool { return o == b })
}

// withdraw takes the batch back, unless another one has taken it along.
func (t *turns) withdraw(b *batch) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if b.taken {
		return false
	}
	b.taken = true
	return true
}

// gather takes the batch and those that fit, up to the size of a unit.
func (t *turns) gather(s *turn, b *batch) []*batch {
	t.mu.Lock()
	defer t.mu.Unlock()
	party, n := []*batch{b}, len(b.group)
	b.taken = true
	for _, o := range s.waiting {
		if !o.taken && o.fits(b) && n+len(o.group) <= maxUnit {
			o.taken = true
			party = append(party, o)
			n += len(o.group)
		}
	}
	s.waiting = slices.DeleteFunc(s.waiting, func(o *batch) bool { return o.taken })
	return party
}
