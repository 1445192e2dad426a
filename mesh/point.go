package mesh

import "math"

// point is a position or direction in file units.
type point [3]float64

func wide(v [3]float32) point { return point{float64(v[0]), float64(v[1]), float64(v[2])} }

func (a point) sub(b point) point { return point{a[0] - b[0], a[1] - b[1], a[2] - b[2]} }

func (a point) add(b point) point { return point{a[0] + b[0], a[1] + b[1], a[2] + b[2]} }

func (a point) scale(f float64) point { return point{a[0] * f, a[1] * f, a[2] * f} }

func (a point) dot(b point) float64 { return a[0]*b[0] + a[1]*b[1] + a[2]*b[2] }

func (a point) cross(b point) point {
	return point{a[1]*b[2] - a[2]*b[1], a[2]*b[0] - a[0]*b[2], a[0]*b[1] - a[1]*b[0]}
}

func (a point) norm() float64 { return math.Sqrt(a.dot(a)) }
