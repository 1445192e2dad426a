package mesh

import "math"

// sides tells for every closed component whether it faces out: a component
// with positive volume must lie in the void, one with negative volume in the
// material of another, of which it then bounds a cavity. How deep a component
// lies is the winding number of all others at one of its vertices.
func (s *surface) sides(b *Body, volume []float64) {
	if b.Components == 1 {
		b.Outward = b.Volume > 0
		if !b.Outward {
			b.Inverted = 1
		}
		return
	}
	tree := newBoxTree(s.mesh)
	b.Outward = true
	for t, tri := range s.mesh.Triangles {
		root := uint32(t)
		if s.part[t] != root || collapsed(tri) {
			continue
		}
		depth, ok := s.winding(tree, root)
		switch v := volume[root]; {
		case !ok || v == 0:
			b.Outward = false
		case v > 0 && depth != 0:
			b.Nested++
		case v < 0 && depth == 1:
			b.Cavities++
		case v < 0:
			b.Inverted++
			b.Outward = false
		}
	}
}

// winding counts how often the components other than root's wind around a
// vertex of root. It is not ok when the vertex lies on another component, or
// when every ray grazes an edge.
func (s *surface) winding(tree *boxTree, root uint32) (n int, ok bool) {
	a, b, c := s.mesh.triangle(int(root))
	// A point of the surface that hardly lies on a vertex of a neighbour.
	from := a.scale(0.371).add(b.scale(0.338)).add(c.scale(0.291))
	for try := range 8 {
		f := float64(try)
		dir := point{math.Cos(1 + 2.4*f), math.Sin(1 + 2.4*f), 0.31 + 0.17*f}
		if n, ok = s.crossings(tree, root, from, dir); ok {
			return n, true
		}
	}
	return 0, false
}

// crossings sums the directions in which a ray leaves through other
// components; not ok when it touches an edge or starts on a triangle.
func (s *surface) crossings(tree *boxTree, root uint32, from, dir point) (n int, ok bool) {
	stack := make([]int, 1, 64)
	for len(stack) > 0 {
		i := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		if !tree.nodes[i].hit(from, dir) {
			continue
		}
		if i < tree.first {
			stack = append(stack, 2*i+1, 2*i+2)
			continue
		}
		for _, t := range tree.leaf(i) {
			if s.part.root(t) == root {
				continue
			}
			way, ok := s.cross(t, from, dir)
			if !ok {
				return 0, false
			}
			n += way
		}
	}
	return n, true
}

// cross is 1 when the ray leaves through the outer face of triangle t, -1 when
// it enters, 0 when it misses.
func (s *surface) cross(t uint32, from, dir point) (way int, ok bool) {
	a, b, c := s.mesh.triangle(int(t))
	e, f := b.sub(a), c.sub(a)
	p := dir.cross(f)
	det := e.dot(p)
	o := from.sub(a)
	q := o.cross(e)
	const close = 1e-9
	if math.Abs(det) <= close*e.norm()*f.norm() {
		// Nearly parallel: it matters only where the ray lies in the plane.
		n := e.cross(f)
		if math.Abs(o.dot(n)) <= close*n.norm()*max(o.norm(), 1e-30) {
			return 0, collapsed(s.mesh.Triangles[t])
		}
		return 0, true
	}
	u, v, w := o.dot(p)/det, dir.dot(q)/det, f.dot(q)/det
	if u < -close || v < -close || u+v > 1+close || w < 0 {
		return 0, true
	}
	if u < close || v < close || u+v > 1-close || w < close*(e.norm()+f.norm()) {
		return 0, false
	}
	if det > 0 {
		return -1, true // against the normal: into the material
	}
	return 1, true
}

// hit reports whether a ray may meet the box.
func (b *bounds) hit(from, dir point) bool {
	near, far := 0.0, math.Inf(1)
	for k := range 3 {
		lo, hi := float64(b.lo[k])-from[k], float64(b.hi[k])-from[k]
		if dir[k] == 0 {
			if lo > 0 || hi < 0 {
				return false
			}
			continue
		}
		x, y := lo/dir[k], hi/dir[k]
		near, far = max(near, min(x, y)), min(far, max(x, y))
	}
	return near <= far*(1+1e-12)
}
