package ucum

import (
	"errors"
	"math/big"
	"slices"
	"strconv"
	"strings"
)

// Unit is a parsed unit. It is immutable; the zero Unit is the unit 1.
type Unit struct{ d *definition }

// definition is a unit in base units.
type definition struct {
	factor    *big.Rat // base units in one unit; of a special unit, in one of its reference
	dims      [7]int16 // exponents of the base units
	arbitrary []power  // exponents of arbitrary units, by code
	special   *function
	scale     *big.Rat // prefix of a special unit

	// figures / over × 10^exp is the factor where that is short, so that most
	// values convert without fractions; figures is 0 otherwise.
	figures, over uint64
	exp           int
}

// power is an arbitrary unit to a power.
type power struct {
	code     string
	exponent int
}

var mereNumber = (&definition{factor: one}).shorten()

func (u Unit) def() *definition {
	if u.d == nil {
		return mereNumber
	}
	return u.d
}

// maxBits bounds the factor of a product.
const maxBits = 1 << 14

// build multiplies the terms.
func (p *parser) build() (*definition, error) {
	u := &definition{factor: new(big.Rat).Set(one)}
	var special *term
	bits := 0
	for i := range p.n {
		t := &p.terms[i]
		var factor *big.Rat
		var d *definition
		if t.atom == nil {
			factor = new(big.Rat).SetFrac(new(big.Int).SetUint64(t.number), one.Num())
		} else if d = t.atom.definition(); d.special != nil {
			special = t
			continue
		} else {
			factor = d.factor
		}
		if t.prefix != nil {
			factor = new(big.Rat).Mul(factor, t.prefix.value)
		}
		bits += max(factor.Num().BitLen(), factor.Denom().BitLen()) * max(t.exponent, -t.exponent)
		if bits > maxBits {
			return nil, p.fail("unit %q is too large or too small to convert", p.code)
		}
		u.factor.Mul(u.factor, ratPower(factor, t.exponent))
		if d != nil {
			u.multiply(d, t.exponent)
		}
	}
	if special != nil {
		return special.scaled(u.factor), nil
	}
	return u, nil
}

// scaled is a special unit with its prefix and the numbers beside it.
func (t *term) scaled(by *big.Rat) *definition {
	u := *t.atom.definition()
	if u.scale = by; t.prefix != nil {
		u.scale = new(big.Rat).Mul(by, t.prefix.value)
	}
	return &u
}

// multiply adds the exponents of another unit.
func (d *definition) multiply(by *definition, exponent int) {
	for i := range d.dims {
		d.dims[i] += by.dims[i] * int16(exponent)
	}
	for _, a := range by.arbitrary {
		at, found := slices.BinarySearchFunc(d.arbitrary, a.code, func(p power, code string) int { return strings.Compare(p.code, code) })
		if !found {
			d.arbitrary = slices.Insert(d.arbitrary, at, power{code: a.code})
		}
		if d.arbitrary[at].exponent += a.exponent * exponent; d.arbitrary[at].exponent == 0 {
			d.arbitrary = slices.Delete(d.arbitrary, at, at+1)
		}
	}
}

func ratPower(r *big.Rat, power int) *big.Rat {
	n := big.NewInt(int64(max(power, -power)))
	num, den := new(big.Int).Exp(r.Num(), n, nil), new(big.Int).Exp(r.Denom(), n, nil)
	if power < 0 {
		num, den = den, num
	}
	return new(big.Rat).SetFrac(num, den)
}

// Dimensionless tells whether the unit is a mere number. An arbitrary unit, or
// one of a scale such as pH or dB, is none.
func (u Unit) Dimensionless() bool {
	d := u.def()
	return d.dims == [7]int16{} && len(d.arbitrary) == 0 && d.special == nil
}

// Special tells whether the unit's values are no multiples of a unit: degrees
// Celsius, pH, decibel. Factor says nothing about it.
func (u Unit) Special() bool { return u.def().special != nil }

// Comparable tells whether values of the two units can be converted.
func (u Unit) Comparable(v Unit) bool {
	a, b := u.def(), v.def()
	return a == b || a.dims == b.dims && slices.Equal(a.arbitrary, b.arbitrary)
}

// Factor is how many base units one unit is, unless it is Special.
func (u Unit) Factor() *big.Rat { return new(big.Rat).Set(u.def().factor) }

// Dimension is the exponents of the base units m, s, g, rad, K, C and cd.
func (u Unit) Dimension() (exponents [7]int) {
	for i, n := range u.def().dims {
		exponents[i] = int(n)
	}
	return exponents
}

// Canonical writes the dimension in base units, the arbitrary ones behind it:
// "m-3.g"; "1" for a mere number. A value is canonical after Convert to it.
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
	for i, code := range baseCodes {
		write(code, int(u.def().dims[i]))
	}
	for _, a := range u.def().arbitrary {
		write(a.code, a.exponent)
	}
	if parts == nil {
		return "1"
	}
	return strings.Join(parts, ".")
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
	if u.Special() || v.Special() {
		return "", nil, errSpecial
	}
	w := Unit{&definition{factor: new(big.Rat).Mul(u.def().factor, ratPower(v.def().factor, power)), dims: u.def().dims, arbitrary: slices.Clone(u.def().arbitrary)}}
	w.d.multiply(v.def(), power)
	switch {
	case w.Dimensionless():
		return "1", w.d.factor, nil
	case a == b && power == 1 && plain(a):
		return a + "2", big.NewRat(1, 1), nil
	}
	if code := merged(a, b, power); code != "" {
		if _, err := Parse(code); err == nil {
			return code, big.NewRat(1, 1), nil
		}
	}
	joint := "."
	if power < 0 {
		joint = "/"
	}
	if strings.HasPrefix(a, "/") {
		a = "1" + a
	}
	if strings.HasPrefix(b, "/") {
		b = "1" + b
	}
	if strings.ContainsAny(b, "./") {
		b = "(" + b + ")"
	}
	code = a + joint + b
	if _, err := Parse(code); err != nil { // too long
		return "", nil, err
	}
	return code, big.NewRat(1, 1), nil
}

var errSpecial = errors.New("a unit without ratio scale cannot be part of a product or quotient")

// plain tells whether an exponent can follow the code.
func plain(code string) bool {
	return strings.IndexFunc(code, func(r rune) bool { return r < 'A' || r > 'z' || r == '^' }) < 0
}
