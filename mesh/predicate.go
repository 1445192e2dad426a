package mesh

import (
	"math"
	"math/big"
)

// The predicates give the exact sign for float32 coordinates: float64 with the
// error bounds of J. R. Shewchuk, Adaptive Precision Floating-Point Arithmetic
// (1997), and long arithmetic where these cannot tell.
const (
	ulp        = 0x1p-53
	bound2D    = (3 + 16*ulp) * ulp
	bound3D    = (7 + 56*ulp) * ulp
	exactWidth = 1024 // bits, enough for any product of three differences of float32
)

// side3D is the sign of the volume of a, b, c, d: positive when d lies on the
// side from which a, b, c run clockwise.
func side3D(a, b, c, d point) int {
	x, y, z := a.sub(d), b.sub(d), c.sub(d)
	yz, zy := y[0]*z[1], z[0]*y[1]
	zx, xz := z[0]*x[1], x[0]*z[1]
	xy, yx := x[0]*y[1], y[0]*x[1]
	det := x[2]*(yz-zy) + y[2]*(zx-xz) + z[2]*(xy-yx)
	size := (math.Abs(yz)+math.Abs(zy))*math.Abs(x[2]) +
		(math.Abs(zx)+math.Abs(xz))*math.Abs(y[2]) +
		(math.Abs(xy)+math.Abs(yx))*math.Abs(z[2])
	if e := bound3D * size; det > e {
		return 1
	} else if -det > e {
		return -1
	}
	if size == 0 {
		return 0
	}
	return exact3D(a, b, c, d)
}

func exact3D(a, b, c, d point) int {
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

// side2D is the sign of the turn a, b, c in the plane of axes i and j.
func side2D(a, b, c point, i, j int) int {
	left := (a[i] - c[i]) * (b[j] - c[j])
	right := (a[j] - c[j]) * (b[i] - c[i])
	det, size := left-right, math.Abs(left)+math.Abs(right)
	if e := bound2D * size; det > e {
		return 1
	} else if -det > e {
		return -1
	}
	if size == 0 {
		return 0
	}
	l := long().Mul(minus(a[i], c[i]), minus(b[j], c[j]))
	r := long().Mul(minus(a[j], c[j]), minus(b[i], c[i]))
	return l.Cmp(r)
}

func long() *big.Float { return new(big.Float).SetPrec(exactWidth) }

func minus(a, b float64) *big.Float {
	return long().Sub(long().SetFloat64(a), long().SetFloat64(b))
}
