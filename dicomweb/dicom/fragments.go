package dicom

// pixels reads encapsulated pixel data: the basic offset table and the places
// of the fragments. Inside an item (an icon) only the place is kept, and only
// where there is one fragment.
func (b *builder) pixels(s *Scanner, begin *Token, top *level) error {
	tag, vr, nested, little := begin.Tag, begin.VR, begin.Depth > 0, begin.Little
	e := b.add(begin, top)
	p := &Pixels{}
	if !nested && tag.IsPixelData() {
		p = &b.file.Pixels
	}
	p.Tag, p.VR, p.Offset, p.Little, p.Encapsulated = tag, vr, begin.Offset, little, true
	if b.stop && p == &b.file.Pixels {
		p.Length = Undefined
		return nil
	}
	for first := true; ; first = false {
		t, err := s.Next()
		if err != nil {
			return err
		}
		switch {
		case t.Kind == PixelsEnd:
			p.Length = t.Offset - p.Offset
			if p != &b.file.Pixels && len(p.Fragments) == 1 {
				e.Offset, e.Length = p.Fragments[0].Offset, p.Fragments[0].Length
			}
			return nil
		case len(p.Fragments) == b.limits.Fragments:
			return s.fault(TooLarge, "more than %d fragments", b.limits.Fragments)
		case first:
			if err := b.offsets(s, t, p); err != nil {
				return err
			}
		default:
			p.add(s, t)
		}
	}
}

// offsets keeps the basic offset table.
func (b *builder) offsets(s *Scanner, t *Token, p *Pixels) (err error) {
	if t.Length > int64(b.limits.Fragments)*4 {
		return s.fault(TooLarge, "a basic offset table of %d bytes", t.Length)
	}
	p.Offsets, err = s.Value(p.Offsets)
	return err
}

func (p *Pixels) add(s *Scanner, t *Token) {
	var head [4]uint8
	copy(head[:], s.Peek(len(head)))
	p.Fragments = append(p.Fragments, Piece{t.Offset, t.Length})
	p.heads = append(p.heads, head)
}
