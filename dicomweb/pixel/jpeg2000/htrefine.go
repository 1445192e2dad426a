package jpeg2000

// The passes that refine HT blocks (T.814 clauses 7.4, 7.5).

// refine decodes the significance propagation pass and, where there is one, the
// magnitude refinement pass; the first runs forward and the other backwards
// through the same bytes.
func (h *highThroughput) refine(b []byte, wide, high, plane, passes int, causal bool) {
	row := wide + 2
	h.found = cleared(h.found, row*(high+2))
	for y := range high {
		for x := range wide {
			if h.values[y*h.stride+x] != 0 {
				h.found[(y+1)*row+x+1] = 1
			}
		}
	}
	bits := &forward{b: b}
	for y := 0; y < high; y += 4 {
		for x := 0; x < wide; x += 4 {
			h.propagate(bits, area{x, y, min(x+4, wide), min(y+4, high)}, row, uint32(3)<<plane, causal)
		}
	}
	if passes < 3 {
		return
	}
	magnitudes := &backward{b: b, above: true}
	half := uint32(1) << plane
	for y := 0; y < high; y += 4 {
		for x := range wide {
			for j := y; j < min(y+4, high); j++ {
				if h.found[(j+1)*row+x+1] == 1 {
					v := &h.values[j*h.stride+x]
					*v = *v&^(half<<1) | uint32(magnitudes.take(1))*half<<1 | half
				}
			}
		}
	}
}

// propagate decodes which coefficients of a stripe's four columns became
// significant, then their signs.
func (h *highThroughput) propagate(bits *forward, a area, row int, value uint32, causal bool) {
	var fresh [16]int
	n := 0
	for x := a.x0; x < a.x1; x++ {
		for y := a.y0; y < a.y1; y++ {
			at := (y+1)*row + x + 1
			if h.found[at] != 0 || !h.near(at, row, causal && y&3 == 3) {
				continue
			}
			if bits.take(1) == 1 {
				h.found[at] = 2
				fresh[n] = y*h.stride + x
				n++
			}
		}
	}
	for _, i := range fresh[:n] {
		h.values[i] = bits.take(1)<<31 | value
	}
}

// near tells whether one of the eight neighbours is significant; causal: those
// below do not count.
func (h *highThroughput) near(at, row int, causal bool) bool {
	f := h.found
	sum := f[at-1] | f[at+1] | f[at-row-1] | f[at-row] | f[at-row+1]
	if !causal {
		sum |= f[at+row-1] | f[at+row] | f[at+row+1]
	}
	return sum != 0
}
