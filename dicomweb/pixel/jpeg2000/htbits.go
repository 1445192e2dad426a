package jpeg2000

// The bit streams of HT blocks (T.814 clause 7.1).

// melReader decodes runs of events. Bits come from the highest on; after FF, a
// byte holds seven.
type melReader struct {
	b       []byte // the last byte shares its lower half with VLC
	i       int
	last    byte
	left    uint
	state   int
	zeros   int
	thenOne bool
}

// melExponents are the powers of two of the runs of each state (table 2).
var melExponents = [13]int{0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 4, 5}

// event decodes the next event.
func (m *melReader) event() bool {
	for m.zeros == 0 && !m.thenOne {
		e := melExponents[m.state]
		if m.bit() == 1 {
			m.zeros = 1 << e
			m.state = min(m.state+1, 12)
			continue
		}
		for range e {
			m.zeros = m.zeros<<1 | int(m.bit())
		}
		m.thenOne = true
		m.state = max(m.state-1, 0)
	}
	if m.zeros > 0 {
		m.zeros--
		return false
	}
	m.thenOne = false
	return true
}

func (m *melReader) bit() byte {
	if m.left == 0 {
		m.left = 8
		if m.last == 0xFF {
			m.left = 7
		}
		m.last = 0xFF
		if m.i < len(m.b) {
			if m.last = m.b[m.i]; m.i == len(m.b)-1 {
				m.last |= 15
			}
			m.i++
		}
	}
	m.left--
	return m.last >> m.left & 1
}

// forward reads bits from the lowest on; after FF, a byte holds seven. Beyond
// the end it reads fill.
type forward struct {
	b       []byte
	acc     uint64
	n       uint
	stuffed bool
	fill    byte
}

// take reads at most 32 bits.
func (r *forward) take(n uint) uint32 {
	for r.n < n {
		c := r.fill
		if len(r.b) > 0 {
			c, r.b = r.b[0], r.b[1:]
		}
		r.acc |= uint64(c) << r.n
		r.n += 8
		if r.stuffed {
			r.n--
		}
		r.stuffed = c == 0xFF
	}
	v := uint32(r.acc & (1<<n - 1))
	r.acc >>= n
	r.n -= n
	return v
}

// backward reads bits from the end of bytes, each from the lowest on; before a
// byte above 8F, one whose lower bits are all ones holds seven. Before the first
// byte it reads zeros.
type backward struct {
	b     []byte
	acc   uint64
	n     uint
	above bool
}

// backwards begins in the upper half of a byte, with some bytes before it.
func backwards(b []byte, last byte, size int) *backward {
	r := &backward{b: b[len(b)-size:], acc: uint64(last >> 4), n: 4, above: last|15 > 0x8F}
	if last>>4&7 == 7 {
		r.n = 3
	}
	return r
}

// peek shows at least 32 bits.
func (r *backward) peek() uint32 {
	for r.n <= 56 {
		c := byte(0)
		if n := len(r.b); n > 0 {
			c, r.b = r.b[n-1], r.b[:n-1]
		}
		r.acc |= uint64(c) << r.n
		r.n += 8
		if r.above && c&0x7F == 0x7F {
			r.n--
		}
		r.above = c > 0x8F
	}
	return uint32(r.acc)
}

func (r *backward) skip(n uint) {
	r.acc >>= n
	r.n -= n
}

func (r *backward) take(n uint) int {
	v := int(r.peek() & (1<<n - 1))
	r.skip(n)
	return v
}

// prefix reads that of an exponent: its value, and the bits of its suffix
// (table 3).
func (r *backward) prefix() (value int, suffix uint) {
	switch v := r.peek(); {
	case v&1 != 0:
		r.skip(1)
		return 1, 0
	case v&2 != 0:
		r.skip(2)
		return 2, 0
	case v&4 != 0:
		r.skip(3)
		return 3, 1
	}
	r.skip(3)
	return 5, 5
}

// exponents reads those of two quads of which some have one: prefixes, then
// suffixes. Those of 28 and more, which go on, are of more planes than are
// decoded.
func (r *backward) exponents(first, second bool) (a, b int) {
	var more, most uint
	if first {
		a, more = r.prefix()
	}
	if second {
		b, most = r.prefix()
	}
	a += r.take(more)
	b += r.take(most)
	return a, b
}

// firstExponents reads those of two quads in the first row of which not both
// are greater than two: behind a first one that is, the second is one bit.
func (r *backward) firstExponents() (a, b int) {
	a, more := r.prefix()
	if a > 2 {
		b = 1 + r.take(1)
		return a + r.take(more), b
	}
	b, most := r.prefix()
	return a, b + r.take(most)
}

// firstRow and otherRow give the entry of a context and the next seven bits.
var firstRow, otherRow = lookUp(firstRowWords[:]), lookUp(otherRowWords[:])

func lookUp(words []uint32) (t [1024]uint32) {
	for _, w := range words {
		code, length := w>>3&127, w&7
		for i := code; i < 128; i += 1 << length {
			t[w>>23<<7|i] = w
		}
	}
	return t
}
