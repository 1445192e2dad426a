package mesh

import (
	"math"
)

// measure fills areas, volumes, the box, the rims and the sides that the
// components face; unit is the length of 1.0 in mm.
func (s *surface) measure(b *Body, unit float64) {
	lo, hi := s.box()
	centre := lo.add(hi).scale(0.5) // near the origin sums lose fewer digits
	volume := make([]float64, 0)
	if b.Components > 1 {
		volume = make([]float64, len(s.mesh.Triangles)) // by root of part
	}
	area := 0.0
	total := 0.0
	for t := range s.mesh.Triangles {
		a, p, q := s.mesh.triangle(t)
		n := p.sub(a).cross(q.sub(a))
		l := n.norm()
		area += l / 2
		if l <= flatness*longestSquare(a, p, q) && !collapsed(s.mesh.Triangles[t]) {
			b.FlatFaces++
		}
		v := a.sub(centre).dot(n) / 6
		total += v
		if b.Components > 1 {
			volume[s.part.root(uint32(t))] += v
		}
	}
	b.Area, b.Volume = area*unit*unit, total*unit*unit*unit
	b.Box = Box{Min: lo.scale(unit), Max: hi.scale(unit)}
	s.rims(b, unit)
	if b.Watertight {
		s.sides(b, volume)
	}
}

// flatness is where three points count as one line: far below what float32
// can hold, so that only exact lines and float64 rounding fall under it.
const flatness = 1e-13

func longestSquare(a, b, c point) float64 {
	x, y, z := b.sub(a), c.sub(b), a.sub(c)
	return max(x.dot(x), y.dot(y), z.dot(z))
}

func (s *surface) box() (lo, hi point) {
	least, most := float32(math.Inf(1)), float32(math.Inf(-1))
	l, h := [3]float32{least, least, least}, [3]float32{most, most, most}
	for _, tri := range s.mesh.Triangles {
		for _, i := range tri {
			for k, f := range s.mesh.Vertices[i] {
				l[k], h[k] = min(l[k], f), max(h[k], f)
			}
		}
	}
	if l[0] > h[0] {
		return point{}, point{}
	}
	return wide(l), wide(h)
}
