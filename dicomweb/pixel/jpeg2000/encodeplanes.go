package jpeg2000

import "math/bits"

// planesWriter codes blocks of Part 1 (annex D): the reverse of planes, whose
// flags it uses.
type planesWriter struct {
	planes
	coder        mqWriter
	coefficients []uint32 // magnitudes and signs of the block
}

// encode appends the code of a block and gives its bit planes; 0: it is empty.
func (w *planesWriter) encode(out []byte, c *tileComponent, b *block, kind int) ([]byte, int) {
	w.wide, w.high = int(b.wide), int(b.high)
	w.coefficients = cleared(w.coefficients, w.wide*w.high)
	all := uint32(0)
	for y := range w.high {
		row := c.ints[(int(b.top)+y)*c.width()+int(b.left):][:w.wide]
		for x, v := range row {
			m := uint32(v)
			if v < 0 {
				m = uint32(-v) | signBit
			}
			w.coefficients[y*w.wide+x] = m
			all |= m &^ signBit
		}
	}
	have := bits.Len32(all)
	if have == 0 {
		return out, 0
	}
	w.stride = w.wide + 2
	w.flags = cleared(w.flags, w.stride*((w.high+3)/4+2))
	w.zero, w.style = &zeroContexts[kind], 0
	w.reset()
	w.coder.begin(out)
	for plane := have - 1; plane >= 0; plane-- {
		if plane < have-1 {
			w.eachColumn(func(at, x, y, rows int) { w.propagateColumn(at, x, y, rows, plane) })
			w.eachColumn(func(at, x, y, rows int) { w.refineColumn(at, x, y, rows, plane) })
		}
		w.eachColumn(func(at, x, y, rows int) { w.cleanUpColumn(at, x, y, rows, plane) })
	}
	return w.coder.end(), have
}

// eachColumn gives the columns of the stripes, with the place of their flags.
func (w *planesWriter) eachColumn(do func(at, x, y, rows int)) {
	for y := 0; y < w.high; y += 4 {
		at := (y/4+1)*w.stride + 1
		for x := range w.wide {
			do(at+x, x, y, min(4, w.high-y))
		}
	}
}

func (w *planesWriter) put(context uint8, v uint32) { w.coder.put(&w.cx[context], v) }

// plane is the bit of a coefficient in a plane.
func (w *planesWriter) plane(i, plane int) uint32 { return w.coefficients[i] &^ signBit >> plane & 1 }

func (w *planesWriter) propagateColumn(at, x, y, rows, plane int) {
	for j := range rows {
		near := w.flags[at] >> (3 * j)
		if near&significant != 0 || near&aroundOne == 0 {
			continue
		}
		i := (y+j)*w.wide + x
		v := w.plane(i, plane)
		w.put(w.zero[near&511], v)
		if v != 0 {
			w.becomes(at, j, i)
		}
		w.flags[at] |= 1 << (visited + j)
	}
}

func (w *planesWriter) refineColumn(at, x, y, rows, plane int) {
	for j := range rows {
		f := w.flags[at]
		near := f >> (3 * j)
		if near&significant == 0 || f>>(visited+j)&1 != 0 {
			continue
		}
		w.put(refineContext(f, j), w.plane((y+j)*w.wide+x, plane))
		w.flags[at] |= 1 << (refined + j)
	}
}

func (w *planesWriter) cleanUpColumn(at, x, y, rows, plane int) {
	from := 0
	if w.flags[at]&neighbours == 0 && rows == 4 {
		for from < 4 && w.plane((y+from)*w.wide+x, plane) == 0 {
			from++
		}
		if from == 4 {
			w.put(contextRun, 0)
			return
		}
		w.put(contextRun, 1)
		w.put(contextUniform, uint32(from>>1))
		w.put(contextUniform, uint32(from&1))
		w.becomes(at, from, (y+from)*w.wide+x)
		from++
	}
	for j := from; j < rows; j++ {
		f := w.flags[at]
		near := f >> (3 * j)
		if near&significant != 0 || f>>(visited+j)&1 != 0 {
			continue
		}
		i := (y+j)*w.wide + x
		v := w.plane(i, plane)
		w.put(w.zero[near&511], v)
		if v != 0 {
			w.becomes(at, j, i)
		}
	}
	w.flags[at] &^= allVisited
}

// becomes writes the sign of a coefficient that became significant.
func (w *planesWriter) becomes(at, j, i int) {
	s, sign := w.signContext(at, j), w.coefficients[i]>>31
	w.put(s>>1, sign^uint32(s&1))
	w.mark(at, j, sign)
}

// mqWriter is the MQ encoder (C.2).
type mqWriter struct {
	out   []byte
	start int // where the segment begins in out
	a, c  uint32
	left  uint32
}

// begin starts a segment behind out.
func (m *mqWriter) begin(out []byte) {
	*m = mqWriter{out: append(out, 0), start: len(out) + 1, a: 0x8000, left: 12}
}

// put codes a decision in a context.
func (m *mqWriter) put(state *uint8, v uint32) {
	s := &mqStates[*state]
	m.a -= s.qe
	if v == uint32(s.mps) {
		if m.a&0x8000 != 0 {
			m.c += s.qe
			return
		}
		if m.a < s.qe {
			m.a = s.qe
		} else {
			m.c += s.qe
		}
		*state = s.nmps
	} else {
		if m.a < s.qe {
			m.c += s.qe
		} else {
			m.a = s.qe
		}
		*state = s.nlps
	}
	for {
		m.a <<= 1
		m.c <<= 1
		if m.left--; m.left == 0 {
			m.byte()
		}
		if m.a&0x8000 != 0 {
			return
		}
	}
}

// byte puts out one; a carry goes into the one before, and after FF a byte
// holds seven bits.
func (m *mqWriter) byte() {
	last := &m.out[len(m.out)-1]
	if *last != 0xFF && m.c&0x8000000 != 0 {
		*last++
		m.c &= 0x7FFFFFF
	}
	if *last == 0xFF {
		m.out = append(m.out, byte(m.c>>20))
		m.c &= 0xFFFFF
		m.left = 7
		return
	}
	m.out = append(m.out, byte(m.c>>19))
	m.c &= 0x7FFFF
	m.left = 8
}

// end ends the segment (C.2.9) and gives all bytes without the one before it.
func (m *mqWriter) end() []byte {
	most := m.c + m.a
	if m.c |= 0xFFFF; m.c >= most {
		m.c -= 0x8000
	}
	for range 2 {
		m.c <<= m.left
		m.byte()
	}
	if m.out[len(m.out)-1] == 0xFF {
		m.out = m.out[:len(m.out)-1]
	}
	return append(m.out[:m.start-1], m.out[m.start:]...)
}
