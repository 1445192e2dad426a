package jpeg2000

import (
	"cmp"
	"slices"
)

// The order of packets (B.12).

// volume is a part of a progression: layers, resolutions and components up to
// the second number, in an order.
type volume struct {
	order        byte
	res0, res1   int
	comp0, comp1 int
	layers       int
}

// Progression orders (table A.16).
const (
	layerFirst      = 0 // LRCP
	resolutionFirst = 1 // RLCP
	resolutionPlace = 2 // RPCL
	placeFirst      = 3 // PCRL
	componentFirst  = 4 // CPRL
)

// place is a precinct and where it begins on the reference grid.
type place struct {
	component, resolution, number int
	x, y                          int
}

// places lists the precincts of a volume in the order of their packets of one
// layer.
func (d *decoder) places(v volume) []place {
	var list []place
	for c := v.comp0; c < min(v.comp1, len(d.components)); c++ {
		tc := &d.components[c]
		for r := v.res0; r < min(v.res1, len(tc.resolutions)); r++ {
			res, n := &tc.resolutions[r], tc.levels-r
			for i := range res.precincts {
				if res.precincts[i].next >= v.layers {
					continue
				}
				list = append(list, place{c, r, i,
					max(tc.x0, (res.columnX+i%res.across)<<res.precinctX<<n),
					max(tc.y0, (res.columnY+i/res.across)<<res.precinctY<<n)})
			}
		}
	}
	slices.SortFunc(list, func(a, b place) int { return a.compare(&b, v.order) })
	return list
}

func (a *place) compare(b *place, order byte) int {
	c, r := cmp.Compare(a.component, b.component), cmp.Compare(a.resolution, b.resolution)
	where := cmp.Or(cmp.Compare(a.y, b.y), cmp.Compare(a.x, b.x))
	number := cmp.Compare(a.number, b.number)
	switch order {
	case resolutionPlace:
		return cmp.Or(r, where, c, number)
	case placeFirst:
		return cmp.Or(where, c, r, number)
	case componentFirst:
		return cmp.Or(c, where, r, number)
	}
	return cmp.Or(r, c, number)
}

// packets reads all packets of the tile.
func (d *decoder) packets(s *style, orders []volume) error {
	if orders == nil {
		orders = []volume{{order: s.order, res1: 33, comp1: len(d.components), layers: s.layers}}
	}
	for _, v := range orders {
		v.layers = min(v.layers, s.layers)
		if err := d.volume(v); err != nil {
			return err
		}
	}
	for i := range d.components {
		for j := range d.components[i].resolutions {
			for k := range d.components[i].resolutions[j].precincts {
				if d.components[i].resolutions[j].precincts[k].next < s.layers {
					return malformed("changes of progression that leave packets out")
				}
			}
		}
	}
	return nil
}

// volume reads the packets of a volume that were not read before.
func (d *decoder) volume(v volume) error {
	list := d.places(v)
	switch v.order {
	case layerFirst:
		for l := range v.layers {
			if err := d.layer(list, l, l+1); err != nil {
				return err
			}
		}
	case resolutionFirst:
		for len(list) > 0 {
			n := 1
			for n < len(list) && list[n].resolution == list[0].resolution {
				n++
			}
			for l := range v.layers {
				if err := d.layer(list[:n], l, l+1); err != nil {
					return err
				}
			}
			list = list[n:]
		}
	default:
		for i := range list {
			if err := d.layer(list[i:i+1], 0, v.layers); err != nil {
				return err
			}
		}
	}
	return nil
}

// layer reads the packets of some precincts, each from one layer up to another.
func (d *decoder) layer(list []place, from, to int) error {
	for _, at := range list {
		res := &d.components[at.component].resolutions[at.resolution]
		p := &res.precincts[at.number]
		for l := max(from, p.next); l < to; l++ {
			if l != p.next {
				return malformed("changes of progression that leave layers out")
			}
			if err := d.packet(&d.components[at.component], res, p); err != nil {
				return err
			}
		}
	}
	return nil
}
