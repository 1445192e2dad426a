package pdf

import (
	"bytes"
	"encoding/binary"
	"slices"
)

// Subset cuts the font down to characters. Glyphs get new numbers: 0 is the
// missing one, then the characters in their order, then parts of composed ones.
// The result is a font of its own (with a cmap), and the same for the same set.
func (f *Font) Subset(characters []rune) []byte {
	characters = slices.Compact(slices.Sorted(slices.Values(characters)))
	order, number := []uint16{0}, map[uint16]uint16{0: 0}
	add := func(g uint16) {
		if _, there := number[g]; !there {
			number[g] = uint16(len(order)) //nolint:gosec // no more than the font has
			order = append(order, g)
		}
	}
	cmap := map[rune]uint16{}
	for _, c := range characters {
		if g := f.glyphs[c]; g != 0 {
			add(g)
			cmap[c] = number[g]
		}
	}
	for i := 0; i < len(order); i++ { // grows while parts are found
		eachPart(f.outline(order[i]), func(at []byte) { add(u16(at, 0)) })
	}
	var glyf, hmtx []byte
	loca := binary.BigEndian.AppendUint32(nil, 0)
	for _, g := range order {
		outline := bytes.Clone(f.outline(g))
		eachPart(outline, func(at []byte) { binary.BigEndian.PutUint16(at, number[u16(at, 0)]) })
		glyf = append(glyf, outline...)
		glyf = append(glyf, make([]byte, -len(glyf)&3)...)
		loca = binary.BigEndian.AppendUint32(loca, uint32(len(glyf))) //nolint:gosec // below 4 GiB
		i := min(int(g), f.metrics-1)
		hmtx = append(hmtx, f.tables["hmtx"][4*i:4*i+2]...)
		hmtx = binary.BigEndian.AppendUint16(hmtx, f.bearing(g))
	}
	n := uint16(len(order)) //nolint:gosec // no more than the font has
	head, hhea, maxp := bytes.Clone(f.tables["head"]), bytes.Clone(f.tables["hhea"]), bytes.Clone(f.tables["maxp"])
	binary.BigEndian.PutUint32(head[8:], 0)  // checkSumAdjustment: readers of PDF ask for none
	binary.BigEndian.PutUint16(head[50:], 1) // long offsets
	binary.BigEndian.PutUint16(hhea[34:], n)
	binary.BigEndian.PutUint16(maxp[4:], n)
	return assemble(map[string][]byte{"head": head, "hhea": hhea, "maxp": maxp, "hmtx": hmtx, "loca": loca, "glyf": glyf, "cmap": cmapOf(cmap)})
}

func (f *Font) bearing(g uint16) uint16 {
	if int(g) < f.metrics {
		return u16(f.tables["hmtx"], 4*int(g)+2)
	}
	return u16(f.tables["hmtx"], 4*f.metrics+2*(int(g)-f.metrics))
}

// eachPart gives the place of the number of every part of a composed glyph.
// https://learn.microsoft.com/typography/opentype/spec/glyf
func eachPart(outline []byte, part func(at []byte)) {
	if len(outline) < 10 || int16(u16(outline, 0)) >= 0 { //nolint:gosec // signed in the file
		return
	}
	for at := 10; at+4 <= len(outline); {
		flags := u16(outline, at)
		part(outline[at+2 : at+4])
		at += 6
		if flags&1 != 0 { // arguments are words
			at += 2
		}
		switch {
		case flags&8 != 0: // one scale
			at += 2
		case flags&0x40 != 0: // two scales
			at += 4
		case flags&0x80 != 0: // a matrix
			at += 8
		}
		if flags&0x20 == 0 { // none follows
			return
		}
	}
}

// cmapOf is a table with one format 12 of runs of characters.
func cmapOf(glyphs map[rune]uint16) []byte {
	runes := make([]rune, 0, len(glyphs))
	for r := range glyphs {
		runes = append(runes, r)
	}
	slices.Sort(runes)
	var groups []byte
	n := uint32(0)
	for i := 0; i < len(runes); {
		j := i + 1
		for j < len(runes) && runes[j] == runes[j-1]+1 && glyphs[runes[j]] == glyphs[runes[j-1]]+1 {
			j++
		}
		groups = binary.BigEndian.AppendUint32(groups, uint32(runes[i]))         //nolint:gosec // a character
		groups = binary.BigEndian.AppendUint32(groups, uint32(runes[j-1]))       //nolint:gosec // a character
		groups = binary.BigEndian.AppendUint32(groups, uint32(glyphs[runes[i]])) //nolint:gosec // a glyph
		n++
		i = j
	}
	var t []byte
	for _, word := range []uint16{0, 1, 3, 10, 0, 12, 12, 0} { // version, tables, platform, encoding, offset (high, low), format, reserved
		t = binary.BigEndian.AppendUint16(t, word)
	}
	t = binary.BigEndian.AppendUint32(t, uint32(16+len(groups))) //nolint:gosec // small
	t = binary.BigEndian.AppendUint32(t, 0)
	t = binary.BigEndian.AppendUint32(t, n)
	return append(t, groups...)
}

// assemble makes a font file of tables.
func assemble(tables map[string][]byte) []byte {
	names := make([]string, 0, len(tables))
	for name := range tables {
		names = append(names, name)
	}
	slices.Sort(names)
	n := uint16(len(names)) //nolint:gosec // seven
	var power, log uint16 = 1, 0
	for power*2 <= n {
		power, log = power*2, log+1
	}
	out := binary.BigEndian.AppendUint32(nil, 0x00010000)
	for _, w := range []uint16{n, power * 16, log, n*16 - power*16} {
		out = binary.BigEndian.AppendUint16(out, w)
	}
	at := len(out) + 16*len(names)
	var body []byte
	for _, name := range names {
		t := tables[name]
		out = append(out, name...)
		out = binary.BigEndian.AppendUint32(out, checksum(t))
		out = binary.BigEndian.AppendUint32(out, uint32(at+len(body))) //nolint:gosec // below 4 GiB
		out = binary.BigEndian.AppendUint32(out, uint32(len(t)))       //nolint:gosec // below 4 GiB
		body = append(body, t...)
		body = append(body, make([]byte, -len(body)&3)...)
	}
	return append(out, body...)
}

func checksum(t []byte) (sum uint32) {
	for i := 0; i < len(t); i += 4 {
		var word [4]byte
		copy(word[:], t[i:])
		sum += binary.BigEndian.Uint32(word[:])
	}
	return sum
}
