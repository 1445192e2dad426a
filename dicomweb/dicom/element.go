package dicom

import (
	"bytes"
	"encoding/binary"
	"io"
	"math"
)

// undefined is the length field that means Undefined.
const undefined = math.MaxUint32

// header is the tag, VR and length of one element as they were read.
type header struct {
	tag    Tag
	vr     VR
	length uint32
}

// element reads the next element of a data set or item.
func (s *Scanner) element(top *container) (*Token, error) {
	s.tok = Token{Kind: Value, Start: s.src.off, Depth: (len(s.stack) - 1) / 2}
	if done, err := s.atEnd(); done || err != nil {
		return nil, err
	}
	if s.inMeta {
		b, err := s.src.peek(2)
		if err != nil {
			return nil, s.ended(err)
		}
		if binary.LittleEndian.Uint16(b) != 2 {
			if err := s.beginData(); err != nil {
				return nil, err
			}
			return s.element(top)
		}
	}
	h, err := s.header(top)
	if err != nil {
		return nil, err
	}
	if h.tag == ItemDelimiter && top.kind == ItemBegin && len(s.stack) > 1 && top.end == Undefined {
		return s.pop(), nil
	}
	if h.tag.Group() == 0xFFFE {
		return nil, s.fault(Malformed, "an item or delimiter where an element should be")
	}
	return s.open(h, top)
}

// atEnd tells whether the data set itself has ended: at the end of the file or
// at zero padding behind it.
func (s *Scanner) atEnd() (bool, error) {
	if len(s.stack) > 1 {
		return false, nil
	}
	b, err := s.src.peek(8)
	if len(b) == 0 {
		if err == io.EOF && !s.inMeta {
			return true, io.EOF
		}
		return true, s.ended(err)
	}
	if !s.begun || s.inMeta {
		return false, nil
	}
	for _, c := range b {
		if c != 0 {
			return false, nil
		}
	}
	return true, s.padding()
}

// padding passes zeros up to the end of the file.
func (s *Scanner) padding() error {
	for {
		b, err := s.src.chunk(window)
		if err != nil {
			return err // io.EOF ends the data set
		}
		for _, c := range b {
			if c != 0 {
				return s.fault(Malformed, "bytes that are no element behind the data set")
			}
		}
	}
}

// header reads tag, VR and length.
func (s *Scanner) header(top *container) (h header, err error) {
	b, err := s.need(top, 8)
	if err != nil {
		return h, err
	}
	bo := order(top.big)
	h.tag = Tag(bo.Uint16(b))<<16 | Tag(bo.Uint16(b[2:]))
	s.tok.Tag = h.tag
	if top.implicit || h.tag.Group() == 0xFFFE {
		h.length = bo.Uint32(b[4:])
		s.src.take(8)
		return h, nil
	}
	h.vr = VR(b[4])<<8 | VR(b[5])
	if !capital(b[4]) || !capital(b[5]) {
		return h, s.fault(Malformed, "bytes %#02x %#02x are no value representation", b[4], b[5])
	}
	// A VR that is not known yet has a 32-bit length (PS3.5 §6.2).
	if f := h.vr.form(); f.kind != noKind && !f.long {
		h.length = uint32(bo.Uint16(b[6:]))
		s.src.take(8)
		return h, nil
	}
	if b, err = s.need(top, 12); err != nil {
		return h, err
	}
	h.length = bo.Uint32(b[8:])
	s.src.take(12)
	return h, nil
}

func capital(c byte) bool { return c >= 'A' && c <= 'Z' }

// need peeks at n bytes inside the container.
func (s *Scanner) need(top *container, n int) ([]byte, error) {
	if s.src.off+int64(n) > top.bound {
		return nil, s.fault(Malformed, "runs past the end of what holds it")
	}
	b, err := s.src.peek(n)
	if err != nil {
		return nil, s.ended(err)
	}
	return b, nil
}

// open decides what the element is and makes its token.
func (s *Scanner) open(h header, top *container) (*Token, error) {
	s.begun = s.begun || !s.inMeta
	s.tok.VR, s.tok.Little = h.vr, !top.big
	inner := container{kind: SequenceBegin, tag: h.tag, end: Undefined, bound: top.bound,
		implicit: top.implicit, big: top.big, start: s.tok.Start}
	if h.vr == 0 || h.vr == UN || !h.vr.Known() {
		s.interpret(h, top, &inner)
	}
	s.tok.Offset, s.tok.Length = s.src.off, int64(h.length)
	inner.vr = s.tok.VR
	if h.length == undefined {
		s.tok.Length = Undefined
		return s.openUndefined(&inner, top)
	}
	if s.src.off+s.tok.Length > top.bound {
		return nil, s.fault(Malformed, "its length of %d bytes runs past the end of what holds it", h.length)
	}
	if s.tok.VR == SQ {
		inner.end = s.src.off + s.tok.Length
		inner.bound = inner.end
		return s.push(inner, SequenceBegin)
	}
	s.pending = s.tok.Length
	if s.inMeta && h.tag == TransferSyntaxUID {
		return &s.tok, s.readSyntax()
	}
	return &s.tok, nil
}

// maxUID is the length of a UID (PS3.5 §9.1).
const maxUID = 64

// readSyntax looks at the value that rules the rest of the file.
func (s *Scanner) readSyntax() error {
	if s.pending > maxUID {
		return s.fault(Malformed, "a UID of %d bytes", s.pending)
	}
	b, err := s.src.peek(int(s.pending))
	if err != nil {
		return s.ended(err)
	}
	x, ok := SyntaxOf(string(bytes.TrimRight(b, "\x00 ")))
	if s.syntax = x; !ok {
		return s.fault(Unsupported, "the coding of this transfer syntax is not known")
	}
	return nil
}

// openUndefined opens what ends with a delimiter: a sequence or fragments.
func (s *Scanner) openUndefined(inner, top *container) (*Token, error) {
	switch {
	case s.tok.VR == SQ:
		return s.push(*inner, SequenceBegin)
	case s.tok.VR == UN: // PS3.5 §6.2.2: a sequence in implicit little endian
		s.tok.VR, inner.vr = SQ, SQ
		inner.implicit, inner.big = true, false
		return s.push(*inner, SequenceBegin)
	case s.tok.VR.Binary() && !top.implicit:
		inner.kind = PixelsBegin
		return s.push(*inner, PixelsBegin)
	}
	return nil, s.fault(Malformed, "an undefined length for value representation %v", s.tok.VR)
}

// interpret finds the VR of an element that does not tell it: by the dictionary
// under implicit coding, and for UN of a known element, whose value is coded in
// implicit little endian (PS3.5 §6.2.2).
func (s *Scanner) interpret(h header, top, inner *container) {
	d, known := Lookup(h.tag)
	s.tok.VR = UN
	if !top.implicit {
		s.tok.Little = true
		inner.implicit, inner.big = true, false
		if h.length == undefined {
			return
		}
	}
	switch {
	case h.tag.Private() && h.tag.Element() >= 0x10 && h.tag.Element() <= 0xFF:
		s.tok.VR = LO // private creator, PS3.5 §7.8.1
	case !known:
	default:
		s.tok.VR, s.tok.Choice = d.VR, d.Alternative
		if d.Alternative == OW {
			s.tok.VR, s.tok.Choice = OW, 0 // PS3.5 annex A.1
		}
	}
}
