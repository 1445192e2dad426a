package dicom

import "io"

// window is the size of the read buffer: what a skip reads at a time.
const window = 64 << 10

// source is a reader with an offset and a look ahead of a few bytes. What it
// holds in memory never depends on a length found in the bytes.
type source struct {
	r      io.Reader
	buf    []byte
	lo, hi int   // unread bytes are buf[lo:hi]
	off    int64 // of buf[lo]
	err    error
}

func (s *source) reset(r io.Reader, off int64) {
	if s.buf == nil {
		s.buf = make([]byte, window)
	}
	s.r, s.lo, s.hi, s.off, s.err = r, 0, 0, off, nil
}

// peek returns n bytes without taking them; fewer come with an error, io.EOF
// when there are none.
func (s *source) peek(n int) ([]byte, error) {
	for s.hi-s.lo < n && s.err == nil {
		s.fill()
	}
	if s.hi-s.lo >= n {
		return s.buf[s.lo : s.lo+n], nil
	}
	if s.err == io.EOF && s.hi > s.lo {
		return s.buf[s.lo:s.hi], io.ErrUnexpectedEOF
	}
	return s.buf[s.lo:s.hi], s.err
}

// take moves past n bytes that were peeked.
func (s *source) take(n int) {
	s.lo += n
	s.off += int64(n)
}

// chunk returns up to n unread bytes, at least one, and moves past them.
func (s *source) chunk(n int64) ([]byte, error) {
	for s.hi == s.lo {
		if s.err != nil {
			return nil, s.err
		}
		s.fill()
	}
	b := s.buf[s.lo:s.hi]
	if int64(len(b)) > n {
		b = b[:n]
	}
	s.take(len(b))
	return b, nil
}

// emptyReads is how often a reader may return nothing without an error.
const emptyReads = 100

func (s *source) fill() {
	if s.lo > 0 {
		copy(s.buf, s.buf[s.lo:s.hi])
		s.hi -= s.lo
		s.lo = 0
	}
	for range emptyReads {
		n, err := s.r.Read(s.buf[s.hi:])
		s.hi += n
		s.err = err
		if n > 0 || err != nil {
			return
		}
	}
	s.err = io.ErrNoProgress
}

// Read lets the rest of the bytes be read through an inflater.
func (s *source) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	b, err := s.chunk(int64(len(p)))
	return copy(p, b), err
}
