package mesh

// cuts finds pairs of triangles that meet outside of a common corner or edge:
// crossing, touching or lying upon each other. Faces that repeat another one
// and faces without area are counted elsewhere and left out.
type cuts struct {
	mesh  *Mesh
	tree  *boxTree
	flat  []bool
	boxes []bounds // of every triangle
	signs signs
	left  int // pairs that may still be tried
	count int
	first [2]int
}

// The bounds of the work, in pairs: a sound mesh needs less than twenty a
// triangle, and long arithmetic costs as much as a hundred.
const (
	pairsAlways      = 5_000_000
	pairsPerTriangle = 100
	pairsPerLongSign = 100
)

// selfIntersection judges the whole mesh. A mesh in which so many boxes
// overlap that the work is out of bounds is not evaluated.
func (r *Report) selfIntersection(m *Mesh) {
	c := &cuts{mesh: m, tree: newBoxTree(m), flat: make([]bool, len(m.Triangles)), boxes: make([]bounds, len(m.Triangles))}
	c.left = pairsAlways + pairsPerTriangle*len(m.Triangles)
	for t, tri := range m.Triangles {
		c.boxes[t] = emptyBounds()
		for _, v := range tri {
			c.boxes[t].include(m.Vertices[v])
		}
		k := c.corners(t)
		_, _, ok := k.projection(&c.signs)
		c.flat[t] = !ok
	}
	c.within(0)
	r.Cuts, r.FirstCut = c.count, c.first
	switch {
	case c.count > 0:
		r.SelfIntersection = Nonconform
	case c.left <= 0:
		r.SelfIntersection = NotEvaluated
	default:
		r.SelfIntersection = Conform
	}
}

func (c *cuts) corners(t int) corners {
	a, b, d := c.mesh.triangle(t)
	return corners{a, b, d}
}

func (c *cuts) done() bool { return c.left <= 0 || c.count >= MostCuts }

// within tries the pairs inside a node.
func (c *cuts) within(n int) {
	if c.done() {
		return
	}
	if n < c.tree.first {
		c.within(2*n + 1)
		c.within(2*n + 2)
		c.between(2*n+1, 2*n+2)
		return
	}
	leaf := c.tree.leaf(n)
	for i, t := range leaf {
		for _, u := range leaf[i+1:] {
			c.try(t, u)
		}
	}
}

// between tries the pairs of two nodes of the same depth.
func (c *cuts) between(n, o int) {
	c.left--
	if c.done() || !c.tree.nodes[n].meets(&c.tree.nodes[o]) {
		return
	}
	if n < c.tree.first {
		c.between(2*n+1, 2*o+1)
		c.between(2*n+1, 2*o+2)
		c.between(2*n+2, 2*o+1)
		c.between(2*n+2, 2*o+2)
		return
	}
	for _, t := range c.tree.leaf(n) {
		for _, u := range c.tree.leaf(o) {
			c.try(t, u)
		}
	}
}

func (c *cuts) try(t, u uint32) {
	if c.done() || c.flat[t] || c.flat[u] || !c.boxes[t].meets(&c.boxes[u]) {
		return
	}
	slow := c.signs.long
	meets := c.cut(int(t), int(u))
	c.left -= 1 + pairsPerLongSign*(c.signs.long-slow)
	if !meets {
		return
	}
	pair := [2]int{int(min(t, u)), int(max(t, u))}
	if c.count == 0 || pair[0] < c.first[0] || pair[0] == c.first[0] && pair[1] < c.first[1] {
		c.first = pair
	}
	c.count++
}

func (c *cuts) cut(t, u int) bool {
	a, b, shared := c.align(t, u)
	switch shared {
	case 0:
		return a.meet(&c.signs, &b)
	case 1:
		return a.meetPast(&c.signs, &b)
	case 2:
		return a.folded(&c.signs, &b)
	}
	return false
}

// align returns the corners of both triangles, the shared ones first and in
// the same order.
func (c *cuts) align(t, u int) (a, b corners, shared int) {
	x, y := c.mesh.Triangles[t], c.mesh.Triangles[u]
	for i := range 3 {
		for j := shared; j < 3; j++ {
			if x[i] == y[j] {
				x[shared], x[i] = x[i], x[shared]
				y[shared], y[j] = y[j], y[shared]
				shared++
				break
			}
		}
	}
	for k := range 3 {
		a[k], b[k] = wide(c.mesh.Vertices[x[k]]), wide(c.mesh.Vertices[y[k]])
	}
	return a, b, shared
}
