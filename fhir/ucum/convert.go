package ucum

import (
	"math/big"
	"math/bits"
)

// Convert gives the value of one unit in another; false when they are not
// comparable or the value has none there (the logarithm of a negative number).
// It is exact, but for the scales that are logarithms, roots or angles: those
// are rounded to 30 significant digits.
func Convert(value *big.Rat, from, to Unit) (*big.Rat, bool) {
	if !from.Comparable(to) {
		return nil, false
	}
	a, b := from.def(), to.def()
	if a.special != nil && a.special == b.special && a.factor.Cmp(b.factor) == 0 && a.special.curved() {
		ratio := new(big.Rat).Quo(a.scale, b.scale) // dB to B: the curve is the same
		return ratio.Mul(ratio, value), true
	}
	base, ok := a.toBase(value)
	if !ok {
		return nil, false
	}
	return b.fromBase(base)
}

// toBase is the value in base units.
func (d *definition) toBase(value *big.Rat) (*big.Rat, bool) {
	if d.special == nil {
		return new(big.Rat).Mul(value, d.factor), true
	}
	x, ok := d.special.inverse(new(big.Rat).Mul(value, d.scale))
	if !ok {
		return nil, false
	}
	return x.Mul(x, d.factor), true
}

// fromBase is the value of base units in this unit.
func (d *definition) fromBase(base *big.Rat) (*big.Rat, bool) {
	x := new(big.Rat).Quo(base, d.factor)
	if d.special == nil {
		return x, true
	}
	y, ok := d.special.of(x)
	if !ok {
		return nil, false
	}
	return y.Quo(y, d.scale), true
}

// Scale is Convert for the value coef × 10^-scale without allocation; the
// result has as few fraction digits as it takes. ok is false when it does not
// fit, is no short decimal, or a unit is Special: use Convert then.
func Scale(coef int64, scale int32, from, to Unit) (newCoef int64, newScale int32, ok bool) {
	a, b := from.def(), to.def()
	if a == b {
		return coef, scale, true
	}
	if a.figures == 0 || b.figures == 0 || !from.Comparable(to) {
		return 0, 0, false
	}
	n, negative := uint64(coef), coef < 0
	if negative {
		n = -n
	}
	// n × a.figures × b.over / (a.over × b.figures) × 10^(a.exp - b.exp - scale)
	up := [3]uint64{n, a.figures, b.over}
	down := [2]uint64{a.over, b.figures}
	for i := range down {
		for j := range up {
			g := gcd(down[i], up[j])
			down[i], up[j] = down[i]/g, up[j]/g
		}
	}
	exp := a.exp - b.exp - int(scale)
	high, rest := bits.Mul64(down[0], down[1])
	if high != 0 {
		return 0, 0, false
	}
	up[2], exp, ok = clear(up[2], rest, exp)
	if !ok {
		return 0, 0, false
	}
	for _, factor := range up[1:] {
		if high, n = bits.Mul64(up[0], factor); high != 0 {
			return 0, 0, false
		}
		up[0] = n
	}
	return finish(up[0], exp, negative)
}

// clear turns 1/rest into a decimal: 1/8 is 125 × 10^-3. Only factors 2 and 5
// can be cleared.
func clear(n, rest uint64, exp int) (uint64, int, bool) {
	for rest > 1 {
		factor := uint64(5)
		switch {
		case rest%10 == 0:
			rest, factor = rest/10, 1
		case rest%2 == 0:
			rest /= 2
		case rest%5 == 0:
			rest, factor = rest/5, 2
		default:
			return 0, 0, false
		}
		high, low := bits.Mul64(n, factor)
		if high != 0 {
			return 0, 0, false
		}
		n, exp = low, exp-1
	}
	return n, exp, true
}

// finish makes a coefficient and a scale of n × 10^exp.
func finish(n uint64, exp int, negative bool) (int64, int32, bool) {
	for ; exp < 0 && n%10 == 0 && n != 0; exp++ {
		n /= 10
	}
	if n == 0 {
		return 0, 0, true
	}
	for ; exp > 0; exp-- {
		high, low := bits.Mul64(n, 10)
		if high != 0 {
			return 0, 0, false
		}
		n = low
	}
	if n > 1<<62 || exp < -60 {
		return 0, 0, false
	}
	coef := int64(n)
	if negative {
		coef = -coef
	}
	return coef, int32(-exp), true
}

func gcd(a, b uint64) uint64 {
	for b != 0 {
		a, b = b, a%b
	}
	return max(a, 1)
}

// shorten finds figures, over and exp of the factor.
func (d *definition) shorten() *definition {
	if d.special != nil {
		return d
	}
	ten := big.NewInt(10)
	trim := func(n *big.Int) (*big.Int, int) {
		n, count, rest := new(big.Int).Set(n), 0, new(big.Int)
		for n.Sign() > 0 {
			q, r := new(big.Int).QuoRem(n, ten, rest)
			if r.Sign() != 0 {
				break
			}
			n, count = q, count+1
		}
		return n, count
	}
	num, up := trim(d.factor.Num())
	den, down := trim(d.factor.Denom())
	if num.IsUint64() && den.IsUint64() && num.Sign() > 0 {
		d.figures, d.over, d.exp = num.Uint64(), den.Uint64(), up-down
	}
	return d
}
