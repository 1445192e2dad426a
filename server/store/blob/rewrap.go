package blob

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"
)

// A header is written anew in its place, so it could be torn where the power goes: the
// new headers of a step stand in a journal first, durable, and whoever writes headers
// next carries out what it finds there. A lock on a file of its own keeps who seals
// anew, who erases and who compacts apart, over all processes.
const (
	headersLock  = "headers.lock"
	journalFile  = "rewrap.journal"
	journalMagic = "TNNWRAP1"
	journalMost  = 4096 // headers a step
)

// headers runs what overwrites headers, alone.
func (s *Store) headers(ctx context.Context, do func() error) (err error) {
	if !s.rotates() {
		return do()
	}
	s.heads.Lock()
	defer s.heads.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	f, err := s.opt.FS.Write(s.path(headersLock))
	if err != nil {
		return fmt.Errorf("blob: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if mine, err := f.Lock(true); err != nil || !mine {
		return errors.Join(errors.New("blob: the headers are locked by another"), err)
	}
	if err := s.redo(); err != nil {
		return err
	}
	return do()
}

// Rewrap takes over a key that was added, seals what this process may write to anew,
// and drops the keys that nothing needs. It is cheap where there is nothing to do; over
// tells that the newest key is the only one.
func (s *Store) Rewrap(ctx context.Context) (over bool, err error) {
	if !s.rotates() {
		return true, nil
	}
	r, err := s.adopt()
	if err != nil || len(r.bytes) == 1 {
		return err == nil, err
	}
	names, err := s.opt.FS.List(s.dir)
	if err != nil {
		return false, fmt.Errorf("blob: %w", err)
	}
	slices.Sort(names)
	for _, name := range names {
		if !strings.HasSuffix(name, segmentSuffix) {
			continue
		}
		if err := s.headers(ctx, func() error { return s.rewrapSegment(ctx, name, r.newest) }); err != nil {
			return false, fmt.Errorf("blob: seal %s anew: %w", name, err)
		}
	}
	if err := s.headers(ctx, func() error { return s.retireKeys(r) }); err != nil {
		return false, err
	}
	r, err = s.adopt()
	return err == nil && len(r.bytes) == 1, err
}

// rewrapSegment seals the headers of a segment by the newest key. One that another
// process appends to is that one's to seal.
func (s *Store) rewrapSegment(ctx context.Context, name string, newest uint16) error {
	f, err := s.opt.FS.Open(s.path(name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil // swept since
	}
	if err != nil {
		return err
	}
	if err = f.Close(); err != nil {
		return err
	}
	if f, err = s.opt.FS.Write(s.path(name)); err != nil {
		return err
	}
	items, err := s.itemsOf(name, f)
	for err == nil && len(items) > 0 {
		if err = ctx.Err(); err != nil {
			break
		}
		step := items[:min(len(items), journalMost)]
		items = items[len(step):]
		err = s.rewrapStep(name, f, step, newest)
	}
	return errors.Join(err, f.Close())
}

// itemsOf are the objects of a segment that this process may write to; of one whose
// process is gone, it takes the lock while it does.
func (s *Store) itemsOf(name string, f File) ([]item, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	g := s.segments[name]
	if g != nil && !g.foreign {
		return slices.Clone(g.objects), nil
	}
	free, err := f.Lock(false)
	if err != nil || !free {
		return nil, err
	}
	if err := s.reload(name, g); err != nil {
		return nil, err
	}
	if g = s.segments[name]; g == nil {
		return nil, nil
	}
	return slices.Clone(g.objects), nil
}

// placed is a header and where it goes.
type placed struct {
	offset int64
	head   [headerSize]byte
}

func (s *Store) rewrapStep(name string, f File, items []item, newest uint16) error {
	var anew []placed
	for _, it := range items {
		var p placed
		if _, err := f.ReadAt(p.head[:], it.offset); err != nil {
			return err
		}
		if string(p.head[:atAlgorithm]) != magicLive || keyNumber(p.head[:]) == newest {
			continue
		}
		h, ok := s.crypt.openHeader(p.head[:])
		if !ok {
			continue // damage, which verification tells of
		}
		if err := s.crypt.sealHeader(p.head[:], h); err != nil {
			return err
		}
		p.offset = it.offset
		anew = append(anew, p)
	}
	if len(anew) == 0 {
		return nil
	}
	if err := s.writeJournal(name, anew); err != nil {
		return err
	}
	if err := putHeaders(f, anew); err != nil {
		return err
	}
	return s.clearJournal()
}

func putHeaders(f File, anew []placed) error {
	for i := range anew {
		if _, err := f.WriteAt(anew[i].head[:], anew[i].offset); err != nil {
			return err
		}
	}
	return f.Sync()
}

// writeJournal makes a step durable before it is begun: magic, the segment's name and
// its length, offset and header each, and the SHA-256 of all that.
func (s *Store) writeJournal(name string, anew []placed) error {
	text := append([]byte(journalMagic), byte(len(name)))
	text = append(text, name...)
	for i := range anew {
		text = binary.BigEndian.AppendUint64(text, uint64(anew[i].offset)) //nolint:gosec // never negative
		text = append(text, anew[i].head[:]...)
	}
	sum := sha256.Sum256(text)
	text = append(text, sum[:]...)
	f, err := s.opt.FS.Write(s.path(journalFile))
	if err != nil {
		return err
	}
	if err := errors.Join(replace(f, text), f.Close()); err != nil {
		return err
	}
	return s.opt.FS.SyncDir(s.dir)
}

// clearJournal leaves nothing of the headers behind: one of an object that is erased
// later would be a copy of its key.
func (s *Store) clearJournal() error {
	f, err := s.opt.FS.Write(s.path(journalFile))
	if err != nil {
		return err
	}
	size, err := f.Size()
	if err == nil {
		err = replace(f, make([]byte, size))
	}
	if err == nil {
		err = f.Truncate(0)
	}
	return errors.Join(err, f.Close())
}

// redo carries out the step that a journal holds.
func (s *Store) redo() error {
	name, anew, err := s.readJournal()
	if err != nil || name == "" {
		return err
	}
	f, err := s.opt.FS.Open(s.path(name))
	if errors.Is(err, fs.ErrNotExist) {
		return s.clearJournal()
	}
	if err != nil {
		return err
	}
	if err = f.Close(); err != nil {
		return err
	}
	if f, err = s.opt.FS.Write(s.path(name)); err != nil {
		return err
	}
	if err := errors.Join(putHeaders(f, anew), f.Close()); err != nil {
		return err
	}
	return s.clearJournal()
}

// readJournal reads a whole journal; one that is not whole was never acted upon.
func (s *Store) readJournal() (string, []placed, error) {
	f, err := s.opt.FS.Open(s.path(journalFile))
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil, nil
	}
	if err != nil {
		return "", nil, err
	}
	defer func() { _ = f.Close() }() // it was only read
	size, err := f.Size()
	if err != nil || size < int64(len(journalMagic))+1+sha256.Size || size > journalMost*(headerSize+8)+1024 {
		return "", nil, err
	}
	text := make([]byte, size)
	if _, err := f.ReadAt(text, 0); err != nil && !errors.Is(err, io.EOF) {
		return "", nil, err
	}
	name, anew := parseJournal(text)
	return name, anew, nil
}

// parseJournal is what a whole journal says; no name where it is not whole.
func parseJournal(text []byte) (string, []placed) {
	if len(text) < len(journalMagic)+1+sha256.Size {
		return "", nil
	}
	body := text[:len(text)-sha256.Size]
	if sum := sha256.Sum256(body); string(sum[:]) != string(text[len(body):]) || !strings.HasPrefix(string(body), journalMagic) {
		return "", nil
	}
	length, rest := int(body[len(journalMagic)]), body[len(journalMagic)+1:]
	if len(rest) < length || (len(rest)-length)%(headerSize+8) != 0 {
		return "", nil
	}
	name, rest := string(rest[:length]), rest[length:]
	if _, ok := segmentNumber(name); !ok || strings.ContainsAny(name, "/\\") {
		return "", nil
	}
	var anew []placed
	for ; len(rest) > 0; rest = rest[headerSize+8:] {
		at := binary.BigEndian.Uint64(rest)
		if at > maxSize {
			return "", nil
		}
		anew = append(anew, placed{int64(at), [headerSize]byte(rest[8:])}) //nolint:gosec // checked above
	}
	return name, anew
}
