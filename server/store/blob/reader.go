package blob

import (
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"tenon/server/record"
)

// open authenticates an object's header and returns a reader of its content.
func (s *Store) open(p place, digest [32]byte) (record.BlobReader, error) {
	f, err := s.opt.FS.Open(s.path(p.segment.name))
	if err != nil {
		return nil, fmt.Errorf("blob: %w", err)
	}
	r, err := s.reader(f, p, digest)
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return r, nil
}

func (s *Store) reader(f File, p place, digest [32]byte) (*reader, error) {
	h, ok, err := s.headerOf(f, p.offset)
	if err != nil {
		return nil, err
	}
	if !ok || h.digest != digest {
		return nil, fmt.Errorf("%w: header of %x", ErrChanged, digest)
	}
	fr, err := s.crypt.frames(h)
	if err != nil {
		return nil, err
	}
	return &reader{store: s, file: f, frames: fr, base: p.offset + headerSize, size: h.size, have: -1}, nil
}

// headerOf reads the header at an offset. One that does not open is read again, since
// it may just be sealed anew by the next key.
func (s *Store) headerOf(f File, offset int64) (h header, ok bool, err error) {
	for try := range 4 {
		var head [headerSize]byte
		if _, err := f.ReadAt(head[:], offset); err != nil && !errors.Is(err, io.EOF) {
			return h, false, fmt.Errorf("blob: %w", err)
		}
		if h, ok = s.crypt.openHeader(head[:]); ok || string(head[:atAlgorithm]) != magicLive {
			break
		}
		time.Sleep(time.Duration(try) * time.Millisecond)
	}
	return h, ok, nil
}

// check reads an object to its end.
func (s *Store) check(p place, digest [32]byte) error {
	r, err := s.open(p, digest)
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, r)
	return errors.Join(err, r.Close())
}

// reader reads one object; it keeps the frame that it opened last.
type reader struct {
	store *Store
	file  File
	base  int64
	size  int64

	mu     sync.Mutex // guards what follows
	frames *frames
	pos    int64
	have   int64   // number of the frame in plain, or -1
	plain  *[]byte // from the pool
	length int     // of the frame in plain
}

var errClosed = errors.New("blob: the reader is closed")

// Size implements record.BlobReader.
func (r *reader) Size() int64 { return r.size }

// Read implements io.Reader.
func (r *reader) Read(dst []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(dst) == 0 {
		return 0, nil
	}
	n, err := r.readAt(dst, r.pos)
	r.pos += int64(n)
	if n > 0 && errors.Is(err, io.EOF) {
		err = nil
	}
	return n, err
}

// ReadAt implements io.ReaderAt.
func (r *reader) ReadAt(dst []byte, at int64) (int, error) {
	if at < 0 {
		return 0, errors.New("blob: negative offset")
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.readAt(dst, at)
}

func (r *reader) readAt(dst []byte, at int64) (int, error) {
	n := 0
	for n < len(dst) {
		if at >= r.size {
			return n, io.EOF
		}
		frame, err := r.frame(at / Frame)
		if err != nil {
			return n, err
		}
		k := copy(dst[n:], frame[at%Frame:])
		n, at = n+k, at+int64(k)
	}
	return n, nil
}

// WriteTo implements io.WriterTo: whole frames without copying.
func (r *reader) WriteTo(w io.Writer) (int64, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	n, err := r.write(w, r.pos, r.size)
	r.pos += n
	return n, err
}

// WriteSection writes a part of the content without copying, and is
// io.ErrUnexpectedEOF where the content ends before the part.
func (r *reader) WriteSection(w io.Writer, offset, length int64) (int64, error) {
	if offset < 0 || length < 0 {
		return 0, errors.New("blob: negative offset or length")
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	n, err := r.write(w, offset, offset+min(length, max(r.size-offset, 0)))
	if err == nil && n < length {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

func (r *reader) write(w io.Writer, at, end int64) (total int64, err error) {
	for at < end {
		frame, err := r.frame(at / Frame)
		if err != nil {
			return total, err
		}
		frame = frame[at%Frame:]
		n, err := w.Write(frame[:min(int64(len(frame)), end-at)])
		total, at = total+int64(n), at+int64(n)
		if err != nil {
			return total, err
		}
	}
	return total, nil
}

// Seek implements io.Seeker.
func (r *reader) Seek(offset int64, whence int) (int64, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch whence {
	case io.SeekStart:
	case io.SeekCurrent:
		offset += r.pos
	case io.SeekEnd:
		offset += r.size
	default:
		return r.pos, fmt.Errorf("blob: whence %d", whence)
	}
	if offset < 0 {
		return r.pos, errors.New("blob: seek before the start")
	}
	r.pos = offset
	return offset, nil
}

// frame opens one frame, or gives the one at hand again.
func (r *reader) frame(number int64) ([]byte, error) {
	if r.file == nil {
		return nil, errClosed
	}
	if r.have == number {
		return (*r.plain)[:r.length], nil
	}
	if r.plain == nil {
		r.plain = r.store.plain.Get().(*[]byte)
	}
	length := int(min(Frame, r.size-number*Frame))
	buf := r.store.sealed.Get().(*[]byte)
	defer r.store.sealed.Put(buf)
	sealed := (*buf)[:length+tagSize]
	r.have = -1
	n, err := r.file.ReadAt(sealed, r.base+number*(Frame+tagSize))
	if n < len(sealed) {
		if err == nil || errors.Is(err, io.EOF) {
			err = fmt.Errorf("%w: frame %d is cut off", ErrChanged, number)
		}
		return nil, err
	}
	plain, err := r.frames.open((*r.plain)[:0], sealed, number)
	if err != nil {
		return nil, err
	}
	r.have, r.length = number, len(plain)
	return plain, nil
}

// Close implements io.Closer.
func (r *reader) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.file == nil {
		return nil
	}
	if r.plain != nil {
		r.store.plain.Put(r.plain)
		r.plain = nil
	}
	r.have = -1
	f := r.file
	r.file = nil
	return f.Close()
}
