package jpeg2000

import "math/bits"

// Blocks of Part 15 (T.814 clause 7). A clean-up pass codes whole coefficients of
// quads, two by two, in three streams: runs of empty quads (MEL), patterns and
// exponents (VLC, backwards), magnitudes and signs (MagSgn). Two passes may
// refine it by one bit plane.

// highThroughput decodes such blocks.
type highThroughput struct {
	values  []uint32 // with quads whole
	stride  int
	quads   []quad // of two rows, the one above first, each with a border
	bottoms []uint32
	found   []uint8 // significant coefficients with a border: 1 by the clean-up, 2 later
	clean   []byte
	refined []byte
}

// quad is what VLC told of four coefficients: bit 0 is at the upper left, 1
// below it, 2 and 3 to their right.
type quad struct {
	rho, known, ones uint8 // significant; e_k and e_1
	offset           bool
	exponent         int // u
}

// decode gives the values of a block and the distance of its rows.
func (h *highThroughput) decode(d *decoder, c *coding, b *block, have int) ([]uint32, int, error) {
	wide, high := int(b.wide), int(b.high)
	h.stride = (wide + 1) &^ 1
	h.values = cleared(h.values, h.stride*((high+1)&^1))
	chunk := b.first
	h.clean, _ = d.segment(h.clean[:0], &chunk)
	clean := h.clean[:len(h.clean)-segmentSentinel]
	if len(clean) == 0 {
		return h.values, h.stride, nil
	}
	if err := h.cleanUp(clean, wide, high, have-1, int(b.zeroPlanes)); err != nil || b.passes == 1 {
		return h.values, h.stride, err
	}
	if have < 2 {
		return nil, 0, malformed("passes below the last bit plane")
	}
	h.refined, _ = d.segment(h.refined[:0], &chunk)
	h.refine(h.refined[:len(h.refined)-segmentSentinel], wide, high, have-2, int(b.passes), c.blockStyle&styleCausal != 0)
	return h.values, h.stride, nil
}

// cleanUp is the clean-up pass; its lowest bit plane is plane.
func (h *highThroughput) cleanUp(b []byte, wide, high, plane, empty int) error {
	if len(b) < 2 {
		return malformed("a block of one byte")
	}
	tail := int(b[len(b)-1])<<4 | int(b[len(b)-2]&15)
	if tail < 2 || tail > len(b) || tail > 4079 {
		return malformed("a block of %d bytes with %d at its end", len(b), tail)
	}
	mel := &melReader{b: b[len(b)-tail : len(b)-1]}
	vlc := backwards(b[:len(b)-2], b[len(b)-2], tail-2)
	sign := &forward{b: b[:len(b)-tail], fill: 0xFF}
	across := (wide + 1) / 2
	row := across + 2
	h.quads = cleared(h.quads, 2*row)
	h.bottoms = cleared(h.bottoms, 2*across+2)
	above, now := h.quads[:row], h.quads[row:]
	for y := 0; y < high; y += 2 {
		clear(now)
		for q := 1; q <= across; q += 2 {
			h.pair(mel, vlc, above, now, q, across, y == 0)
		}
		if err := h.magnitudes(sign, now[1:across+1], y, plane, empty); err != nil {
			return err
		}
		above, now = now, above
	}
	return nil
}

// pair reads the patterns and exponents of two quads of a row, of which the
// second may not be there; the first stands at place q, since quads have a border.
func (h *highThroughput) pair(mel *melReader, vlc *backward, above, now []quad, q, across int, first bool) {
	for i := q; i <= min(q+1, across); i++ {
		context, words := contextOfFirst(now[i-1].rho), &firstRow
		if !first {
			context, words = contextOfOther(now[i-1].rho, above[i-1].rho, above[i].rho, above[i+1].rho), &otherRow
		}
		if context != 0 || mel.event() {
			w := words[context<<7|int(vlc.peek()&127)]
			vlc.skip(uint(w & 7))
			now[i] = quad{rho: uint8(w >> 19 & 15), offset: w>>18&1 != 0, known: uint8(w >> 14 & 15), ones: uint8(w >> 10 & 15)}
		}
	}
	a, b := &now[q], &now[q+1]
	switch {
	case a.offset && b.offset && first && mel.event():
		a.exponent, b.exponent = vlc.exponents(true, true)
		a.exponent, b.exponent = a.exponent+2, b.exponent+2
	case a.offset && b.offset && first:
		a.exponent, b.exponent = vlc.firstExponents()
	default:
		a.exponent, b.exponent = vlc.exponents(a.offset, b.offset)
	}
}

// contextOfFirst is that of a quad in the first row by its left neighbour.
func contextOfFirst(left uint8) int {
	return int(left&1 | left>>1&1 | left>>2&1<<1 | left>>3&1<<2)
}

// contextOfOther is that of a quad in another row by its neighbours on the left,
// above to the left, above, and above to the right.
func contextOfOther(left, aboveLeft, above, aboveRight uint8) int {
	return int(aboveLeft>>3&1 | above>>1&1 | (left>>2&1|left>>3&1)<<1 | (above>>3&1|aboveRight>>1&1)<<2)
}

// magnitudes reads the coefficients of a row of quads.
func (h *highThroughput) magnitudes(sign *forward, quads []quad, y, plane, empty int) error {
	below := uint32(0) // what stood at the lower right of the quad before
	for q := range quads {
		w := &quads[q]
		// bottoms[2q] is the coefficient above to the left of the quad.
		kappa := 1
		if y > 0 && w.rho&(w.rho-1) != 0 {
			near := h.bottoms[2*q] | h.bottoms[2*q+1] | h.bottoms[2*q+2] | h.bottoms[2*q+3]
			kappa = max(bits.Len32(near)-1, 1)
		}
		exponent := w.exponent + kappa
		if exponent > empty+2 {
			return malformed("a coefficient of %d bits above %d planes", exponent, empty+1)
		}
		h.bottoms[2*q] = below
		var v [4]uint32
		for i := range v {
			if w.rho>>i&1 == 0 {
				continue
			}
			n := uint(exponent) - uint(w.known>>i&1)
			all := sign.take(n)
			v[i] = all&^1 | uint32(w.ones>>i&1)<<n | 1
			if v[i]>>1+1 >= 2<<empty {
				return malformed("a coefficient beyond the highest bit plane")
			}
			h.values[(y+i&1)*h.stride+2*q+i>>1] = all<<31 | (v[i]+2)<<plane
		}
		h.bottoms[2*q+1], below = v[1], v[3]
	}
	h.bottoms[2*len(quads)] = below
	return nil
}
