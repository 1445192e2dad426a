package blob

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// load reads what the folder holds and takes over the segments that no other
// process appends to.
func (s *Store) load() error {
	names, err := s.opt.FS.List(s.dir)
	if err != nil {
		return fmt.Errorf("blob: %w", err)
	}
	s.created = !s.opt.ReadOnly // a process that was killed may not have synced the folder
	slices.Sort(names)
	for _, name := range names {
		if strings.HasSuffix(name, segmentSuffix) {
			if err := s.loadSegment(name); err != nil {
				return fmt.Errorf("blob: %s: %w", name, err)
			}
		}
	}
	return nil
}

// loadSegment makes the objects of one file known. What the index file covers
// was durable and whole when it was written; the rest is scanned.
func (s *Store) loadSegment(name string) error {
	n, ok := segmentNumber(name)
	if !ok {
		return nil
	}
	s.number = max(s.number, n)
	g := &segment{name: name, foreign: true}
	g.objects, g.end = s.readIndex(name)
	f, size, err := s.openSegment(g)
	if err != nil {
		return err
	}
	keep := false
	defer func() {
		if !keep {
			_ = f.Close() // read only from here on
		}
	}()
	if g.end > size {
		g.objects, g.end = nil, 0 // the index tells of more than there is
	}
	if size > g.end {
		if err := s.scan(g, f, size, !g.foreign); err != nil {
			return err
		}
	}
	s.segments[name] = g
	for _, it := range g.objects {
		s.index[it.digest] = place{g, it.offset, it.size}
	}
	switch {
	case g.foreign:
	case !g.full(s.opt.SegmentSize):
		g.file, keep = f, true
	case size > 0 && g.dirty: // found without a good index: write it once it is durable
		g.file, keep = f, true
	}
	return nil
}

// openSegment opens for writing and takes the lock where it can.
func (s *Store) openSegment(g *segment) (File, int64, error) {
	var f File
	var err error
	if s.opt.ReadOnly {
		f, err = s.opt.FS.Open(s.path(g.name))
	} else {
		if f, err = s.opt.FS.Write(s.path(g.name)); err == nil {
			var mine bool
			mine, err = f.Lock(false)
			g.foreign = !mine
		}
	}
	if err != nil {
		return f, 0, err
	}
	size, err := f.Size()
	return f, size, err
}

// scan finds the objects beyond g.end. In a segment of our own it reads each to
// the end and cuts the tail that a crash left; damage before a good object is
// no crash, so it stays and is told.
func (s *Store) scan(g *segment, f File, size int64, own bool) error {
	good, goodObjects := g.end, len(g.objects)
	var bad []string // in doubt until something good follows
	for at := g.end; at < size; {
		h, state, err := s.headerAt(f, at, size)
		if err != nil {
			return err
		}
		if state == alien {
			next, err := s.search(f, at+1, size)
			if err != nil {
				return err
			}
			if next < 0 {
				break
			}
			bad = append(bad, fmt.Sprintf("%s: %d bytes at %d belong to no object", g.name, next-at, at))
			at = next
			continue
		}
		it := item{h.digest, at, h.size}
		at += extent(h.size)
		if state == live {
			g.objects = append(g.objects, it)
			if own && !s.whole(f, it) {
				bad = append(bad, fmt.Sprintf("%s: object %x at %d does not open", g.name, it.digest, it.offset))
				continue
			}
		}
		good, goodObjects = at, len(g.objects)
		s.damage, bad = append(s.damage, bad...), nil
	}
	g.objects, g.end = g.objects[:goodObjects], good
	if !own {
		return nil
	}
	g.dirty = true // read from the cache perhaps, not from the disk
	if good < size {
		return f.Truncate(good)
	}
	return nil
}

func (s *Store) whole(f File, it item) bool {
	r, err := s.reader(nopClose{f}, place{offset: it.offset}, it.digest)
	if err != nil {
		return false
	}
	_, err = io.Copy(io.Discard, r)
	_ = r.Close() // the file stays open
	return err == nil
}

type nopClose struct{ File }

func (nopClose) Close() error { return nil }

// What stands at an offset of a segment.
const (
	alien = iota // nothing of ours, or an object that goes on beyond the end
	live
	dead // swept: its size is believed as far as the next header proves it
)

func (s *Store) headerAt(f File, at, size int64) (header, int, error) {
	var head [headerSize]byte
	n, err := f.ReadAt(head[:], at)
	if err != nil && !errors.Is(err, io.EOF) {
		return header{}, alien, err
	}
	state := live
	h, ok := s.crypt.openHeader(head[:n])
	if !ok && n == headerSize && string(head[:atAlgorithm]) == magicLive {
		if h, ok, err = s.headerOf(f, at); err != nil {
			return header{}, alien, err
		}
	}
	if !ok {
		h, ok = deadHeader(head[:n])
		state = dead
	}
	if !ok || extent(h.size) > size-at {
		state = alien
	}
	return h, state, nil
}

// search finds the next authentic header from an offset on, or -1.
func (s *Store) search(f File, from, size int64) (int64, error) {
	buf := make([]byte, Frame)
	for from < size {
		n, err := f.ReadAt(buf, from)
		if err != nil && !errors.Is(err, io.EOF) {
			return -1, err
		}
		for i := 0; ; i++ {
			k := bytes.Index(buf[i:n], []byte(magicLive))
			if k < 0 {
				break
			}
			i += k
			_, state, err := s.headerAt(f, from+int64(i), size)
			if err != nil {
				return -1, err
			}
			if state == live {
				return from + int64(i), nil
			}
		}
		if n <= len(magicLive) {
			break
		}
		from += int64(n - len(magicLive) + 1)
	}
	return -1, nil
}

// refresh looks for segments and objects that other processes added.
func (s *Store) refresh() error {
	names, err := s.opt.FS.List(s.dir)
	if err != nil {
		return fmt.Errorf("blob: %w", err)
	}
	for _, name := range names {
		if !strings.HasSuffix(name, segmentSuffix) {
			continue
		}
		g := s.segments[name]
		if g != nil && !g.foreign {
			continue
		}
		if err := s.reload(name, g); err != nil {
			return fmt.Errorf("blob: %s: %w", name, err)
		}
	}
	return nil
}

// reload reads the new part of a segment that another process writes to.
func (s *Store) reload(name string, g *segment) error {
	if g == nil {
		if _, ok := segmentNumber(name); !ok {
			return nil
		}
		g = &segment{name: name, foreign: true}
	}
	f, err := s.opt.FS.Open(s.path(name))
	if err != nil {
		return nil //nolint:nilerr // swept between list and open
	}
	defer func() { _ = f.Close() }()
	size, err := f.Size()
	if err != nil || size <= g.end {
		return err
	}
	known := len(g.objects)
	if err := s.scan(g, f, size, false); err != nil {
		return err
	}
	s.segments[name] = g
	for _, it := range g.objects[known:] {
		s.index[it.digest] = place{g, it.offset, it.size}
	}
	return nil
}
