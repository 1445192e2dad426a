package blob

import (
	"context"
	"errors"
	"fmt"
	"sync"
)

// round is one group of callers of Sync that share the fsyncs.
type round struct {
	done chan struct{}
	err  error
}

// Sync implements record.Blobs. A caller joins the round that has not begun
// yet, since the one under way may have missed its bytes.
func (s *Store) Sync(ctx context.Context) error {
	s.mu.Lock()
	if s.next == nil {
		s.next = &round{done: make(chan struct{})}
	}
	r := s.next
	if !s.syncing {
		s.syncing = true
		go s.rounds()
	}
	s.mu.Unlock()
	select {
	case <-r.done:
		return r.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// rounds runs one round after the other until nobody waits.
func (s *Store) rounds() {
	for {
		s.mu.Lock()
		r := s.next
		s.next = nil
		if r == nil {
			s.syncing = false
			s.mu.Unlock()
			return
		}
		dirty, names, err := s.takeDirty()
		s.mu.Unlock()
		if err == nil {
			err = s.flush(dirty, names)
		}
		r.err = err
		close(r.done)
		s.retire(dirty)
	}
}

// takeDirty claims what is not durable; whatever is written from here on is of
// the next round.
func (s *Store) takeDirty() (dirty []*segment, names bool, err error) {
	if s.failed != nil {
		return nil, false, s.failed
	}
	for _, g := range s.segments {
		if g.dirty {
			g.dirty = false
			dirty = append(dirty, g)
		}
	}
	names = s.created
	s.created = false
	return dirty, names, nil
}

// flush makes files and directory durable. After a failed fsync nobody knows
// what the disk holds, so the store takes nothing more until it is opened anew.
func (s *Store) flush(dirty []*segment, names bool) error {
	errs := make([]error, len(dirty)+1)
	var wg sync.WaitGroup
	for i, g := range dirty {
		if i == len(dirty)-1 {
			errs[i] = s.flushFile(g)
			break
		}
		wg.Go(func() { errs[i] = s.flushFile(g) })
	}
	if names {
		errs[len(dirty)] = s.opt.FS.SyncDir(s.dir)
	}
	wg.Wait()
	err := errors.Join(errs...)
	if err == nil {
		return nil
	}
	err = fmt.Errorf("blob: fsync: %w", err)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failed = err
	return err
}

func (s *Store) flushFile(g *segment) error {
	if g.file != nil {
		return g.file.Sync()
	}
	f, err := s.opt.FS.Open(s.path(g.name))
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// retire writes the index of segments that are full and durable, and closes
// them: they are never written again, but by Sweep.
func (s *Store) retire(synced []*segment) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failed != nil {
		return
	}
	for _, g := range synced {
		if g.file == nil || g.leased || g.dirty || !g.full(s.opt.SegmentSize) {
			continue
		}
		if err := s.writeIndex(g); err != nil {
			continue // a cache: the next Open scans the segment instead
		}
		_ = g.file.Close() // nothing is pending on it
		g.file = nil
	}
}
