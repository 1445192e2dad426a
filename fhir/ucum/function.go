package ucum

import "math/big"

// function is what a special unit does to the ratio of a quantity and its
// reference: of gives the unit's value, inverse the ratio.
// https://ucum.org/ucum#section-Special-Units-on-non-ratio-Scales
type function struct {
	offset *big.Rat // of a temperature scale: of(x) = x - offset
	angle  bool     // the reference is the radian, whatever the table says
	// of and inverse on numbers of precision digits; nil for a temperature.
	curve, uncurve func(x *big.Float) (*big.Float, bool)
}

// functions by the names that the table uses.
var functions = map[string]*function{
	"Cel":    {offset: rat("273.15")},
	"degF":   {offset: rat("459.67")},
	"degRe":  {offset: rat("218.52")},
	"pH":     logarithm(10, -1),
	"hpX":    logarithm(10, -1),
	"hpC":    logarithm(100, -1),
	"hpM":    logarithm(1000, -1),
	"hpQ":    logarithm(50000, -1),
	"ln":     logarithm(0, 1),
	"lg":     logarithm(10, 1),
	"2lg":    logarithm(10, 2),
	"ld":     logarithm(2, 1),
	"100tan": {angle: true, curve: hundredTan, uncurve: hundredthAtan},
	"sqrt":   {curve: root, uncurve: square},
}

func (f *function) curved() bool { return f.offset == nil }

func (f *function) of(x *big.Rat) (*big.Rat, bool) {
	if !f.curved() {
		return new(big.Rat).Sub(x, f.offset), true
	}
	return through(f.curve, x)
}

func (f *function) inverse(y *big.Rat) (*big.Rat, bool) {
	if !f.curved() {
		return new(big.Rat).Add(y, f.offset), true
	}
	return through(f.uncurve, y)
}

// through applies a function to a fraction.
func through(f func(*big.Float) (*big.Float, bool), x *big.Rat) (*big.Rat, bool) {
	y, ok := f(new(big.Float).SetPrec(precision).SetRat(x))
	if !ok {
		return nil, false
	}
	r, ok := new(big.Rat).SetString(y.Text('e', 29))
	return r, ok
}

// logarithm is factor × log x to a base; base 0 is e.
func logarithm(base, factor int64) *function {
	scale := func() *big.Float { // factor / ln base
		s := float(factor)
		if base > 0 {
			s.Quo(s, ln(float(base)))
		}
		return s
	}
	return &function{
		curve: func(x *big.Float) (*big.Float, bool) {
			if x.Sign() <= 0 {
				return nil, false
			}
			return x.Mul(ln(x), scale()), true
		},
		uncurve: func(y *big.Float) (*big.Float, bool) {
			return exp(y.Quo(y, scale()))
		},
	}
}

func hundredTan(x *big.Float) (*big.Float, bool) {
	half := new(big.Float).Quo(pi(), float(2))
	if new(big.Float).Abs(x).Cmp(half) >= 0 {
		return nil, false
	}
	y := tan(x)
	return y.Mul(y, float(100)), true
}

func hundredthAtan(y *big.Float) (*big.Float, bool) {
	return atan(new(big.Float).Quo(y, float(100))), true
}

func root(x *big.Float) (*big.Float, bool) {
	if x.Sign() < 0 {
		return nil, false
	}
	return float(0).Sqrt(x), true
}

func square(x *big.Float) (*big.Float, bool) { return float(0).Mul(x, x), true }
