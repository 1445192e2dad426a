package mesh

import (
	"math"
	"math/bits"
	"math/rand/v2"
	"slices"
)

// indexer gathers facets into a mesh and gives equal vertices one index, by
// order of first appearance. Its hash is seeded per file, so that nobody can
// prepare a file whose vertices all collide; the seed never shows in a result.
type indexer struct {
	mesh  *Mesh
	slots []slot // length is a power of two
	seed  [2]uint64
	most  int // triangles that will be added at most
}

// slot holds the key beside the index, so that a look-up touches one place.
type slot struct {
	a, b, c uint32 // IEEE 754 bits
	next    uint32 // index of the vertex + 1, 0 = free
}

const firstSlots = 1 << 12

func newIndexer(f Format, most int) *indexer {
	return &indexer{
		mesh:  &Mesh{Source: Source{Format: f}},
		slots: make([]slot, firstSlots),
		seed:  [2]uint64{rand.Uint64(), rand.Uint64()},
		most:  most,
	}
}

// facet is one STL facet: normal and three corners, as IEEE 754 bits.
type facet [12]uint32

// notFinite returns the index of the first value that is NaN or infinite, or
// -1.
func (f *facet) notFinite() int {
	const exponent = 0x7f800000
	for i, u := range f {
		if u&exponent == exponent {
			return i
		}
	}
	return -1
}

// add appends a facet whose values are finite.
func (x *indexer) add(f *facet) {
	m := x.mesh
	t := [3]uint32{x.vertex(f[3], f[4], f[5]), x.vertex(f[6], f[7], f[8]), x.vertex(f[9], f[10], f[11])}
	if n := len(m.Triangles); n == cap(m.Triangles) {
		m.Triangles = slices.Grow(m.Triangles, min(max(n, firstSlots), x.most-n))
	}
	m.Triangles = append(m.Triangles, t)
	if (f[0]|f[1]|f[2])<<1 == 0 {
		m.Source.AbsentNormals++
	} else if f.opposed() {
		m.Source.OpposedNormals++
	}
}

// opposed reports whether the normal points clearly against the winding; the
// margin leaves room for normals that were rounded on slivers.
func (f *facet) opposed() bool {
	n, a, b, c := f.vector(0), f.vector(3), f.vector(6), f.vector(9)
	w := b.sub(a).cross(c.sub(a))
	d := n.dot(w)
	return d < 0 && d < -1e-3*n.norm()*w.norm()
}

func (f *facet) vector(i int) point {
	return point{
		float64(math.Float32frombits(f[i])),
		float64(math.Float32frombits(f[i+1])),
		float64(math.Float32frombits(f[i+2])),
	}
}

func (x *indexer) vertex(a, b, c uint32) uint32 {
	a, b, c = positiveZero(a), positiveZero(b), positiveZero(c)
	mask := uint64(len(x.slots) - 1)
	at := x.hash(a, b, c) & mask
	for {
		s := &x.slots[at&mask]
		if s.next == 0 {
			return x.insert(s, a, b, c)
		}
		if s.a == a && s.b == b && s.c == c {
			return s.next - 1
		}
		at++
	}
}

func positiveZero(u uint32) uint32 {
	if u == 1<<31 {
		return 0
	}
	return u
}

func (x *indexer) insert(s *slot, a, b, c uint32) uint32 {
	m := x.mesh
	if n := len(m.Vertices); n == cap(m.Vertices) {
		m.Vertices = slices.Grow(m.Vertices, max(n, firstSlots))
	}
	m.Vertices = append(m.Vertices, [3]float32{math.Float32frombits(a), math.Float32frombits(b), math.Float32frombits(c)})
	*s = slot{a, b, c, uint32(len(m.Vertices))}
	if 2*len(m.Vertices) > len(x.slots) {
		x.grow()
	}
	return uint32(len(m.Vertices) - 1)
}

func (x *indexer) hash(a, b, c uint32) uint64 {
	hi, lo := bits.Mul64((uint64(a)|uint64(b)<<32)^x.seed[0], uint64(c)^x.seed[1])
	return hi ^ lo
}

func (x *indexer) grow() {
	old := x.slots
	factor := 4
	if len(old) >= 1<<20 {
		factor = 2
	}
	x.slots = make([]slot, factor*len(old))
	mask := uint64(len(x.slots) - 1)
	for _, s := range old {
		if s.next == 0 {
			continue
		}
		at := x.hash(s.a, s.b, s.c) & mask
		for x.slots[at].next != 0 {
			at = (at + 1) & mask
		}
		x.slots[at] = s
	}
}
