package fhirpath

import (
	"math"
	"math/big"
	"math/bits"
	"strconv"
	"strings"
)

// decimal is an exact number coef × 10^-scale, scale ≥ 0. It keeps trailing
// zeros: 1.00 stays 1.00. The coefficient is small unless big is set.
// https://hl7.org/fhirpath/N1/#decimal
type decimal struct {
	small int64
	big   *big.Int
	scale int32
}

// maxDigits and maxExponent bound a number, so that 1e1000000000 costs nothing.
// The language asks for 28 digits; R4's own examples have exponents of 245.
const (
	maxDigits   = 200
	maxExponent = 400
)

// quotientDigits are the significant digits of a division.
const quotientDigits = 28

func decimalOf(n int64) decimal { return decimal{small: n} }

// parseDecimal reads the number grammar of JSON and FHIRPath: digits, fraction,
// exponent.
func parseDecimal(s string) (decimal, bool) {
	if d, ok := shortDecimal(s); ok {
		return d, true
	}
	mantissa, exponent := s, 0
	if i := strings.IndexAny(s, "eE"); i >= 0 {
		e, err := strconv.Atoi(s[i+1:])
		if err != nil || e > maxExponent || e < -maxExponent {
			return decimal{}, false
		}
		mantissa, exponent = s[:i], e
	}
	whole, fraction, dotted := strings.Cut(mantissa, ".")
	if dotted && fraction == "" || len(mantissa) > maxDigits {
		return decimal{}, false
	}
	digits := whole
	if dotted {
		digits = whole + fraction
	}
	if !numeric(digits) {
		return decimal{}, false
	}
	d := decimal{scale: int32(len(fraction) - exponent)}
	if n, err := strconv.ParseInt(digits, 10, 64); err == nil {
		d.small = n
	} else if d.big, dotted = new(big.Int).SetString(digits, 10); !dotted {
		return decimal{}, false
	}
	if d.scale < 0 {
		d = d.rescale(0)
	}
	return d, true
}

// shortDecimal reads what fits in 18 digits and has no exponent, which is what
// resources hold, without allocating.
func shortDecimal(s string) (d decimal, ok bool) {
	digits, point := s, -1
	negative := s != "" && s[0] == '-'
	if negative {
		digits = s[1:]
	}
	if len(digits) > 18 {
		return d, false
	}
	for i := range len(digits) {
		switch c := digits[i]; {
		case isDigit(c):
			d.small = d.small*10 + int64(c-'0')
		case c == '.' && point < 0 && i > 0:
			point = i
		default:
			return d, false
		}
	}
	if point >= 0 {
		d.scale = int32(len(digits) - point - 1)
	}
	if negative {
		d.small = -d.small
	}
	return d, digits != "" && point != len(digits)-1
}

// numeric tells whether s is an optional sign and digits.
func numeric(s string) bool {
	s = strings.TrimPrefix(strings.TrimPrefix(s, "-"), "+")
	for i := range len(s) {
		if !isDigit(s[i]) {
			return false
		}
	}
	return s != ""
}

func (d decimal) coef() *big.Int {
	if d.big != nil {
		return d.big
	}
	return big.NewInt(d.small)
}

// bigDecimal makes a decimal of a coefficient, small if it fits.
func bigDecimal(coef *big.Int, scale int32) decimal {
	if coef.IsInt64() {
		return decimal{small: coef.Int64(), scale: scale}
	}
	return decimal{big: coef, scale: scale}
}

func pow10(n int32) *big.Int {
	return new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(n)), nil)
}

// rescale gives a coefficient with that many fraction digits, at least as many
// as d has.
func (d decimal) rescale(scale int32) decimal {
	up := scale - d.scale
	if up == 0 {
		return d
	}
	if d.big == nil && up < 18 {
		high, low := bits.Mul64(magnitude(d.small), uint64(math.Pow10(int(up))))
		if high == 0 && low < 1<<63 {
			n := int64(low)
			if d.small < 0 {
				n = -n
			}
			return decimal{small: n, scale: scale}
		}
	}
	return bigDecimal(new(big.Int).Mul(d.coef(), pow10(up)), scale)
}

func magnitude(n int64) uint64 {
	if n < 0 {
		return -uint64(n)
	}
	return uint64(n)
}

// align gives both numbers the larger scale.
func align(a, b decimal) (decimal, decimal) {
	scale := max(a.scale, b.scale)
	return a.rescale(scale), b.rescale(scale)
}

func (d decimal) cmp(e decimal) int {
	d, e = align(d, e)
	if d.big == nil && e.big == nil {
		switch {
		case d.small < e.small:
			return -1
		case d.small > e.small:
			return 1
		}
		return 0
	}
	return d.coef().Cmp(e.coef())
}

func (d decimal) sign() int {
	if d.big != nil {
		return d.big.Sign()
	}
	return decimal{small: d.small}.cmp(decimal{})
}

func (d decimal) neg() decimal {
	if d.big == nil && d.small != math.MinInt64 {
		d.small = -d.small
		return d
	}
	return bigDecimal(new(big.Int).Neg(d.coef()), d.scale)
}

func (d decimal) abs() decimal {
	if d.sign() < 0 {
		return d.neg()
	}
	return d
}

func (d decimal) add(e decimal) decimal {
	d, e = align(d, e)
	if d.big == nil && e.big == nil {
		if sum := d.small + e.small; (sum > d.small) == (e.small > 0) {
			return decimal{small: sum, scale: d.scale}
		}
	}
	return bigDecimal(new(big.Int).Add(d.coef(), e.coef()), d.scale)
}

func (d decimal) sub(e decimal) decimal { return d.add(e.neg()) }

func (d decimal) mul(e decimal) decimal {
	return bigDecimal(new(big.Int).Mul(d.coef(), e.coef()), d.scale+e.scale)
}

// quo divides to quotientDigits significant digits, at least 8 of them after
// the point, without trailing zeros. e is not zero.
func (d decimal) quo(e decimal) decimal {
	return decimalOfRat(new(big.Rat).Quo(d.rat(), e.rat()))
}

// rat is the exact value as a fraction.
func (d decimal) rat() *big.Rat {
	return new(big.Rat).SetFrac(d.coef(), pow10(d.scale))
}

// decimalOfRat rounds a fraction to what a decimal keeps.
func decimalOfRat(r *big.Rat) decimal {
	whole := new(big.Int).Quo(r.Num(), r.Denom())
	scale := int32(max(8, quotientDigits-len(whole.String())))
	scaled := new(big.Rat).Mul(r, new(big.Rat).SetInt(pow10(scale)))
	coef := roundHalfAway(scaled.Num(), scaled.Denom())
	return bigDecimal(coef, scale).trim()
}

// roundHalfAway is num/den as the nearest integer, halves away from zero.
func roundHalfAway(num, den *big.Int) *big.Int {
	quotient, rest := new(big.Int).QuoRem(num, den, new(big.Int))
	rest.Abs(rest).Lsh(rest, 1)
	if rest.Cmp(den) >= 0 {
		quotient.Add(quotient, big.NewInt(int64(num.Sign())))
	}
	return quotient
}

// trim drops trailing zeros of the fraction.
func (d decimal) trim() decimal {
	for d.scale > 0 && d.big == nil && d.small%10 == 0 {
		d.small /= 10
		d.scale--
	}
	if d.big == nil {
		return d
	}
	ten, coef := big.NewInt(10), new(big.Int).Set(d.big)
	for d.scale > 0 {
		next, rest := new(big.Int).QuoRem(coef, ten, new(big.Int))
		if rest.Sign() != 0 {
			break
		}
		coef, d.scale = next, d.scale-1
	}
	return bigDecimal(coef, d.scale)
}

// significant is the number of fraction digits without trailing zeros.
func (d decimal) significant() int32 { return d.trim().scale }

// round gives a number of at most scale fraction digits, halves away from zero.
func (d decimal) round(scale int32) decimal {
	if d.scale <= scale {
		return d
	}
	return bigDecimal(roundHalfAway(d.coef(), pow10(d.scale-scale)), scale)
}

// truncate cuts the fraction after scale digits, towards zero.
func (d decimal) truncate(scale int32) decimal {
	if d.scale <= scale {
		return d
	}
	return bigDecimal(new(big.Int).Quo(d.coef(), pow10(d.scale-scale)), scale)
}

// floor is the largest whole number that is not above d.
func (d decimal) floor() decimal {
	t := d.truncate(0)
	if t.cmp(d) > 0 {
		t = t.sub(decimalOf(1))
	}
	return t
}

// whole is the value as an integer of the language (32 bits), if it is one.
func (d decimal) whole() (int64, bool) {
	t := d.truncate(0)
	if t.big != nil || t.small > math.MaxInt32 || t.small < math.MinInt32 {
		return 0, false
	}
	return t.small, t.cmp(d) == 0
}

func (d decimal) float() float64 {
	f, _ := strconv.ParseFloat(d.String(), 64)
	return f
}

// decimalOfFloat keeps the 15 digits that a float64 holds for certain.
func decimalOfFloat(f float64) (decimal, bool) {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return decimal{}, false
	}
	d, ok := parseDecimal(strconv.FormatFloat(f, 'e', 14, 64))
	if !ok {
		return decimal{}, false
	}
	return d.trim(), true
}

// String is plain notation with all fraction digits.
func (d decimal) String() string {
	digits := d.coef().String()
	if d.scale == 0 {
		return digits
	}
	sign := ""
	if digits[0] == '-' {
		sign, digits = "-", digits[1:]
	}
	if pad := int(d.scale) + 1 - len(digits); pad > 0 {
		digits = strings.Repeat("0", pad) + digits
	}
	point := len(digits) - int(d.scale)
	return sign + digits[:point] + "." + digits[point:]
}
