package jpeg2000

// zeroContexts are the contexts of a coefficient that is not significant by its
// eight neighbours and the kind of its band (table D.1). Bits of the index, from
// the lowest: north-west, north, north-east, west, itself, east, south-west,
// south, south-east.
var zeroContexts = func() (t [4][512]uint8) {
	for i := range 512 {
		bit := func(n int) int { return i >> n & 1 }
		h, v := bit(3)+bit(5), bit(1)+bit(7)
		d := bit(0) + bit(2) + bit(6) + bit(8)
		t[0][i] = flat(h, v, d)
		t[1][i] = flat(v, h, d)
		t[2][i] = t[0][i]
		t[3][i] = diagonal(h+v, d)
	}
	return t
}()

func flat(h, v, d int) uint8 {
	switch {
	case h == 2:
		return 8
	case h == 1 && v > 0:
		return 7
	case h == 1 && d > 0:
		return 6
	case h == 1:
		return 5
	case v > 0:
		return uint8(2 + v)
	}
	return uint8(min(d, 2))
}

func diagonal(hv, d int) uint8 {
	switch {
	case d > 2:
		return 8
	case d == 2:
		return uint8(6 + min(hv, 1))
	case d == 1:
		return uint8(3 + min(hv, 2))
	}
	return uint8(min(hv, 2))
}

// signContexts are context<<1 | XOR bit of a sign (tables D.2, D.3). Bits of the
// index, from the lowest: north, west, east, south are significant; the same are
// negative.
var signContexts = func() (t [256]uint8) {
	for i := range 256 {
		of := func(n int) int { return i >> n & 1 * (1 - 2*(i>>(n+4)&1)) }
		h := min(max(of(1)+of(2), -1), 1)
		v := min(max(of(0)+of(3), -1), 1)
		turn := 0
		if h < 0 || h == 0 && v < 0 {
			h, v, turn = -h, -v, 1
		}
		t[i] = uint8((contextSign+3*h+v)<<1 | turn)
	}
	return t
}()
