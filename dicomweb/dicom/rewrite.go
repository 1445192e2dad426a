package dicom

import (
	"bufio"
	"errors"
	"io"
	"slices"
	"strings"
)

// Edit is what Rewrite changes of a file.
type Edit struct {
	// Class and Instance are the UIDs that the file meta information names.
	Class, Instance string
	// Set is a data set of the DICOM JSON model, without bulk data: its attributes
	// stand in the place of those of the same tag in the data set itself; nil: none.
	Set []byte
	// Drop tells which elements are left out, also inside items; nil: none.
	Drop func(Tag) bool
}

// longest is the longest value that is held; longer ones, and pixel data, are
// copied.
const longest = 1 << 20

// Rewrite copies a Part 10 file with changes: compressed pixels as they are, the
// rest in explicit little endian, text in UTF-8. It gives the transfer syntax of
// what it has written. Group lengths and data set padding are left out; the rest
// keeps its values.
func Rewrite(w io.Writer, r io.Reader, limits Limits, e Edit) (Syntax, error) {
	p := &rewriter{out: bufio.NewWriterSize(w, 64<<10), e: e, charsets: []*Charset{defaultCharset}}
	p.c = &composer{out: &Composed{}, limits: limits.withDefaults(), bulk: func(string) (BulkValue, bool) { return BulkValue{}, false }}
	if err := p.prepare(); err != nil {
		return Syntax{}, err
	}
	s, err := NewScanner(r, limits)
	if err != nil {
		return Syntax{}, err
	}
	p.s = s
	if err := p.file(); err != nil {
		return Syntax{}, err
	}
	return p.syntax, p.out.Flush()
}

// rewriter is one file on its way.
type rewriter struct {
	out      *bufio.Writer
	s        *Scanner
	c        *composer
	e        Edit
	set      map[Tag]*attribute
	pending  []Tag // of set, ascending, that are not written yet
	charsets []*Charset
	syntax   Syntax
	begun    bool
	signed   bool
}

func (p *rewriter) prepare() (err error) {
	p.set = map[Tag]*attribute{}
	if p.e.Set != nil {
		if p.set, err = p.c.parse(p.e.Set); err != nil {
			return err
		}
	}
	for t := range p.set {
		if t.Group() != 2 && t.Element() != 0 && t != CharacterSet {
			p.pending = append(p.pending, t)
		}
	}
	p.pending = append(p.pending, CharacterSet)
	slices.Sort(p.pending)
	return nil
}

func (p *rewriter) file() error {
	for {
		t, err := p.s.Next()
		if errors.Is(err, io.EOF) {
			return errors.Join(p.begin(), p.before(0xFFFFFFFF), p.flush())
		}
		if err != nil {
			return err
		}
		if t.Tag.Group() == 2 && t.Depth == 0 {
			continue
		}
		if err := errors.Join(p.begin(), p.token(*t), p.flush()); err != nil {
			return err
		}
	}
}

// begin writes preamble and file meta information, once.
func (p *rewriter) begin() error {
	if p.begun {
		return nil
	}
	p.begun = true
	if p.syntax = p.s.Syntax(); !p.syntax.Encapsulated {
		p.syntax, _ = SyntaxOf(ExplicitLittleEndian)
	}
	_, err := p.out.Write(AppendHead(nil, p.e.Class, p.e.Instance, p.syntax.UID))
	return err
}

// flush hands on what the composer has written.
func (p *rewriter) flush() error {
	_, err := p.out.Write(p.c.buf)
	p.c.buf = p.c.buf[:0]
	return err
}

// before writes what is set with a tag below, or at, the one that comes.
func (p *rewriter) before(t Tag) error {
	for len(p.pending) > 0 && p.pending[0] <= t {
		next := p.pending[0]
		p.pending = p.pending[1:]
		if next == CharacterSet {
			p.c.value(next, CS, []byte("ISO_IR 192"))
		} else if err := p.c.element(next, p.set[next], 0); err != nil {
			return err
		}
	}
	return nil
}

// token writes one token, or passes over what it begins.
func (p *rewriter) token(t Token) error {
	switch t.Kind {
	case ItemBegin:
		p.charsets = append(p.charsets, p.charsets[len(p.charsets)-1])
		p.c.item(ItemTag, Undefined)
		return nil
	case ItemEnd:
		p.charsets = p.charsets[:len(p.charsets)-1]
		p.c.item(ItemDelimiter, 0)
		return nil
	case SequenceEnd, PixelsEnd:
		p.c.item(SequenceDelimiter, 0)
		return nil
	case Fragment:
		p.c.item(ItemTag, t.Length+t.Length%2)
		return p.copy(t.Length, 0)
	}
	if t.Depth == 0 {
		if err := p.before(t.Tag); err != nil {
			return err
		}
	}
	if t.Tag == CharacterSet && t.Kind == Value {
		return p.charset(t.Depth)
	}
	if t.Tag.Element() == 0 || t.Tag == TrailingPadding || t.Depth == 0 && p.set[t.Tag] != nil || p.e.Drop != nil && p.e.Drop(t.Tag) {
		return p.leave(t)
	}
	switch t.Kind {
	case SequenceBegin:
		p.c.head(t.Tag, SQ, Undefined)
		return nil
	case PixelsBegin:
		p.c.head(t.Tag, t.VR, Undefined)
		return nil
	}
	return p.element(t)
}

// charset takes note of the character set of the data set or item; an item that
// names one goes on to do so.
func (p *rewriter) charset(depth int) error {
	value, err := p.s.Value(nil)
	if err != nil {
		return err
	}
	terms := strings.Split(strings.TrimRight(string(value), " \x00"), `\`)
	for i := range terms {
		terms[i] = strings.TrimSpace(terms[i])
	}
	p.charsets[len(p.charsets)-1] = ParseCharset(terms)
	if depth > 0 {
		p.c.value(CharacterSet, CS, []byte("ISO_IR 192"))
	}
	return nil
}

// leave passes over a sequence or fragments; a value passes by itself.
func (p *rewriter) leave(t Token) error {
	depth := 0
	for {
		switch t.Kind {
		case SequenceBegin, PixelsBegin:
			depth++
		case SequenceEnd, PixelsEnd:
			depth--
		}
		if depth == 0 {
			return nil
		}
		next, err := p.s.Next()
		if errors.Is(err, io.EOF) {
			return io.ErrUnexpectedEOF
		}
		if err != nil {
			return err
		}
		t = *next
	}
}

// element writes one element that is no sequence.
func (p *rewriter) element(t Token) error {
	word := t.VR.WordSize()
	swap := !t.Little && word > 1
	if t.Length > longest && !swap && !t.VR.Text() && t.VR.LongLength() {
		p.c.head(t.Tag, t.VR, t.Length+t.Length%2)
		return p.copy(t.Length, padding(t.VR))
	}
	value, err := p.s.Value(nil)
	if err != nil {
		return err
	}
	if t.Tag == PixelRepresentation && t.Depth == 0 && len(value) > 1 {
		p.signed = value[0]|value[1] == 1
	}
	if t.Choice != 0 && p.signed {
		t.VR, word = t.Choice, t.Choice.WordSize()
	}
	switch {
	case swap:
		value = Swap(value, word)
	case t.VR.form().kind == textual:
		value = []byte(p.charsets[len(p.charsets)-1].Decode(value, t.VR))
	}
	p.c.fitting(t.Tag, t.VR, value)
	return nil
}

// copy hands a value on as it is read.
func (p *rewriter) copy(length int64, pad byte) error {
	if err := p.flush(); err != nil {
		return err
	}
	if err := p.s.copyValue(p.out); err != nil {
		return err
	}
	if length%2 != 0 {
		return p.out.WriteByte(pad)
	}
	return nil
}

// copyValue writes what is left of the value.
func (s *Scanner) copyValue(w io.Writer) error {
	for s.pending > 0 {
		b, err := s.src.chunk(s.pending)
		if err != nil {
			return s.ended(err)
		}
		s.pending -= int64(len(b))
		if _, err := w.Write(b); err != nil {
			return err
		}
	}
	return nil
}
