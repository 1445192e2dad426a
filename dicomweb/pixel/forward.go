package pixel

import (
	"encoding/binary"
	"math"
)

// The forward transform (A.3.3) by the scheme of Arai, Agui and Nakajima, which
// leaves factors to the division of the quantiser (A.3.4): five multiplications
// for eight values.
// https://www.w3.org/Graphics/JPEG/itu-t81.pdf

// divisors quantise the output of the transform.
type divisors struct {
	steps [64]byte    // of the table, as DQT holds them: in the order of the stream
	by    [64]float32 // one over step and factor, column by column
}

// Tables K.1 and K.2, row by row.
var (
	luminance = [64]byte{
		16, 11, 10, 16, 24, 40, 51, 61,
		12, 12, 14, 19, 26, 58, 60, 55,
		14, 13, 16, 24, 40, 57, 69, 56,
		14, 17, 22, 29, 51, 87, 80, 62,
		18, 22, 37, 56, 68, 109, 103, 77,
		24, 35, 55, 64, 81, 104, 113, 92,
		49, 64, 78, 87, 103, 121, 120, 101,
		72, 92, 95, 98, 112, 100, 103, 99,
	}
	chrominance = [64]byte{
		17, 18, 24, 47, 99, 99, 99, 99,
		18, 21, 26, 66, 99, 99, 99, 99,
		24, 26, 56, 99, 99, 99, 99, 99,
		47, 66, 99, 99, 99, 99, 99, 99,
		99, 99, 99, 99, 99, 99, 99, 99,
		99, 99, 99, 99, 99, 99, 99, 99,
		99, 99, 99, 99, 99, 99, 99, 99,
		99, 99, 99, 99, 99, 99, 99, 99,
	}
)

// factors are those that the scheme leaves in rows and in columns.
var factors = func() (f [8]float64) {
	f[0] = 1
	for k := 1; k < 8; k++ {
		f[k] = math.Cos(float64(k)*math.Pi/16) * math.Sqrt2
	}
	return f
}()

// divisorsOf scales a table to a quality.
func divisorsOf(table *[64]byte, quality int) *divisors {
	quality = min(max(quality, 1), 100)
	scale := 200 - 2*quality
	if quality < 50 {
		scale = 5000 / quality
	}
	d := &divisors{}
	for k, at := range zigzag {
		step := min(max((int(table[at])*scale+50)/100, 1), 255)
		d.steps[k] = byte(step)
		d.by[at%8*8+at/8] = float32(1 / (8 * float64(step) * factors[at/8] * factors[at%8]))
	}
	return d
}

// level is the shift of A.3.1.
var level = func() (l [256]float32) {
	for i := range l {
		l[i] = float32(i) - 128
	}
	return l
}()

const (
	cos4 = 0.70710678118654752440 // cos 4π/16
	cos6 = 0.38268343236508977173 // cos 6π/16
	sum2 = 1.30656296487637652786 // cos 2π/16 + cos 6π/16
	less = 0.54119610014619698440 // cos 2π/16 - cos 6π/16
)

// place gives, column by column, where the order of the stream has a coefficient.
var place = func() (p [64]uint8) {
	for k, at := range zigzag {
		p[at%8*8+at/8] = uint8(k)
	}
	return p
}()

// coefficients are those of a block in the order of the stream; present has a bit
// for each that is not zero.
type coefficients struct {
	of      [64]int32
	present uint64
}

// forward transforms and quantises the eight rows of samples that begin at pix.
func forward(pix []byte, stride int, d *divisors) (out coefficients) {
	if flat(pix, stride) {
		out.of[0] = nearest(64 * level[pix[0]] * d.by[0])
		return out
	}
	var rows [64]float32
	for y := range 8 {
		p := (*[8]byte)(pix[y*stride:])
		o := (*[8]float32)(rows[y*8:])
		o[0], o[1], o[2], o[3], o[4], o[5], o[6], o[7] = eight(
			level[p[0]], level[p[1]], level[p[2]], level[p[3]], level[p[4]], level[p[5]], level[p[6]], level[p[7]])
	}
	for x := range 8 {
		a, b, c, d, e, f, g, h := quantised((*[8]float32)(d.by[8*x:]), &rows, x)
		if a|b|c|d|e|f|g|h == 0 {
			continue // as most columns of high frequency
		}
		for y, v := range [8]int32{a, b, c, d, e, f, g, h} {
			if v != 0 {
				k := place[8*x+y] & 63
				out.of[k] = v
				out.present |= 1 << k
			}
		}
	}
	return out
}

// flat tells whether all samples of a block are the same, as much of a picture is
// beyond its window.
func flat(pix []byte, stride int) bool {
	all := uint64(pix[0]) * 0x0101010101010101
	for y := range 8 {
		if binary.LittleEndian.Uint64(pix[y*stride:]) != all {
			return false
		}
	}
	return true
}

// quantised transforms a column and divides it.
func quantised(by *[8]float32, rows *[64]float32, x int) (_, _, _, _, _, _, _, _ int32) {
	x &= 7
	a, b, c, d, e, f, g, h := eight(rows[x], rows[x+8], rows[x+16], rows[x+24], rows[x+32], rows[x+40], rows[x+48], rows[x+56])
	return nearest(a * by[0]), nearest(b * by[1]), nearest(c * by[2]), nearest(d * by[3]),
		nearest(e * by[4]), nearest(f * by[5]), nearest(g * by[6]), nearest(h * by[7])
}

// nearest rounds: the shift makes the conversion, which cuts, go one way for
// negative values too.
func nearest(v float32) int32 {
	const shift = 1 << 14
	return int32(v+(shift+0.5)) - shift
}

// eight transforms one row or column.
func eight(a, b, c, d, e, f, g, h float32) (_, _, _, _, _, _, _, _ float32) {
	s0, d0 := a+h, a-h
	s1, d1 := b+g, b-g
	s2, d2 := c+f, c-f
	s3, d3 := d+e, d-e
	// The even half.
	p0, p3 := s0+s3, s0-s3
	p1, p2 := s1+s2, s1-s2
	z := (p2 + p3) * cos4
	// The odd half.
	q0, q1, q2 := d3+d2, d2+d1, d1+d0
	z5 := (q0 - q2) * cos6
	z2 := q0*less + z5
	z4 := q2*sum2 + z5
	z3 := q1 * cos4
	u, v := d0+z3, d0-z3
	return p0 + p1, u + z4, p3 + z, v - z2, p0 - p1, v + z2, p3 - z, u - z4
}
