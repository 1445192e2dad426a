package terminology

import (
	"cmp"
	"slices"
)

const none = ^uint32(0)

// hierarchy numbers the concepts of a table anew, in preorder of the tree that
// their first parents make.
type hierarchy struct {
	n     int
	start []uint32 // CSR of the parents by child
	to    []uint32 // none where an edge was dropped
	topo  []uint32 // parents before children
	perm  []uint32 // old index → new
	first []uint32 // first parent, none for a root; old indices
	end   []uint32 // new indices
}

func newHierarchy(n int, edges []edge) *hierarchy {
	h := &hierarchy{n: n, start: make([]uint32, n+1), to: make([]uint32, len(edges))}
	for _, e := range edges {
		h.start[e.child+1]++
	}
	for i := range n {
		h.start[i+1] += h.start[i]
	}
	fill := slices.Clone(h.start[:n])
	for _, e := range edges {
		h.to[fill[e.child]] = e.parent
		fill[e.child]++
	}
	seen := make([]uint32, n) // the same parent twice
	for i := range n {
		for k := h.start[i]; k < h.start[i+1]; k++ {
			if p := h.to[k]; seen[p] == uint32(i)+1 {
				h.to[k] = none
			} else {
				seen[p] = uint32(i) + 1
			}
		}
	}
	return h
}

// order finds an order in which parents come before children, and drops each
// edge that closes a circle, unless circle refuses.
func (h *hierarchy) order(circle func(uint32) error) error {
	const open, done = 1, 2
	state := make([]uint8, h.n)
	next := slices.Clone(h.start[:h.n])
	h.topo = make([]uint32, 0, h.n)
	var stack []uint32
	for root := range uint32(h.n) {
		if state[root] != 0 {
			continue
		}
		stack, state[root] = append(stack[:0], root), open
		for len(stack) > 0 {
			at := stack[len(stack)-1]
			if next[at] == h.start[at+1] {
				state[at] = done
				h.topo = append(h.topo, at)
				stack = stack[:len(stack)-1]
				continue
			}
			p := &h.to[next[at]]
			next[at]++
			switch {
			case *p == none || state[*p] == done:
			case state[*p] == open:
				if err := circle(*p); err != nil {
					return err
				}
				*p = none
			default:
				stack, state[*p] = append(stack, *p), open
			}
		}
	}
	return nil
}

// number gives each concept its place in preorder.
func (h *hierarchy) number() {
	h.first = make([]uint32, h.n)
	child, sibling := make([]uint32, h.n+1), make([]uint32, h.n) // child[n] is the first root
	for i := range child {
		child[i] = none
	}
	for i := h.n - 1; i >= 0; i-- {
		h.first[i] = none
		for _, p := range h.to[h.start[i]:h.start[i+1]] {
			if p != none {
				h.first[i] = p
				break
			}
		}
		under := min(h.first[i], uint32(h.n))
		sibling[i], child[under] = child[under], uint32(i)
	}
	h.perm, h.end = make([]uint32, h.n), make([]uint32, h.n)
	number := uint32(0)
	for at := child[h.n]; at != none; {
		h.perm[at] = number
		number++
		if child[at] != none {
			at = child[at]
			continue
		}
		for at != none && sibling[at] == none {
			h.end[h.perm[at]] = number
			at = h.first[at]
		}
		if at != none {
			h.end[h.perm[at]] = number
			at = sibling[at]
		}
	}
}

// apply puts the table into the new order.
func (h *hierarchy) apply(t *table) {
	concepts := make([]concept, h.n)
	for old := range uint32(h.n) {
		c := t.concepts[old]
		now := h.perm[old]
		c.end = h.end[now]
		if p := h.first[old]; p != none {
			c.parent, t.nested = h.perm[p]+1, true
		}
		concepts[now] = c
		seen := false
		for _, p := range h.to[h.start[old]:h.start[old+1]] {
			if p != none && seen {
				t.up = append(t.up, edge{now, h.perm[p]})
			}
			seen = seen || p != none
		}
	}
	t.concepts = concepts
	for k, s := range t.slots {
		if s != 0 {
			t.slots[k] = s&^slotMask | (h.perm[s&slotMask-1] + 1)
		}
	}
	for k := range t.notes {
		t.notes[k].concept = h.perm[t.notes[k].concept]
	}
	slices.SortStableFunc(t.notes, func(a, b note) int { return cmp.Compare(a.concept, b.concept) })
	t.notes = slices.Clip(t.notes)
	slices.SortStableFunc(t.up, func(a, b edge) int { return cmp.Compare(a.child, b.child) })
	t.down = slices.Clone(t.up)
	slices.SortFunc(t.down, func(a, b edge) int { return cmp.Or(cmp.Compare(a.parent, b.parent), cmp.Compare(a.child, b.child)) })
	h.level(t)
	h.span(t)
}

// level tells how long the longest way up is.
func (h *hierarchy) level(t *table) {
	for _, old := range h.topo {
		level := 0
		for _, p := range h.to[h.start[old]:h.start[old+1]] {
			if p != none {
				level = max(level, int(t.concepts[h.perm[p]].level)+1)
			}
		}
		t.concepts[h.perm[old]].level = uint8(min(level, maxLevel))
	}
}

const maxLevel = 255

// span collects what lies below a concept by parents beyond the first. A
// hierarchy so entangled that this would cost more than the concepts do is left
// to climbing.
func (h *hierarchy) span(t *table) {
	if len(t.up) == 0 {
		return
	}
	limit, live, work := 4*h.n+1<<16, 0, 0
	found := map[uint32][]span{}
	for k := h.n - 1; k >= 0; k-- {
		old := h.topo[k]
		now := h.perm[old]
		own := merge(found[now], span{now, h.end[now]})
		live -= len(found[now]) - len(own)
		if len(own) == 0 {
			delete(found, now)
		} else {
			found[now] = own
		}
		for _, p := range h.to[h.start[old]:h.start[old+1]] {
			if p == none {
				continue
			}
			p = h.perm[p]
			if h.first[old] == none || h.perm[h.first[old]] != p {
				found[p] = append(found[p], span{now, h.end[now]})
				live++
			}
			found[p] = append(found[p], own...)
			live += len(own)
			work += len(own) + 1
		}
		if live > limit || work > 4*limit {
			t.deep = true
			return
		}
	}
	t.spans = pack(found)
}

// merge sorts spans, joins those that touch and drops those within own.
func merge(list []span, own span) []span {
	slices.SortFunc(list, func(a, b span) int { return cmp.Or(cmp.Compare(a.from, b.from), cmp.Compare(b.to, a.to)) })
	var out []span
	for _, s := range list {
		switch {
		case own.from <= s.from && s.to <= own.to:
		case len(out) > 0 && s.from <= out[len(out)-1].to:
			out[len(out)-1].to = max(out[len(out)-1].to, s.to)
		default:
			out = append(out, s)
		}
	}
	return out
}

func pack(found map[uint32][]span) (s spans) {
	keys := make([]uint32, 0, len(found))
	for i, list := range found {
		if len(list) > 0 {
			keys = append(keys, i)
		}
	}
	slices.Sort(keys)
	for _, i := range keys {
		s.at = append(s.at, spanAt{i, uint32(len(s.all))})
		s.all = append(s.all, found[i]...)
	}
	return s
}
