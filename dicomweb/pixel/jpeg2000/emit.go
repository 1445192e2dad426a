package jpeg2000

import "math"

// Colour and level (annex G).

// emit hands out the samples of a tile.
func (d *decoder) emit(index int, put Put) {
	a := d.tileArea(index)
	d.untransform()
	d.row = cleared(d.row, a.width())
	for i := range d.components {
		c, of := &d.components[i], d.Components[i]
		least, most, level := 0, 1<<of.Bits-1, 1<<(of.Bits-1)
		if of.Signed {
			least, most, level = -level, level-1, 0
		}
		for y := range a.height() {
			from := y * a.width()
			if c.reversible {
				for x, v := range c.ints[from : from+a.width()] {
					d.row[x] = int32(min(max(int(v)+level, least), most))
				}
			} else {
				for x, v := range c.reals[from : from+a.width()] {
					d.row[x] = int32(min(max(int(math.RoundToEven(float64(v)))+level, least), most))
				}
			}
			put(i, a.x0-d.x0, a.y0-d.y0+y, d.row)
		}
	}
}

// transformed tells whether there is a transformation; of fewer than three
// components there is none, whatever some writers say.
func (d *decoder) transformed() bool { return d.style.transformed && len(d.components) >= 3 }

// untransform undoes the transformation of the first three components.
func (d *decoder) untransform() {
	if !d.transformed() {
		return
	}
	c := d.components
	if c[0].reversible {
		a, b, e := c[0].ints, c[1].ints, c[2].ints
		for i, y := range a { // G.2.2
			u, v := b[i], e[i]
			g := y - (u+v)>>2
			a[i], b[i], e[i] = v+g, g, u+g
		}
		return
	}
	a, b, e := c[0].reals, c[1].reals, c[2].reals
	for i, y := range a { // G.3.2
		u, v := b[i], e[i]
		a[i], b[i], e[i] = y+1.402*v, y-0.344136*u-0.714136*v, y+1.772*u
	}
}
