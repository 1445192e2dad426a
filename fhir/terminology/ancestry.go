package terminology

import "sort"

// edge says that child is below parent, by indices.
type edge struct{ child, parent uint32 }

// spans lists, for those concepts that have descendants outside their own
// subtree, where these lie.
type spans struct {
	at  []spanAt // by concept
	all []span
}

type spanAt struct{ concept, from uint32 }

type span struct{ from, to uint32 }

// of is the spans of a concept; they are sorted and do not overlap.
func (s *spans) of(i uint32) []span {
	k := sort.Search(len(s.at), func(k int) bool { return s.at[k].concept >= i })
	if k == len(s.at) || s.at[k].concept != i {
		return nil
	}
	to := uint32(len(s.all))
	if k+1 < len(s.at) {
		to = s.at[k+1].from
	}
	return s.all[s.at[k].from:to]
}

// below tells whether b is a or one of its descendants.
func (t *table) below(a, b uint32) bool {
	if a <= b && b < t.concepts[a].end {
		return true
	}
	if t.deep {
		return t.climbs(b, a)
	}
	list := t.spans.of(a)
	k := sort.Search(len(list), func(k int) bool { return list[k].to > b })
	return k < len(list) && list[k].from <= b
}

// parents are the direct parents of a concept, the first one first.
func (t *table) parents(i uint32) []uint32 {
	var list []uint32
	if p := t.concepts[i].parent; p != 0 {
		list = append(list, p-1)
	}
	k := sort.Search(len(t.up), func(k int) bool { return t.up[k].child >= i })
	for ; k < len(t.up) && t.up[k].child == i; k++ {
		list = append(list, t.up[k].parent)
	}
	return list
}

// children are the direct children of a concept.
func (t *table) children(i uint32) []uint32 {
	var list []uint32
	for c := i + 1; c < t.concepts[i].end; c = t.concepts[c].end {
		list = append(list, c)
	}
	k := sort.Search(len(t.down), func(k int) bool { return t.down[k].parent >= i })
	for ; k < len(t.down) && t.down[k].parent == i; k++ {
		list = append(list, t.down[k].child)
	}
	return list
}

// climbs searches upwards from b for a.
func (t *table) climbs(b, a uint32) bool {
	found := false
	t.ancestors(b, func(i uint32) bool {
		found = i == a
		return !found
	})
	return found
}

// ancestors visits the concept and everything above it, each once, until visit
// says false.
func (t *table) ancestors(i uint32, visit func(uint32) bool) {
	queue := []uint32{i}
	seen := map[uint32]bool{i: true}
	for len(queue) > 0 {
		at := queue[0]
		queue = queue[1:]
		if !visit(at) {
			return
		}
		for _, p := range t.parents(at) {
			if !seen[p] {
				seen[p] = true
				queue = append(queue, p)
			}
		}
	}
}

// descendants visits the concept and everything below it, each once, until
// visit says false.
func (t *table) descendants(i uint32, visit func(uint32) bool) {
	if t.deep {
		for b := range uint32(len(t.concepts)) {
			if t.below(i, b) && !visit(b) {
				return
			}
		}
		return
	}
	all := append([]span{{i, t.concepts[i].end}}, t.spans.of(i)...)
	for _, s := range merge(all, span{}) {
		for b := s.from; b < s.to; b++ {
			if !visit(b) {
				return
			}
		}
	}
}
