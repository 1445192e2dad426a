package terminology

import (
	"slices"
	"sort"
)

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
	for _, e := range t.more(i) {
		list = append(list, e.parent)
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

// climbs searches upwards from b until it is in the subtree of a. Whatever is
// no deeper than a can't be below it.
func (t *table) climbs(b, a uint32) bool {
	var few [64]uint32
	queue := append(few[:0], b)
	var many map[uint32]bool
	root := &t.concepts[a]
	for k := 0; k < len(queue); k++ {
		at := &t.concepts[queue[k]]
		if a <= queue[k] && queue[k] < root.end {
			return true
		}
		if at.level <= root.level && root.level < maxLevel {
			continue
		}
		add := func(p uint32) {
			if many == nil && len(queue) > 256 {
				many = map[uint32]bool{}
				for _, q := range queue {
					many[q] = true
				}
			}
			if many != nil && many[p] || many == nil && slices.Contains(queue, p) {
				return
			}
			queue = append(queue, p)
			if many != nil {
				many[p] = true
			}
		}
		if at.parent != 0 {
			add(at.parent - 1)
		}
		for _, e := range t.more(queue[k]) {
			add(e.parent)
		}
	}
	return false
}

// more is the edges to parents beyond the first.
func (t *table) more(i uint32) []edge {
	from := sort.Search(len(t.up), func(k int) bool { return t.up[k].child >= i })
	to := from
	for to < len(t.up) && t.up[to].child == i {
		to++
	}
	return t.up[from:to]
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
