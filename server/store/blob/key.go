package blob

import (
	"bytes"
	"crypto/cipher"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

const (
	keyFile   = "tenant.key"
	keyPrefix = "tenon-blob-key/1 " // the first key
	keyLater  = "tenon-blob-key/2 " // a number and a later key
	keysMost  = 64 << 10            // bytes of the file
)

// ring is the tenant's keys by number, as the key file has them.
type ring struct {
	keys    map[uint16]cipher.AEAD
	bytes   map[uint16][]byte
	current uint16 // what this process seals with
	newest  uint16
}

// ringOf is a ring of keys by number; the newest seals.
func ringOf(keys map[uint16][]byte) (*ring, error) {
	r := &ring{keys: map[uint16]cipher.AEAD{}, bytes: keys}
	for number, key := range keys {
		aead, err := newAEAD(key)
		if err != nil {
			return nil, fmt.Errorf("blob: tenant key: %w", err)
		}
		r.keys[number], r.newest = aead, max(r.newest, number)
	}
	r.current = r.newest
	return r, nil
}

// text is the key file.
func (r *ring) text() []byte {
	var b bytes.Buffer
	for _, number := range r.numbers() {
		if number == 1 {
			b.WriteString(keyPrefix)
		} else {
			fmt.Fprintf(&b, "%s%d ", keyLater, number)
		}
		b.WriteString(hex.EncodeToString(r.bytes[number]) + "\n")
	}
	return b.Bytes()
}

func (r *ring) numbers() []uint16 {
	var all []uint16
	for number := range r.bytes {
		all = append(all, number)
	}
	slices.Sort(all)
	return all
}

// parseRing reads a key file: a key a line, numbers rising.
func parseRing(text []byte) (*ring, error) {
	wrong := errors.New("not a key file: restore it from the backup of keys")
	keys, last := map[uint16][]byte{}, uint64(0)
	for line := range strings.Lines(string(text)) {
		digits, first := strings.CutPrefix(strings.TrimSpace(line), keyPrefix)
		number := uint64(1)
		if !first {
			rest, later := strings.CutPrefix(strings.TrimSpace(line), keyLater)
			name, key, _ := strings.Cut(rest, " ")
			n, err := strconv.ParseUint(name, 10, 16)
			if !later || err != nil || n < 2 {
				return nil, wrong
			}
			digits, number = key, n
		}
		key, err := hex.DecodeString(digits)
		if err != nil || len(key) != 32 || number <= last {
			return nil, wrong
		}
		keys[uint16(number)], last = key, number //nolint:gosec // of 16 bits
	}
	if len(keys) == 0 {
		return nil, wrong
	}
	return ringOf(keys)
}

// loadRing reads the tenant's keys, or makes the first one when the folder is new. A
// folder with segments and no key is refused: a new key would hide what is lost.
func loadRing(fsys FS, dir string, random io.Reader, readOnly bool) (*ring, error) {
	path := filepath.Join(dir, keyFile)
	open := fsys.Write
	if readOnly {
		open = fsys.Open
	}
	f, err := open(path)
	if err != nil {
		return nil, fmt.Errorf("blob: tenant key: %w", err)
	}
	r, err := readOrMake(fsys, f, dir, random, readOnly)
	if err = errors.Join(err, f.Close()); err != nil {
		return nil, fmt.Errorf("blob: %s: %w", path, err)
	}
	return r, nil
}

func readOrMake(fsys FS, f File, dir string, random io.Reader, readOnly bool) (*ring, error) {
	if !readOnly { // two servers may start at once
		if _, err := f.Lock(true); err != nil {
			return nil, err
		}
	}
	size, err := f.Size()
	if err != nil {
		return nil, err
	}
	if size == 0 && !readOnly {
		return makeKey(fsys, f, dir, random)
	}
	text := make([]byte, min(size, keysMost))
	if _, err := f.ReadAt(text, 0); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	r, err := parseRing(text)
	if err != nil || readOnly {
		return r, err
	}
	return r, errors.Join(f.Sync(), fsys.SyncDir(dir)) // who made it may have been killed before that
}

func makeKey(fsys FS, f File, dir string, random io.Reader) (*ring, error) {
	names, err := fsys.List(dir)
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		if strings.HasSuffix(name, segmentSuffix) {
			return nil, errors.New("the key is gone but segments are there: restore it from the backup of keys")
		}
	}
	key := make([]byte, 32)
	if _, err := io.ReadFull(random, key); err != nil {
		return nil, err
	}
	r, err := ringOf(map[uint16][]byte{1: key})
	if err != nil {
		return nil, err
	}
	if _, err := f.WriteAt(r.text(), 0); err != nil {
		return nil, err
	}
	if err := f.Sync(); err != nil {
		return nil, err
	}
	return r, fsys.SyncDir(dir)
}

// writeRing replaces the key file whole.
func (s *Store) writeRing(r *ring) error {
	name, text := s.path(keyFile), r.text()
	f, err := s.opt.FS.Write(name + ".new")
	if err != nil {
		return fmt.Errorf("blob: %w", err)
	}
	if err := errors.Join(replace(f, text), f.Close()); err != nil {
		return fmt.Errorf("blob: %w", err)
	}
	return errors.Join(s.opt.FS.Rename(name+".new", name), s.opt.FS.SyncDir(s.dir))
}

// replace makes a text all that a file holds, durably.
func replace(f File, text []byte) error {
	_, err := f.WriteAt(text, 0)
	if err == nil {
		err = f.Truncate(int64(len(text)))
	}
	if err == nil {
		err = f.Sync()
	}
	return err
}
