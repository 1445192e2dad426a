package jpeg2000

// decoder decodes one tile after the other; what they need is used again.
type decoder struct {
	*Codestream
	budget     int64
	components []tileComponent
	style      *style
	data       []byte
	at         int
	headers    []byte // of packets
	packed     bool
	chunks     []chunk
	fresh      int // the first chunk of the packet
	planes     planes
	ht         highThroughput
	lane       lane
	row        []int32
}

// Put receives samples of one component: a part of a row, from x on. Samples are
// in the range of their bits.
type Put func(component, x, y int, row []int32)

// The budget of work: passes over coefficients. Pictures have so many of their
// own, the rest comes from the bytes of the stream.
const (
	ownWork     = 1 << 22 // coefficients, each with ownPasses
	ownPasses   = 128
	workPerByte = 1024
)

// Decode decodes the picture. What Open told was judged by the caller.
func (c *Codestream) Decode(put Put) error {
	samples := int64(c.Width) * int64(c.Height) * int64(len(c.Components))
	d := &decoder{Codestream: c, budget: min(samples, ownWork)*ownPasses + int64(len(c.b))*workPerByte}
	if len(c.order) != c.tilesInAll {
		return errShort
	}
	for _, index := range c.order {
		if err := d.tile(index); err != nil {
			return err
		}
		d.emit(index, put)
	}
	return nil
}

// tile decodes one tile up to the samples of its components.
func (d *decoder) tile(index int) error {
	t := d.parts[index]
	if d.style = t.style; d.style == nil {
		d.style = d.main.style
	}
	if err := d.layout(t, index); err != nil {
		return err
	}
	d.data, d.at, d.headers, d.packed, d.chunks = joined(t.data), 0, t.headers, t.packed, d.chunks[:0]
	orders := t.orders
	if orders == nil {
		orders = d.main.orders
	}
	if err := d.packets(d.style, orders); err != nil {
		return err
	}
	if c := d.components; d.transformed() && (c[0].reversible != c[1].reversible || c[0].reversible != c[2].reversible) {
		return malformed("a colour transformation of components that are not alike")
	}
	for i := range d.components {
		if err := d.blocks(&d.components[i]); err != nil {
			return err
		}
		d.components[i].synthesise(&d.lane)
	}
	return nil
}

// joined is the data of all parts of a tile.
func joined(parts [][]byte) []byte {
	if len(parts) == 1 {
		return parts[0]
	}
	var all []byte
	for _, p := range parts {
		all = append(all, p...)
	}
	return all
}

// layout makes the components of a tile, after counting what that takes.
func (d *decoder) layout(t *tile, index int) error {
	old := d.components
	d.components = make([]tileComponent, len(d.Components))
	precincts, blocks := 0, 0
	for i := range d.components {
		c := &d.components[i]
		coding, quant, shift := t.over(&d.main, i)
		c.coding, c.area = coding, d.tileArea(index)
		if err := c.layout(d.Components[i], quant, shift); err != nil {
			return err
		}
		p, b := c.census()
		precincts, blocks = precincts+p, blocks+b
		if old != nil {
			c.ints, c.reals = old[i].ints, old[i].reals
		}
	}
	if precincts > maxPrecincts || blocks > maxBlocks {
		return tooLarge("a tile of %d precincts and %d blocks; at most %d and %d are decoded", precincts, blocks, maxPrecincts, maxBlocks)
	}
	for i := range d.components {
		d.components[i].cut()
		d.components[i].room()
	}
	return nil
}

// room makes place for the coefficients.
func (c *tileComponent) room() {
	n := c.width() * c.height()
	if c.reversible {
		c.ints, c.reals = cleared(c.ints, n), nil
	} else {
		c.ints, c.reals = nil, cleared(c.reals, n)
	}
}

func cleared[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	s = s[:n]
	clear(s)
	return s
}

// blocks decodes the blocks of a component and puts their coefficients to their
// places.
func (d *decoder) blocks(c *tileComponent) error {
	for r := range c.resolutions {
		res := &c.resolutions[r]
		for i := range res.precincts {
			for j := range res.precincts[i].groups {
				g, b := &res.precincts[i].groups[j], &res.bands[j]
				for k := range g.blocks {
					if err := d.block(c, b, &g.blocks[k]); err != nil {
						return err
					}
				}
			}
		}
	}
	return nil
}

// block decodes one block.
func (d *decoder) block(c *tileComponent, band *band, b *block) error {
	if b.passes == 0 {
		return nil
	}
	d.budget -= int64(b.passes) * int64(b.wide) * int64(b.high)
	if d.budget < 0 {
		return tooLarge("more coded passes than a stream of %d bytes can be worth", len(d.b))
	}
	have := band.planes + band.shift - int(b.zeroPlanes)
	if have < 1 {
		return malformed("a block of %d bit planes with passes", have)
	}
	values, stride, err := []uint32(nil), int(b.wide), error(nil)
	if c.blockStyle&styleHT != 0 {
		values, stride, err = d.ht.decode(d, c.coding, b, have)
	} else {
		values, err = d.planes.decode(d, c.coding, b, have, band.kind)
	}
	if err != nil {
		return err
	}
	if band.shift > 0 {
		for i, v := range values {
			if v&magnitude >= 2<<band.shift {
				values[i] = v&^magnitude | v&magnitude>>band.shift
			}
		}
	}
	c.store(band, b, values, stride)
	return nil
}

// Values of blocks: the sign, and a magnitude whose lowest bit is a half.
const (
	signBit   = 1 << 31
	magnitude = signBit - 1
)

// store puts the values of a block, whose rows are some apart, among the
// coefficients.
func (c *tileComponent) store(band *band, b *block, values []uint32, apart int) {
	wide, stride := int(b.wide), c.width()
	half := band.step / 2
	for y := range int(b.high) {
		at := (int(b.top)+y)*stride + int(b.left)
		in := values[y*apart:][:wide]
		if c.reversible {
			out := c.ints[at : at+wide]
			for x, v := range in {
				n := int32(v & magnitude >> 1)
				if v&signBit != 0 {
					n = -n
				}
				out[x] = n
			}
			continue
		}
		out := c.reals[at : at+wide]
		for x, v := range in {
			n := float32(v&magnitude) * half
			if v&signBit != 0 {
				n = -n
			}
			out[x] = n
		}
	}
}
