package search

import (
	"math"

	"tenon/fhir/tree"
)

// number makes the rows of https://hl7.org/fhir/R4/search.html#number and
// #quantity. A number is the point that is written: the precision that counts
// is that of the query.
func (x *indexer) number(p *part, typ string, n tree.Node) {
	key := p.keys.main
	switch typ {
	case "Range":
		x.rangeOf(key, n)
	case "Money":
		if d, ok := readDecimal(n.Field("value").Text()); ok {
			x.addNumber(pointRow(key, d, "urn:iso:std:iso:4217", n.Field("currency").Str()))
		}
	case "Quantity", "Age", "Duration", "Distance", "Count", "SimpleQuantity", "MoneyQuantity":
		x.quantity(key, n)
	case "decimal", "integer", "positiveInt", "unsignedInt":
		if d, ok := readDecimal(n.Text()); ok {
			x.addNumber(pointRow(key, d, "", ""))
		}
	}
}

func pointRow(key Key, d decimal, system, code string) NumberRow {
	v := d.value()
	return NumberRow{Key: key, Low: v, High: v, System: system, Code: code}
}

// quantity adds the value under its code, under the unit that people read, and
// in base units.
func (x *indexer) quantity(key Key, n tree.Node) {
	d, ok := readDecimal(n.Field("value").Text())
	if !ok {
		return
	}
	low, high := compared(n.Field("comparator").Str(), d.value())
	x.amount(key, n, low, high)
	c := x.canonicalOf(n)
	if c == nil {
		return
	}
	low, high = compared(n.Field("comparator").Str(), c.of(d))
	x.addNumber(NumberRow{Key: key, Low: low, High: high, System: ucumSystem, Code: c.code, Canonical: true})
}

func (x *indexer) canonicalOf(n tree.Node) *canonical {
	if n.Field("system").Str() != ucumSystem {
		return nil
	}
	return x.units.reduce(n.Field("code").Str())
}

// amount adds the plain rows of an interval with the unit of n.
func (x *indexer) amount(key Key, n tree.Node, low, high float64) {
	system, code, unit := n.Field("system").Str(), n.Field("code").Str(), n.Field("unit").Str()
	x.addNumber(NumberRow{Key: key, Low: low, High: high, System: system, Code: code})
	if unit != "" && unit != code {
		x.addNumber(NumberRow{Key: key, Low: low, High: high, Code: unit})
	}
}

// compared is the interval of a value with a comparator: "<5" is all below 5.
// https://hl7.org/fhir/R4/valueset-quantity-comparator.html
func compared(comparator string, v float64) (low, high float64) {
	switch comparator {
	case "<":
		return math.Inf(-1), below(v)
	case "<=":
		return math.Inf(-1), v
	case ">":
		return above(v), math.Inf(1)
	case ">=":
		return v, math.Inf(1)
	}
	return v, v
}

// rangeOf is open where an end is not given.
func (x *indexer) rangeOf(key Key, n tree.Node) {
	from, to := n.Field("low"), n.Field("high")
	low, lowOK := readDecimal(from.Field("value").Text())
	high, highOK := readDecimal(to.Field("value").Text())
	if !lowOK && !highOK {
		return
	}
	unit := from
	if !lowOK {
		unit = to
	}
	l, h := math.Inf(-1), math.Inf(1)
	if lowOK {
		l = low.value()
	}
	if highOK {
		h = high.value()
	}
	x.amount(key, unit, l, h)
	if c := x.canonicalOf(unit); c != nil {
		if lowOK {
			l = c.of(low)
		}
		if highOK {
			h = c.of(high)
		}
		x.addNumber(NumberRow{Key: key, Low: l, High: h, System: ucumSystem, Code: c.code, Canonical: true})
	}
}

func (x *indexer) addNumber(row NumberRow) { x.rows.Numbers = append(x.rows.Numbers, row) }
