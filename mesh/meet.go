package mesh

// corners are the points of a triangle.
type corners [3]point

// projection returns the axes of a plane in which the triangle has an area,
// exactly; not ok when its corners lie on one line.
func (t *corners) projection(s *signs) (i, j int, ok bool) {
	n := t[1].sub(t[0]).cross(t[2].sub(t[0]))
	big := 0
	for k := 1; k < 3; k++ {
		if n[k]*n[k] > n[big]*n[big] {
			big = k
		}
	}
	for k := range 3 { // the largest first
		i, j = (big+k+1)%3, (big+k+2)%3
		if s.plane(t[0], t[1], t[2], i, j) != 0 {
			return i, j, true
		}
	}
	return 0, 0, false
}

// meet reports whether two triangles without a common corner have a common
// point.
func (t *corners) meet(s *signs, o *corners) bool {
	if t.beside(s, o) || o.beside(s, t) {
		return false
	}
	for k := range 3 {
		if o.pierced(s, t[k], t[(k+1)%3]) || t.pierced(s, o[k], o[(k+1)%3]) {
			return true
		}
	}
	return false
}

// beside reports whether all corners of o lie strictly on one side of t.
func (t *corners) beside(s *signs, o *corners) bool {
	first := s.space(t[0], t[1], t[2], o[0])
	return first != 0 && first == s.space(t[0], t[1], t[2], o[1]) && first == s.space(t[0], t[1], t[2], o[2])
}

// pierced reports whether the segment p, q has a point of the triangle, its
// rim included.
func (t *corners) pierced(s *signs, p, q point) bool {
	from, to := s.space(t[0], t[1], t[2], p), s.space(t[0], t[1], t[2], q)
	if from == 0 && to == 0 {
		return t.covers(s, p, q)
	}
	if from == to {
		return false
	}
	less, more := false, false
	for k := range 3 {
		switch s.space(p, q, t[k], t[(k+1)%3]) {
		case -1:
			less = true
		case 1:
			more = true
		}
	}
	return !less || !more
}

// covers reports the same for a segment in the plane of the triangle.
func (t *corners) covers(s *signs, p, q point) bool {
	i, j, ok := t.projection(s)
	if !ok {
		return false
	}
	if t.contains(s, p, i, j) || t.contains(s, q, i, j) {
		return true
	}
	for k := range 3 {
		if crossing(s, p, q, t[k], t[(k+1)%3], i, j) {
			return true
		}
	}
	return false
}

func (t *corners) contains(s *signs, p point, i, j int) bool {
	way := s.plane(t[0], t[1], t[2], i, j)
	for k := range 3 {
		if s.plane(t[k], t[(k+1)%3], p, i, j) == -way {
			return false
		}
	}
	return true
}

// crossing reports whether two segments of one plane have a common point.
// Segments on one line are left to contains.
func crossing(s *signs, p, q, a, b point, i, j int) bool {
	pa, qa := s.plane(a, b, p, i, j), s.plane(a, b, q, i, j)
	ap, bp := s.plane(p, q, a, i, j), s.plane(p, q, b, i, j)
	if pa == 0 && qa == 0 {
		return between(a, p, q, i, j) || between(b, p, q, i, j)
	}
	return pa != qa && ap != bp && pa*qa <= 0 && ap*bp <= 0
}

// between reports whether x, on the line of p and q, lies between them.
func between(x, p, q point, i, j int) bool {
	return min(p[i], q[i]) <= x[i] && x[i] <= max(p[i], q[i]) &&
		min(p[j], q[j]) <= x[j] && x[j] <= max(p[j], q[j])
}

// meetPast reports whether two triangles whose corner 0 is the same have
// another point in common: then the far side of one reaches the other.
func (t *corners) meetPast(s *signs, o *corners) bool {
	return o.pierced(s, t[1], t[2]) || t.pierced(s, o[1], o[2])
}

// folded reports whether two triangles that share corners 0 and 1 lie upon
// each other.
func (t *corners) folded(s *signs, o *corners) bool {
	if s.space(t[0], t[1], t[2], o[2]) != 0 {
		return false
	}
	i, j, ok := t.projection(s)
	return ok && s.plane(t[0], t[1], t[2], i, j) == s.plane(t[0], t[1], o[2], i, j)
}
