package search

import (
	"math/big"
)

// prefixes of https://hl7.org/fhir/R4/search.html#prefix
var prefixes = map[string]Op{
	"eq": Equal, "ne": NotEqual, "gt": Greater, "lt": Less, "ge": GreaterOrEq, "le": LessOrEq,
	"sa": StartsAfter, "eb": EndsBefore, "ap": Overlaps,
}

// cutPrefix takes the prefix off a value; without one it is eq.
func cutPrefix(s string) (Op, string) {
	if len(s) > 2 {
		if op, ok := prefixes[s[:2]]; ok {
			return op, s[2:]
		}
	}
	return Equal, s
}

// dates reads https://hl7.org/fhir/R4/search.html#date
func (p *parser) dates(_ string, param *Parameter, modifier string, values []string) ([]Clause, error) {
	if modifier != "" {
		return nil, badModifier(param, modifier)
	}
	ranges, err := p.ranges(values)
	if err != nil {
		return nil, err
	}
	return []Clause{Date{Key: param.Key, Any: ranges}}, nil
}

func (p *parser) ranges(values []string) ([]Range, error) {
	var ranges []Range
	for _, v := range values {
		op, text := cutPrefix(v)
		low, high, ok := interval(text, p.zone)
		if !ok {
			return nil, badValue(v, "应为日期，例如 ge2024-03 或 2024-03-01T10:00:00+08:00。",
				"a date looks like 2024, ge2024-03 or 2024-03-01T10:00:00+08:00")
		}
		if op == Overlaps {
			low, high = p.widened(low, high)
		}
		ranges = append(ranges, Range{Op: op, Low: low, High: high})
	}
	return ranges, nil
}

// widened makes a date approximate by a tenth of the time between it and now.
func (p *parser) widened(low, high int64) (int64, int64) {
	now := p.q.Now.UnixMicro()
	gap := max(low-now, now-high, 0) / 10
	return low - gap, high + gap
}

// numbers reads https://hl7.org/fhir/R4/search.html#number and #quantity
func (p *parser) numbers(_ string, param *Parameter, modifier string, values []string) ([]Clause, error) {
	if modifier != "" {
		return nil, badModifier(param, modifier)
	}
	clause := Number{Key: param.Key}
	for _, v := range values {
		m, err := p.numberMatch(param, v)
		if err != nil {
			return nil, err
		}
		clause.Any = append(clause.Any, m)
	}
	return []Clause{clause}, nil
}

// numberMatch reads [prefix]number or [prefix]number|system|code.
func (p *parser) numberMatch(param *Parameter, value string) (m NumberMatch, err error) {
	parts := split(value, '|')
	if len(parts) != 1 && (len(parts) != 3 || param.Type != "quantity") {
		return m, badValue(value, "数量的形式为 数值 或 数值|系统|单位。", "a quantity is number or number|system|code, a number has no unit")
	}
	op, text := cutPrefix(parts[0])
	d, ok := readDecimal(text)
	if !ok {
		return m, badValue(value, "应为数字，例如 ge5.4 或 1.2e3。", "a number looks like 5.4, ge5.4 or 1.2e3")
	}
	m.Op = op
	var unit *canonical
	if len(parts) == 3 {
		if unit, err = p.unit(&m, value, parts[1], parts[2]); err != nil {
			return m, err
		}
	}
	m.Low, m.High = limits(op, d, unit)
	return m, nil
}

// unit sets the wanted unit. A UCUM unit that can be converted is searched in
// base units, so that 5.4 mg also finds 0.0054 g.
func (p *parser) unit(m *NumberMatch, value, system, code string) (*canonical, error) {
	system, ok1 := unescape(system)
	code, ok2 := unescape(code)
	if !ok1 || !ok2 {
		return nil, badBackslash(value)
	}
	if c := p.units.reduce(code); system == ucumSystem && c != nil {
		base := ucumSystem
		m.System, m.Code, m.Canonical = &base, &c.code, true
		return c, nil
	}
	if system != "" {
		m.System = &system
	}
	if code != "" {
		m.Code = &code
	}
	return nil, nil
}

// limits is the interval of the query: the implied precision for eq and ne, the
// exact number for comparisons, a tenth to either side for ap.
func limits(op Op, d decimal, unit *canonical) (low, high float64) {
	float := nearest
	if unit != nil {
		float = unit.value
	}
	switch op {
	case Equal, NotEqual:
		l, h := d.bounds()
		return float(l), below(float(h))
	case Overlaps:
		l, h := d.bounds()
		v := d.rat()
		tenth := new(big.Rat).Mul(new(big.Rat).Abs(v), big.NewRat(1, 10))
		return min(float(l), float(new(big.Rat).Sub(v, tenth))), max(float(h), float(new(big.Rat).Add(v, tenth)))
	}
	v := float(d.rat())
	return v, v
}
