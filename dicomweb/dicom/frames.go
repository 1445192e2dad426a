package dicom

import (
	"bytes"
	"encoding/binary"
	"errors"
	"slices"
)

// FrameTable says where the frames of an instance are, so that one can be read
// without the rest.
// https://dicom.nema.org/medical/dicom/current/output/html/part05.html#sect_A.4
type FrameTable struct {
	Count int
	// Bits is the size of one frame of native pixel data; 0 for encapsulated.
	Bits   int64
	Native Piece
	// Frames are the fragments of each frame of encapsulated pixel data.
	Frames [][]Piece
}

// Frame is the place of one frame. Native frames of fewer than eight bits a
// pixel may begin inside a byte: Skip bits of the first piece belong to the
// frame before, and Bits counts from there. Bits is 0 for encapsulated frames.
type Frame struct {
	Pieces []Piece
	Skip   int
	Bits   int64
}

// Frame finds frame n, counted from 1.
func (t *FrameTable) Frame(n int) (Frame, bool) {
	if n < 1 || n > t.Count {
		return Frame{}, false
	}
	if t.Bits == 0 {
		return Frame{Pieces: t.Frames[n-1]}, true
	}
	from := int64(n-1) * t.Bits
	first, last := from/8, (from+t.Bits+7)/8
	return Frame{
		Pieces: []Piece{{t.Native.Offset + first, last - first}},
		Skip:   int(from % 8), Bits: t.Bits,
	}, true
}

// FrameTable computes the table. It is nil, with a reason for a person, where
// the frames cannot be told apart; nil without a reason where there are no
// pixels.
func (f *File) FrameTable() (*FrameTable, string) {
	p := &f.Pixels
	if p.Tag == 0 {
		return nil, ""
	}
	count := int64(1)
	if n, ok := f.Int(NumberOfFrames); ok {
		count = n
	}
	if count < 1 {
		return nil, "NumberOfFrames is not positive"
	}
	if p.Encapsulated {
		return f.encapsulatedFrames(count)
	}
	return f.nativeFrames(count)
}

// maxSample bounds what one pixel may take, so that the product below fits.
const maxSample = 1 << 12

func (f *File) nativeFrames(count int64) (*FrameTable, string) {
	rows, ok1 := f.Int(Rows)
	columns, ok2 := f.Int(Columns)
	bits, ok3 := f.Int(BitsAllocated)
	samples, ok := f.Int(SamplesPerPixel)
	if !ok {
		samples = 1
	}
	if f.Pixels.Tag != PixelData { // float pixels (PS3.3 C.7.6.24) say their size by tag
		bits, ok3 = int64(f.Pixels.VR.WordSize())*8, true
	}
	if !ok1 || !ok2 || !ok3 || rows <= 0 || columns <= 0 || bits <= 0 || samples <= 0 || bits > maxSample || samples > maxSample {
		return nil, "Rows, Columns, SamplesPerPixel or BitsAllocated is missing or not positive"
	}
	if samples == 3 && slices.Contains([]string{"YBR_FULL_422", "YBR_PARTIAL_422"}, f.String(0x00280004)) {
		samples = 2 // PS3.3 C.7.6.3.1.2: two pixels share their colour
	}
	frame := rows * columns * samples * bits
	if f.Pixels.Length > 1<<40 || frame > f.Pixels.Length*8/count {
		return nil, "the pixel data are shorter than Rows, Columns and NumberOfFrames say"
	}
	return &FrameTable{Count: int(count), Bits: frame, Native: Piece{f.Pixels.Offset, f.Pixels.Length}}, ""
}

func (f *File) encapsulatedFrames(count int64) (*FrameTable, string) {
	p := &f.Pixels
	n := len(p.Fragments)
	if count > int64(n) {
		return nil, "fewer fragments than NumberOfFrames: the frames share a stream"
	}
	if count == int64(n) {
		return table(p.Fragments, sequence(n)), ""
	}
	for _, starts := range [...][]int{f.extended(), p.basic(), p.marked()} {
		if int64(len(starts)) == count {
			return table(p.Fragments, starts), ""
		}
	}
	if count == 1 {
		return table(p.Fragments, []int{0}), ""
	}
	return nil, "no offset table tells which fragments make a frame"
}

// table cuts the fragments at the indices where frames start.
func table(fragments []Piece, starts []int) *FrameTable {
	t := &FrameTable{Count: len(starts)}
	for i, from := range starts {
		to := len(fragments)
		if i+1 < len(starts) {
			to = starts[i+1]
		}
		t.Frames = append(t.Frames, fragments[from:to])
	}
	return t
}

func sequence(n int) []int {
	s := make([]int, n)
	for i := range s {
		s[i] = i
	}
	return s
}

// basic reads the basic offset table.
func (p *Pixels) basic() []int {
	var offsets []uint64
	for b := p.Offsets; len(b) >= 4; b = b[4:] {
		offsets = append(offsets, uint64(binary.LittleEndian.Uint32(b)))
	}
	return p.starts(offsets)
}

// extended reads the extended offset table (PS3.3 C.7.6.3.1.8).
func (f *File) extended() []int {
	e, _ := f.Find(-1, ExtendedOffsets)
	if e == nil || !e.Kept() {
		return nil
	}
	var offsets []uint64
	for b := f.Bytes(e); len(b) >= 8; b = b[8:] {
		offsets = append(offsets, binary.LittleEndian.Uint64(b))
	}
	return f.Pixels.starts(offsets)
}

// starts finds the fragments at these offsets from the first one; nil where the
// table does not fit the fragments.
func (p *Pixels) starts(offsets []uint64) []int {
	if len(offsets) == 0 || offsets[0] != 0 || len(offsets) > len(p.Fragments) {
		return nil
	}
	starts := make([]int, 0, len(offsets))
	for i, piece := range p.Fragments {
		if len(starts) < len(offsets) && uint64(piece.Offset-p.Fragments[0].Offset) == offsets[len(starts)] {
			starts = append(starts, i)
		}
	}
	if len(starts) != len(offsets) {
		return nil
	}
	return starts
}

// openings are the first bytes of compressed streams: JPEG and JPEG-LS, JPEG
// 2000, JPEG XL.
var openings = [][]byte{{0xFF, 0xD8, 0xFF}, {0xFF, 0x4F, 0xFF, 0x51}, {0xFF, 0x0A}}

// marked finds fragments that open a stream, for files without a table.
func (p *Pixels) marked() []int {
	var starts []int
	for i, head := range p.heads {
		for _, o := range openings {
			if bytes.HasPrefix(head[:], o) {
				starts = append(starts, i)
				break
			}
		}
		if i == 0 && len(starts) == 0 {
			return nil
		}
	}
	return starts
}

// Versions of the coded table.
const (
	codedNative       = 1
	codedEncapsulated = 2
)

// AppendBinary appends the table in a compact form: about three bytes a frame.
func (t *FrameTable) AppendBinary(dst []byte) []byte {
	if t.Bits > 0 {
		dst = append(dst, codedNative)
		for _, n := range [...]int64{t.Native.Offset, t.Native.Length, t.Bits, int64(t.Count)} {
			dst = binary.AppendUvarint(dst, uint64(n))
		}
		return dst
	}
	dst = binary.AppendUvarint(append(dst, codedEncapsulated), uint64(len(t.Frames)))
	end := int64(0)
	for _, pieces := range t.Frames {
		dst = binary.AppendUvarint(dst, uint64(len(pieces)))
		for _, p := range pieces {
			dst = binary.AppendUvarint(dst, uint64(p.Offset-end))
			dst = binary.AppendUvarint(dst, uint64(p.Length))
			end = p.Offset + p.Length
		}
	}
	return dst
}

var errTable = errors.New("dicom: damaged frame table")

// ParseFrameTable reads what AppendBinary wrote.
func ParseFrameTable(b []byte) (*FrameTable, error) {
	d := varints{b: b}
	t := &FrameTable{}
	switch d.byte() {
	case codedNative:
		t.Native = Piece{d.next(), d.next()}
		t.Bits, t.Count = d.next(), int(d.next())
		if t.Bits == 0 {
			return nil, errTable
		}
	case codedEncapsulated:
		end := int64(0)
		t.Count = d.count()
		for range t.Count {
			pieces := make([]Piece, d.count())
			for i := range pieces {
				pieces[i] = Piece{end + d.next(), d.next()}
				end = pieces[i].Offset + pieces[i].Length
			}
			t.Frames = append(t.Frames, pieces)
		}
	default:
		return nil, errTable
	}
	if d.bad || len(d.b) != 0 {
		return nil, errTable
	}
	return t, nil
}

// varints reads unsigned numbers and remembers whether one was missing.
type varints struct {
	b   []byte
	bad bool
}

func (d *varints) byte() byte {
	if len(d.b) == 0 {
		return 0
	}
	c := d.b[0]
	d.b = d.b[1:]
	return c
}

func (d *varints) next() int64 {
	n, size := binary.Uvarint(d.b)
	if size <= 0 || n > 1<<62 {
		d.bad, d.b = true, nil
		return 0
	}
	d.b = d.b[size:]
	return int64(n)
}

// count is a number of things of which each takes at least a byte.
func (d *varints) count() int {
	n := d.next()
	if n > int64(len(d.b)) {
		d.bad, d.b = true, nil
		return 0
	}
	return int(n)
}
