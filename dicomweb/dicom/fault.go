package dicom

import (
	"errors"
	"fmt"
	"io"
)

// Reason says why a file cannot be read.
type Reason uint8

// The reasons.
const (
	Malformed   Reason = iota // against PS3.5 or PS3.10
	Truncated                 // ends inside an element, item or sequence
	TooLarge                  // beyond Limits
	Unsupported               // a transfer syntax whose coding is not known
)

// Fault is what is wrong with a file and where.
type Fault struct {
	Reason Reason
	Tag    Tag   // element that was read, or 0
	Offset int64 // byte offset in the file; in a deflated data set, of the inflated bytes
	Text   string
}

// Error names the place; it holds no value of the data set.
func (f *Fault) Error() string {
	if f.Tag == 0 {
		return fmt.Sprintf("dicom: byte %d: %s", f.Offset, f.Text)
	}
	return fmt.Sprintf("dicom: %v at byte %d: %s", f.Tag, f.Offset, f.Text)
}

// AsFault finds the Fault inside an error; nil means that reading the bytes
// failed, not the file.
func AsFault(err error) *Fault {
	if f, ok := errors.AsType[*Fault](err); ok {
		return f
	}
	return nil
}

// ended turns the end of the bytes inside an element into a Fault.
func (s *Scanner) ended(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return s.fault(Truncated, "the file ends inside this element")
	}
	return err
}

func (s *Scanner) fault(r Reason, format string, args ...any) error {
	return &Fault{Reason: r, Tag: s.tok.Tag, Offset: s.src.off, Text: fmt.Sprintf(format, args...)}
}
