package pixel

import (
	"encoding/binary"
	"math/bits"
)

// Entropy coding of the blocks of a baseline scan (F.1.2).
// https://www.w3.org/Graphics/JPEG/itu-t81.pdf

// standardTable is a Huffman table of Annex K.
type standardTable struct {
	counts [16]byte // codes of each length
	values []byte
	code   [256]uint32 // code and, in the lowest byte, its length
}

func newStandard(counts [16]byte, values string) *standardTable {
	t := &standardTable{counts: counts, values: []byte(values)}
	code, at := uint32(0), 0
	for l, n := range counts {
		for range n {
			t.code[t.values[at]] = code<<8 | uint32(l+1)
			code++
			at++
		}
		code <<= 1
	}
	return t
}

// Tables K.3 to K.6: luminance, chrominance.
var (
	standardDC = [2]*standardTable{
		newStandard([16]byte{0, 1, 5, 1, 1, 1, 1, 1, 1}, "\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b"),
		newStandard([16]byte{0, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1}, "\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b"),
	}
	standardAC = [2]*standardTable{
		newStandard([16]byte{0, 2, 1, 3, 3, 2, 4, 3, 5, 5, 4, 4, 0, 0, 1, 0x7d},
			"\x01\x02\x03\x00\x04\x11\x05\x12\x21\x31\x41\x06\x13\x51\x61\x07\x22\x71\x14\x32\x81\x91\xa1\x08\x23\x42\xb1\xc1\x15\x52\xd1\xf0"+
				"\x24\x33\x62\x72\x82\x09\x0a\x16\x17\x18\x19\x1a\x25\x26\x27\x28\x29\x2a\x34\x35\x36\x37\x38\x39\x3a\x43\x44\x45\x46\x47\x48\x49"+
				"\x4a\x53\x54\x55\x56\x57\x58\x59\x5a\x63\x64\x65\x66\x67\x68\x69\x6a\x73\x74\x75\x76\x77\x78\x79\x7a\x83\x84\x85\x86\x87\x88\x89"+
				"\x8a\x92\x93\x94\x95\x96\x97\x98\x99\x9a\xa2\xa3\xa4\xa5\xa6\xa7\xa8\xa9\xaa\xb2\xb3\xb4\xb5\xb6\xb7\xb8\xb9\xba\xc2\xc3\xc4\xc5"+
				"\xc6\xc7\xc8\xc9\xca\xd2\xd3\xd4\xd5\xd6\xd7\xd8\xd9\xda\xe1\xe2\xe3\xe4\xe5\xe6\xe7\xe8\xe9\xea\xf1\xf2\xf3\xf4\xf5\xf6\xf7\xf8"+
				"\xf9\xfa"),
		newStandard([16]byte{0, 2, 1, 2, 4, 4, 3, 4, 7, 5, 4, 4, 0, 1, 2, 0x77},
			"\x00\x01\x02\x03\x11\x04\x05\x21\x31\x06\x12\x41\x51\x07\x61\x71\x13\x22\x32\x81\x08\x14\x42\x91\xa1\xb1\xc1\x09\x23\x33\x52\xf0"+
				"\x15\x62\x72\xd1\x0a\x16\x24\x34\xe1\x25\xf1\x17\x18\x19\x1a\x26\x27\x28\x29\x2a\x35\x36\x37\x38\x39\x3a\x43\x44\x45\x46\x47\x48"+
				"\x49\x4a\x53\x54\x55\x56\x57\x58\x59\x5a\x63\x64\x65\x66\x67\x68\x69\x6a\x73\x74\x75\x76\x77\x78\x79\x7a\x82\x83\x84\x85\x86\x87"+
				"\x88\x89\x8a\x92\x93\x94\x95\x96\x97\x98\x99\x9a\xa2\xa3\xa4\xa5\xa6\xa7\xa8\xa9\xaa\xb2\xb3\xb4\xb5\xb6\xb7\xb8\xb9\xba\xc2\xc3"+
				"\xc4\xc5\xc6\xc7\xc8\xc9\xca\xd2\xd3\xd4\xd5\xd6\xd7\xd8\xd9\xda\xe2\xe3\xe4\xe5\xe6\xe7\xe8\xe9\xea\xf2\xf3\xf4\xf5\xf6\xf7\xf8"+
				"\xf9\xfa"),
	}
)

// scanWriter writes the blocks of a scan.
type scanWriter struct {
	out    []byte
	acc    uint64 // bits that wait, the last n of it
	n      uint
	before [3]int32 // DC of the block before, by component
	edge   [64]byte
}

// grey writes the only component of a picture.
func (s *scanWriter) grey(p *plane, d *divisors) {
	for y := 0; y < p.height; y += 8 {
		for x := 0; x < p.width; x += 8 {
			s.put(p, x, y, d, 0)
		}
	}
}

// colour writes four blocks of Y and one each of CB and CR in turn (A.2.3).
func (s *scanWriter) colour(p []plane, tables []*divisors) {
	for y := 0; y < p[0].height; y += 16 {
		for x := 0; x < p[0].width; x += 16 {
			for i := range 4 {
				s.put(&p[0], x+i%2*8, y+i/2*8, tables[0], 0)
			}
			s.put(&p[1], x/2, y/2, tables[1], 1)
			s.put(&p[2], x/2, y/2, tables[1], 2)
		}
	}
}

// put writes the block at x and y; beyond the edge the last samples go on.
func (s *scanWriter) put(p *plane, x, y int, d *divisors, component int) {
	if x+8 <= p.width && y+8 <= p.height {
		c := forward(p.pix[y*p.stride+x:], p.stride, d)
		s.code(&c, component)
		return
	}
	for i := range s.edge {
		s.edge[i] = p.pix[min(y+i/8, p.height-1)*p.stride+min(x+i%8, p.width-1)]
	}
	c := forward(s.edge[:], 8, d)
	s.code(&c, component)
}

// code writes the coefficients of a block.
func (s *scanWriter) code(c *coefficients, component int) {
	dc, ac := standardDC[min(component, 1)], standardAC[min(component, 1)]
	difference := c.of[0] - s.before[component]
	s.before[component] = c.of[0]
	out, acc, n := s.out, s.acc, s.n
	bits, length := value(dc, 0, difference)
	acc, n = acc<<(length&63)|bits, n+length
	last := 0
	for present := c.present &^ 1; present != 0; present &= present - 1 {
		if n >= 32 {
			out, n = drained(out, acc, n)
		}
		k := trailing(present)
		run := k - last - 1
		for last = k; run > 15; run -= 16 {
			sixteen := ac.code[0xF0]
			acc, n = acc<<(sixteen&63)|uint64(sixteen>>8), n+uint(sixteen&0xFF)
			if n >= 32 {
				out, n = drained(out, acc, n)
			}
		}
		bits, length = value(ac, run, c.of[k&63])
		acc, n = acc<<(length&63)|bits, n+length
	}
	if n >= 32 {
		out, n = drained(out, acc, n)
	}
	if last < 63 {
		end := ac.code[0] // of the block
		acc, n = acc<<(end&63)|uint64(end>>8), n+uint(end&0xFF)
	}
	if n >= 32 {
		out, n = drained(out, acc, n)
	}
	s.out, s.acc, s.n = out, acc, n
}

func trailing(x uint64) int { return bits.TrailingZeros64(x) }

// value is the code of a run and a category with the bits of the value behind it:
// at most 27 bits.
// Shifts are masked for the compiler, which need not guard them then.
func value(t *standardTable, run int, v int32) (uint64, uint) {
	sign := v >> 31
	category := uint(bits.Len32(uint32((v ^ sign) - sign)))
	c := t.code[(uint(run)<<4|category)&0xFF]
	low := uint32(v+sign) & (1<<(category&31) - 1)
	return uint64(c>>8)<<(category&63) | uint64(low), uint(c&0xFF) + category
}

// drained writes the first 32 of the bits that wait, with a zero after each FF.
func drained(out []byte, acc uint64, n uint) ([]byte, uint) {
	n -= 32
	word := uint32(acc >> (n & 63))
	if inverse := ^word; (inverse-0x01010101)&^inverse&0x80808080 == 0 { // no byte is FF
		return binary.BigEndian.AppendUint32(out, word), n
	}
	for i := 24; i >= 0; i -= 8 {
		c := byte(word >> (i & 31))
		if out = append(out, c); c == 0xFF {
			out = append(out, 0)
		}
	}
	return out, n
}

// end fills the last byte with ones.
func (s *scanWriter) end() []byte {
	w := bitWriter{out: s.out}
	if s.n > 16 {
		w.put(uint32(s.acc>>16)&(1<<(s.n-16)-1), int(s.n-16))
		s.n = 16
	}
	w.put(uint32(s.acc)&(1<<s.n-1), int(s.n))
	return w.end()
}
