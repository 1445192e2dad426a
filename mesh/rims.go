package mesh

import (
	"cmp"
	"slices"
)

// rims chains the open edges into loops. Where several rims meet in a vertex
// the chain goes on with the edge that comes first in the file.
func (s *surface) rims(b *Body, unit float64) {
	if len(s.open) == 0 {
		return
	}
	slices.Sort(s.open)
	w := newRimWalk(s)
	keep := func(l Loop) {
		if l.Edges == 0 {
			return
		}
		b.LoopCount++
		b.Loops = append(b.Loops, l)
		if len(b.Loops) >= 8*MostLoops {
			b.Loops = longest(b.Loops)
		}
	}
	// Chains with loose ends first, so that a start in their middle does not
	// cut them in two.
	for _, loose := range [2]bool{true, false} {
		for _, h := range s.open {
			for _, v := range [2]uint32{s.edges.from(h), s.edges.to(h)} {
				if w.odd(v) == loose {
					keep(w.chain(v, unit))
				}
			}
		}
	}
	b.Loops = slices.Clip(longest(b.Loops))
}

func longest(l []Loop) []Loop {
	slices.SortStableFunc(l, func(x, y Loop) int { return cmp.Compare(y.Length, x.Length) })
	return l[:min(len(l), MostLoops)]
}

// rimWalk knows the open edges of every vertex.
type rimWalk struct {
	surface *surface
	start   []uint32 // of each vertex in list
	at      []uint32 // read position of each vertex in list
	list    []uint32 // indices into surface.open
	used    []bool
}

func newRimWalk(s *surface) *rimWalk {
	w := &rimWalk{
		surface: s,
		start:   make([]uint32, len(s.mesh.Vertices)+1),
		list:    make([]uint32, 2*len(s.open)),
		used:    make([]bool, len(s.open)),
	}
	for _, h := range s.open {
		w.start[s.edges.from(h)+1]++
		w.start[s.edges.to(h)+1]++
	}
	for v := range len(s.mesh.Vertices) {
		w.start[v+1] += w.start[v]
	}
	w.at = slices.Clone(w.start)
	for i, h := range s.open {
		for _, v := range [2]uint32{s.edges.from(h), s.edges.to(h)} {
			w.list[w.at[v]] = uint32(i)
			w.at[v]++
		}
	}
	copy(w.at, w.start)
	return w
}

// odd reports whether an odd number of open edges meets in v: the loose end of
// a chain that crowded edges broke.
func (w *rimWalk) odd(v uint32) bool { return (w.start[v+1]-w.start[v])%2 == 1 }

// take uses up the next open edge at v and returns its other end.
func (w *rimWalk) take(v uint32) (uint32, bool) {
	for w.at[v] < w.start[v+1] {
		i := w.list[w.at[v]]
		w.at[v]++
		if w.used[i] {
			continue
		}
		w.used[i] = true
		h := w.surface.open[i]
		if w.surface.edges.from(h) == v {
			return w.surface.edges.to(h), true
		}
		return w.surface.edges.from(h), true
	}
	return 0, false
}

// chain follows open edges from a vertex until they lead back or end.
func (w *rimWalk) chain(start uint32, unit float64) Loop {
	var l Loop
	sum, v := point{}, start
	for {
		to, ok := w.take(v)
		if !ok {
			break
		}
		p, q := wide(w.surface.mesh.Vertices[v]), wide(w.surface.mesh.Vertices[to])
		l.Edges++
		l.Length += q.sub(p).norm() * unit
		sum = sum.add(q)
		v = to
		if v == start {
			l.Closed = true
			break
		}
	}
	if l.Edges > 0 {
		l.Centre = sum.scale(unit / float64(l.Edges))
	}
	return l
}
