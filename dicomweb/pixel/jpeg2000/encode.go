package jpeg2000

import (
	"encoding/binary"
	"math/bits"
)

// Picture is what Encode writes.
type Picture struct {
	Width, Height int
	Components    []Component // of at most 16 bits
	// Row gives the samples of a row of one component.
	Row func(component, y int, row []int32)
}

// What Encode chooses.
const (
	mostLevels = 5
	blockPower = 6
	guardBits  = 2
)

// Encode writes a picture without loss: one tile, one layer, the reversible
// wavelet, blocks of 64 × 64, no colour transformation.
func Encode(p *Picture) ([]byte, error) {
	levels := min(mostLevels, bits.Len(uint(min(p.Width, p.Height)))-1)
	coding := &coding{levels: levels, xcb: blockPower, ycb: blockPower, reversible: true}
	out := p.head(levels)
	start := len(out)
	out = append(out, 0xFF, markerSOT&0xFF, 0, 10, 0, 0, 0, 0, 0, 0, 0, 1, 0xFF, markerSOD&0xFF)
	e := &encoder{out: out}
	for i, of := range p.Components {
		if of.Bits > 16 {
			return nil, unsupported("writing samples of %d bits", of.Bits)
		}
		c := &tileComponent{coding: coding, area: area{0, 0, p.Width, p.Height}}
		if err := c.layout(of, reversibleSteps(of.Bits, levels), 0); err != nil {
			return nil, err
		}
		c.cut()
		c.room()
		level := int32(1) << (of.Bits - 1)
		if of.Signed {
			level = 0
		}
		for y := range p.Height {
			row := c.ints[y*p.Width:][:p.Width]
			p.Row(i, y, row)
			for x := range row {
				row[x] -= level
			}
		}
		c.analyse()
		e.components = append(e.components, c)
	}
	e.packets(levels)
	binary.BigEndian.PutUint32(e.out[start+6:], uint32(len(e.out)-start))
	return append(e.out, 0xFF, markerEOC&0xFF), nil
}

// reversibleSteps are the exponents of bands without quantisation (E-4).
func reversibleSteps(depth, levels int) *quantiser {
	q := &quantiser{guard: guardBits, steps: []uint16{uint16(depth) << 11}}
	for range levels {
		q.steps = append(q.steps, uint16(depth+1)<<11, uint16(depth+1)<<11, uint16(depth+2)<<11)
	}
	return q
}

// head is the main header.
func (p *Picture) head(levels int) []byte {
	n := len(p.Components)
	b := []byte{0xFF, markerSOC & 0xFF, 0xFF, markerSIZ & 0xFF, 0, byte(38 + 3*n), 0, 0}
	for _, v := range []int{p.Width, p.Height, 0, 0, p.Width, p.Height, 0, 0} {
		b = binary.BigEndian.AppendUint32(b, uint32(v))
	}
	b = append(b, 0, byte(n))
	for _, c := range p.Components {
		depth := byte(c.Bits - 1)
		if c.Signed {
			depth |= 0x80
		}
		b = append(b, depth, 1, 1)
	}
	b = append(b, 0xFF, markerCOD&0xFF, 0, 12, 0, resolutionFirst, 0, 1, 0, byte(levels), blockPower-2, blockPower-2, 0, 1)
	for i, c := range p.Components {
		q := reversibleSteps(c.Bits, levels)
		if i == 0 {
			b = append(b, 0xFF, markerQCD&0xFF, 0, byte(3+len(q.steps)))
		} else if c.Bits != p.Components[0].Bits {
			b = append(b, 0xFF, markerQCC&0xFF, 0, byte(4+len(q.steps)), byte(i))
		} else {
			continue
		}
		b = append(b, guardBits<<5)
		for _, s := range q.steps {
			b = append(b, byte(s>>11<<3))
		}
	}
	return b
}

// analyse turns samples into coefficients (F.4): the reverse of synthesise, so
// columns come first. The tile begins at 0, so the first of each line is low.
func (c *tileComponent) analyse() {
	buffer := make([]int32, columnsAtOnce*max(c.width(), c.height()))
	for r := c.levels; r > 0; r-- {
		res, low := c.resolutions[r].area, c.resolutions[r-1].area
		wide, high, stride := res.width(), res.height(), c.width()
		for x := 0; x < wide; x += columnsAtOnce {
			n := min(columnsAtOnce, wide-x)
			rows := buffer[:n*high]
			for y := range high {
				copy(rows[y*n:(y+1)*n], c.ints[y*stride+x:])
			}
			lower53(rows, n, high)
			for y := range high {
				copy(c.ints[y*stride+x:][:n], rows[interleaved(y, low.height(), 0)*n:])
			}
		}
		for y := range high {
			row, line := c.ints[y*stride:][:wide], buffer[:wide]
			copy(line, row)
			lower53(line, 1, wide)
			for x := range row {
				row[x] = line[interleaved(x, low.width(), 0)]
			}
		}
	}
}

// lower53 is the reverse of lift53.
func lower53(rows []int32, wide, n int) {
	if n == 1 {
		return
	}
	eachStep(rows, wide, n, 1, func(to, a, b []int32) {
		for i := range to {
			to[i] -= (a[i] + b[i]) >> 1
		}
	})
	eachStep(rows, wide, n, 0, func(to, a, b []int32) {
		for i := range to {
			to[i] += (a[i] + b[i] + 2) >> 2
		}
	})
}
