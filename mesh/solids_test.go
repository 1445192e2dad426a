package mesh_test

import (
	"math"

	"tenon/mesh"
)

// triangle is three corners.
type triangle [3][3]float32

// build indexes triangles by their corners.
func build(tris ...triangle) *mesh.Mesh {
	m := &mesh.Mesh{}
	index := map[[3]float32]uint32{}
	for _, t := range tris {
		var tri [3]uint32
		for k, v := range t {
			i, ok := index[v]
			if !ok {
				i = uint32(len(m.Vertices))
				index[v] = i
				m.Vertices = append(m.Vertices, v)
			}
			tri[k] = i
		}
		m.Triangles = append(m.Triangles, tri)
	}
	m.Solids = []mesh.Solid{{Name: "test", Count: len(m.Triangles)}}
	return m
}

// box is an axis-parallel box with outward faces, 12 triangles.
func box(at [3]float32, size float32) []triangle {
	p := func(x, y, z float32) [3]float32 {
		return [3]float32{at[0] + x*size, at[1] + y*size, at[2] + z*size}
	}
	quad := func(a, b, c, d [3]float32) []triangle { return []triangle{{a, b, c}, {a, c, d}} }
	var t []triangle
	t = append(t, quad(p(0, 0, 0), p(0, 1, 0), p(1, 1, 0), p(1, 0, 0))...) // bottom
	t = append(t, quad(p(0, 0, 1), p(1, 0, 1), p(1, 1, 1), p(0, 1, 1))...) // top
	t = append(t, quad(p(0, 0, 0), p(1, 0, 0), p(1, 0, 1), p(0, 0, 1))...) // front
	t = append(t, quad(p(0, 1, 0), p(0, 1, 1), p(1, 1, 1), p(1, 1, 0))...) // back
	t = append(t, quad(p(0, 0, 0), p(0, 0, 1), p(0, 1, 1), p(0, 1, 0))...) // left
	t = append(t, quad(p(1, 0, 0), p(1, 1, 0), p(1, 1, 1), p(1, 0, 1))...) // right
	return t
}

func cube() []triangle { return box([3]float32{}, 1) }

// flipped turns every triangle.
func flipped(tris []triangle) []triangle {
	out := make([]triangle, len(tris))
	for i, t := range tris {
		out[i] = triangle{t[0], t[2], t[1]}
	}
	return out
}

// sphere divides an octahedron n times and puts its vertices at the radius.
func sphere(radius float64, n int) []triangle {
	v := [][3]float64{{1, 0, 0}, {0, 1, 0}, {-1, 0, 0}, {0, -1, 0}, {0, 0, 1}, {0, 0, -1}}
	type tri [3][3]float64
	var list []tri
	for i := range 4 {
		j := (i + 1) % 4
		list = append(list, tri{v[i], v[j], v[4]}, tri{v[j], v[i], v[5]})
	}
	middle := func(a, b [3]float64) [3]float64 {
		var c [3]float64
		l := 0.0
		for k := range 3 {
			c[k] = a[k] + b[k]
			l += c[k] * c[k]
		}
		for k := range 3 {
			c[k] /= math.Sqrt(l)
		}
		return c
	}
	for range n {
		var finer []tri
		for _, t := range list {
			ab, bc, ca := middle(t[0], t[1]), middle(t[1], t[2]), middle(t[2], t[0])
			finer = append(finer, tri{t[0], ab, ca}, tri{ab, t[1], bc}, tri{ca, bc, t[2]}, tri{ab, bc, ca})
		}
		list = finer
	}
	out := make([]triangle, len(list))
	for i, t := range list {
		for k := range 3 {
			for x := range 3 {
				out[i][k][x] = float32(radius * t[k][x])
			}
		}
	}
	return out
}

// torus is closed with one handle: n × n quads.
func torus(big, small float64, n int) []triangle {
	at := func(i, j int) [3]float32 {
		u, v := 2*math.Pi*float64(i%n)/float64(n), 2*math.Pi*float64(j%n)/float64(n)
		r := big + small*math.Cos(v)
		return [3]float32{float32(r * math.Cos(u)), float32(r * math.Sin(u)), float32(small * math.Sin(v))}
	}
	var t []triangle
	for i := range n {
		for j := range n {
			a, b, c, d := at(i, j), at(i+1, j), at(i+1, j+1), at(i, j+1)
			t = append(t, triangle{a, b, c}, triangle{a, c, d})
		}
	}
	return t
}

// moebius is a one-sided strip of n quads.
func moebius(n int) []triangle {
	at := func(i int, w float64) [3]float32 {
		u := 2 * math.Pi * float64(i) / float64(n)
		if i == n {
			u, w = 0, -w
		}
		r := 3 + w*math.Cos(u/2)
		return [3]float32{float32(r * math.Cos(u)), float32(r * math.Sin(u)), float32(w * math.Sin(u/2))}
	}
	var t []triangle
	for i := range n {
		a, b, c, d := at(i, -1), at(i+1, -1), at(i+1, 1), at(i, 1)
		t = append(t, triangle{a, b, c}, triangle{a, c, d})
	}
	return t
}
