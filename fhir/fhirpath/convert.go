package fhirpath

import (
	"math"
	"strconv"
	"strings"
)

// Conversion. https://hl7.org/fhirpath/N1/#conversion
func init() {
	for name, f := range map[string]func(*scalar) (scalar, bool){
		"Boolean": toBoolean, "Integer": toInteger, "Decimal": toDecimal, "String": toText,
		"Date": toDate, "DateTime": toDateTime, "Time": toTime,
	} {
		register(map[string]builtin{
			"to" + name:         {0, 0, converter(f, systemNamed(name))},
			"convertsTo" + name: {0, 0, converter(f, sysNone)},
		})
	}
	register(map[string]builtin{
		"toQuantity":         {0, 1, quantityConverter(sysQuantity)},
		"convertsToQuantity": {0, 1, quantityConverter(sysNone)},
	})
}

// converter builds toX(); with sysNone it builds convertsToX(). An element with
// children converts to nothing.
func converter(convert func(*scalar) (scalar, bool), to system) func(*compiler, *node, static) (apply, static, error) {
	return func(_ *compiler, n *node, _ static) (apply, static, error) {
		out := staticOf(sysBoolean)
		if to != sysNone {
			out = staticOf(to)
		}
		return func(st *state, base int) error {
			v, err := st.one(base, n.pos, n.label)
			if err != nil || v == nil {
				return err
			}
			var s, result scalar
			ok := v.scalar(&s)
			if ok {
				result, ok = convert(&s)
			}
			return st.converted(base, result, ok, to)
		}, out, nil
	}
}

// converted leaves the result of toX(), or whether there is one.
func (st *state) converted(base int, result scalar, ok bool, to system) error {
	st.cut(base)
	switch {
	case to == sysNone:
		st.push(Boolean(ok))
	case ok:
		st.push(box(result))
	}
	return st.spend(1)
}

func toBoolean(s *scalar) (scalar, bool) {
	r := scalar{kind: sysBoolean}
	switch s.kind {
	case sysBoolean:
		return *s, true
	case sysInteger:
		r.num = s.num
		return r, s.num == 0 || s.num == 1
	case sysDecimal:
		n, whole := s.dec.whole()
		r.num = n
		return r, whole && (n == 0 || n == 1)
	case sysString:
		switch strings.ToLower(s.str) {
		case "true", "t", "yes", "y", "1", "1.0":
			r.num = 1
			return r, true
		case "false", "f", "no", "n", "0", "0.0":
			return r, true
		}
	}
	return r, false
}

func toInteger(s *scalar) (scalar, bool) {
	switch s.kind {
	case sysInteger:
		return *s, true
	case sysBoolean:
		return scalar{kind: sysInteger, num: s.num}, true
	case sysString:
		if !numeric(s.str) {
			return scalar{}, false
		}
		n, err := strconv.ParseInt(s.str, 10, 32)
		return scalar{kind: sysInteger, num: n}, err == nil
	}
	return scalar{}, false
}

func toDecimal(s *scalar) (scalar, bool) {
	switch s.kind {
	case sysDecimal:
		return *s, true
	case sysInteger, sysBoolean:
		return scalar{kind: sysDecimal, dec: decimalOf(s.num)}, true
	case sysString:
		if strings.ContainsAny(s.str, "eE") {
			return scalar{}, false
		}
		d, ok := parseDecimal(s.str)
		return scalar{kind: sysDecimal, dec: d}, ok
	}
	return scalar{}, false
}

func toText(s *scalar) (scalar, bool) {
	return scalar{kind: sysString, str: s.text()}, s.kind != sysTypeInfo
}

func toDate(s *scalar) (scalar, bool) {
	r := scalar{kind: sysDate}
	switch s.kind {
	case sysDate:
		return *s, true
	case sysDateTime:
		r.tmp = s.tmp
		r.tmp.precision = min(s.tmp.precision, toDay)
		r.tmp.hour, r.tmp.minute, r.tmp.second, r.tmp.nanos, r.tmp.fraction = 0, 0, 0, 0, 0
		r.tmp.zoned, r.tmp.offset = false, 0
		return r, true
	case sysString:
		if t, ok := parseDateTime(s.str); ok {
			d := scalar{kind: sysDateTime, tmp: t}
			return toDate(&d)
		}
	}
	return r, false
}

func toDateTime(s *scalar) (scalar, bool) {
	switch s.kind {
	case sysDateTime, sysDate:
		return scalar{kind: sysDateTime, tmp: s.tmp}, true
	case sysString:
		t, ok := parseDateTime(s.str)
		return scalar{kind: sysDateTime, tmp: t}, ok
	}
	return scalar{}, false
}

func toTime(s *scalar) (scalar, bool) {
	switch s.kind {
	case sysTime:
		return *s, true
	case sysString:
		t, ok := parseTime(s.str)
		return scalar{kind: sysTime, tmp: t}, ok
	}
	return scalar{}, false
}

// quantityConverter builds toQuantity([unit]) and convertsToQuantity([unit]).
func quantityConverter(to system) func(*compiler, *node, static) (apply, static, error) {
	return func(c *compiler, n *node, _ static) (apply, static, error) {
		var unit code
		if len(n.args) == 1 {
			var err error
			if unit, err = c.value(n, 0, 1<<sysString); err != nil {
				return nil, static{}, err
			}
		}
		out := staticOf(sysBoolean)
		if to != sysNone {
			out = staticOf(to)
		}
		return func(st *state, base int) error {
			v, err := st.one(base, n.pos, n.label)
			if err != nil || v == nil {
				return err
			}
			var s, result scalar
			ok := v.scalar(&s)
			if ok {
				result, ok = toQuantity(&s)
			}
			if unit != nil {
				word, given, err := st.word(n, unit)
				if err != nil {
					return err
				}
				if !given {
					st.cut(base)
					return nil
				}
				ok = ok && result.into(word)
			}
			return st.converted(base, result, ok, to)
		}, out, nil
	}
}

// word evaluates an argument that is one String; ok is false when empty.
func (st *state) word(n *node, arg code) (text string, ok bool, err error) {
	mark := len(st.stack)
	if err := arg(st); err != nil {
		return "", false, err
	}
	v, err := st.one(mark, n.pos, n.label)
	if err != nil || v == nil {
		return "", false, err
	}
	var s scalar
	if !v.scalar(&s) || s.kind != sysString {
		return "", false, st.fail(n.pos, "the argument of %s() is a String, not %s", n.text, st.expr.typeName(v))
	}
	st.cut(mark)
	return s.str, true, nil
}

// into converts a quantity to another unit.
func (s *scalar) into(unit string) bool {
	target := quantityOf(decimalOf(0), unit, calendarUnit(unit) == "")
	_, value, ok := target.converted(s)
	if !ok {
		return false
	}
	if !s.sameUnit(&target) {
		s.dec = decimalOfRat(value)
	}
	s.str, s.calendar = target.str, target.calendar
	return true
}

func toQuantity(s *scalar) (scalar, bool) {
	switch s.kind {
	case sysQuantity:
		return *s, true
	case sysInteger, sysDecimal:
		return s.quantity()
	case sysBoolean:
		return scalar{kind: sysQuantity, dec: decimalOf(s.num), str: "1"}, true
	case sysString:
		return parseQuantity(s.str)
	}
	return scalar{}, false
}

// parseQuantity reads a number, and a unit in quotes or a calendar word.
func parseQuantity(text string) (scalar, bool) {
	number, unit, spaced := strings.Cut(strings.TrimSpace(text), " ")
	if !spaced {
		if i := strings.IndexByte(number, '\''); i > 0 {
			number, unit = number[:i], number[i:]
		}
	}
	unit = strings.TrimSpace(unit)
	d, ok := parseDecimal(number)
	if !ok || strings.ContainsAny(number, "eE") {
		return scalar{}, false
	}
	switch {
	case unit == "":
		return quantityOf(d, "1", true), true
	case len(unit) > 2 && unit[0] == '\'' && unit[len(unit)-1] == '\'':
		return scalar{kind: sysQuantity, dec: d, str: unit[1 : len(unit)-1]}, true
	}
	return quantityOf(d, unit, false), calendarUnit(unit) != ""
}

// integral makes an Integer of a decimal; false when it does not fit 32 bits.
func integral(d decimal) (scalar, bool) {
	if d = d.truncate(0); d.big != nil || d.small > math.MaxInt32 || d.small < math.MinInt32 {
		return scalar{}, false
	}
	return scalar{kind: sysInteger, num: d.small}, true
}
