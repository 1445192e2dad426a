package jpeg2000

import "encoding/binary"

// parameters are the coding parameters of the main header or of a tile (A.6).
type parameters struct {
	style  *style       // COD
	coding *coding      // COD
	each   []*coding    // COC, one a component
	quant  *quantiser   // QCD
	quants []*quantiser // QCC
	shift  []int        // RGN; -1: not told
	orders []volume     // POC
}

// style is what COD tells of all components.
type style struct {
	order       byte
	layers      int
	transformed bool
	sop, eph    bool
}

// coding is how one component is cut and coded (A.6.1, A.6.2).
type coding struct {
	levels     int
	xcb, ycb   int // powers of two of a block
	blockStyle byte
	reversible bool
	precincts  [][2]byte // powers of two, one a resolution; nil: as large as can be
}

// Styles of blocks (table A.19 and T.814 table A.?).
const (
	styleBypass  = 1 << iota // raw bits in the lower planes
	styleReset               // contexts begin anew with each pass
	styleEndEach             // each pass is a segment
	styleCausal              // contexts do not look into the next stripe
	stylePredict             // predictable termination
	styleSymbols             // segmentation symbols
	styleHT                  // high throughput
	styleMixed               // with styleHT: both kinds
)

// quantiser is one of the three ways of QCD (A.6.4).
type quantiser struct {
	kind  byte // 0 none, 1 derived, 2 each band told
	guard int
	steps []uint16 // exponent<<11 | mantissa
}

func newParameters(components int) parameters {
	p := parameters{each: make([]*coding, components), quants: make([]*quantiser, components), shift: make([]int, components)}
	for i := range p.shift {
		p.shift[i] = -1
	}
	return p
}

// index reads the number of a component, of one byte since there are few.
func (p *parameters) index(b []byte) (int, error) {
	if len(b) < 2 {
		return 0, errShort
	}
	if int(b[0]) >= len(p.each) {
		return 0, malformed("component %d of %d", b[0]+1, len(p.each))
	}
	return int(b[0]), nil
}

// read reads one marker segment; known: it is one of parameters.
func (p *parameters) read(marker uint16, b []byte) (known bool, err error) {
	switch marker {
	case markerCOD:
		return true, p.cod(b)
	case markerQCD:
		p.quant, err = parseQuantiser(b)
		return true, err
	case markerPOC:
		return true, p.poc(b)
	case markerCOC, markerQCC, markerRGN:
	default:
		return false, nil
	}
	i, err := p.index(b)
	if err != nil {
		return true, err
	}
	switch marker {
	case markerCOC:
		p.each[i], err = parseCoding(b[2:], b[1]&1 != 0)
	case markerQCC:
		p.quants[i], err = parseQuantiser(b[1:])
	default:
		if len(b) < 3 {
			return true, errShort
		}
		if b[1] != 0 {
			return true, unsupported("regions of interest of style %d", b[1])
		}
		p.shift[i] = int(b[2])
	}
	return true, err
}

func (p *parameters) cod(b []byte) (err error) {
	if len(b) < 5 {
		return errShort
	}
	s := &style{order: b[1], layers: int(binary.BigEndian.Uint16(b[2:])), transformed: b[4] == 1, sop: b[0]&2 != 0, eph: b[0]&4 != 0}
	if s.order > 4 || s.layers < 1 || b[4] > 1 {
		return malformed("progression order %d, %d layers, colour transformation %d", s.order, s.layers, b[4])
	}
	p.style = s
	p.coding, err = parseCoding(b[5:], b[0]&1 != 0)
	return err
}

func parseCoding(b []byte, precincts bool) (*coding, error) {
	if len(b) < 5 {
		return nil, errShort
	}
	c := &coding{levels: int(b[0]), xcb: int(b[1]) + 2, ycb: int(b[2]) + 2, blockStyle: b[3], reversible: b[4] == 1}
	if c.levels > 32 || c.xcb > 10 || c.ycb > 10 || c.xcb+c.ycb > 12 || b[4] > 1 {
		return nil, malformed("%d levels, blocks of 2^%d × 2^%d, transformation %d", c.levels, c.xcb, c.ycb, b[4])
	}
	if c.blockStyle&styleHT == 0 && c.blockStyle&styleMixed != 0 || c.blockStyle&styleHT != 0 && c.blockStyle&(styleMixed|styleBypass|styleReset|styleEndEach|stylePredict|styleSymbols) != 0 {
		return nil, unsupported("blocks of style %#x", c.blockStyle)
	}
	if !precincts {
		return c, nil
	}
	if b = b[5:]; len(b) < c.levels+1 {
		return nil, errShort
	}
	for r, v := range b[:c.levels+1] {
		if x, y := v&15, v>>4; r > 0 && (x == 0 || y == 0) {
			return nil, malformed("precincts of 2^%d × 2^%d", x, y)
		}
		c.precincts = append(c.precincts, [2]byte{v & 15, v >> 4})
	}
	return c, nil
}

// precinct is the size of precincts of a resolution as powers of two.
func (c *coding) precinct(r int) (x, y int) {
	if c.precincts == nil {
		return 15, 15
	}
	return int(c.precincts[r][0]), int(c.precincts[r][1])
}

func parseQuantiser(b []byte) (*quantiser, error) {
	if len(b) < 2 {
		return nil, errShort
	}
	q := &quantiser{kind: b[0] & 31, guard: int(b[0] >> 5)}
	switch b = b[1:]; {
	case q.kind == 0:
		for _, v := range b {
			q.steps = append(q.steps, uint16(v>>3)<<11)
		}
	case q.kind > 2 || len(b) < 2:
		return nil, malformed("quantisation of kind %d in %d bytes", q.kind, len(b))
	default:
		for i := 0; i+1 < len(b); i += 2 {
			q.steps = append(q.steps, binary.BigEndian.Uint16(b[i:]))
		}
	}
	return q, nil
}

// step gives exponent and mantissa of a band: b counts them from LL on, r is the
// resolution (E.1.1).
func (q *quantiser) step(b, r int) (exponent, mantissa int, err error) {
	if q.kind == 1 {
		v := q.steps[0]
		exponent = int(v>>11) - max(r-1, 0)
		if exponent < 0 {
			return 0, 0, malformed("derived quantisation of resolution %d from exponent %d", r, v>>11)
		}
		return exponent, int(v & 0x7FF), nil
	}
	if b >= len(q.steps) {
		return 0, 0, malformed("quantisation of band %d is not told", b)
	}
	return int(q.steps[b] >> 11), int(q.steps[b] & 0x7FF), nil
}

// poc reads changes of the progression order (A.6.6).
func (p *parameters) poc(b []byte) error {
	for ; len(b) >= 7; b = b[7:] {
		v := volume{res0: int(b[0]), comp0: int(b[1]), layers: int(binary.BigEndian.Uint16(b[2:])), res1: int(b[4]), comp1: int(b[5]), order: b[6]}
		if v.comp1 == 0 {
			v.comp1 = 256
		}
		if v.order > 4 || v.res0 >= v.res1 || v.comp0 >= v.comp1 || v.layers < 1 {
			return malformed("a change of progression to %+v", v)
		}
		if p.orders = append(p.orders, v); len(p.orders) > maxVolumes {
			return tooLarge("more than %d changes of progression", maxVolumes)
		}
	}
	if len(b) > 0 {
		return errShort
	}
	return nil
}

// maxVolumes bounds the changes of progression in one header.
const maxVolumes = 256

// over gives the parameters of a tile where it has its own, else those of the
// main header; a component's own win over those of all in the same header.
func (p *parameters) over(main *parameters, i int) (c *coding, q *quantiser, shift int) {
	for _, have := range []*coding{p.each[i], p.coding, main.each[i], main.coding} {
		if have != nil {
			c = have
			break
		}
	}
	for _, have := range []*quantiser{p.quants[i], p.quant, main.quants[i], main.quant} {
		if have != nil {
			q = have
			break
		}
	}
	return c, q, max(p.shift[i], main.shift[i], 0)
}
