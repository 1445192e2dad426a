package mesh

// surface is the connection of the triangles of a mesh, worked out once.
type surface struct {
	mesh  *Mesh
	edges *edges
	// mate is, for every half-edge on an edge with two triangles, the other
	// one, whichever way it runs; else none.
	mate []uint32
	// part is the set of triangles connected by edges.
	part sets
	open []uint32 // half-edges without a neighbour
}

func newSurface(m *Mesh) *surface {
	s := &surface{
		mesh:  m,
		edges: newEdges(m.Triangles, len(m.Vertices)),
		mate:  make([]uint32, 3*len(m.Triangles)),
		part:  newSets(len(m.Triangles)),
	}
	for h := range s.mate {
		s.mate[h] = none
	}
	return s
}

// topology fills everything of a body that needs no lengths.
func (s *surface) topology() Body {
	b := Body{Triangles: len(s.mesh.Triangles)}
	corners := newSets(3 * len(s.mesh.Triangles))
	crowded := make(map[uint32]bool) // vertices of crowded edges
	s.edges.each(func(g []side) {
		b.Edges++
		b.DuplicateFaces += s.repeats(g)
		for _, x := range g[1:] {
			s.part.join(g[0].half/3, x.half/3)
		}
		switch {
		case len(g) == 1:
			s.open = append(s.open, g[0].half)
		case len(g) > 2:
			b.CrowdedEdges++
			h := g[0].half
			crowded[s.edges.from(h)], crowded[s.edges.to(h)] = true, true
		default:
			s.pair(g[0].half, g[1].half, corners, &b)
		}
	})
	b.OpenEdges = len(s.open)
	s.vertices(&b, corners, crowded)
	s.flips(&b)
	b.Manifold = b.CrowdedEdges == 0 && b.PinchedVertices == 0
	b.Oriented = b.ClashingEdges == 0 && b.CrowdedEdges == 0
	b.Watertight = b.Edges > 0 && b.OpenEdges == 0 && b.ClashingEdges == 0 && b.CrowdedEdges == 0
	return b
}

// pair joins two triangles over their common edge.
func (s *surface) pair(g, h uint32, corners sets, b *Body) {
	s.mate[g], s.mate[h] = h, g
	gLow, gHigh := s.ends(g)
	hLow, hHigh := s.ends(h)
	corners.join(gLow, hLow)
	corners.join(gHigh, hHigh)
	if s.edges.forward(g) == s.edges.forward(h) {
		b.ClashingEdges++
	}
}

// ends returns the corners of a half-edge, that of the lower vertex first.
func (s *surface) ends(h uint32) (low, high uint32) {
	from, to := h, h-h%3+next[h%3]
	if s.edges.forward(h) {
		return from, to
	}
	return to, from
}

// repeats counts faces that repeat an earlier one of the group. A face is
// counted once: on the edge between its two lowest vertices.
func (s *surface) repeats(g []side) int {
	if len(g) == 1 {
		return 0
	}
	if len(g) == 2 {
		third := s.edges.opposite(g[0].half)
		if third > g[0].high && third == s.edges.opposite(g[1].half) {
			return 1
		}
		return 0
	}
	seen := make(map[uint32]bool, len(g))
	n := 0
	for _, x := range g {
		third := s.edges.opposite(x.half)
		if third <= x.high {
			continue
		}
		if seen[third] {
			n++
		}
		seen[third] = true
	}
	return n
}

// vertices counts used and pinched vertices and the collapsed faces. A vertex
// whose corners fall into several fans is pinched, unless a crowded edge
// explains it.
func (s *surface) vertices(b *Body, corners sets, crowded map[uint32]bool) {
	fans := make([]uint8, len(s.mesh.Vertices))
	for t, tri := range s.mesh.Triangles {
		if collapsed(tri) {
			b.CollapsedFaces++
			continue
		}
		for k, v := range tri {
			c := uint32(3*t + k)
			if corners.root(c) == c && fans[v] < 2 {
				fans[v]++
			}
		}
		if s.part[t] == uint32(t) {
			b.Components++
		}
	}
	for v, n := range fans {
		if n > 0 {
			b.Vertices++
		}
		if n > 1 && !crowded[uint32(v)] {
			b.PinchedVertices++
		}
	}
}

// flips walks every patch of paired triangles and counts the smaller side
// where neighbours run against each other.
func (s *surface) flips(b *Body) {
	if b.ClashingEdges == 0 {
		return
	}
	const unseen, same, against = 0, 1, 2
	way := make([]uint8, len(s.mesh.Triangles))
	var stack []uint32
	for t := range way {
		if way[t] != unseen {
			continue
		}
		way[t] = same
		stack = append(stack, uint32(t))
		count := [3]int{}
		for len(stack) > 0 {
			u := stack[len(stack)-1]
			stack = stack[:len(stack)-1]
			count[way[u]]++
			for h := 3 * u; h < 3*u+3; h++ {
				if s.mate[h] == none {
					continue
				}
				w := s.mate[h] / 3
				want := way[u]
				if s.edges.forward(h) == s.edges.forward(s.mate[h]) {
					want = same + against - want
				}
				if way[w] == unseen {
					way[w] = want
					stack = append(stack, w)
				} else if way[w] != want {
					b.OneSided = true
				}
			}
		}
		b.FlippedFaces += min(count[same], count[against])
	}
}
