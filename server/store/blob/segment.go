package blob

import (
	"encoding/hex"
	"fmt"
	"io"
	"strconv"
	"strings"
)

const (
	segmentSuffix = ".seg"
	indexSuffix   = ".idx"
)

// segment is one file of objects. Its fields are guarded by Store.mu, but for
// the bytes beyond end, which belong to whoever leased it.
type segment struct {
	name    string
	file    File   // open and locked while this process may append; else nil
	end     int64  // where the next object goes
	objects []item // all objects, in order of offset
	leased  bool
	dirty   bool // bytes are not durable yet
	foreign bool // another process appends to it
}

// item is an object of a segment, as the index file keeps it.
type item struct {
	digest       [32]byte
	offset, size int64
}

func (g *segment) full(limit int64) bool { return g.end >= limit }

// lease gives a segment that the caller alone may write to from its end on.
func (s *Store) lease() (*segment, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failed != nil {
		return nil, s.failed
	}
	var best *segment
	for _, g := range s.segments {
		if g.file != nil && !g.leased && !g.full(s.opt.SegmentSize) && (best == nil || g.name < best.name) {
			best = g
		}
	}
	if best == nil {
		var err error
		if best, err = s.create(); err != nil {
			return nil, err
		}
	}
	best.leased = true
	return best, nil
}

// create makes a new segment. Its name has a random part, so that processes
// that share the folder never meet.
func (s *Store) create() (*segment, error) {
	var chance [4]byte
	if _, err := io.ReadFull(s.crypt.random, chance[:]); err != nil {
		return nil, err
	}
	name := fmt.Sprintf("%08x-%s%s", s.number+1, hex.EncodeToString(chance[:]), segmentSuffix)
	f, err := s.opt.FS.Write(s.path(name))
	if err != nil {
		return nil, fmt.Errorf("blob: %w", err)
	}
	if ok, err := f.Lock(false); err != nil || !ok {
		return nil, fmt.Errorf("blob: a new segment is locked by another: %v %w", err, f.Close())
	}
	s.number++
	s.created = true
	g := &segment{name: name, file: f}
	s.segments[name] = g
	return g, nil
}

// publish makes an object that was written at the segment's end known, and
// gives the lease back. When the same content has become known meanwhile, the
// copy is cut off again.
func (s *Store) publish(g *segment, it item) error {
	s.mu.Lock()
	_, twice := s.index[it.digest]
	if !twice {
		s.index[it.digest] = place{g, it.offset, it.size}
		g.objects = append(g.objects, it)
		g.end = it.offset + extent(it.size)
		g.dirty, g.leased = true, false
	}
	s.touched[it.digest] = s.opt.Clock()
	s.mu.Unlock()
	if twice {
		return s.abandon(g)
	}
	return nil
}

// abandon cuts off what was written to a leased segment and gives it back.
func (s *Store) abandon(g *segment) error {
	err := g.file.Truncate(g.end)
	s.mu.Lock()
	defer s.mu.Unlock()
	g.leased = false
	if err != nil {
		s.failed = fmt.Errorf("blob: %w", err)
	}
	return s.failed
}

// segmentNumber reads the first part of a segment's name.
func segmentNumber(name string) (uint64, bool) {
	base, ok := strings.CutSuffix(name, segmentSuffix)
	digits, _, dash := strings.Cut(base, "-")
	n, err := strconv.ParseUint(digits, 16, 64)
	return n, ok && dash && err == nil
}
