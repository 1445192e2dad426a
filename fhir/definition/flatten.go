package definition

// maxDepth is how many layers are searched before they are made one.
const maxDepth = 4

// flatten makes one layer of many, so that a look-up stays short however often
// something is added. A bottom that is much larger than all that lies on it,
// the thousands of definitions that FHIR brings, stays as it is and is shared.
func (l *Library) flatten() *Library {
	if l.depth < maxDepth {
		return l
	}
	layers := l.layers()
	bottom, above := layers[len(layers)-1], layers[:len(layers)-1]
	added := 0
	for _, at := range above {
		added += len(at.order) + len(at.gone)
	}
	if 4*added > len(bottom.order) {
		return l.merge(nil, layers)
	}
	return l.merge(bottom, above)
}

// merge makes one layer on base of those above it.
func (l *Library) merge(base *Library, above []*Library) *Library {
	flat := base.layer(0)
	for i := len(above) - 1; i >= 0; i-- {
		for _, r := range above[i].order {
			if !l.hides(above[i], r) {
				flat.put(r)
			}
		}
	}
	if base == nil {
		return flat
	}
	for _, r := range base.order {
		if l.hides(base, r) {
			flat.drop(r)
		}
	}
	return flat
}
