package fhirpath

import (
	"math"
	"strconv"
)

// constant is the value of a literal.
// https://hl7.org/fhirpath/N1/#literals
func (c *compiler) constant(n *node) (s scalar, err error) {
	ok := true
	switch n.token {
	case tokenName:
		s.kind = sysBoolean
		if n.text == "true" {
			s.num = 1
		}
	case tokenString:
		s.kind, s.str = sysString, n.text
	case tokenDate:
		s.kind = sysDate
		s.tmp, ok = parseDate(n.text)
	case tokenDateTime:
		s.kind = sysDateTime
		s.tmp, ok = parseDateTime(n.text)
	case tokenTime:
		s.kind = sysTime
		s.tmp, ok = parseTime(n.text[1:])
	default:
		return c.numeral(n)
	}
	if !ok {
		return s, c.src.syntax(n.pos, "@%s is no date or time that exists", n.text)
	}
	return s, nil
}

// numeral is an Integer, a Decimal, or with a unit a Quantity.
func (c *compiler) numeral(n *node) (s scalar, err error) {
	d, ok := parseDecimal(n.text)
	if !ok {
		return s, c.src.syntax(n.pos, "a number may have %d digits", maxDigits)
	}
	if n.args != nil {
		s = quantityOf(d, n.unit, n.quoted)
		return s, nil
	}
	if i, err := strconv.ParseInt(n.text, 10, 64); err == nil && i <= math.MaxInt32 {
		return scalar{kind: sysInteger, num: i}, nil
	}
	if d.scale == 0 && d.cmp(decimalOf(math.MaxInt32)) > 0 && !isDecimalText(n.text) {
		return s, c.src.syntax(n.pos, "an integer goes up to 2147483647; write %s.0 for a decimal", n.text)
	}
	return scalar{kind: sysDecimal, dec: d}, nil
}

func isDecimalText(s string) bool {
	for i := range len(s) {
		if s[i] == '.' {
			return true
		}
	}
	return false
}

// quantityOf makes a quantity; a calendar word may also stand in quotes.
func quantityOf(d decimal, unit string, quoted bool) scalar {
	if unit == "" {
		unit = "1"
	}
	return scalar{kind: sysQuantity, dec: d, str: unit, calendar: !quoted || calendarUnit(unit) != ""}
}
