package fhirpath

import (
	"math"
	"math/big"
)

// Math. https://hl7.org/fhirpath/N1/#math
func init() {
	const dec, num, qty = 1<<sysInteger | 1<<sysDecimal, 1 << sysInteger, 1<<sysInteger | 1<<sysDecimal | 1<<sysQuantity
	for name, f := range map[string]scalarFunction{
		"abs":      {in: qty, call: abs},
		"ceiling":  {in: dec, out: num, call: whole(func(d decimal) decimal { return d.neg().floor().neg() })},
		"floor":    {in: dec, out: num, call: whole(decimal.floor)},
		"truncate": {in: dec, out: num, call: whole(func(d decimal) decimal { return d.truncate(0) })},
		"round":    {in: dec, params: []uint16{num}, optional: 1, out: 1 << sysDecimal, call: round},
		"exp":      {in: dec, out: 1 << sysDecimal, call: float(math.Exp)},
		"ln":       {in: dec, out: 1 << sysDecimal, call: float(math.Log)},
		"sqrt":     {in: dec, out: 1 << sysDecimal, call: float(math.Sqrt)},
		"log":      {in: dec, params: []uint16{dec}, out: 1 << sysDecimal, call: logarithm},
		"power":    {in: dec, params: []uint16{dec}, out: dec, call: power},
	} {
		register(map[string]builtin{name: f.builtin()})
	}
}

func abs(_ *state, in *scalar, _ []scalar, _ int) (scalar, bool, error) {
	r := *in
	r.num, r.dec = max(r.num, -r.num), r.dec.abs()
	return r, r.num <= math.MaxInt32, nil
}

// whole builds the functions that give an Integer.
func whole(f func(decimal) decimal) func(*state, *scalar, []scalar, int) (scalar, bool, error) {
	return func(_ *state, in *scalar, _ []scalar, _ int) (scalar, bool, error) {
		d, _ := in.number()
		r, ok := integral(f(d))
		return r, ok, nil
	}
}

func round(st *state, in *scalar, args []scalar, pos int) (scalar, bool, error) {
	d, _ := in.number()
	digits := int64(0)
	if len(args) == 1 {
		digits = args[0].num
	}
	if digits < 0 {
		return scalar{}, false, st.fail(pos, "round() takes a number of digits that is not negative")
	}
	return scalar{kind: sysDecimal, dec: d.round(int32(min(digits, maxDigits)))}, true, nil
}

// float builds the functions that leave exact arithmetic; what is not a number
// is empty.
func float(f func(float64) float64) func(*state, *scalar, []scalar, int) (scalar, bool, error) {
	return func(_ *state, in *scalar, _ []scalar, _ int) (scalar, bool, error) {
		d, _ := in.number()
		r, ok := decimalOfFloat(f(d.float()))
		return scalar{kind: sysDecimal, dec: r}, ok, nil
	}
}

func logarithm(_ *state, in *scalar, args []scalar, _ int) (scalar, bool, error) {
	d, _ := in.number()
	base, _ := args[0].number()
	r, ok := decimalOfFloat(math.Log(d.float()) / math.Log(base.float()))
	return scalar{kind: sysDecimal, dec: r}, ok, nil
}

// power is exact for whole exponents whose result is not too long.
func power(_ *state, in *scalar, args []scalar, _ int) (scalar, bool, error) {
	d, _ := in.number()
	exponent, _ := args[0].number()
	r, ok := raise(d, exponent)
	if !ok {
		if r, ok = decimalOfFloat(math.Pow(d.float(), exponent.float())); !ok {
			return scalar{}, false, nil
		}
	}
	if in.kind == sysInteger && args[0].kind == sysInteger {
		if n, whole := r.whole(); whole {
			return scalar{kind: sysInteger, num: n}, true, nil
		}
	}
	return scalar{kind: sysDecimal, dec: r}, true, nil
}

func raise(d, exponent decimal) (decimal, bool) {
	n, whole := exponent.whole()
	if !whole || n < 0 || n > maxDigits || int64(d.coef().BitLen())*n > 4*maxDigits || int64(d.scale)*n > maxDigits {
		return decimal{}, false
	}
	return bigDecimal(new(big.Int).Exp(d.coef(), big.NewInt(n), nil), d.scale*int32(n)), true
}
