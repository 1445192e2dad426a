package blob

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"strconv"
	"strings"
)

// Rotation of the tenant's key, beside running servers:
//
//	ring {1} ── Rotate ──▶ {1, 2} ── Rewrap, by everybody ──▶ {2}
//
// Rotate adds a key to the file. Each process that has the folder open takes it over
// in its next Rewrap: what it writes from then on is sealed by the new key, and the
// headers of the segments that it may write to are sealed anew. An old key goes when
// no process writes with it and no header is under it. Whoever is killed on the way
// leaves a state that the next Rewrap goes on from.
//
// A process tells what it writes with by a file NUMBER-RANDOM.use, which it holds a
// lock on; the system gives the lock of a dead one back.
const useSuffix = ".use"

// Rotates tells whether the keys are in the folder, and may be rotated here.
func (s *Store) rotates() bool { return s.opt.Key == nil && !s.opt.ReadOnly }

// openRing reads the keys and tells the others which one seals here.
func (s *Store) openRing() error {
	s.crypt = &crypt{tenant: s.opt.Tenant, random: s.opt.Random}
	if s.opt.Key != nil {
		r, err := ringOf(map[uint16][]byte{1: s.opt.Key})
		s.crypt.ring.Store(r)
		return err
	}
	s.crypt.later = s.later
	r, err := loadRing(s.opt.FS, s.dir, s.opt.Random, s.opt.ReadOnly)
	if err != nil {
		return err
	}
	s.crypt.ring.Store(r)
	for !s.opt.ReadOnly { // a key may be added between reading and telling
		if s.use, s.useName, err = s.announce(r.current); err != nil {
			return err
		}
		again, err := loadRing(s.opt.FS, s.dir, s.opt.Random, true)
		if err != nil {
			return err
		}
		s.crypt.ring.Store(again)
		if again.current == r.current {
			return nil
		}
		if err := s.silence(s.use, s.useName); err != nil {
			return err
		}
		r = again
	}
	return nil
}

// announce tells that this process writes with a key: under its name there is never
// a file without a lock, but of a process that is gone.
func (s *Store) announce(number uint16) (File, string, error) {
	var chance [8]byte
	if _, err := io.ReadFull(s.opt.Random, chance[:]); err != nil {
		return nil, "", err
	}
	name := fmt.Sprintf("%05d-%s%s", number, hex.EncodeToString(chance[:]), useSuffix)
	f, err := s.opt.FS.Write(s.path(name + ".new"))
	if err != nil {
		return nil, "", fmt.Errorf("blob: %w", err)
	}
	if ok, err := f.Lock(false); err != nil || !ok {
		return nil, "", errors.Join(fmt.Errorf("blob: %s is locked by another", name), err, f.Close())
	}
	if err := s.opt.FS.Rename(s.path(name+".new"), s.path(name)); err != nil {
		return nil, "", errors.Join(fmt.Errorf("blob: %w", err), f.Close())
	}
	return f, name, nil
}

func (s *Store) silence(f File, name string) error {
	if f == nil {
		return nil
	}
	err := s.opt.FS.Remove(s.path(name))
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	return errors.Join(err, f.Close())
}

// later finds a key that was added since the ring was read. What this process seals
// with stays what it is until it takes the new one over.
func (s *Store) later(uint16) *ring {
	s.ringing.Lock()
	defer s.ringing.Unlock()
	old := s.crypt.ring.Load()
	r, err := loadRing(s.opt.FS, s.dir, s.opt.Random, true)
	if err != nil {
		return old // the header stays closed, and the caller says so
	}
	if r.current != old.current && !s.opt.ReadOnly {
		keys := maps.Clone(r.keys)
		keys[old.current] = old.keys[old.current]
		r = &ring{keys: keys, bytes: r.bytes, current: old.current, newest: r.newest}
	}
	s.crypt.ring.Store(r)
	return r
}

// adopt takes over the keys as the file has them now. When it is back nothing more is
// sealed here by what was the key before.
func (s *Store) adopt() (*ring, error) {
	s.ringing.Lock()
	defer s.ringing.Unlock()
	r, err := loadRing(s.opt.FS, s.dir, s.opt.Random, true)
	if err != nil {
		return nil, err
	}
	if r.current == s.crypt.ring.Load().current {
		s.crypt.ring.Store(r)
		return r, nil
	}
	use, name, err := s.announce(r.current)
	if err != nil {
		return nil, err
	}
	s.sealing.Lock() // what is being sealed has its header on disk
	s.crypt.ring.Store(r)
	s.sealing.Unlock()
	old, oldName := s.use, s.useName
	s.use, s.useName = use, name
	return r, s.silence(old, oldName)
}

// Rotate adds a key that everything is sealed by from now on; what is there follows by
// Rewrap. It adds none while an earlier rotation is not over, and says so.
func (s *Store) Rotate(ctx context.Context) (added bool, err error) {
	if !s.rotates() {
		return false, errors.New("blob: the key is not in the folder, or the folder is open for reading only")
	}
	err = s.headers(ctx, func() error {
		r, err := loadRing(s.opt.FS, s.dir, s.opt.Random, true)
		if err != nil || len(r.keys) > 1 {
			return err
		}
		key := make([]byte, 32)
		if _, err := io.ReadFull(s.opt.Random, key); err != nil {
			return err
		}
		if r.newest == 1<<16-1 {
			return errors.New("blob: the numbers of keys are used up")
		}
		added = true
		return s.writeRing(&ring{bytes: map[uint16][]byte{r.newest: r.bytes[r.newest], r.newest + 1: key}})
	})
	return added, err
}

// Keys are the numbers of the keys that are needed, the newest last.
func (s *Store) Keys() ([]uint16, error) {
	r, err := loadRing(s.opt.FS, s.dir, s.opt.Random, true)
	if err != nil {
		return nil, err
	}
	return r.numbers(), nil
}

// retireKeys drops the old keys that nobody writes with and nothing is sealed by.
func (s *Store) retireKeys(r *ring) error {
	for _, number := range r.numbers() {
		if number == r.newest {
			continue
		}
		used, err := s.inUse(number)
		if err != nil || used {
			return err
		}
	}
	n, err := s.under(r.newest)
	if err != nil || n > 0 {
		return err
	}
	return s.writeRing(&ring{bytes: map[uint16][]byte{r.newest: r.bytes[r.newest]}})
}

// inUse tells whether a living process writes with a key.
func (s *Store) inUse(number uint16) (bool, error) {
	names, err := s.opt.FS.List(s.dir)
	if err != nil {
		return false, fmt.Errorf("blob: %w", err)
	}
	for _, name := range names {
		digits, _, _ := strings.Cut(name, "-")
		n, err := strconv.ParseUint(digits, 10, 16)
		if !strings.HasSuffix(name, useSuffix) || err != nil || n != uint64(number) {
			continue
		}
		f, err := s.opt.FS.Open(s.path(name))
		if errors.Is(err, fs.ErrNotExist) {
			continue // it has just gone on to the next key
		}
		if err != nil {
			return false, fmt.Errorf("blob: %w", err)
		}
		free, err := f.Lock(false)
		if err != nil || !free {
			return true, errors.Join(err, f.Close())
		}
		if err := s.silence(f, name); err != nil {
			return false, fmt.Errorf("blob: %w", err)
		}
	}
	return false, nil
}

// under counts the objects on disk, of whatever process, whose header is not under a
// key.
func (s *Store) under(newest uint16) (n int, err error) {
	all := &Store{dir: s.dir, opt: s.opt, crypt: s.crypt, index: map[[32]byte]place{}, segments: map[string]*segment{}}
	all.opt.ReadOnly = true
	if err := all.load(); err != nil {
		return 0, err
	}
	for _, g := range all.segments {
		f, err := s.opt.FS.Open(s.path(g.name))
		if err != nil {
			return 0, fmt.Errorf("blob: %w", err)
		}
		var head [headerSize]byte
		for _, it := range g.objects {
			if _, err = f.ReadAt(head[:], it.offset); err != nil && !errors.Is(err, io.EOF) {
				break
			}
			if err = nil; string(head[:atAlgorithm]) == magicLive && keyNumber(head[:]) != newest {
				n++
			}
		}
		if err = errors.Join(err, f.Close()); err != nil {
			return 0, fmt.Errorf("blob: %w", err)
		}
	}
	return n, nil
}
