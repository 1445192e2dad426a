package blob

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Erase destroys one object at once: its sealed key is overwritten, so that no
// copy of the tenant's key opens its frames again. The caller has made sure that
// nothing in the database needs it. staged is when the last version that needed
// it was committed: an object that was staged or met again since is spared, for
// its rows may be on their way, and one in a segment that another process
// appends to cannot be reached from here; a later Sweep takes both, and the
// answer is false.
func (s *Store) Erase(ctx context.Context, digest [32]byte, staged time.Time) (bool, error) {
	if s.opt.ReadOnly {
		return false, errors.New("blob: the store is open for reading only")
	}
	if err := s.Sync(ctx); err != nil { // an index file is written of durable segments only
		return false, err
	}
	other := func(d [32]byte) bool { return d != digest }
	for _, g := range s.sweepable() {
		orphans := s.unlist(g, staged, other)
		if len(orphans) == 0 {
			continue
		}
		if err := s.destroy(g, orphans); err != nil {
			return false, fmt.Errorf("blob: erase in %s: %w", g.name, err)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	_, left := s.index[digest]
	return !left, nil
}
