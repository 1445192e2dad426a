package pixel

// The scans of sequential and progressive JPEG.
// https://www.w3.org/Graphics/JPEG/itu-t81.pdf (F.2, G.2)

// pass is one scan over the blocks of a component: the coefficients from … to,
// by successive approximation from bit high down to bit low.
type pass struct {
	d                   *twelve
	r                   *bitReader
	dc, ac              *huffman
	from, to, high, low int
	last                int32 // the DC coefficient before
	empty               int   // blocks of a run that have no more coefficients
}

func (p *pass) check() error {
	progressive := p.d.header.marker == markerSOF2
	switch {
	case !progressive && (p.from != 0 || p.to != 63 || p.high != 0 || p.low != 0),
		progressive && (p.from > p.to || p.to > 63 || p.from == 0 && p.to != 0 || p.low > 13 || p.high != 0 && p.high != p.low+1):
		return malformed("a scan of the coefficients %d to %d, bits %d to %d", p.from, p.to, p.high, p.low)
	}
	return nil
}

// reader is how the scan reads a block.
func (p *pass) reader() func(*[64]int16) {
	switch {
	case p.d.header.marker == markerSOF1:
		return p.whole
	case p.from == 0 && p.high == 0:
		return p.firstDC
	case p.from == 0:
		return func(b *[64]int16) { b[0] |= int16(p.r.take(1) << p.low) }
	case p.high == 0:
		return p.firstAC
	}
	return p.refineAC
}

func (p *pass) firstDC(b *[64]int16) {
	p.last += p.r.extend(int(min(p.r.symbol(p.dc), 16)))
	b[0] = int16(p.last << p.low)
}

// whole reads all coefficients (F.2.2.2).
func (p *pass) whole(b *[64]int16) {
	p.firstDC(b)
	for k := 1; k < 64; k++ {
		s := p.r.symbol(p.ac)
		run, category := int(s>>4), int(s&15)
		if category == 0 && run != 15 {
			return
		}
		if k += run; k > 63 {
			p.r.short = true
			return
		}
		if category > 0 {
			b[k] = int16(p.r.extend(category))
		}
	}
}

// firstAC reads the first bits of coefficients (G.1.2.2).
func (p *pass) firstAC(b *[64]int16) {
	if p.empty > 0 {
		p.empty--
		return
	}
	for k := p.from; k <= p.to; k++ {
		s := p.r.symbol(p.ac)
		run, category := int(s>>4), int(s&15)
		if category == 0 && run != 15 {
			p.empty = 1<<run + int(p.r.take(run)) - 1
			return
		}
		if k += run; k > p.to {
			p.r.short = true
			return
		}
		if category > 0 {
			b[k] = int16(p.r.extend(category) << p.low)
		}
	}
}

// refineAC reads one more bit of coefficients (G.1.2.3).
func (p *pass) refineAC(b *[64]int16) {
	k := p.from
	for p.empty == 0 && k <= p.to {
		s := p.r.symbol(p.ac)
		run, category := int(s>>4), int(s&15)
		fresh := int16(0)
		switch {
		case category == 1:
			fresh = -1 << p.low
			if p.r.take(1) == 1 {
				fresh = 1 << p.low
			}
		case category > 1:
			p.r.short = true
			return
		case run < 15:
			p.empty = 1<<run + int(p.r.take(run))
		}
		if p.empty > 0 {
			break
		}
		k = p.correct(b, k, run)
		if k > p.to {
			p.r.short = p.r.short || fresh != 0
			return
		}
		b[k] = fresh
		k++
	}
	if p.empty > 0 {
		p.correct(b, k, 64)
		p.empty--
	}
}

// correct reads a bit for each coefficient that is not zero, until some zeros
// were passed over; it gives the place of the zero after those.
func (p *pass) correct(b *[64]int16, k, zeros int) int {
	for ; k <= p.to; k++ {
		switch {
		case b[k] == 0 && zeros == 0:
			return k
		case b[k] == 0:
			zeros--
		case p.r.take(1) == 1 && b[k]>>p.low&1 == 0:
			if b[k] > 0 {
				b[k] += 1 << p.low
			} else {
				b[k] -= 1 << p.low
			}
		}
	}
	return k
}
