package jpeg2000

import "math/bits"

// encoder writes the packets of one tile.
type encoder struct {
	out        []byte
	components []*tileComponent
	planes     planesWriter
	head       bitWriter
	bodies     []byte
}

// packets writes them by resolution and component (B.12.1.2).
func (e *encoder) packets(levels int) {
	for r := range levels + 1 {
		for _, c := range e.components {
			res := &c.resolutions[r]
			for i := range res.precincts {
				e.packet(c, res, &res.precincts[i])
			}
		}
	}
}

// packet writes one packet: which blocks have something, their empty planes,
// passes and lengths, then their bytes (B.10).
func (e *encoder) packet(c *tileComponent, res *resolution, p *precinct) {
	e.head, e.bodies = bitWriter{out: e.out}, e.bodies[:0]
	e.head.put(1, 1)
	for j := range p.groups {
		g := &p.groups[j]
		lengths := make([]int, len(g.blocks))
		for i := range g.blocks {
			b := &g.blocks[i]
			before, planes := len(e.bodies), 0
			e.bodies, planes = e.planes.encode(e.bodies, c, b, res.bands[j].kind)
			lengths[i], b.zeroPlanes = len(e.bodies)-before, uint8(res.bands[j].planes-planes)
			b.passes = uint8(max(3*planes-2, 0))
		}
		included := newTreeWriter(g, func(b *block) uint16 { return uint16(1 - min(b.passes, 1)) })
		zero := newTreeWriter(g, func(b *block) uint16 { return uint16(b.zeroPlanes) })
		for i := range g.blocks {
			b := &g.blocks[i]
			if included.write(&e.head, i, 1); b.passes == 0 {
				continue
			}
			for limit := uint16(1); limit <= uint16(b.zeroPlanes)+1; limit++ {
				zero.write(&e.head, i, limit)
			}
			e.head.passes(int(b.passes))
			more := bits.Len(uint(b.passes)) - 1 // bits of a length beyond Lblock
			need := max(bits.Len(uint(lengths[i]))-more, 3)
			e.head.put(1<<(need-3+1)-2, need-3+1)
			e.head.put(lengths[i], need+more)
		}
	}
	e.out = append(e.head.end(), e.bodies...)
}

// bitWriter writes packet headers: after FF, seven bits.
type bitWriter struct {
	out   []byte
	begun int // bytes
	last  byte
	left  int // free bits of last
}

func (w *bitWriter) put(v, n int) {
	for n--; n >= 0; n-- {
		if w.left == 0 {
			w.byte()
		}
		w.left--
		w.last |= byte(v>>n&1) << w.left
	}
}

// byte begins the next one.
func (w *bitWriter) byte() {
	w.left = 8
	if w.begun > 0 {
		if w.out = append(w.out, w.last); w.last == 0xFF {
			w.left = 7
		}
	}
	w.begun++
	w.last = 0
}

// end fills the last byte; none ends with FF.
func (w *bitWriter) end() []byte {
	if w.out = append(w.out, w.last); w.last == 0xFF {
		w.out = append(w.out, 0)
	}
	return w.out
}

// passes writes a number of coding passes (table B.4).
func (w *bitWriter) passes(n int) {
	switch {
	case n == 1:
		w.put(0, 1)
	case n == 2:
		w.put(2, 2)
	case n < 6:
		w.put(3<<2|(n-3), 4)
	case n < 37:
		w.put(15<<5|(n-6), 9)
	default:
		w.put(511<<7|(n-37), 16)
	}
}

// treeWriter is a tag tree whose values are known.
type treeWriter struct {
	tree
	values []uint16
}

func newTreeWriter(g *group, value func(*block) uint16) *treeWriter {
	if len(g.blocks) == 0 {
		return nil
	}
	t := &treeWriter{tree: newTree(g.across, g.down)}
	t.values = make([]uint16, len(t.nodes))
	for i := range t.values {
		t.values[i] = 0xFFFF
	}
	var path [maxTreeLevels]int
	for i := range g.blocks {
		for _, n := range path[:t.path(&path, i)+1] {
			t.values[n] = min(t.values[n], value(&g.blocks[i]))
		}
	}
	return t
}

// write tells whether the value of a leaf is below a limit, as far as that was
// not told before.
func (t *treeWriter) write(w *bitWriter, leaf int, limit uint16) {
	var path [maxTreeLevels]int
	low := uint16(0)
	for depth := t.path(&path, leaf); depth >= 0; depth-- {
		n, value := &t.nodes[path[depth]], t.values[path[depth]]
		n.low = max(n.low, low)
		for !n.known && n.low < limit {
			if n.known = n.low == value; n.known {
				w.put(1, 1)
			} else {
				w.put(0, 1)
				n.low++
			}
		}
		low = n.low
	}
}
