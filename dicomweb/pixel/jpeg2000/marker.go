package jpeg2000

import (
	"bytes"
	"encoding/binary"
	"slices"
)

// Markers of a codestream (table A.2).
const (
	markerSOC = 0xFF4F
	markerCAP = 0xFF50
	markerSIZ = 0xFF51
	markerCOD = 0xFF52
	markerCOC = 0xFF53
	markerQCD = 0xFF5C
	markerQCC = 0xFF5D
	markerRGN = 0xFF5E
	markerPOC = 0xFF5F
	markerPPM = 0xFF60
	markerPPT = 0xFF61
	markerSOT = 0xFF90
	markerSOP = 0xFF91
	markerEPH = 0xFF92
	markerSOD = 0xFF93
	markerEOC = 0xFFD9
)

// headers reads the main header and finds the parts of tiles.
func (c *Codestream) headers() error {
	if len(c.b) < 2 || binary.BigEndian.Uint16(c.b) != markerSOC {
		return malformed("no codestream of JPEG 2000")
	}
	w := &walker{b: c.b, i: 2}
	var packed pieces
	for {
		marker, body, err := w.next()
		if err != nil {
			return err
		}
		if (marker == markerSIZ) == (len(c.Components) > 0) {
			return malformed("marker %X where SIZ is or is not expected", marker)
		}
		switch marker {
		case markerSIZ:
			err = c.size(body)
		case markerSOT:
			if err = c.complete(); err == nil {
				c.packed = packed.join()
				return c.tileParts(w, body)
			}
		case markerPPM:
			err = packed.add(body)
		case markerEOC, markerSOD:
			err = errShort
		default:
			_, err = c.main.read(marker, body)
		}
		if err != nil {
			return err
		}
	}
}

// complete judges the main header.
func (c *Codestream) complete() error {
	if c.main.coding == nil || c.main.quant == nil {
		return malformed("a main header without COD or QCD")
	}
	c.Transformed, c.Reversible = c.main.style.transformed, c.main.coding.reversible
	c.HighThrough = c.main.coding.blockStyle&styleHT != 0
	return nil
}

// walker walks over marker segments.
type walker struct {
	b []byte
	i int
}

func (w *walker) next() (marker uint16, body []byte, err error) {
	if len(w.b)-w.i < 2 {
		return 0, nil, errShort
	}
	marker = binary.BigEndian.Uint16(w.b[w.i:])
	w.i += 2
	if marker < 0xFF00 {
		return 0, nil, malformed("no marker but %04X at byte %d", marker, w.i-2)
	}
	if marker == markerSOD || marker == markerEOC || marker >= 0xFF30 && marker <= 0xFF3F {
		return marker, nil, nil
	}
	if len(w.b)-w.i < 2 {
		return 0, nil, errShort
	}
	n := int(binary.BigEndian.Uint16(w.b[w.i:]))
	if n < 2 || n > len(w.b)-w.i {
		return 0, nil, malformed("a marker segment of %d bytes at byte %d of %d", n, w.i, len(w.b))
	}
	body = w.b[w.i+2 : w.i+n]
	w.i += n
	return marker, body, nil
}

// pieces are numbered segments that belong together (PPM, PPT).
type pieces []piece

type piece struct {
	number byte
	b      []byte
}

func (p *pieces) add(body []byte) error {
	if len(body) < 1 {
		return errShort
	}
	if len(*p) == 256 {
		return malformed("more than 256 segments of packet headers")
	}
	*p = append(*p, piece{body[0], body[1:]})
	return nil
}

// join gives them one after the other; nil where there are none.
func (p pieces) join() []byte {
	if len(p) == 0 {
		return nil
	}
	slices.SortStableFunc(p, func(a, b piece) int { return int(a.number) - int(b.number) })
	var all [][]byte
	for _, one := range p {
		all = append(all, one.b)
	}
	return bytes.Join(all, nil)
}

// tile is what the stream holds of one tile.
type tile struct {
	parameters
	data    [][]byte // of its parts
	headers []byte   // of packets, where they are packed
	packed  bool
}

// tileParts finds the parts of all tiles; body is that of the first SOT.
func (c *Codestream) tileParts(w *walker, body []byte) error {
	usePacked := c.packed != nil
	for {
		start := w.i - 12
		if len(body) < 8 {
			return errShort
		}
		index, length := int(binary.BigEndian.Uint16(body)), int(binary.BigEndian.Uint32(body[2:]))
		if index >= c.tilesInAll {
			return malformed("tile %d of %d", index+1, c.tilesInAll)
		}
		end := start + length
		if length == 0 {
			end = len(c.b)
		}
		if end > len(c.b) || length != 0 && length < 14 {
			return malformed("a part of a tile of %d bytes at byte %d of %d", length, start, len(c.b))
		}
		t := c.parts[index]
		if t == nil {
			t = &tile{parameters: newParameters(len(c.Components))}
			c.parts[index] = t
			c.order = append(c.order, index)
		}
		if err := t.part(&walker{b: c.b[:end], i: w.i}); err != nil {
			return err
		}
		if usePacked {
			if err := c.unpack(t); err != nil {
				return err
			}
		}
		marker, next, err := c.after(w, end)
		if marker != markerSOT {
			return err
		}
		body = next
	}
}

// after reads what follows a part of a tile. A stream may end without EOC.
func (c *Codestream) after(w *walker, end int) (marker uint16, body []byte, err error) {
	w.i = end
	if end >= len(c.b)-1 {
		return markerEOC, nil, nil
	}
	marker, body, err = w.next()
	if err == nil && marker != markerSOT && marker != markerEOC {
		err = malformed("marker %X between parts of tiles", marker)
	}
	if err != nil {
		marker = 0
	}
	return marker, body, err
}

// part reads the header of a part of a tile and keeps its data.
func (t *tile) part(w *walker) error {
	var packed pieces
	for {
		marker, body, err := w.next()
		switch {
		case err != nil:
			return err
		case marker == markerSOD:
			if len(packed) > 0 {
				t.packed = true
				t.headers = append(t.headers, packed.join()...)
			}
			t.data = append(t.data, w.b[w.i:])
			return nil
		case marker == markerPPT:
			err = packed.add(body)
		case marker == markerSOT || marker == markerEOC || marker == markerSIZ:
			err = malformed("marker %X in the header of a tile", marker)
		default:
			_, err = t.read(marker, body)
		}
		if err != nil {
			return err
		}
	}
}

// unpack takes the packet headers of the next part of a tile from PPM (A.7.4).
func (c *Codestream) unpack(t *tile) error {
	if len(c.packed) < 4 {
		return errShort
	}
	n := int(binary.BigEndian.Uint32(c.packed))
	if n > len(c.packed)-4 {
		return errShort
	}
	t.packed = true
	t.headers = append(t.headers, c.packed[4:4+n]...)
	c.packed = c.packed[4+n:]
	return nil
}
