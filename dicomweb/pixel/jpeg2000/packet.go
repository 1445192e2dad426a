package jpeg2000

import "math/bits"

// Packets (B.9, B.10).

// chunk is what one packet brings of one segment of a block.
type chunk struct {
	at, length int32 // in the data of the tile
	next       int32 // of the same block, 1-based; 0: none
	passes     uint8
	begins     bool // a segment
}

// maxChunks bounds the pieces of one tile.
const maxChunks = 1 << 22

// packet reads the next packet of a precinct.
func (d *decoder) packet(c *tileComponent, res *resolution, p *precinct) error {
	if s := d.data[d.at:]; d.style.sop && len(s) >= 6 && s[0] == markerSOP>>8 && s[1] == markerSOP&0xFF {
		d.at += 6
	}
	r := bitReader{b: d.data, i: d.at}
	if d.packed {
		r = bitReader{b: d.headers}
	}
	d.fresh = len(d.chunks)
	if r.bit() == 1 {
		for i := range p.groups {
			if err := d.contributions(&r, c, res.bands[i].planes+res.bands[i].shift, &p.groups[i], p.next); err != nil {
				return err
			}
		}
	}
	if r.align(); r.short || r.i > len(r.b) {
		return errShort
	}
	if s := r.b[r.i:]; d.style.eph && len(s) >= 2 && s[0] == markerEPH>>8 && s[1] == markerEPH&0xFF {
		r.i += 2
	}
	if d.packed {
		d.headers = d.headers[r.i:]
	} else {
		d.at = r.i
	}
	p.next++
	return d.bodies()
}

// bodies finds the data of the chunks that the last header told.
func (d *decoder) bodies() error {
	for i := d.fresh; i < len(d.chunks); i++ {
		k := &d.chunks[i]
		if int(k.length) > len(d.data)-d.at {
			return errShort
		}
		k.at = int32(d.at)
		d.at += int(k.length)
	}
	return nil
}

// contributions reads what a packet tells of the blocks of a band.
func (d *decoder) contributions(r *bitReader, c *tileComponent, planes int, g *group, layer int) error {
	for i := range g.blocks {
		b := &g.blocks[i]
		if b.begun {
			if r.bit() == 0 {
				continue
			}
		} else {
			if !g.included.below(r, i, uint16(layer+1)) {
				continue
			}
			for b.begun = true; !g.zero.below(r, i, uint16(b.zeroPlanes)+1); {
				if b.zeroPlanes++; int(b.zeroPlanes) > planes+1 {
					return malformed("a block with %d empty bit planes of %d", b.zeroPlanes, planes)
				}
			}
		}
		n := passes(r)
		for r.bit() == 1 {
			if b.lengthBits++; b.lengthBits > 31 || r.short {
				return malformed("a length of more than 31 bits")
			}
		}
		if err := d.segments(r, c, b, n); err != nil {
			return err
		}
	}
	return nil
}

// passes reads a number of coding passes (table B.4).
func passes(r *bitReader) int {
	if r.bit() == 0 {
		return 1
	}
	if r.bit() == 0 {
		return 2
	}
	if n := r.take(2); n < 3 {
		return 3 + n
	}
	if n := r.take(5); n < 31 {
		return 6 + n
	}
	return 37 + r.take(7)
}

// segments reads the lengths of the segments that n more passes are in (B.10.7).
func (d *decoder) segments(r *bitReader, c *tileComponent, b *block, n int) error {
	if c.blockStyle&styleHT != 0 && b.passes == 0 {
		empty := (n - 1) / 3 // sets of passes that hold nothing (T.814 B.2)
		n -= 3 * empty
		if b.zeroPlanes += uint8(empty); n < 1 {
			return malformed("no pass in a block")
		}
		if err := d.chunk(b, 1, r.take(int(b.lengthBits)+bits.Len(uint(3*empty+1))-1), true); err != nil {
			return err
		}
		n--
	}
	for n > 0 {
		from, end := segment(c.blockStyle, int(b.passes))
		take := min(n, end-int(b.passes))
		if take < 1 {
			return malformed("a block of more than %d passes", b.passes)
		}
		length := r.take(int(b.lengthBits) + bits.Len(uint(take)) - 1)
		if r.short {
			return errShort
		}
		if err := d.chunk(b, take, length, from == int(b.passes)); err != nil {
			return err
		}
		n -= take
	}
	return nil
}

// segment gives the passes from and to which the segment of a pass reaches
// (D.4.2, D.6, T.814 B.3).
func segment(style byte, pass int) (from, end int) {
	switch {
	case style&styleHT != 0 && pass > 0:
		return 1, 3
	case style&styleHT != 0, style&styleEndEach != 0:
		return pass, min(pass+1, maxPasses)
	case style&styleBypass == 0:
		return 0, maxPasses
	case pass < 10:
		return 0, 10
	case (pass-10)%3 == 2:
		return pass, min(pass+1, maxPasses)
	}
	from = pass - (pass-10)%3
	return from, min(from+2, maxPasses)
}

// maxPasses is the most that one packet can tell (table B.4).
const maxPasses = 164

func (d *decoder) chunk(b *block, passes, length int, begins bool) error {
	if length < 0 || length > len(d.data) { // a header can tell 38 bits
		return errShort
	}
	if len(d.chunks) == maxChunks {
		return tooLarge("more than %d pieces of blocks in a tile", maxChunks)
	}
	d.chunks = append(d.chunks, chunk{length: int32(length), passes: uint8(passes), begins: begins})
	n := int32(len(d.chunks))
	if b.first == 0 {
		b.first = n
	} else {
		d.chunks[b.last-1].next = n
	}
	b.last = n
	b.passes += uint8(passes)
	return nil
}
