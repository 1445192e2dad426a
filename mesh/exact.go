package mesh

import (
	"math"
	"math/big"
	"math/bits"
)

// grid is the coarsest power of two that all values are whole multiples of,
// as the factor that makes them whole; not ok when they then do not fit 39
// bits, or when it is out of the range of float64.
type grid struct {
	factor float64
	ok     bool
}

const wholeBits = 39

func gridOf(points ...*point) grid {
	low, high := math.MaxInt32, math.MinInt32
	for _, p := range points {
		for _, v := range p {
			u := math.Float64bits(v)
			if u<<1 == 0 {
				continue
			}
			// float32 as float64 is always normal.
			exponent := int(u>>52&0x7ff) - 1023
			low = min(low, exponent-52+bits.TrailingZeros64(u&(1<<52-1)|1<<52))
			high = max(high, exponent)
		}
	}
	if high-low >= wholeBits || low > high {
		return grid{}
	}
	return grid{math.Float64frombits(uint64(1023-low) << 52), true}
}

// whole returns a-b on the grid: below 2^40.
func (g grid) whole(a, b float64) int64 { return int64(a*g.factor) - int64(b*g.factor) }

// int128 is a whole number in two's complement.
type int128 struct{ hi, lo uint64 }

func product(a, b int64) int128 {
	hi, lo := bits.Mul64(uint64(a), uint64(b))
	if a < 0 {
		hi -= uint64(b)
	}
	if b < 0 {
		hi -= uint64(a)
	}
	return int128{hi, lo}
}

func (a int128) sub(b int128) int128 {
	lo, borrow := bits.Sub64(a.lo, b.lo, 0)
	hi, _ := bits.Sub64(a.hi, b.hi, borrow)
	return int128{hi, lo}
}

func (a int128) add(b int128) int128 {
	lo, carry := bits.Add64(a.lo, b.lo, 0)
	hi, _ := bits.Add64(a.hi, b.hi, carry)
	return int128{hi, lo}
}

// times is the product with b, which must fit.
func (a int128) times(b int64) int128 {
	hi, lo := bits.Mul64(a.lo, uint64(b))
	hi += a.hi * uint64(b)
	if b < 0 {
		hi -= a.lo
	}
	return int128{hi, lo}
}

func (a int128) sign() int {
	switch {
	case int64(a.hi) < 0:
		return -1
	case a.hi|a.lo == 0:
		return 0
	}
	return 1
}

// whole3D is signs.space in whole numbers: minors below 2^81, sums below 2^124.
func (g grid) whole3D(a, b, c, d point) int {
	var x, y, z [3]int64
	for k := range 3 {
		x[k], y[k], z[k] = g.whole(a[k], d[k]), g.whole(b[k], d[k]), g.whole(c[k], d[k])
	}
	yz := product(y[0], z[1]).sub(product(z[0], y[1])).times(x[2])
	zx := product(z[0], x[1]).sub(product(x[0], z[1])).times(y[2])
	xy := product(x[0], y[1]).sub(product(y[0], x[1])).times(z[2])
	return yz.add(zx).add(xy).sign()
}

// exactWidth is enough for any product of three differences of float32.
const exactWidth = 1024

func long3D(a, b, c, d point) int {
	var m [3][3]*big.Float
	for k := range 3 {
		m[0][k], m[1][k], m[2][k] = minus(a[k], d[k]), minus(b[k], d[k]), minus(c[k], d[k])
	}
	det := long()
	for k := range 3 {
		i, j := (k+1)%3, (k+2)%3
		p := long().Mul(m[i][0], m[j][1])
		p.Sub(p, long().Mul(m[j][0], m[i][1]))
		det.Add(det, p.Mul(p, m[k][2]))
	}
	return det.Sign()
}

func long2D(a, b, c point, i, j int) int {
	l := long().Mul(minus(a[i], c[i]), minus(b[j], c[j]))
	r := long().Mul(minus(a[j], c[j]), minus(b[i], c[i]))
	return l.Cmp(r)
}

func long() *big.Float { return new(big.Float).SetPrec(exactWidth) }

func minus(a, b float64) *big.Float {
	return long().Sub(long().SetFloat64(a), long().SetFloat64(b))
}
