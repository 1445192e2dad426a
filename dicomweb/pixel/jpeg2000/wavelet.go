package jpeg2000

// The inverse wavelet transformations (annex F), in place over the coefficients
// of a tile: rows, then columns some at a time; rounding makes the order matter.

// lane is what one pass over columns or rows needs.
type lane struct {
	ints  []int32
	reals []float32
}

// columnsAtOnce is how many columns are transformed together.
const columnsAtOnce = 16

// synthesise turns the coefficients of a component into samples.
func (c *tileComponent) synthesise(l *lane) {
	for r := 1; r <= c.levels; r++ {
		res, low := &c.resolutions[r], &c.resolutions[r-1]
		if res.empty() {
			continue
		}
		if c.reversible {
			l.ints = lifted(c.ints, l.ints, c.width(), res.area, low.area, lift53)
		} else {
			l.reals = lifted(c.reals, l.reals, c.width(), res.area, low.area, lift97)
		}
	}
}

// lifted joins the four bands of a resolution. lift undoes one decomposition of
// n interleaved rows of some columns, of which the first that is low is odd.
func lifted[T int32 | float32](data, buffer []T, stride int, res, low area, lift func(rows []T, wide, n, odd int)) []T {
	wide, high := res.width(), res.height()
	if need := columnsAtOnce * max(wide, high); cap(buffer) < need {
		buffer = make([]T, need)
	}
	for y := range high {
		row, line := data[y*stride:][:wide], buffer[:wide]
		spread(line, row, low.width(), res.x0&1)
		lift(line, 1, wide, res.x0&1)
		copy(row, line)
	}
	for x := 0; x < wide; x += columnsAtOnce {
		n := min(columnsAtOnce, wide-x)
		rows := buffer[:n*high]
		for y := range high {
			copy(rows[interleaved(y, low.height(), res.y0&1)*n:][:n], data[y*stride+x:])
		}
		lift(rows, n, high, res.y0&1)
		for y := range high {
			copy(data[y*stride+x:][:n], rows[y*n:])
		}
	}
	return buffer
}

// interleaved is the place of row i: the low ones come first in the band.
func interleaved(i, low, odd int) int {
	if i < low {
		return 2*i + odd
	}
	return 2*(i-low) + 1 - odd
}

func spread[T any](out, in []T, low, odd int) {
	for i, v := range in[:low] {
		out[2*i+odd] = v
	}
	for i, v := range in[low:] {
		out[2*i+1-odd] = v
	}
}

// lift53 is the reversible one (F.3.8.2.1).
func lift53(rows []int32, wide, n, odd int) {
	if n == 1 {
		if odd == 1 {
			for i := range rows {
				rows[i] >>= 1
			}
		}
		return
	}
	if wide == 1 {
		line53(rows, odd)
		return
	}
	eachStep(rows, wide, n, odd, func(to, a, b []int32) {
		a, b = a[:len(to)], b[:len(to)]
		for i := range to {
			to[i] -= (a[i] + b[i] + 2) >> 2
		}
	})
	eachStep(rows, wide, n, 1-odd, func(to, a, b []int32) {
		a, b = a[:len(to)], b[:len(to)]
		for i := range to {
			to[i] += (a[i] + b[i]) >> 1
		}
	})
}

// line53 is lift53 of one row.
func line53(s []int32, odd int) {
	n := len(s)
	if odd == 0 {
		s[0] -= (2*s[1] + 2) >> 2
	}
	i := 2 - odd
	for ; i+1 < n; i += 2 {
		s[i] -= (s[i-1] + s[i+1] + 2) >> 2
	}
	if i < n {
		s[i] -= (2*s[i-1] + 2) >> 2
	}
	if odd == 1 {
		s[0] += s[1]
	}
	for i = 1 + odd; i+1 < n; i += 2 {
		s[i] += (s[i-1] + s[i+1]) >> 1
	}
	if i < n {
		s[i] += s[i-1]
	}
}

// eachStep calls do with every second row and its neighbours, mirrored at the
// ends.
func eachStep[T any](rows []T, wide, n, from int, do func(to, a, b []T)) {
	for i := from; i < n; i += 2 {
		a, b := i-1, i+1
		if a < 0 {
			a = b
		}
		if b >= n {
			b = a
		}
		do(rows[i*wide:(i+1)*wide], rows[a*wide:], rows[b*wide:])
	}
}

// Factors of the wavelet that is not reversible (table F.4).
const (
	alpha = -1.586134342059924
	beta  = -0.052980118572961
	gamma = 0.882911075530934
	delta = 0.443506852043971
	kappa = 1.230174104914001
)

// lift97 is the one that is not reversible (F.3.8.1.1).
func lift97(rows []float32, wide, n, odd int) {
	if n == 1 {
		if odd == 1 {
			for i := range rows {
				rows[i] /= 2
			}
		}
		return
	}
	for i := range n {
		k := float32(kappa)
		if i&1 != odd {
			k = 1 / float32(kappa)
		}
		for j := i * wide; j < (i+1)*wide; j++ {
			rows[j] *= k
		}
	}
	for i, factor := range [4]float32{delta, gamma, beta, alpha} {
		from := odd
		if i&1 == 1 {
			from = 1 - odd
		}
		if wide == 1 {
			line97(rows, from, factor)
			continue
		}
		eachStep(rows, wide, n, from, func(to, a, b []float32) {
			a, b = a[:len(to)], b[:len(to)]
			for i := range to {
				to[i] -= factor * (a[i] + b[i])
			}
		})
	}
}

// line97 is one step of lift97 in one row.
func line97(s []float32, from int, factor float32) {
	n := len(s)
	if from == 0 {
		s[0] -= 2 * factor * s[1]
	}
	i := 2 - from
	for ; i+1 < n; i += 2 {
		s[i] -= factor * (s[i-1] + s[i+1])
	}
	if i < n {
		s[i] -= 2 * factor * s[i-1]
	}
}
