package ucum

import (
	"errors"
	"fmt"
	"maps"
	"math/big"
	"slices"
	"strings"
)

func one() Unit { return Unit{factor: big.NewRat(1, 1)} }

// scaled is the unit with a prefix. The factor of a temperature is scaled too:
// 1 mCel is a thousandth of a degree above the zero of Cel.
func (u Unit) scaled(base int64, power int) Unit {
	u.factor = new(big.Rat).Mul(u.factor, ratPower(big.NewRat(base, 1), power))
	return u
}

func ratPower(r *big.Rat, power int) *big.Rat {
	n := big.NewInt(int64(max(power, -power)))
	num, den := new(big.Int).Exp(r.Num(), n, nil), new(big.Int).Exp(r.Denom(), n, nil)
	if power < 0 {
		num, den = den, num
	}
	return new(big.Rat).SetFrac(num, den)
}

var errSpecial = errors.New("a temperature scale cannot be part of a product or power")

// maxBits bounds the factor of a product.
const maxBits = 1 << 14

// times is u × v^power.
func (u Unit) times(v Unit, power int) (Unit, error) {
	trivial := u.factor.Cmp(big.NewRat(1, 1)) == 0 && u.Dimensionless()
	if v.zero != nil && trivial && power == 1 {
		return v, nil
	}
	if u.zero != nil || v.zero != nil {
		return u, errSpecial
	}
	if v.factor.Num().BitLen()*max(power, -power) > maxBits || v.factor.Denom().BitLen()*max(power, -power) > maxBits {
		return u, errors.New("the unit is too large or too small to convert")
	}
	u.factor = new(big.Rat).Mul(u.factor, ratPower(v.factor, power))
	for i := range u.dims {
		u.dims[i] += v.dims[i] * power
	}
	if len(v.arb) > 0 {
		u.arb = maps.Clone(u.arb)
		if u.arb == nil {
			u.arb = map[string]int{}
		}
		for code, n := range v.arb {
			if u.arb[code] += n * power; u.arb[code] == 0 {
				delete(u.arb, code)
			}
		}
	}
	return u, nil
}

// Dimensionless tells whether the unit is a mere number.
func (u Unit) Dimensionless() bool { return u.dims == [7]int{} && len(u.arb) == 0 && u.zero == nil }

// Comparable tells whether values of the two units can be converted.
func (u Unit) Comparable(v Unit) bool { return u.dims == v.dims && maps.Equal(u.arb, v.arb) }

// Factor is how many base units one unit is. It is not meaningful for
// temperature scales, see Convert.
func (u Unit) Factor() *big.Rat { return new(big.Rat).Set(u.factor) }

// Convert gives the value of one unit in another; false when they are not
// comparable.
func Convert(value *big.Rat, from, to Unit) (*big.Rat, bool) {
	if !from.Comparable(to) {
		return nil, false
	}
	base := new(big.Rat).Mul(value, from.factor)
	if from.zero != nil {
		base.Add(base, from.zero)
	}
	if to.zero != nil {
		base.Sub(base, to.zero)
	}
	return base.Quo(base, to.factor), true
}

// baseNames in the order of a dimension's exponents.
var baseNames = [7]string{"m", "s", "g", "rad", "K", "C", "cd"}

// Multiply is the unit of a product (power 1) or quotient (power -1) in base
// units, and the factor by which a value in u times a value in v must be
// multiplied.
func Multiply(u, v Unit, power int) (code string, factor *big.Rat, err error) {
	w, err := u.times(v, power)
	if err != nil {
		return "", nil, err
	}
	if w.zero != nil {
		return "", nil, errSpecial
	}
	return w.base(), w.factor, nil
}

// base writes the dimension as a code: "kg" never, "g.m/s2" as "m.s-2.g".
func (u Unit) base() string {
	var parts []string
	for i, n := range u.dims {
		parts = appendPower(parts, baseNames[i], n)
	}
	for _, code := range slices.Sorted(maps.Keys(u.arb)) {
		parts = appendPower(parts, code, u.arb[code])
	}
	if len(parts) == 0 {
		return "1"
	}
	return strings.Join(parts, ".")
}

func appendPower(parts []string, code string, n int) []string {
	switch n {
	case 0:
		return parts
	case 1:
		return append(parts, code)
	}
	return append(parts, fmt.Sprintf("%s%d", code, n))
}
