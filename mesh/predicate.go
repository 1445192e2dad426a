package mesh

import "math"

// signs gives the exact sign of a position for float32 coordinates: float64
// with the error bounds of J. R. Shewchuk, Adaptive Precision Floating-Point
// Arithmetic (1997); where these cannot tell, whole numbers on the grid of the
// coordinates; where these do not fit, long arithmetic, which is counted
// because it is slow.
type signs struct{ long int }

const (
	ulp     = 0x1p-53
	bound2D = (3 + 16*ulp) * ulp
	bound3D = (7 + 56*ulp) * ulp
)

// space is the sign of the volume of a, b, c, d: positive when d lies on the
// side from which a, b, c run clockwise.
func (s *signs) space(a, b, c, d point) int {
	x, y, z := a.sub(d), b.sub(d), c.sub(d)
	yz, zy := y[0]*z[1], z[0]*y[1]
	zx, xz := z[0]*x[1], x[0]*z[1]
	xy, yx := x[0]*y[1], y[0]*x[1]
	det := x[2]*(yz-zy) + y[2]*(zx-xz) + z[2]*(xy-yx)
	size := (math.Abs(yz)+math.Abs(zy))*math.Abs(x[2]) +
		(math.Abs(zx)+math.Abs(xz))*math.Abs(y[2]) +
		(math.Abs(xy)+math.Abs(yx))*math.Abs(z[2])
	e := bound3D * size
	switch {
	case det > e:
		return 1
	case -det > e:
		return -1
	case size == 0:
		return 0 // products of float32 differences do not underflow
	}
	if g := gridOf(&a, &b, &c, &d); g.ok {
		return g.whole3D(a, b, c, d)
	}
	s.long++
	return long3D(a, b, c, d)
}

// plane is the sign of the turn a, b, c in the plane of axes i and j.
func (s *signs) plane(a, b, c point, i, j int) int {
	left := (a[i] - c[i]) * (b[j] - c[j])
	right := (a[j] - c[j]) * (b[i] - c[i])
	det, e := left-right, bound2D*(math.Abs(left)+math.Abs(right))
	switch {
	case det > e:
		return 1
	case -det > e:
		return -1
	case e == 0:
		return 0
	}
	if g := gridOf(&a, &b, &c); g.ok {
		return product(g.whole(a[i], c[i]), g.whole(b[j], c[j])).
			sub(product(g.whole(a[j], c[j]), g.whole(b[i], c[i]))).sign()
	}
	s.long++
	return long2D(a, b, c, i, j)
}
