package mesh

import (
	"math"
	"strconv"
)

// powers holds the powers of ten that float64 represents exactly.
var powers = [...]float64{
	1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11,
	1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
}

// roundDecimal rounds mantissa × 10^exponent, mantissa below 10^15, to the
// nearest float32, or says that the short way does not suffice.
//
// The short way is exact: 15 digits and a power of ten up to 22 give a
// correctly rounded float64 (W. D. Clinger, How to read floating point numbers
// accurately, 1990), and rounding that once more to float32 differs from
// rounding the decimal only where the float64 is a tie of two float32.
func roundDecimal(mantissa uint64, exponent int) (uint32, bool) {
	f := float64(mantissa)
	switch {
	case exponent < -22 || exponent > 22:
		return 0, false
	case exponent < 0:
		f /= powers[-exponent]
	default:
		f *= powers[exponent]
	}
	const half, below = 1 << 28, 1<<29 - 1 // bits that float32 lacks
	if math.Float64bits(f)&below == half || (f < 0x1p-126 && f != 0) {
		return 0, false
	}
	return math.Float32bits(float32(f)), true
}

// parseFloat32 reads a decimal number, or a name of NaN or infinity, as the
// bits of the nearest float32. A value too large for float32 reads as
// infinity, which the caller refuses with the facet it stands in.
func parseFloat32(b []byte) (uint32, bool) {
	for _, c := range b {
		if c == '_' || c|0x20 == 'x' { // Go alone reads 1_000 and 0x1p3
			return 0, false
		}
	}
	f, err := strconv.ParseFloat(string(b), 32)
	if err != nil && !math.IsInf(f, 0) {
		return 0, false
	}
	return math.Float32bits(float32(f)), true
}

// powerOfTen reads e[sign]digits with one to three digits.
func powerOfTen(b []byte) (int, bool) {
	if len(b) < 2 || b[0]|0x20 != 'e' {
		return 0, false
	}
	b = b[1:]
	negative := b[0] == '-'
	if b[0] == '-' || b[0] == '+' {
		b = b[1:]
	}
	if len(b) < 1 || len(b) > 3 {
		return 0, false
	}
	n := 0
	for _, c := range b {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int(c-'0')
	}
	if negative {
		n = -n
	}
	return n, true
}
