package mesh

import (
	"cmp"
	"slices"
)

// A half-edge is one side of a triangle: number 3t+k runs from corner k of
// triangle t to the next corner. Two half-edges between the same vertices in
// opposite directions are twins.
const none = ^uint32(0)

// edges are the half-edges of a run of triangles, grouped by the vertices that
// they join. Grouping is a counting sort by the lower vertex and a small sort
// inside: linear on real meshes, n log n on any.
type edges struct {
	tri   [][3]uint32
	start []uint32 // of each lower vertex in list
	list  []side
}

// side is a half-edge in the bucket of its lower vertex.
type side struct {
	high uint32 // the other vertex
	half uint32
}

func (e *edges) from(h uint32) uint32 { return e.tri[h/3][h%3] }

func (e *edges) to(h uint32) uint32 { return e.tri[h/3][next[h%3]] }

// opposite is the corner of the triangle that the half-edge does not touch.
func (e *edges) opposite(h uint32) uint32 { return e.tri[h/3][next[next[h%3]]] }

// forward reports whether h runs from the lower to the higher vertex.
func (e *edges) forward(h uint32) bool { return e.from(h) < e.to(h) }

var next = [3]uint32{1, 2, 0}

// newEdges groups the half-edges of tri, whose indices are below vertices.
// Triangles that name a vertex twice have no sides and are left out.
func newEdges(tri [][3]uint32, vertices int) *edges {
	e := &edges{tri: tri, start: make([]uint32, vertices+1)}
	for _, t := range tri {
		if collapsed(t) {
			continue
		}
		for k, v := range t {
			e.start[min(v, t[next[k]])]++
		}
	}
	total := uint32(0)
	for v, n := range e.start {
		e.start[v] = total
		total += n
	}
	e.list = make([]side, total)
	e.place()
	return e
}

// place fills the buckets; start moves to the ends of the buckets meanwhile
// and is shifted back after.
func (e *edges) place() {
	for i, t := range e.tri {
		if collapsed(t) {
			continue
		}
		for k, v := range t {
			w := t[next[k]]
			low, high := min(v, w), max(v, w)
			e.list[e.start[low]] = side{high, uint32(3*i + k)}
			e.start[low]++
		}
	}
	copy(e.start[1:], e.start)
	e.start[0] = 0
}

// each calls f with the half-edges between every two vertices, in the order of
// the file within a group.
func (e *edges) each(f func(group []side)) {
	for v := range len(e.start) - 1 {
		bucket := e.list[e.start[v]:e.start[v+1]]
		sortSides(bucket)
		for len(bucket) > 0 {
			n := 1
			for n < len(bucket) && bucket[n].high == bucket[0].high {
				n++
			}
			f(bucket[:n])
			bucket = bucket[n:]
		}
	}
}

// sortSides sorts by the other vertex, then by half-edge.
func sortSides(s []side) {
	if len(s) > 24 {
		slices.SortFunc(s, func(a, b side) int {
			return cmp.Or(cmp.Compare(a.high, b.high), cmp.Compare(a.half, b.half))
		})
		return
	}
	for i := 1; i < len(s); i++ {
		x, j := s[i], i
		for ; j > 0 && s[j-1].high > x.high; j-- {
			s[j] = s[j-1]
		}
		s[j] = x
	}
}

func collapsed(t [3]uint32) bool { return t[0] == t[1] || t[1] == t[2] || t[2] == t[0] }
