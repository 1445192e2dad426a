package dicom

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"io"
	"math"
)

// TokenKind says what a Token stands for.
type TokenKind uint8

// The tokens of a data set, in the order of the file.
const (
	Value         TokenKind = iota // an element with a value
	SequenceBegin                  // an element that holds items
	ItemBegin
	ItemEnd
	SequenceEnd
	PixelsBegin // an element that holds fragments
	Fragment    // the first one is the basic offset table
	PixelsEnd
)

// Undefined is the Length of a sequence or item that a delimiter ends.
const Undefined int64 = -1

// Token is one step through a data set.
type Token struct {
	Kind   TokenKind
	Tag    Tag
	VR     VR
	Little bool  // numbers of the value are little endian
	Choice VR    // implicit coding leaves a choice of VR (US or SS), else 0
	Depth  int   // 0 for elements of the data set itself
	Start  int64 // offset of the element or item
	Offset int64 // offset of the value
	Length int64 // bytes of the value, or Undefined
}

// Scanner reads a Part 10 file token by token. It takes no more than a window
// of memory whatever the file says.
type Scanner struct {
	src     source
	limits  Limits
	syntax  Syntax
	stack   []container
	tok     Token
	pending int64 // bytes of the value that are unread
	count   int
	inMeta  bool
	begun   bool // an element of the data set was read
	// dataStart is where the data set begins in the file.
	dataStart int64
}

// container is a data set, item, sequence or list of fragments that is open.
type container struct {
	kind     TokenKind // ItemBegin for data sets, SequenceBegin or PixelsBegin
	tag      Tag
	vr       VR
	end      int64 // offset, or Undefined
	bound    int64 // nearest known end of it or of what holds it
	implicit bool
	big      bool
	start    int64
}

// NewScanner reads preamble and prefix. The file meta elements come first as
// tokens; the transfer syntax in them rules the rest.
func NewScanner(r io.Reader, limits Limits) (*Scanner, error) {
	s := &Scanner{}
	return s, s.Reset(r, limits)
}

// preamble is the length of the bytes before the prefix (PS3.10 §7.1).
const preamble = 128

// Reset begins another file and keeps the memory.
func (s *Scanner) Reset(r io.Reader, limits Limits) error {
	buf, stack := s.src.buf, s.stack[:0]
	*s = Scanner{limits: limits.withDefaults(), stack: stack, inMeta: true}
	s.src.buf = buf
	s.src.reset(r, 0)
	head, err := s.src.peek(preamble + 4)
	if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
		return err
	}
	if len(head) < preamble+4 || !bytes.Equal(head[preamble:], []byte("DICM")) {
		return s.fault(Malformed, "no DICM prefix after the 128 bytes of the preamble: this is no DICOM Part 10 file")
	}
	s.src.take(preamble + 4)
	s.stack = append(s.stack, container{kind: ItemBegin, end: Undefined, bound: math.MaxInt64})
	return nil
}

// Syntax is the transfer syntax; it is known once the file meta elements have
// been read.
func (s *Scanner) Syntax() Syntax { return s.syntax }

// DataStart is the offset of the data set in the file.
func (s *Scanner) DataStart() int64 { return s.dataStart }

// Next moves to the next token, skipping what is left of a value. It returns
// io.EOF after the last element and a *Fault for a file that breaks the rules.
func (s *Scanner) Next() (*Token, error) {
	if err := s.Skip(); err != nil {
		return nil, err
	}
	if s.count++; s.count > s.limits.Tokens {
		return nil, s.fault(TooLarge, "more than %d elements", s.limits.Tokens)
	}
	top := &s.stack[len(s.stack)-1]
	if top.end != Undefined && s.src.off >= top.end {
		return s.pop(), nil
	}
	switch top.kind {
	case SequenceBegin:
		return s.item(top)
	case PixelsBegin:
		return s.fragment(top)
	default:
		return s.element(top)
	}
}

// Value appends the value of the current token to dst.
func (s *Scanner) Value(dst []byte) ([]byte, error) {
	for s.pending > 0 {
		b, err := s.src.chunk(s.pending)
		if err != nil {
			return dst, s.ended(err)
		}
		s.pending -= int64(len(b))
		dst = append(dst, b...)
	}
	return dst, nil
}

// Skip passes over what is left of the value.
func (s *Scanner) Skip() error {
	for s.pending > 0 {
		b, err := s.src.chunk(s.pending)
		if err != nil {
			return s.ended(err)
		}
		s.pending -= int64(len(b))
	}
	return nil
}

// Peek looks at up to n first bytes of the value, fewer where it is shorter.
func (s *Scanner) Peek(n int) []byte {
	b, _ := s.src.peek(int(min(int64(n), s.pending)))
	return b
}

// beginData leaves the file meta elements behind.
func (s *Scanner) beginData() error {
	s.inMeta = false
	s.dataStart = s.src.off
	if s.syntax.UID == "" {
		return s.fault(Malformed, "no transfer syntax (0002,0010) before the data set")
	}
	root := &s.stack[0]
	root.implicit, root.big = s.syntax.Implicit, s.syntax.BigEndian
	if !s.syntax.Deflated {
		return nil
	}
	raw := s.src
	s.src = source{}
	s.src.reset(&capped{r: flate.NewReader(&raw), left: s.limits.Inflated}, 0)
	return nil
}

// capped fails where io.LimitReader would end.
type capped struct {
	r    io.Reader
	left int64
}

func (c *capped) Read(p []byte) (int, error) {
	if int64(len(p)) > c.left+1 {
		p = p[:c.left+1]
	}
	n, err := c.r.Read(p)
	if c.left -= int64(n); c.left < 0 {
		return 0, &Fault{Reason: TooLarge, Text: "the deflated data set grows beyond the limit"}
	}
	if _, corrupt := err.(flate.CorruptInputError); corrupt {
		err = &Fault{Reason: Malformed, Text: "the deflated data set is corrupt"}
	}
	return n, err
}

func order(big bool) binary.ByteOrder {
	if big {
		return binary.BigEndian
	}
	return binary.LittleEndian
}
