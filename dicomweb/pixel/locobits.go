package pixel

import "math/bits"

// locoBits reads the bits of a JPEG-LS scan: after FF comes a byte of seven.
type locoBits struct {
	b     []byte
	i     int
	acc   uint64 // left aligned
	n     int
	short bool // more was taken than there is, or what no coder writes
}

func (r *locoBits) fill() {
	for r.n <= 56 && r.i < len(r.b) {
		c, width := r.b[r.i], 8
		if r.i > 0 && r.b[r.i-1] == 0xFF {
			// The byte before the scan is the last of its header, never FF.
			width = 7
		}
		if c == 0xFF && (r.i+1 >= len(r.b) || r.b[r.i+1] >= 0x80) {
			return // a marker
		}
		r.acc |= uint64(c) << (64 - width) >> r.n
		r.n += width
		r.i++
	}
}

func (r *locoBits) take(n int) int {
	if r.n < n {
		if r.fill(); r.n < n {
			r.short, r.acc, r.n = true, 0, 64
		}
	}
	v := int(r.acc >> 1 >> (63 - n))
	r.acc <<= n
	r.n -= n
	return v
}

// golomb decodes one limited Golomb code (A.5.3).
func (r *locoBits) golomb(k, limit, qbpp int) int {
	if r.n < 56 {
		r.fill()
	}
	zeros := bits.LeadingZeros64(r.acc)
	if most := limit - qbpp - 1; zeros > most || zeros >= r.n || k > 32 {
		r.short = true
		return 0
	} else if zeros == most {
		r.take(zeros + 1)
		return r.take(qbpp) + 1
	}
	r.take(zeros + 1)
	return zeros<<k | r.take(k)
}

// end is the place behind the scan: that of the next marker.
func (r *locoBits) end() int {
	i := r.i
	for i+1 < len(r.b) && !(r.b[i] == 0xFF && r.b[i+1] >= 0x80) {
		i++
	}
	return i
}
