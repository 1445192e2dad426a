package fhirpath

import (
	"math/big"

	"tenon/fhir/ucum"
)

// ucumOf is the unit of a quantity as UCUM has it. Calendar words up to weeks
// equal their definite durations; months and years equal nothing of UCUM, and
// mean values only for equivalence.
func (s *scalar) ucumOf() (u ucum.Unit, calendar string, ok bool) {
	code, ok := s.code()
	if !ok {
		return u, calendarUnit(s.str), true
	}
	u, err := ucum.Parse(code)
	return u, "", err == nil
}

// code is the unit's UCUM code; calendar months and years have none.
func (s *scalar) code() (string, bool) {
	if !s.calendar {
		return s.str, true
	}
	switch calendarUnit(s.str) {
	case "week":
		return "wk", true
	case "day":
		return "d", true
	case "hour":
		return "h", true
	case "minute":
		return "min", true
	case "second":
		return "s", true
	case "millisecond":
		return "ms", true
	}
	return "", false
}

// sameUnit tells whether values can be compared as they are.
func (s *scalar) sameUnit(o *scalar) bool {
	if s.calendar && o.calendar {
		return calendarUnit(s.str) == calendarUnit(o.str)
	}
	return s.calendar == o.calendar && s.str == o.str
}

// monthly counts months of a calendar duration in months or years.
func (s *scalar) monthly() decimal {
	if calendarUnit(s.str) == "year" {
		return s.dec.mul(decimalOf(12))
	}
	return s.dec
}

// converted gives the other value in this unit, exactly; ok is false when the
// two have no common dimension, or one is a unit that nobody knows.
func (s *scalar) converted(o *scalar) (mine, other *big.Rat, ok bool) {
	if s.sameUnit(o) {
		return s.dec.rat(), o.dec.rat(), true
	}
	u, monthly, ok := s.ucumOf()
	v, alsoMonthly, vok := o.ucumOf()
	switch {
	case !ok || !vok || (monthly == "") != (alsoMonthly == ""):
		return nil, nil, false
	case monthly != "":
		return s.monthly().rat(), o.monthly().rat(), true
	}
	other, ok = ucum.Convert(o.dec.rat(), v, u)
	return s.dec.rat(), other, ok
}

func (s *scalar) equalQuantity(o *scalar) (same, known bool) {
	order, known := s.orderQuantity(o)
	return order == 0, known
}

func (s *scalar) orderQuantity(o *scalar) (order int, known bool) {
	if s.sameUnit(o) {
		return s.dec.cmp(o.dec), true
	}
	if order, ok := s.orderShort(o); ok {
		return order, true
	}
	mine, other, ok := s.converted(o)
	if !ok {
		return 0, false
	}
	return mine.Cmp(other), true
}

// orderShort is orderQuantity for values and units that convert in 64 bits,
// which nearly all do: no fraction is made.
func (s *scalar) orderShort(o *scalar) (order int, ok bool) {
	u, monthly, ok := s.ucumOf()
	if !ok || monthly != "" || o.dec.big != nil {
		return 0, false
	}
	v, monthly, ok := o.ucumOf()
	if !ok || monthly != "" {
		return 0, false
	}
	coef, scale, ok := ucum.Scale(o.dec.small, o.dec.scale, v, u)
	if !ok {
		return 0, false
	}
	return s.dec.cmp(decimal{small: coef, scale: scale}), true
}

// equivalentQuantity rounds both to the coarser of their steps: 4 g ~ 4040 mg.
// Months and years equal UCUM's mean ones here.
func (s *scalar) equivalentQuantity(o *scalar) bool {
	a, b := s.definite(), o.definite()
	mine, other, ok := a.converted(&b)
	if !ok {
		return false
	}
	step := new(big.Rat).SetFrac(big.NewInt(1), pow10(a.dec.significant()))
	unit, zero := b, b
	unit.dec, zero.dec = decimal{small: 1, scale: b.dec.significant()}, decimal{}
	_, one, _ := a.converted(&unit)
	_, none, _ := a.converted(&zero) // not zero between two temperature scales
	if theirs := one.Sub(one, none); theirs.Cmp(step) > 0 {
		step = theirs
	}
	return steps(mine, step).Cmp(steps(other, step)) == 0
}

// definite writes calendar months and years as those of UCUM.
func (s *scalar) definite() scalar {
	d := *s
	if s.calendar {
		switch calendarUnit(s.str) {
		case "month":
			d.str, d.calendar = "mo", false
		case "year":
			d.str, d.calendar = "a", false
		}
	}
	return d
}

// steps is the number of steps in a value, rounded.
func steps(value, step *big.Rat) *big.Int {
	q := new(big.Rat).Quo(value, step)
	return roundHalfAway(q.Num(), q.Denom())
}

// plus adds or subtracts in the left unit.
func (s *scalar) plus(o *scalar, subtract bool) (scalar, bool) {
	_, other, ok := s.converted(o)
	if !ok {
		return scalar{}, false
	}
	d := o.dec
	if !s.sameUnit(o) {
		d = decimalOfRat(other)
	}
	if subtract {
		d = d.neg()
	}
	sum := *s
	sum.dec = s.dec.add(d)
	return sum, true
}

// times multiplies (power 1) or divides (power -1). A number keeps the other's
// unit; two units give their product.
func (s *scalar) times(o *scalar, power int) (scalar, bool) {
	product := *s
	if power < 0 {
		if o.dec.sign() == 0 {
			return scalar{}, false
		}
		product.dec = s.dec.quo(o.dec)
	} else {
		product.dec = s.dec.mul(o.dec)
	}
	switch {
	case o.str == "1":
		return product, true
	case s.str == "1" && power > 0:
		product.str, product.calendar = o.str, o.calendar
		return product, true
	}
	mine, ok := s.code()
	theirs, also := o.code()
	if !ok || !also {
		return scalar{}, false
	}
	unit, factor, err := ucum.Multiply(mine, theirs, power)
	if err != nil {
		return scalar{}, false
	}
	if unit == "1" {
		product.dec = decimalOfRat(factor.Mul(factor, product.dec.rat()))
	}
	product.str, product.calendar = unit, false
	return product, true
}
