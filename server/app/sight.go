package app

import (
	"context"
	"errors"
	"sync"
	"time"

	"tenon/server/access"
	"tenon/server/record"
)

// sight is dicomweb.Sight: what callers see of patients, by the predicate that
// decides reads. What an app may do does not count: its user sees what he sees.
type sight struct {
	a    *App
	mu   sync.Mutex
	asof time.Time
	part map[string]bool // by principal, since asof
}

// seenFor is how long it is remembered whether somebody sees anything in part, as
// tokens are.
const seenFor = time.Second

// InPart implements dicomweb.Sight.
func (s *sight) InPart(ctx context.Context, who *access.Context) (bool, error) {
	if len(who.Consents.Known()) > 0 { // a patient may be withheld whose images are not
		return true, nil
	}
	now := time.Now()
	s.mu.Lock()
	if now.Sub(s.asof) > seenFor {
		s.asof, s.part = now, map[string]bool{}
	}
	part, known := s.part[who.Principal]
	s.mu.Unlock()
	if known {
		return part, nil
	}
	part, err := s.a.Store.Limited(ctx, who.Principal)
	if err != nil {
		return false, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.part[who.Principal] = part
	return part, nil
}

// Patient implements dicomweb.Sight.
func (s *sight) Patient(ctx context.Context, who *access.Context, id string) (*record.Version, error) {
	user := *who
	user.Scopes = nil
	v, err := s.a.Store.Read(ctx, access.InPart(user.Reach(), 1), "Patient", id)
	if errors.Is(err, record.ErrAbsent) {
		return nil, nil
	}
	return v, err
}
