package dicomweb

import (
	"encoding/binary"
	"io"
	"slices"

	"tenon/dicomweb/dicom"
	"tenon/dicomweb/pixel"
)

// How an instance wants to be shown: its Modality LUT, VOI LUT, presentation and
// palette, in the data set itself or in the functional groups of its frames.
// https://dicom.nema.org/medical/dicom/current/output/html/part03.html#sect_C.11
// https://dicom.nema.org/medical/dicom/current/output/html/part03.html#sect_C.7.6.16

// look reads how frame n is shown.
func (p *picture) look(n int) (*pixel.Look, error) {
	l := &pixel.Look{Inverse: p.header.String(0x20500020) == "INVERSE"}
	if pad, ok := p.header.Int(0x00280120); ok {
		l.Padding = &[2]int{int(pad), int(pad)}
		if limit, ok := p.header.Int(0x00280121); ok {
			l.Padding[1] = int(limit)
		}
	}
	values := p.group(n, 0x00289145) // PixelValueTransformationSequence
	l.Slope, l.Intercept = p.number(values, 0x00281053), p.number(values, 0x00281052)
	var err error
	if l.Modality, err = p.firstTable(0x00283000); err != nil {
		return nil, err
	}
	if l.Window = p.window(p.group(n, 0x00289132)); l.Window == nil { // FrameVOILUTSequence
		if l.VOI, err = p.firstTable(0x00283010); err != nil {
			return nil, err
		}
	}
	if p.format.Photometric == pixel.Palette {
		l.Palette, err = p.palette()
	}
	return l, err
}

// window is the first window of an item.
func (p *picture) window(item int) *pixel.Window {
	w := &pixel.Window{Center: p.number(item, 0x00281050), Width: p.number(item, 0x00281051)}
	var ok bool
	if w.Function, ok = pixel.ParseFunction(p.header.StringIn(item, 0x00281056)); !ok || w.Check() != nil {
		return nil
	}
	return w
}

// group finds the first item of a functional group of frame n: its own, the
// shared one, or the data set itself (-1).
func (p *picture) group(n int, sequence dicom.Tag) int {
	for _, groups := range []struct {
		tag dicom.Tag
		nth int
	}{{0x52009230, n}, {0x52009229, 1}} { // per frame, shared
		if e, at := p.header.Find(-1, groups.tag); e != nil {
			if frame := p.item(at, groups.nth); frame >= 0 {
				if e, at := p.header.Find(frame, sequence); e != nil {
					if first := p.item(at, 1); first >= 0 {
						return first
					}
				}
			}
		}
	}
	return -1
}

// item is the index of the nth item of the sequence at an index, or -1.
func (p *picture) item(sequence, nth int) int {
	for i := range p.header.Children(sequence) {
		if nth--; nth == 0 {
			return i
		}
	}
	return -1
}

// firstTable reads the table of the first item of a sequence; nil where there is
// none.
func (p *picture) firstTable(sequence dicom.Tag) (*pixel.LUT, error) {
	e, at := p.header.Find(-1, sequence)
	if e == nil {
		return nil, nil
	}
	item := p.item(at, 1)
	if item < 0 {
		return nil, nil
	}
	return p.lut(item, 0x00283002, 0x00283006)
}

// maxLUT bounds the bytes of a table.
const maxLUT = 2 << 16

// lut reads a table by the tags of its descriptor and data.
func (p *picture) lut(item int, descriptor, data dicom.Tag) (*pixel.LUT, error) {
	d, _ := p.header.Find(item, descriptor)
	e, _ := p.header.Find(item, data)
	if d == nil || e == nil || len(p.header.Bytes(d)) < 6 || e.Length < 0 || e.Length > maxLUT {
		return nil, nil
	}
	var order binary.ByteOrder = binary.LittleEndian
	if p.header.Syntax.BigEndian {
		order = binary.BigEndian
	}
	b := p.header.Bytes(d)
	first := int(order.Uint16(b[2:]))
	if d.VR == dicom.SS {
		first = int(int16(first))
	}
	words, err := p.bytes(e)
	if err != nil {
		return nil, err
	}
	if p.header.Syntax.BigEndian {
		words = dicom.Swap(slices.Clone(words), 2)
	}
	return pixel.NewLUT(int(order.Uint16(b)), first, int(order.Uint16(b[4:])), words)
}

// bytes are those of a value, from the file where it was not kept.
func (p *picture) bytes(e *dicom.Element) ([]byte, error) {
	if e.Kept() {
		return p.header.Bytes(e), nil
	}
	r, err := p.file.section(dicom.Piece{Offset: e.Offset, Length: e.Length})
	if err != nil {
		return nil, err
	}
	return io.ReadAll(r)
}

// palette reads the three tables of PALETTE COLOR.
func (p *picture) palette() (*[3]pixel.LUT, error) {
	var tables [3]pixel.LUT
	for i := range tables {
		l, err := p.lut(-1, dicom.Tag(0x00281101+i), dicom.Tag(0x00281201+i))
		if err != nil || l == nil {
			return nil, err
		}
		tables[i] = *l
	}
	return &tables, nil
}
