package dicom

import (
	"errors"
	"io"
	"slices"
)

// File is what was read of a Part 10 file.
type File struct {
	DataSet
	Syntax    Syntax
	DataStart int64 // offset of the data set in the file
	Pixels    Pixels
}

// Pixels is the pixel data of the data set itself; its Tag is 0 where there is
// none.
type Pixels struct {
	Tag          Tag
	VR           VR
	Offset       int64 // of the value field: in the file, or in the inflated data set
	Length       int64 // of the value field, with items and delimiter where encapsulated
	Little       bool
	Encapsulated bool
	Offsets      []byte     // value of the basic offset table
	Fragments    []Piece    // behind the basic offset table
	heads        [][4]uint8 // first bytes of each fragment
}

// Piece is a run of bytes in the file.
type Piece struct{ Offset, Length int64 }

// Options say how a file is read.
type Options struct {
	Limits Limits
	// StopAtPixels ends the reading at the pixel data: what lies behind is
	// neither read nor judged.
	StopAtPixels bool
}

// Reader reads files one after the other and reuses its memory: a File is valid
// until the next Read.
type Reader struct {
	scan  Scanner
	file  File
	build builder
}

// Read reads one file to its end (or to its pixel data). It returns a *Fault
// for a file that breaks the rules; another error is one of r.
func (rd *Reader) Read(r io.Reader, o Options) (*File, error) {
	f := &rd.file
	f.reset()
	f.Pixels = Pixels{Offsets: f.Pixels.Offsets[:0], Fragments: f.Pixels.Fragments[:0], heads: f.Pixels.heads[:0]}
	rd.build = builder{file: f, limits: o.Limits.withDefaults(), stop: o.StopAtPixels, open: rd.build.open[:0]}
	if err := rd.scan.Reset(r, o.Limits); err != nil {
		return nil, err
	}
	if err := rd.build.run(&rd.scan); !errors.Is(err, io.EOF) {
		return nil, err
	}
	f.Syntax, f.DataStart = rd.scan.Syntax(), rd.scan.DataStart()
	return f, nil
}

// Heavy tells whether the memory that a Reader keeps is more than most files
// need, so that it should not be kept for the next one.
func (rd *Reader) Heavy() bool {
	f := &rd.file
	return cap(f.Elements) > 1<<14 || cap(f.data) > 1<<20 || cap(f.Pixels.Fragments) > 1<<14 || cap(f.Pixels.Offsets) > 1<<16
}

// Read reads one file.
func Read(r io.Reader, o Options) (*File, error) { return new(Reader).Read(r, o) }

// builder fills a File from tokens.
type builder struct {
	file   *File
	limits Limits
	stop   bool
	open   []level
}

// level is a sequence or item that is open.
type level struct {
	index   int32
	charset uint8
	last    Tag
	signed  bool // PixelRepresentation is 1: a choice of US or SS is SS
}

// run builds until the scanner ends; its error is never nil, io.EOF at the end.
func (b *builder) run(s *Scanner) error {
	b.open = append(b.open, level{index: -1})
	for {
		t, err := s.Next()
		if err != nil {
			return err
		}
		top := &b.open[len(b.open)-1]
		switch t.Kind {
		case Value:
			err = b.value(s, t, top)
		case SequenceBegin, ItemBegin:
			b.begin(t, top)
		case ItemEnd, SequenceEnd:
			b.end()
		case PixelsBegin:
			err = b.pixels(s, t, top)
		}
		if err == nil && b.stop && b.file.Pixels.Tag != 0 {
			err = io.EOF
		}
		if err != nil {
			return err
		}
	}
}

// add appends an element and watches the order of tags.
func (b *builder) add(t *Token, top *level) *Element {
	f := b.file
	if t.Kind != ItemBegin {
		if t.Tag <= top.last && top.last != 0 {
			f.unordered = true
		}
		top.last = t.Tag
	}
	f.Elements = append(f.Elements, Element{Tag: t.Tag, VR: t.VR, charset: top.charset, little: t.Little,
		Next: int32(len(f.Elements)) + 1, Offset: t.Offset, Length: t.Length})
	return &f.Elements[len(f.Elements)-1]
}

func (b *builder) begin(t *Token, top *level) {
	b.add(t, top)
	b.open = append(b.open, level{index: int32(len(b.file.Elements)) - 1, charset: top.charset, signed: top.signed})
}

func (b *builder) end() {
	i := b.open[len(b.open)-1].index
	b.open = b.open[:len(b.open)-1]
	b.file.Elements[i].Next = int32(len(b.file.Elements))
}

// keptWhole are elements whose value is needed however long it is.
var keptWhole = []Tag{ExtendedOffsets, ExtendedLengths}

// value adds an element and keeps its value where the limits allow it.
func (b *builder) value(s *Scanner, t *Token, top *level) error {
	f := b.file
	e := b.add(t, top)
	if t.Choice != 0 && top.signed {
		e.VR = t.Choice
	}
	if t.Tag.IsPixelData() && t.Depth == 0 {
		f.Pixels.Tag, f.Pixels.VR, f.Pixels.Little = t.Tag, t.VR, t.Little
		f.Pixels.Offset, f.Pixels.Length = t.Offset, t.Length
		return nil
	}
	if t.Length > b.limits.Value && !slices.Contains(keptWhole, t.Tag) {
		return nil
	}
	if int64(len(f.data))+t.Length > b.limits.Kept {
		return s.fault(TooLarge, "the values outside the pixel data take more than %d bytes", b.limits.Kept)
	}
	lo := len(f.data)
	var err error
	if f.data, err = s.Value(f.data); err != nil {
		return err
	}
	e.kept, e.lo, e.hi = true, uint32(lo), uint32(len(f.data))
	switch t.Tag {
	case CharacterSet:
		return b.charset(s, e, top)
	case PixelRepresentation:
		top.signed = e.hi-e.lo == 2 && order(!e.little).Uint16(f.Bytes(e)) == 1
	}
	return nil
}

// maxCharsets bounds the different character sets of one file.
const maxCharsets = 32

// charset makes the character set of the element rule the rest of its level.
func (b *builder) charset(s *Scanner, e *Element, top *level) error {
	f := b.file
	set := ParseCharset(f.Texts(e))
	i := slices.IndexFunc(f.charsets, set.equal)
	if i < 0 {
		if i = len(f.charsets); i == maxCharsets {
			return s.fault(TooLarge, "more than %d different character sets", maxCharsets)
		}
		f.charsets = append(f.charsets, set)
	}
	top.charset = uint8(i)
	return nil
}
