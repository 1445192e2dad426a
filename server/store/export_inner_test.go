package store

// SetFewInner sets how many matches of an inner alias make a list, and gives back
// how many did before.
func SetFewInner(n int) (before int) {
	before, fewInner = fewInner, n
	return before
}
