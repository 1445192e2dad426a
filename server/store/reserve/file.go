package reserve

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"sync"
)

// Size is that of a reserve that nobody sized: room for the audit of some
// 50,000 reads.
const Size = 16 << 20

// ErrFull says that the entry does not fit any more.
var ErrFull = errors.New("reserve: full")

// head stands before each entry: its length and its CRC-32C, big endian. A length
// of 0 ends the entries.
const head = 8

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// File is an open reserve. It is safe for concurrent use.
//
//	[length|sum|entry] [length|sum|entry] … [0] zeros, up to the size
type File struct {
	mu   sync.Mutex
	f    *os.File
	size int64
	end  int64
}

// Open opens the reserve in a folder, or makes it: size bytes of zeros on the
// disk. Entries of an earlier life are kept; one that was cut off by its end was
// never acknowledged, and goes.
func Open(path string, size int64) (*File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("reserve: %w", err)
	}
	r := &File{f: f, size: size}
	if err := r.fill(); err != nil {
		return nil, errors.Join(fmt.Errorf("reserve: %w", err), f.Close())
	}
	if err := r.each(func([]byte) error { return nil }); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return r, nil
}

// fill writes zeros up to the size, so that later writes need no new block, and
// makes file and name durable.
func (r *File) fill() error {
	info, err := r.f.Stat()
	if err != nil {
		return err
	}
	if info.Size() >= r.size {
		return nil
	}
	zeros := make([]byte, 1<<16)
	for at := info.Size(); at < r.size; {
		n, err := r.f.WriteAt(zeros[:min(int64(len(zeros)), r.size-at)], at)
		if err != nil {
			return err
		}
		at += int64(n)
	}
	if err := r.f.Sync(); err != nil {
		return err
	}
	dir, err := os.Open(filepath.Dir(r.f.Name()))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// Append keeps an entry; when it returns nil the entry is durable.
func (r *File) Append(entry []byte) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(entry) == 0 || r.end+head+int64(len(entry))+head > r.size {
		return ErrFull
	}
	b := make([]byte, head, head+len(entry)+head)
	binary.BigEndian.PutUint32(b, uint32(len(entry))) //nolint:gosec // at most the size
	binary.BigEndian.PutUint32(b[4:], crc32.Checksum(entry, castagnoli))
	b = append(append(b, entry...), make([]byte, head)...) // what stood there ends
	if _, err := r.f.WriteAt(b, r.end); err != nil {
		return fmt.Errorf("reserve: %w", err)
	}
	if err := r.f.Sync(); err != nil {
		return fmt.Errorf("reserve: %w", err)
	}
	r.end += head + int64(len(entry))
	return nil
}

// Waiting tells whether there are entries.
func (r *File) Waiting() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.end > 0
}

// Drain hands every entry to put, in their order, and forgets them once put has
// taken all. A kill in between hands them again.
func (r *File) Drain(put func(entry []byte) error) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.end == 0 {
		return nil
	}
	if err := r.each(put); err != nil {
		return err
	}
	if _, err := r.f.WriteAt(make([]byte, head), 0); err != nil {
		return fmt.Errorf("reserve: %w", err)
	}
	if err := r.f.Sync(); err != nil {
		return fmt.Errorf("reserve: %w", err)
	}
	r.end = 0
	return nil
}

// each reads the entries from the first on and leaves end behind the last whole
// one.
func (r *File) each(put func([]byte) error) error {
	var h [head]byte
	at := int64(0)
	for at+head <= r.size {
		if _, err := r.f.ReadAt(h[:], at); err != nil && !errors.Is(err, io.EOF) {
			return fmt.Errorf("reserve: %w", err)
		}
		n := int64(binary.BigEndian.Uint32(h[:]))
		if n == 0 || at+head+n > r.size {
			break
		}
		entry := make([]byte, n)
		if _, err := r.f.ReadAt(entry, at+head); err != nil {
			return fmt.Errorf("reserve: %w", err)
		}
		if crc32.Checksum(entry, castagnoli) != binary.BigEndian.Uint32(h[4:]) {
			break
		}
		if err := put(entry); err != nil {
			return err
		}
		at += head + n
	}
	r.end = at
	return nil
}

// Close closes the file; what it holds stays.
func (r *File) Close() error { return r.f.Close() }
