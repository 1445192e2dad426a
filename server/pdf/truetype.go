package pdf

import (
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"slices"
)

// Font is a TrueType font with outlines in glyf.
// https://learn.microsoft.com/typography/opentype/spec/otff
type Font struct {
	tables   map[string][]byte
	glyphs   map[rune]uint16
	units    int // per em
	metrics  int // long ones in hmtx
	long     bool
	ascent   int
	descent  int
	box      [4]int
	numGlyph int
}

var errFont = errors.New("pdf: the font is damaged")

// ParseFont reads a font. It trusts nothing about lengths.
func ParseFont(data []byte) (f *Font, err error) {
	defer func() { // an offset beyond the end
		if recover() != nil {
			f, err = nil, errFont
		}
	}()
	f = &Font{tables: map[string][]byte{}, glyphs: map[rune]uint16{}}
	for i := range int(u16(data, 4)) {
		e := data[12+16*i:]
		at, size := u32(e, 8), u32(e, 12)
		f.tables[string(e[:4])] = data[at : at+size : at+size]
	}
	for _, need := range []string{"head", "hhea", "maxp", "hmtx", "loca", "glyf", "cmap"} {
		if f.tables[need] == nil {
			return nil, fmt.Errorf("pdf: the font has no table %s", need)
		}
	}
	head, hhea := f.tables["head"], f.tables["hhea"]
	f.units, f.long = int(u16(head, 18)), u16(head, 50) == 1
	for i := range f.box {
		f.box[i] = int(int16(u16(head, 36+2*i))) //nolint:gosec // signed in the file
	}
	f.ascent, f.descent = int(int16(u16(hhea, 4))), int(int16(u16(hhea, 6))) //nolint:gosec // signed in the file
	f.metrics, f.numGlyph = int(u16(hhea, 34)), int(u16(f.tables["maxp"], 4))
	if f.units == 0 || f.metrics == 0 || f.metrics > f.numGlyph {
		return nil, errFont
	}
	return f, f.readCmap()
}

func u16(b []byte, at int) uint16 { return binary.BigEndian.Uint16(b[at:]) }
func u32(b []byte, at int) uint32 { return binary.BigEndian.Uint32(b[at:]) }

// readCmap reads the table of format 12, of which every character has a place.
func (f *Font) readCmap() error {
	cmap := f.tables["cmap"]
	for i := range int(u16(cmap, 2)) {
		t := cmap[u32(cmap, 4+8*i+4):]
		if u16(t, 0) != 12 {
			continue
		}
		next := uint32(0)
		for g := range int(u32(t, 12)) {
			e := t[16+12*g:]
			first, last, glyph := u32(e, 0), u32(e, 4), u32(e, 8)
			if first < next || last < first || last > 0x10ffff { // groups ascend
				return errFont
			}
			next = last + 1
			for c := first; c <= last; c++ {
				f.glyphs[rune(c)] = uint16(glyph + c - first) //nolint:gosec // at most 65,535 glyphs
			}
		}
		return nil
	}
	return errors.New("pdf: the font has no cmap of format 12")
}

// Has tells whether the font has a character.
func (f *Font) Has(r rune) bool { return f.glyphs[r] != 0 }

// Runes are the characters of the font, in order.
func (f *Font) Runes() []rune { return slices.Sorted(maps.Keys(f.glyphs)) }

// advance is how wide a glyph is, in thousandths of the size.
func (f *Font) advance(glyph uint16) int {
	i := min(int(glyph), f.metrics-1)
	return int(u16(f.tables["hmtx"], 4*i)) * 1000 / f.units
}

// outline is the bytes of a glyph.
func (f *Font) outline(glyph uint16) []byte {
	loca := f.tables["loca"]
	if f.long {
		return f.tables["glyf"][u32(loca, 4*int(glyph)):u32(loca, 4*int(glyph)+4)]
	}
	return f.tables["glyf"][2*int(u16(loca, 2*int(glyph))) : 2*int(u16(loca, 2*int(glyph)+2))]
}
