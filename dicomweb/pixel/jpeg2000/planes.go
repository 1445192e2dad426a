package jpeg2000

// Bit planes of blocks (annex D).

// planes decodes blocks of Part 1. Columns of four coefficients, of one stripe,
// share a word of flags; around the block lies a border.
//
//	bits  0–17  significant: rows −1 to 4, each with the left, own, right column
//	bits 18–23  negative: rows −1 to 4 of the own column
//	bits 24–27  refined before
//	bits 28–31  visited in this plane
type planes struct {
	mq
	raw     raw
	flags   []uint32
	values  []uint32
	segment []byte
	wide    int
	high    int
	stride  int
	zero    *[512]uint8
	style   byte
	lazy    bool
}

const (
	neighbours  = 1<<18 - 1
	ownColumn   = 1<<4 | 1<<7 | 1<<10 | 1<<13
	negative    = 18
	refined     = 24
	visited     = 28
	allVisited  = 0xF << visited
	aroundOne   = 0x1EF // neighbours of one coefficient, itself left out
	significant = 0x10
)

// decode gives the values of a block, row by row.
func (p *planes) decode(d *decoder, c *coding, b *block, have, kind int) ([]uint32, error) {
	p.wide, p.high = int(b.wide), int(b.high)
	p.stride = p.wide + 2
	p.flags = cleared(p.flags, p.stride*((p.high+3)/4+2))
	p.values = cleared(p.values, p.wide*p.high)
	p.zero, p.style = &zeroContexts[kind], c.blockStyle
	p.reset()
	pass := 0
	for i := b.first; i != 0; {
		segment, n := d.segment(p.segment[:0], &i)
		p.segment = segment
		if p.lazy = c.blockStyle&styleBypass != 0 && pass >= 10 && (pass-10)%3 != 2; p.lazy {
			p.raw = raw{b: segment[:len(segment)-segmentSentinel]}
		} else {
			p.begin(segment)
		}
		for range n {
			if pass > 3*(have-1) { // some writers code halves and quarters, too
				return p.values, nil
			}
			if err := p.pass(pass, have); err != nil {
				return nil, err
			}
			pass++
		}
	}
	return p.values, nil
}

// segment joins the chunks of the next segment and adds the sentinel.
func (d *decoder) segment(into []byte, chunk *int32) ([]byte, int) {
	n := 0
	for first := true; *chunk != 0; first = false {
		k := &d.chunks[*chunk-1]
		if k.begins && !first {
			break
		}
		into = append(into, d.data[k.at:k.at+k.length]...)
		n += int(k.passes)
		*chunk = k.next
	}
	return append(into, 0xFF, 0xFF), n
}

// pass decodes one pass; the first is a clean-up.
func (p *planes) pass(pass, have int) error {
	plane := have - 1 - (pass+2)/3
	one := uint32(2) << plane
	switch (pass + 2) % 3 {
	case 0:
		p.propagate(one)
	case 1:
		p.refine(one)
	default:
		p.cleanUp(one)
		if p.style&styleSymbols != 0 {
			v := uint32(0)
			for range 4 {
				v = v<<1 | p.bit(contextUniform)
			}
			if v != 0xA {
				return malformed("a block whose segmentation symbol is damaged")
			}
		}
	}
	if p.style&styleReset != 0 {
		p.reset()
	}
	return nil
}

// propagate is the significance propagation pass (D.3.1).
func (p *planes) propagate(one uint32) {
	for y := 0; y < p.high; y += 4 {
		at := (y/4+1)*p.stride + 1
		rows := min(4, p.high-y)
		for x := range p.wide {
			f := p.flags[at+x]
			if f&neighbours == 0 {
				continue
			}
			for j := range rows {
				near := f >> (3 * j)
				if near&significant != 0 || near&aroundOne == 0 {
					continue
				}
				var v uint32
				if p.lazy {
					v = p.raw.bit()
				} else {
					v = p.bit(p.zero[near&511])
				}
				if v != 0 {
					p.significant(at+x, j, (y+j)*p.wide+x, one)
					f = p.flags[at+x]
				}
				f |= 1 << (visited + j)
				p.flags[at+x] = f
			}
		}
	}
}

// refine is the magnitude refinement pass (D.3.3).
func (p *planes) refine(one uint32) {
	for y := 0; y < p.high; y += 4 {
		at := (y/4+1)*p.stride + 1
		rows := min(4, p.high-y)
		for x := range p.wide {
			f := p.flags[at+x]
			if f&ownColumn == 0 {
				continue
			}
			for j := range rows {
				near := f >> (3 * j)
				if near&significant == 0 || f>>(visited+j)&1 != 0 {
					continue
				}
				var v uint32
				if p.lazy {
					v = p.raw.bit()
				} else {
					v = p.bit(refineContext(f, j))
				}
				i := (y+j)*p.wide + x
				p.values[i] = p.values[i]&^one | v*one | one>>1
				f |= 1 << (refined + j)
			}
			p.flags[at+x] = f
		}
	}
}

// refineContext is that of a coefficient of a column that is refined (table D.4).
func refineContext(flags uint32, j int) uint8 {
	switch {
	case flags>>(refined+j)&1 != 0:
		return contextRefine + 2
	case flags>>(3*j)&aroundOne != 0:
		return contextRefine + 1
	}
	return contextRefine
}

// cleanUp is the clean-up pass (D.3.4).
func (p *planes) cleanUp(one uint32) {
	for y := 0; y < p.high; y += 4 {
		at := (y/4+1)*p.stride + 1
		rows := min(4, p.high-y)
		for x := range p.wide {
			f := p.flags[at+x]
			from := 0
			if f&neighbours == 0 && rows == 4 {
				if p.bit(contextRun) == 0 {
					continue
				}
				from = int(p.bit(contextUniform)<<1 | p.bit(contextUniform))
				p.significant(at+x, from, (y+from)*p.wide+x, one)
				f = p.flags[at+x]
				from++
			}
			for j := from; j < rows; j++ {
				near := f >> (3 * j)
				if near&significant != 0 || f>>(visited+j)&1 != 0 {
					continue
				}
				if p.bit(p.zero[near&511]) != 0 {
					p.significant(at+x, j, (y+j)*p.wide+x, one)
					f = p.flags[at+x]
				}
			}
			p.flags[at+x] = f &^ allVisited
		}
	}
}

// significant reads the sign of a coefficient that became significant (D.3.2).
func (p *planes) significant(at, j, i int, one uint32) {
	var sign uint32
	if p.lazy {
		sign = p.raw.bit()
	} else {
		s := p.signContext(at, j)
		sign = p.bit(s>>1) ^ uint32(s&1)
	}
	p.values[i] = sign<<31 | one | one>>1
	p.mark(at, j, sign)
}

// signContext is the entry of signContexts for a coefficient.
func (p *planes) signContext(at, j int) uint8 {
	f := p.flags[at]
	left, right := p.flags[at-1]>>(negative+1+j)&1, p.flags[at+1]>>(negative+1+j)&1
	near := f >> (3 * j)
	return signContexts[near>>1&1|near>>2&2|near>>3&4|near>>4&8|f>>(negative+j)&1<<4|left<<5|right<<6|f>>(negative+2+j)&1<<7]
}

// mark tells a coefficient's neighbours that it is significant, and its sign.
func (p *planes) mark(at, j int, sign uint32) {
	p.flags[at] |= significant<<(3*j) | sign<<(negative+1+j)
	p.flags[at-1] |= 1 << (3*j + 5)
	p.flags[at+1] |= 1 << (3*j + 3)
	if j == 0 && p.style&styleCausal == 0 {
		p.flags[at-p.stride] |= 1<<16 | sign<<(negative+5)
		p.flags[at-p.stride-1] |= 1 << 17
		p.flags[at-p.stride+1] |= 1 << 15
	}
	if j == 3 {
		p.flags[at+p.stride] |= 1<<1 | sign<<negative
		p.flags[at+p.stride-1] |= 1 << 2
		p.flags[at+p.stride+1] |= 1 << 0
	}
}
