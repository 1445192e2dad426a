package dicom

// push opens a container and gives its token.
func (s *Scanner) push(c container, k TokenKind) (*Token, error) {
	if k == SequenceBegin && (len(s.stack)+1)/2 > s.limits.Depth {
		return nil, s.fault(TooLarge, "sequences nest deeper than %d", s.limits.Depth)
	}
	s.tok.Kind = k
	s.stack = append(s.stack, c)
	return &s.tok, nil
}

// pop closes the innermost container and gives the token of its end.
func (s *Scanner) pop() *Token {
	c := s.stack[len(s.stack)-1]
	s.stack = s.stack[:len(s.stack)-1]
	end := ItemEnd
	switch c.kind {
	case SequenceBegin:
		end = SequenceEnd
	case PixelsBegin:
		end = PixelsEnd
	}
	s.tok = Token{Kind: end, Tag: c.tag, VR: c.vr, Start: c.start, Offset: s.src.off, Depth: (len(s.stack) - 1) / 2}
	return &s.tok
}

// itemHeader reads tag and length inside a sequence or list of fragments. ok is
// false at the delimiter.
func (s *Scanner) itemHeader(top *container) (length uint32, ok bool, err error) {
	s.tok = Token{Tag: top.tag, VR: top.vr, Start: s.src.off, Depth: (len(s.stack) - 1) / 2, Little: !top.big}
	b, err := s.need(top, 8)
	if err != nil {
		return 0, false, err
	}
	bo := order(top.big)
	tag := Tag(bo.Uint16(b))<<16 | Tag(bo.Uint16(b[2:]))
	length = bo.Uint32(b[4:])
	switch {
	case tag == ItemTag:
	case tag == SequenceDelimiter && top.end == Undefined:
		s.src.take(8)
		return 0, false, nil
	default:
		return 0, false, s.fault(Malformed, "%v where an item should be", tag)
	}
	s.src.take(8)
	s.tok.Offset = s.src.off
	if length != undefined && s.src.off+int64(length) > top.bound {
		return 0, false, s.fault(Malformed, "an item of %d bytes runs past the end of its sequence", length)
	}
	return length, true, nil
}

// item opens the next item of a sequence.
func (s *Scanner) item(top *container) (*Token, error) {
	length, ok, err := s.itemHeader(top)
	if err != nil {
		return nil, err
	}
	if !ok {
		return s.pop(), nil
	}
	inner := container{kind: ItemBegin, tag: ItemTag, end: Undefined, bound: top.bound,
		implicit: top.implicit, big: top.big, start: s.tok.Start}
	s.tok.Tag, s.tok.VR, s.tok.Length = ItemTag, 0, Undefined
	if length != undefined {
		s.tok.Length = int64(length)
		inner.end = s.src.off + int64(length)
		inner.bound = inner.end
	}
	return s.push(inner, ItemBegin)
}

// fragment gives the next fragment of encapsulated pixel data (PS3.5 §A.4).
func (s *Scanner) fragment(top *container) (*Token, error) {
	length, ok, err := s.itemHeader(top)
	if err != nil {
		return nil, err
	}
	if !ok {
		return s.pop(), nil
	}
	if length == undefined {
		return nil, s.fault(Malformed, "a fragment without a length")
	}
	s.tok.Kind, s.tok.Length, s.pending = Fragment, int64(length), int64(length)
	return &s.tok, nil
}
