package jpeg2000

// Tiles, resolutions, bands, precincts and blocks (annex B).

// area is a rectangle; x1 and y1 are beyond it.
type area struct{ x0, y0, x1, y1 int }

func (a area) width() int  { return a.x1 - a.x0 }
func (a area) height() int { return a.y1 - a.y0 }
func (a area) empty() bool { return a.x1 <= a.x0 || a.y1 <= a.y0 }

func (a area) intersect(b area) area {
	return area{max(a.x0, b.x0), max(a.y0, b.y0), min(a.x1, b.x1), min(a.y1, b.y1)}
}

// tileArea is the area of a tile on the reference grid, which is that of its
// components (B.3).
func (g *grid) tileArea(index int) area {
	p, q := index%g.tilesAcross, index/g.tilesAcross
	x, y := g.tileX+p*g.tileWidth, g.tileY+q*g.tileHeight
	return area{x, y, x + g.tileWidth, y + g.tileHeight}.intersect(area{g.x0, g.y0, g.x1, g.y1})
}

// tileComponent is one component of the tile that is decoded.
type tileComponent struct {
	*coding
	area
	resolutions []resolution
	ints        []int32   // coefficients, then samples, row by row
	reals       []float32 // the same where the wavelet is not reversible
}

type resolution struct {
	area
	bands            []band
	across, down     int // precincts
	precinctX        int // powers of two
	precinctY        int
	precincts        []precinct
	columnX, columnY int // of the first precinct
}

// band is a sub-band and where it lies among the coefficients of the tile.
type band struct {
	area
	kind   int // 0 LL, 1 HL, 2 LH, 3 HH
	left   int
	top    int
	planes int     // Mb (E-2)
	step   float32 // of the quantiser; 1 where there is none
	shift  int     // of the region of interest
}

// precinct is the blocks of one place in all bands of a resolution.
type precinct struct {
	groups []group
	next   int // layer
}

// group is the blocks of a precinct in one band.
type group struct {
	across, down int
	blocks       []block
	included     tree
	zero         tree
}

// block is a code-block: its place in the tile, and what packets told of it.
type block struct {
	left, top   int32
	wide, high  uint16
	zeroPlanes  uint8
	lengthBits  uint8
	passes      uint8
	begun       bool
	first, last int32 // pieces, 1-based; 0: none
}

// resolutionArea is that of a resolution (B-14).
func (c *tileComponent) resolutionArea(r int) area {
	n := c.levels - r
	return area{ceilShift(c.x0, n), ceilShift(c.y0, n), ceilShift(c.x1, n), ceilShift(c.y1, n)}
}

// bandArea is that of a band at a level of decomposition (B-15).
func (c *tileComponent) bandArea(kind, level int) area {
	if level == 0 {
		return c.area
	}
	dx, dy := kind&1<<(level-1), kind>>1<<(level-1)
	return area{ceilShift(c.x0-dx, level), ceilShift(c.y0-dy, level), ceilShift(c.x1-dx, level), ceilShift(c.y1-dy, level)}
}

// layout computes resolutions and bands of a component of a tile.
func (c *tileComponent) layout(component Component, q *quantiser, shift int) error {
	c.resolutions = make([]resolution, c.levels+1)
	at := 0
	for r := range c.resolutions {
		res := &c.resolutions[r]
		res.area = c.resolutionArea(r)
		res.precinctX, res.precinctY = c.precinct(r)
		if !res.empty() {
			res.columnX, res.columnY = res.x0>>res.precinctX, res.y0>>res.precinctY
			res.across = ceilShift(res.x1, res.precinctX) - res.columnX
			res.down = ceilShift(res.y1, res.precinctY) - res.columnY
		}
		first, last, level := 1, 3, c.levels-r+1
		if r == 0 {
			first, last, level = 0, 0, c.levels
		}
		for kind := first; kind <= last; kind++ {
			b := band{area: c.bandArea(kind, level), kind: kind, shift: shift}
			if r > 0 {
				lower := &c.resolutions[r-1]
				b.left, b.top = kind&1*lower.width(), kind>>1*lower.height()
			}
			if err := b.quantise(component, q, at, r, c.reversible); err != nil {
				return err
			}
			res.bands = append(res.bands, b)
			at++
		}
	}
	return nil
}

// maxPlanes is how many bit planes a coefficient may have.
const maxPlanes = 30

// quantise notes the planes and the step of a band (E.1).
func (b *band) quantise(component Component, q *quantiser, at, r int, reversible bool) error {
	exponent, mantissa, err := q.step(at, r)
	if err != nil {
		return err
	}
	b.planes, b.step = q.guard+exponent-1, 1
	if b.planes+b.shift > maxPlanes {
		return unsupported("%d bit planes in a band", b.planes+b.shift)
	}
	if b.planes < 0 {
		b.planes = 0
	}
	if !reversible && q.kind != 0 {
		gain := b.kind&1 + b.kind>>1
		b.step = power(component.Bits+gain-exponent) * (1 + float32(mantissa)/2048)
	} else if !reversible {
		return malformed("a wavelet with loss without quantisation")
	}
	return nil
}

func power(n int) float32 {
	if n < 0 {
		return 1 / float32(uint64(1)<<-n)
	}
	return float32(uint64(1) << n)
}

// blockSize is the size of blocks of a resolution as powers of two (B-17, B-18).
func (c *tileComponent) blockSize(r int) (x, y int) {
	px, py := c.resolutions[r].precinctX, c.resolutions[r].precinctY
	if r > 0 {
		px, py = px-1, py-1
	}
	return min(c.xcb, px), min(c.ycb, py)
}

// Bounds of one tile: with both, what is made before a packet is read stays
// below 64 MiB.
const (
	maxPrecincts = 1 << 16
	maxBlocks    = 1 << 19
)

// census counts the precincts and blocks of a component without making them;
// blocks are those of whole bands, cut by precincts they can be some more.
func (c *tileComponent) census() (precincts, blocks int) {
	for r := range c.resolutions {
		res := &c.resolutions[r]
		precincts += res.across * res.down
		x, y := c.blockSize(r)
		for _, b := range res.bands {
			if !b.empty() {
				blocks += (ceilShift(b.x1, x) - b.x0>>x) * (ceilShift(b.y1, y) - b.y0>>y)
			}
		}
	}
	return precincts, blocks
}

// cut makes the precincts and blocks of a component.
func (c *tileComponent) cut() {
	for r := range c.resolutions {
		res := &c.resolutions[r]
		res.precincts = make([]precinct, res.across*res.down)
		half := min(r, 1)
		x, y := c.blockSize(r)
		for i := range res.precincts {
			px, py := (res.columnX+i%res.across)<<res.precinctX>>half, (res.columnY+i/res.across)<<res.precinctY>>half
			whole := area{px, py, px + 1<<res.precinctX>>half, py + 1<<res.precinctY>>half}
			res.precincts[i].groups = make([]group, len(res.bands))
			for j := range res.bands {
				res.precincts[i].groups[j] = res.bands[j].group(whole, x, y)
			}
		}
	}
}

// group makes the blocks of a band within a precinct (B.7).
func (b *band) group(precinct area, x, y int) group {
	in := precinct.intersect(b.area)
	if in.empty() {
		return group{}
	}
	g := group{}
	column, row := in.x0>>x, in.y0>>y
	g.across, g.down = ceilShift(in.x1, x)-column, ceilShift(in.y1, y)-row
	g.blocks = make([]block, g.across*g.down)
	for i := range g.blocks {
		bx, by := (column+i%g.across)<<x, (row+i/g.across)<<y
		in := area{bx, by, bx + 1<<x, by + 1<<y}.intersect(in)
		g.blocks[i] = block{left: int32(b.left + in.x0 - b.x0), top: int32(b.top + in.y0 - b.y0),
			wide: uint16(in.width()), high: uint16(in.height()), lengthBits: 3}
	}
	g.included, g.zero = newTree(g.across, g.down), newTree(g.across, g.down)
	return g
}
