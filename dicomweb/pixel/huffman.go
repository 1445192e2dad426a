package pixel

// Huffman codes of JPEG.
// https://www.w3.org/Graphics/JPEG/itu-t81.pdf (Annex C, F.2.2.3)

const fastBits = 9

// huffman is one table.
type huffman struct {
	fast    [1 << fastBits]uint16 // length<<8 | value of short codes; 0: longer
	max     [18]int32             // greatest code of each length, -1 where none
	offset  [17]int32             // index of the first value of a length minus its first code
	values  []byte
	present bool
}

// parseHuffman reads the tables of a DHT segment; class and destination of each
// go to set.
func parseHuffman(b []byte, set func(class, id byte) *huffman) error {
	for len(b) > 0 {
		if len(b) < 17 {
			return errShort
		}
		t := set(b[0]>>4, b[0]&15)
		if t == nil {
			return malformed("a Huffman table with the destination %#x", b[0])
		}
		n := 0
		for _, c := range b[1:17] {
			n += int(c)
		}
		if n == 0 || n > 256 || len(b) < 17+n {
			return malformed("a Huffman table of %d codes", n)
		}
		if err := t.build(b[1:17], b[17:17+n]); err != nil {
			return err
		}
		b = b[17+n:]
	}
	return nil
}

func (t *huffman) build(counts, values []byte) error {
	*t = huffman{values: values, present: true}
	code, k := int32(0), int32(0)
	for l := 1; l <= 16; l++ {
		n := int32(counts[l-1])
		t.offset[l] = k - code
		if code+n > 1<<l {
			return malformed("a Huffman table with more codes of %d bits than there are", l)
		}
		for i := range n {
			if l <= fastBits {
				t.shortcut(code+i, l, values[k+i])
			}
		}
		code, k = code+n, k+n
		t.max[l] = code - 1
		if n == 0 {
			t.max[l] = -1
		}
		code <<= 1
	}
	return nil
}

func (t *huffman) shortcut(code int32, length int, value byte) {
	from := code << (fastBits - length)
	for i := range int32(1) << (fastBits - length) {
		t.fast[from+i] = uint16(length)<<8 | uint16(value)
	}
}

// bitReader reads entropy-coded bits; at a marker or the end it gives zeros and
// remembers it.
type bitReader struct {
	b     []byte
	i     int
	acc   uint64 // left aligned
	n     int    // valid bits of acc
	short bool   // more was taken than there is
}

// fill makes at least 32 bits valid where the stream has them.
func (r *bitReader) fill() {
	for r.n <= 56 && r.i < len(r.b) {
		c := r.b[r.i]
		if c == 0xFF {
			if r.i+1 >= len(r.b) || r.b[r.i+1] != 0 {
				return // a marker
			}
			r.i++
		}
		r.i++
		r.acc |= uint64(c) << (56 - r.n)
		r.n += 8
	}
}

func (r *bitReader) take(n int) uint32 {
	if r.n < n {
		if r.fill(); r.n < n {
			r.short, r.n, r.acc = true, 64, 0
		}
	}
	if n == 0 {
		return 0
	}
	v := uint32(r.acc >> (64 - n))
	r.acc <<= n
	r.n -= n
	return v
}

// symbol reads one code.
func (r *bitReader) symbol(t *huffman) byte {
	if r.n < 16 {
		r.fill()
	}
	if e := t.fast[r.acc>>(64-fastBits)]; e != 0 {
		r.take(int(e >> 8))
		return byte(e)
	}
	for l := fastBits + 1; l <= 16; l++ {
		code := int32(r.acc >> (64 - l))
		if t.max[l] >= 0 && code <= t.max[l] {
			if at := code + t.offset[l]; at >= 0 && int(at) < len(t.values) {
				r.take(l)
				return t.values[at]
			}
		}
	}
	r.short = true
	return 0
}

// extend reads the difference of a category (F.2.2.1).
func (r *bitReader) extend(category int) int32 {
	v := int32(r.take(category))
	if category > 0 && v < 1<<(category-1) {
		v -= 1<<category - 1
	}
	return v
}

// restart passes over the restart marker and begins anew.
func (r *bitReader) restart() error {
	r.acc, r.n = 0, 0
	for r.i+1 < len(r.b) {
		if r.b[r.i] == 0xFF && r.b[r.i+1] >= 0xD0 && r.b[r.i+1] <= 0xD7 {
			r.i += 2
			return nil
		}
		if r.b[r.i] == 0xFF && r.b[r.i+1] != 0 && r.b[r.i+1] != 0xFF {
			break
		}
		r.i++
	}
	return malformed("a restart marker is missing")
}
