package mesh

import (
	"math"
	"slices"
)

// boxTree finds triangles by place: a complete binary tree of bounding boxes
// over triangles in Morton order, leafSize to a leaf. Node i has the children
// 2i+1 and 2i+2.
type boxTree struct {
	mesh  *Mesh
	order []uint32 // triangles in Morton order
	nodes []bounds
	first int // index of the first leaf
}

type bounds struct{ lo, hi [3]float32 }

const leafSize = 4

func newBoxTree(m *Mesh) *boxTree {
	t := &boxTree{mesh: m, order: mortonOrder(m)}
	leaves := 1
	for leaves*leafSize < len(t.order) {
		leaves *= 2
	}
	t.first = leaves - 1
	t.nodes = make([]bounds, 2*leaves-1)
	for i := range t.nodes {
		t.nodes[i] = emptyBounds()
	}
	for i := range leaves {
		n := &t.nodes[t.first+i]
		for _, tri := range t.leaf(t.first + i) {
			for _, v := range m.Triangles[tri] {
				n.include(m.Vertices[v])
			}
		}
	}
	for i := t.first - 1; i >= 0; i-- {
		a, b := t.nodes[2*i+1], t.nodes[2*i+2]
		for k := range 3 {
			t.nodes[i].lo[k] = min(a.lo[k], b.lo[k])
			t.nodes[i].hi[k] = max(a.hi[k], b.hi[k])
		}
	}
	return t
}

// leaf returns the triangles of leaf node n.
func (t *boxTree) leaf(n int) []uint32 {
	from := min((n-t.first)*leafSize, len(t.order))
	return t.order[from:min(from+leafSize, len(t.order))]
}

func emptyBounds() bounds {
	u, d := float32(math.Inf(1)), float32(math.Inf(-1))
	return bounds{lo: [3]float32{u, u, u}, hi: [3]float32{d, d, d}}
}

func (b *bounds) include(v [3]float32) {
	for k, f := range v {
		b.lo[k] = min(b.lo[k], f)
		b.hi[k] = max(b.hi[k], f)
	}
}

func (b *bounds) meets(o *bounds) bool {
	return b.lo[0] <= o.hi[0] && o.lo[0] <= b.hi[0] &&
		b.lo[1] <= o.hi[1] && o.lo[1] <= b.hi[1] &&
		b.lo[2] <= o.hi[2] && o.lo[2] <= b.hi[2]
}

// mortonOrder sorts triangles along a space-filling curve through the corners
// of their boxes.
func mortonOrder(m *Mesh) []uint32 {
	all := emptyBounds()
	for _, t := range m.Triangles {
		for _, v := range t {
			all.include(m.Vertices[v])
		}
	}
	var step [3]float64
	for k := range 3 {
		if w := float64(all.hi[k]) - float64(all.lo[k]); w > 0 {
			step[k] = (1<<mortonBits - 1) / w
		}
	}
	keys := make([]uint64, len(m.Triangles))
	for i, t := range m.Triangles {
		var code uint64
		a, b, c := m.Vertices[t[0]], m.Vertices[t[1]], m.Vertices[t[2]]
		for k := range 3 {
			middle := (float64(min(a[k], b[k], c[k])) + float64(max(a[k], b[k], c[k]))) / 2
			code |= spread(uint64((middle-float64(all.lo[k]))*step[k])) << k
		}
		keys[i] = code<<indexBits | uint64(i)
	}
	slices.Sort(keys)
	order := make([]uint32, len(keys))
	for i, k := range keys {
		order[i] = uint32(k & (1<<indexBits - 1))
	}
	return order
}

// A sort key is 39 bits of Morton code above 24 bits of index (mostTriangles
// fits).
const (
	mortonBits = 13
	indexBits  = 24
)

// spread puts two zero bits after each of the low 13 bits.
func spread(x uint64) uint64 {
	x = (x | x<<16) & 0x0000ff0000ff
	x = (x | x<<8) & 0x00f00f00f00f
	x = (x | x<<4) & 0x0c30c30c30c3
	return (x | x<<2) & 0x249249249249
}
