package casework

import (
	"math/big"
	"strings"

	"tenon/fhir/fhirpath"
	"tenon/fhir/tree"
	"tenon/fhir/ucum"
)

const systemUCUM = "http://unitsofmeasure.org"

// figure is a measured or required value: a number, or a range of which either
// end may be open. Numbers are exact.
type figure struct {
	low, high *big.Rat // in unit; nil: open. The same for a single value
	unit      string   // UCUM code; "" for a bare number, which takes the unit of whom it is compared with
	decimals  int      // of the number as written, the fewest of both ends
	text      string   // "12.30 mm", as written
}

// single tells whether the figure is one number.
func (f figure) single() bool { return f.low != nil && f.high != nil && f.low.Cmp(f.high) == 0 }

// figureOf reads a Quantity, a Range, a number, or what bears one as value[x]: an
// Observation, a component, a parameter, an extension. The fault, in English
// and Chinese, says why there is none.
// https://hl7.org/fhir/R4/datatypes.html#Quantity
func figureOf(n tree.Node) (f figure, fault note) {
	switch {
	case n.Kind() == tree.Number:
		return bare(n.Text())
	case n.Kind() != tree.Object:
		return f, note{"there is no value", "没有数值"}
	case n.Field("low").Kind() == tree.Object || n.Field("high").Kind() == tree.Object:
		return rangeOf(n)
	case n.Field("value").Kind() == tree.Number:
		return quantityOf(n)
	}
	if v := valueOf(n); v.Exists() {
		return figureOf(v)
	}
	return f, note{"there is no value", "没有数值"}
}

// figureOfItem does the same for what an expression yields.
func figureOfItem(item fhirpath.Value) (figure, note) {
	if n, ok := item.Node(); ok {
		return figureOf(n)
	}
	value, unit, ok := item.Amount()
	if !ok {
		return figure{}, note{"there is no number", "不是数值"}
	}
	f, fault := bare(value)
	if strings.HasSuffix(item.Type(), "Quantity") {
		f.unit, f.text = unit, value+" "+unit
	}
	return f, fault
}

func bare(text string) (figure, note) {
	v, ok := ucum.Number(text)
	if !ok {
		return figure{}, note{"the number is out of bounds", "数值超界"}
	}
	return figure{low: v, high: v, decimals: decimalsOf(text), text: text}, note{}
}

// decimalsOf counts the digits behind the point as written: 12.30 has two.
func decimalsOf(text string) int {
	mantissa, exponent, _ := strings.Cut(strings.ToLower(text), "e")
	_, fraction, _ := strings.Cut(mantissa, ".")
	n := len(fraction)
	if exponent != "" {
		if e, ok := ucum.Number(exponent); ok && e.IsInt() && e.Num().IsInt64() {
			n -= int(e.Num().Int64())
		}
	}
	return n
}

// quantityOf reads a Quantity. One with a comparator is a range with an open end:
// "< 5" says no more than that it is below 5.
func quantityOf(n tree.Node) (figure, note) {
	f, fault := bare(n.Field("value").Text())
	if fault.english != "" {
		return f, fault
	}
	if n.Field("system").Str() != systemUCUM || n.Field("code").Str() == "" {
		return f, note{"the quantity has no unit of UCUM (system and code)", "数值没有 UCUM 单位"}
	}
	f.unit = n.Field("code").Str()
	f.text = strings.TrimSpace(n.Field("comparator").Str() + " " + f.text + " " + f.unit)
	switch n.Field("comparator").Str() {
	case "<", "<=":
		f.low = nil
	case ">", ">=":
		f.high = nil
	}
	return f, note{}
}

// rangeOf reads a Range. Both ends have one unit, or ones that convert.
func rangeOf(n tree.Node) (figure, note) {
	var f figure
	var texts []string
	for _, end := range []struct {
		name string
		to   **big.Rat
	}{{"low", &f.low}, {"high", &f.high}} {
		q := n.Field(end.name)
		if !q.Exists() {
			texts = append(texts, "")
			continue
		}
		one, fault := quantityOf(q)
		if fault.english != "" {
			return figure{}, fault
		}
		if f.unit == "" {
			f.unit, f.decimals = one.unit, one.decimals
		}
		v, ok := converted(one.low, one.unit, f.unit)
		if !ok {
			return figure{}, note{"the ends of the range have units that do not convert", "范围两端单位不可换算"}
		}
		*end.to, f.decimals = v, min(f.decimals, one.decimals)
		texts = append(texts, one.text)
	}
	if f.low != nil && f.high != nil && f.low.Cmp(f.high) > 0 {
		return figure{}, note{"the range is upside down", "范围上下限颠倒"}
	}
	f.text = strings.Join(texts, " … ")
	return f, note{}
}

// converted is a value in another unit; a unit "" is that of the other. nil stays
// nil. It is false when the units do not convert.
func converted(v *big.Rat, from, to string) (*big.Rat, bool) {
	if v == nil || from == to || from == "" || to == "" {
		return v, true
	}
	a, err := ucum.Parse(from)
	if err != nil {
		return nil, false
	}
	b, err := ucum.Parse(to)
	if err != nil || !a.Comparable(b) {
		return nil, false
	}
	return ucum.Convert(v, a, b)
}

// in is the figure in another unit.
func (f figure) in(unit string) (figure, bool) {
	low, okLow := converted(f.low, f.unit, unit)
	high, okHigh := converted(f.high, f.unit, unit)
	if !okLow || !okHigh {
		return figure{}, false
	}
	g := f
	g.low, g.high, g.unit = low, high, unit
	if low != nil && high != nil && low.Cmp(high) > 0 {
		g.low, g.high = high, low
	}
	return g, true
}

// resolution is the step of the last digit as written: 0.01 of 12.30.
func (f figure) resolution() figure {
	step := big.NewRat(1, 1)
	ten := big.NewRat(10, 1)
	for range min(f.decimals, 30) {
		step.Quo(step, ten)
	}
	for range min(-f.decimals, 30) {
		step.Mul(step, ten)
	}
	return figure{low: step, high: step, unit: f.unit, decimals: f.decimals, text: decimal(step) + unitText(f.unit)}
}

// minus is f less g, both single, in the unit of f.
func (f figure) minus(g figure) (figure, bool) {
	h, ok := g.in(f.unit)
	if !ok || !f.single() || !h.single() {
		return figure{}, false
	}
	d := new(big.Rat).Sub(f.low, h.low)
	unit := f.unit
	if unit == "" {
		unit = g.unit
	}
	return figure{low: d, high: d, unit: unit, decimals: f.decimals, text: decimal(d) + unitText(unit)}, true
}

// decimal writes a number with as many digits as it takes, at most 6 behind the
// point.
func decimal(r *big.Rat) string {
	if r.IsInt() {
		return r.Num().String()
	}
	return strings.TrimRight(strings.TrimRight(r.FloatString(6), "0"), ".")
}

func unitText(code string) string {
	if code == "" || code == "1" {
		return ""
	}
	return " " + code
}
