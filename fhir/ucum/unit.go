package ucum

import (
	"errors"
	"maps"
	"math/big"
	"slices"
	"strconv"
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

// Multiply names the unit of a product (power 1) or quotient (power -1) of
// values in two units, and gives the factor by which the product of the values
// must be multiplied: 1, unless the units cancel each other out (m/cm).
func Multiply(a, b string, power int) (code string, factor *big.Rat, err error) {
	u, err := Parse(a)
	if err != nil {
		return "", nil, err
	}
	v, err := Parse(b)
	if err != nil {
		return "", nil, err
	}
	w, err := u.times(v, power)
	switch {
	case err != nil:
		return "", nil, err
	case w.zero != nil:
		return "", nil, errSpecial
	case w.Dimensionless():
		return "1", w.factor, nil
	case a == b && power == 1 && plain(a):
		return a + "2", big.NewRat(1, 1), nil
	}
	joint := "."
	if power < 0 {
		joint = "/"
	}
	if strings.HasPrefix(a, "/") {
		a = "(" + a + ")"
	}
	if strings.ContainsAny(b, "./") {
		b = "(" + b + ")"
	}
	code = a + joint + b
	_, err = Parse(code) // not too long
	return code, big.NewRat(1, 1), err
}

// plain tells whether an exponent can follow the code.
func plain(code string) bool {
	return strings.IndexFunc(code, func(r rune) bool { return r < 'A' || r > 'z' || r == '^' }) < 0
}

// Valid tells whether the code is a unit of UCUM; Parse says why not.
func Valid(code string) bool {
	_, err := Parse(code)
	return err == nil
}

// Dimension is the exponents of the base units m, s, g, rad, K, C and cd.
func (u Unit) Dimension() [7]int { return u.dims }

// Canonical writes the dimension in base units, the arbitrary ones behind it:
// "m-3.g"; "1" for a mere number.
func (u Unit) Canonical() string {
	var parts []string
	write := func(code string, power int) {
		switch power {
		case 0:
		case 1:
			parts = append(parts, code)
		default:
			parts = append(parts, code+strconv.Itoa(power))
		}
	}
	for i, code := range [...]string{"m", "s", "g", "rad", "K", "C", "cd"} {
		write(code, u.dims[i])
	}
	for _, code := range slices.Sorted(maps.Keys(u.arb)) {
		write(code, u.arb[code])
	}
	if parts == nil {
		return "1"
	}
	return strings.Join(parts, ".")
}
