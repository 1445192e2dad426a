package jpeg2000

import "encoding/binary"

// Header is what a codestream tells of its picture before anything is decoded.
type Header struct {
	Width, Height int
	Components    []Component
	Transformed   bool // colour was transformed (RCT or ICT); rows come out as it was before
	Reversible    bool // by the wavelet without loss; layers may have been cut all the same
	HighThrough   bool // blocks of Part 15
}

// Component is one component of a picture.
type Component struct {
	Bits   int // 1 to 24
	Signed bool
}

// Codestream is one that was opened.
type Codestream struct {
	Header
	grid
	main   parameters
	parts  map[int]*tile // by tile index
	order  []int         // tile indices as they first appear
	packed []byte        // PPM, its segments joined
	b      []byte
}

// grid is the reference grid (B.2, B.3).
type grid struct {
	x0, y0, x1, y1          int // of the picture
	tileX, tileY            int // where the first tile begins
	tileWidth, tileHeight   int
	tilesAcross, tilesInAll int
}

// What DICOM has no use for beyond.
const (
	maxComponents = 4
	maxBits       = 24
)

// Open reads the headers of a codestream, which may be wrapped as JP2.
func Open(stream []byte) (*Codestream, error) {
	c := &Codestream{b: unwrapped(stream), parts: map[int]*tile{}}
	if err := c.headers(); err != nil {
		return nil, err
	}
	return c, nil
}

// unwrapped is the codestream of a JP2 file (I.5.4); some writers put the whole
// file where the codestream alone belongs.
func unwrapped(b []byte) []byte {
	if len(b) < 12 || string(b[:8]) != "\x00\x00\x00\x0cjP  " {
		return b
	}
	for at := b; len(at) >= 8; {
		n, head := uint64(binary.BigEndian.Uint32(at)), uint64(8)
		if n == 1 && len(at) >= 16 {
			n, head = binary.BigEndian.Uint64(at[8:]), 16
		}
		if n == 0 {
			n = uint64(len(at))
		}
		if n < head || n > uint64(len(at)) {
			break
		}
		if string(at[4:8]) == "jp2c" {
			return at[head:n]
		}
		at = at[n:]
	}
	return b
}

// size reads SIZ (A.5.1).
func (c *Codestream) size(b []byte) error {
	if len(b) < 36 {
		return errShort
	}
	n := func(i int) int { return int(binary.BigEndian.Uint32(b[2+4*i:])) }
	c.grid = grid{x1: n(0), y1: n(1), x0: n(2), y0: n(3), tileWidth: n(4), tileHeight: n(5), tileX: n(6), tileY: n(7)}
	g := &c.grid
	if g.x1 <= g.x0 || g.y1 <= g.y0 || g.tileWidth < 1 || g.tileHeight < 1 || g.tileX > g.x0 || g.tileY > g.y0 ||
		g.tileX+g.tileWidth <= g.x0 || g.tileY+g.tileHeight <= g.y0 {
		return malformed("a picture from (%d, %d) to (%d, %d) in tiles of %d × %d from (%d, %d)",
			g.x0, g.y0, g.x1, g.y1, g.tileWidth, g.tileHeight, g.tileX, g.tileY)
	}
	g.tilesAcross = ceilDiv(g.x1-g.tileX, g.tileWidth)
	g.tilesInAll = g.tilesAcross * ceilDiv(g.y1-g.tileY, g.tileHeight)
	if g.tilesInAll > 65535 {
		return malformed("%d tiles; at most 65535 can be numbered", g.tilesInAll)
	}
	c.Width, c.Height = g.x1-g.x0, g.y1-g.y0
	count := int(binary.BigEndian.Uint16(b[34:]))
	if count < 1 || len(b) < 36+3*count {
		return errShort
	}
	if count > maxComponents {
		return unsupported("%d components; at most %d can be read", count, maxComponents)
	}
	for i := range count {
		depth, dx, dy := b[36+3*i], b[37+3*i], b[38+3*i]
		if dx != 1 || dy != 1 {
			return unsupported("component %d is subsampled %d × %d", i+1, dx, dy)
		}
		if depth&0x7F >= maxBits {
			return unsupported("samples of %d bits; at most %d can be read", depth&0x7F+1, maxBits)
		}
		c.Components = append(c.Components, Component{Bits: int(depth&0x7F) + 1, Signed: depth&0x80 != 0})
	}
	c.main = newParameters(count)
	return nil
}

func ceilDiv(a, b int) int { return (a + b - 1) / b }

// ceilShift is ⌈a / 2ⁿ⌉.
func ceilShift(a, n int) int { return (a + 1<<n - 1) >> n }
