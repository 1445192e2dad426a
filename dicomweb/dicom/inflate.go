package dicom

import (
	"encoding/binary"
	"io"
)

// Inflate gives the bytes of the data set of a file with a deflated transfer
// syntax, from which offsets of such a file count. It reads past the file meta
// elements first.
func Inflate(r io.Reader, limits Limits) (io.Reader, error) {
	s, err := NewScanner(r, limits)
	if err != nil {
		return nil, err
	}
	for {
		b, err := s.src.peek(2)
		if err != nil {
			return nil, s.ended(err)
		}
		if binary.LittleEndian.Uint16(b) != 2 {
			return &s.src, s.beginData()
		}
		if _, err := s.Next(); err != nil {
			return nil, err
		}
		if err := s.Skip(); err != nil {
			return nil, err
		}
	}
}
