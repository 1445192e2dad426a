package mesh

// sets is a union of disjoint sets over 0…n-1.
type sets []uint32

func newSets(n int) sets {
	s := make(sets, n)
	for i := range s {
		s[i] = uint32(i)
	}
	return s
}

func (s sets) root(i uint32) uint32 {
	for s[i] != i {
		s[i] = s[s[i]]
		i = s[i]
	}
	return i
}

// join unites a and b; the lower root stays, so that results do not depend on
// the order of joins.
func (s sets) join(a, b uint32) {
	a, b = s.root(a), s.root(b)
	if a < b {
		s[b] = a
	} else {
		s[a] = b
	}
}
