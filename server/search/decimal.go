package search

import (
	"math"
	"math/big"
	"strconv"
	"strings"
)

// decimal is a number as it is written: digits × 10^exp.
type decimal struct {
	digits string // coefficient with its sign, no point
	exp    int
	coarse bool // written as one digit with an exponent: 1e2
}

// readDecimal reads a number in the grammar of FHIR's decimal.
// https://hl7.org/fhir/R4/datatypes.html#decimal
func readDecimal(s string) (d decimal, ok bool) {
	if len(s) > 64 {
		return d, false
	}
	mantissa, exponent := s, ""
	if i := strings.IndexAny(s, "eE"); i >= 0 {
		mantissa, exponent = s[:i], s[i+1:]
		n, err := strconv.Atoi(exponent)
		if err != nil || n < -400 || n > 400 {
			return d, false
		}
		d.exp = n
	}
	whole, fraction, point := strings.Cut(mantissa, ".")
	unsigned := strings.TrimPrefix(whole, "-")
	if !figures(unsigned) || point && !figures(fraction) {
		return d, false
	}
	d.digits = whole + fraction
	d.exp -= len(fraction)
	d.coarse = exponent != "" && len(unsigned)+len(fraction) == 1
	return d, true
}

func figures(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}

// value is the nearest float64.
func (d decimal) value() float64 {
	f, _ := strconv.ParseFloat(d.digits+"e"+strconv.Itoa(d.exp), 64) // out of range reads ±Inf
	return f
}

// rat is the exact value.
func (d decimal) rat() *big.Rat {
	r, _ := new(big.Rat).SetString(d.digits + "e" + strconv.Itoa(d.exp))
	return r
}

// bounds is the interval that the precision implies, [low, high): 100 stands
// for 99.5 to 100.5 and 1e2, as the specification has it, for 95 to 105.
//
// https://hl7.org/fhir/R4/search.html#number
func (d decimal) bounds() (low, high *big.Rat) {
	exp := d.exp
	if d.coarse && exp > 0 {
		exp--
	}
	half, _ := new(big.Rat).SetString("5e" + strconv.Itoa(exp-1))
	v := d.rat()
	return new(big.Rat).Sub(v, half), new(big.Rat).Add(v, half)
}

// nearest is the float64 next to an exact value; equal values give equal floats.
func nearest(r *big.Rat) float64 {
	f, _ := r.Float64()
	return f
}

// below is the greatest float64 under an open end.
func below(f float64) float64 { return math.Nextafter(f, math.Inf(-1)) }

func above(f float64) float64 { return math.Nextafter(f, math.Inf(1)) }
