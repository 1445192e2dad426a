package blob

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"time"
)

// Swept is what a sweep did.
type Swept struct {
	Objects  int   // whose key was destroyed
	Bytes    int64 // of their content
	Segments int   // files removed
}

// Sweep destroys every object that is not needed: it overwrites the object's
// sealed key, so that no copy of the tenant's key opens its frames again, and
// gives the space back when more than half of a segment is dead.
//
// needed answers from a set that the caller took from the database at the time
// taken. What was staged or met again later than Grace before that is spared,
// since its rows may have been committed after the set was taken; a commit
// follows its Stage within Grace. One process sweeps at a time.
func (s *Store) Sweep(ctx context.Context, taken time.Time, needed func(digest [32]byte) bool) (Swept, error) {
	var done Swept
	if s.opt.ReadOnly {
		return done, errors.New("blob: the store is open for reading only")
	}
	if err := s.Sync(ctx); err != nil { // an index file is written of durable segments only
		return done, err
	}
	for _, g := range s.sweepable() {
		if err := ctx.Err(); err != nil {
			return done, err
		}
		if err := s.sweepSegment(ctx, g, taken.Add(-s.opt.Grace), needed, &done); err != nil {
			return done, fmt.Errorf("blob: sweep %s: %w", g.name, err)
		}
	}
	return done, nil
}

// sweepable lists the segments that no other process appends to.
func (s *Store) sweepable() []*segment {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []*segment
	for _, g := range s.segments {
		if !g.foreign {
			all = append(all, g)
		}
	}
	slices.SortFunc(all, func(a, b *segment) int {
		if a.name < b.name {
			return -1
		}
		return 1
	})
	return all
}

func (s *Store) sweepSegment(ctx context.Context, g *segment, before time.Time, needed func([32]byte) bool, done *Swept) error {
	orphans := s.unlist(g, before, needed)
	if len(orphans) > 0 {
		if err := s.destroy(g, orphans); err != nil {
			return err
		}
		done.Objects += len(orphans)
		for _, it := range orphans {
			done.Bytes += it.size
		}
	}
	s.mu.Lock()
	idle := g.file == nil && !g.dirty
	live := int64(0)
	for _, it := range g.objects {
		live += extent(it.size)
	}
	end := g.end
	s.mu.Unlock()
	if !idle || live*2 > end {
		return nil
	}
	if err := s.headers(ctx, func() error { return s.compact(ctx, g) }); err != nil {
		return err
	}
	done.Segments++
	return nil
}

// unlist makes the orphans of a segment unknown, before anything of them is
// overwritten.
func (s *Store) unlist(g *segment, before time.Time, needed func([32]byte) bool) []item {
	s.mu.Lock()
	defer s.mu.Unlock()
	var orphans, kept []item
	for _, it := range g.objects {
		current := s.index[it.digest].segment == g && s.index[it.digest].offset == it.offset
		when, met := s.touched[it.digest]
		spared := met && !when.Before(before)
		if current && (spared || needed(it.digest)) {
			kept = append(kept, it)
			continue
		}
		orphans = append(orphans, it)
		if current {
			delete(s.index, it.digest)
			delete(s.touched, it.digest)
		}
	}
	g.objects = kept
	return orphans
}

// destroy overwrites the headers of objects that are unlisted already.
func (s *Store) destroy(g *segment, orphans []item) error {
	return s.headers(context.Background(), func() error { return s.overwrite(g, orphans) })
}

func (s *Store) overwrite(g *segment, orphans []item) error {
	f, err := s.opt.FS.Write(s.path(g.name))
	if err != nil {
		return err
	}
	for _, it := range orphans {
		head := make([]byte, headerSize)
		if _, err = f.ReadAt(head, it.offset); err != nil {
			break
		}
		kill(head)
		if _, err = f.WriteAt(head, it.offset); err != nil {
			break
		}
	}
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if g.file != nil { // still growing: the next Open scans it
		err := s.opt.FS.Remove(s.path(indexName(g.name)))
		if errors.Is(err, fs.ErrNotExist) {
			err = nil
		}
		return err
	}
	return s.writeIndex(g)
}

// compact copies what lives in a closed segment to an open one, as it stands:
// nothing in an object depends on where it is. Then the file goes.
func (s *Store) compact(ctx context.Context, g *segment) error {
	for _, it := range slices.Clone(g.objects) {
		if err := s.move(ctx, g, it); err != nil {
			return err
		}
	}
	if err := s.Sync(ctx); err != nil {
		return err
	}
	s.mu.Lock()
	delete(s.segments, g.name)
	s.mu.Unlock()
	err := s.opt.FS.Remove(s.path(indexName(g.name)))
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	return errors.Join(err, s.opt.FS.Remove(s.path(g.name)), s.opt.FS.SyncDir(s.dir))
}

func (s *Store) move(ctx context.Context, g *segment, it item) error {
	from, err := s.opt.FS.Open(s.path(g.name))
	if err != nil {
		return err
	}
	defer func() { _ = from.Close() }()
	to, err := s.lease()
	if err != nil {
		return err
	}
	section := io.NewSectionReader(from, it.offset, extent(it.size))
	if err := copyAt(ctx, to.file, to.end, section); err != nil {
		return errors.Join(err, s.abandon(to))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	moved := item{it.digest, to.end, it.size}
	to.objects = append(to.objects, moved)
	to.end += extent(it.size)
	to.dirty, to.leased = true, false
	if p := s.index[it.digest]; p.segment == g && p.offset == it.offset {
		s.index[it.digest] = place{to, moved.offset, moved.size}
	}
	return nil
}

func copyAt(ctx context.Context, to File, at int64, from io.Reader) error {
	buf := make([]byte, Frame)
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		n, err := io.ReadFull(from, buf)
		if _, werr := to.WriteAt(buf[:n], at); werr != nil {
			return werr
		}
		at += int64(n)
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// forget drops an object that does not open, so that the content at hand is
// stored anew; the broken one is never found again.
func (s *Store) forget(digest [32]byte, p place) error {
	s.mu.Lock()
	if s.index[digest] == p {
		delete(s.index, digest)
		p.segment.objects = slices.DeleteFunc(p.segment.objects, func(it item) bool { return it.offset == p.offset })
	}
	g := p.segment
	s.mu.Unlock()
	if g.foreign {
		return nil
	}
	err := s.destroy(g, []item{{digest, p.offset, p.size}})
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
