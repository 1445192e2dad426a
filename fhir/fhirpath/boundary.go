package fhirpath

// Boundaries and precision, of the trial-use text that the R4 suite tests.
// https://hl7.org/fhirpath/#boundary-functions
func init() {
	const numbers = 1<<sysInteger | 1<<sysDecimal
	const dated = 1<<sysDate | 1<<sysDateTime | 1<<sysTime
	const all = numbers | 1<<sysQuantity | dated
	digits := []uint16{1 << sysInteger}
	for name, f := range map[string]scalarFunction{
		"lowBoundary":  {in: all, params: digits, optional: 1, out: all, call: boundary(false)},
		"highBoundary": {in: all, params: digits, optional: 1, out: all, call: boundary(true)},
		"precision":    {in: numbers | dated, out: 1 << sysInteger, call: precisionOf},
		"comparable":   {in: accepts(sysQuantity), params: []uint16{accepts(sysQuantity)}, out: 1 << sysBoolean, call: comparableFunction},
	} {
		register(map[string]builtin{name: f.builtin()})
	}
}

// boundary gives the least or greatest value that the input may stand for, to a
// number of digits; empty when that number makes no sense.
func boundary(high bool) func(*state, *scalar, []scalar, int) (scalar, bool, error) {
	return func(_ *state, in *scalar, args []scalar, _ int) (scalar, bool, error) {
		r, ok := *in, false
		digits := int64(-1)
		if len(args) == 1 {
			if digits = args[0].num; digits < 0 {
				return r, false, nil
			}
		}
		switch in.kind {
		case sysQuantity:
			r.dec, ok = in.dec.boundary(digits, high)
		case sysInteger, sysDecimal:
			d, _ := in.number()
			r = scalar{kind: sysDecimal}
			r.dec, ok = d.boundary(digits, high)
		default:
			r.tmp, ok = in.tmp.boundary(in.kind, digits, high)
		}
		return r, ok, nil
	}
}

// boundaryDigits is the default and boundaryLimit the largest number of
// fraction digits of a boundary.
const (
	boundaryDigits = 8
	boundaryLimit  = 31
)

// boundary is half a step of the last digit away. To fewer digits the end away
// from zero is rounded, the end towards zero is cut.
func (d decimal) boundary(digits int64, high bool) (decimal, bool) {
	if digits < 0 {
		digits = boundaryDigits
	}
	if digits > boundaryLimit {
		return d, false
	}
	half := decimal{small: 5, scale: d.scale + 1}
	if !high {
		half = half.neg()
	}
	end := d.add(half)
	outward := high == (d.sign() >= 0)
	if outward {
		end = end.round(int32(digits))
	} else {
		end = end.truncate(int32(digits))
	}
	return end.rescale(max(end.scale, int32(digits))), true
}

// digitsOf counts the digits of a date or time of each precision.
var digitsOf = map[precision]int64{toYear: 4, toMonth: 6, toDay: 8, toHour: 10, toMinute: 12, toSecond: 14}

// boundary fills what the value leaves open with the first or last possible
// value, then cuts to the digits: 4, 6, 8 of a date, up to 17 of a DateTime,
// 2, 4, 6, 9 of a Time.
func (t temporal) boundary(kind system, digits int64, high bool) (temporal, bool) {
	if digits < 0 {
		digits = map[system]int64{sysDate: 8, sysDateTime: 17, sysTime: 9}[kind]
	}
	if kind == sysTime {
		digits += 8
	}
	to := toSecond
	if digits != 17 {
		to = 0
		for p, n := range digitsOf {
			if n == digits {
				to = p
			}
		}
	}
	if to == 0 || kind == sysDate && to > toDay || kind == sysTime && to < toHour {
		return t, false
	}
	return t.fill(high).cutTo(to, digits == 17), true
}

// fill gives every field below the precision its first or last value.
func (t temporal) fill(high bool) temporal {
	pick := func(below precision, field *uint8, low, top int) {
		if t.precision >= below {
			return
		}
		*field = uint8(low)
		if high {
			*field = uint8(top)
		}
	}
	if !t.clock {
		pick(toMonth, &t.month, 1, 12)
		pick(toDay, &t.day, 1, daysIn(int(t.year), int(t.month)))
	}
	pick(toHour, &t.hour, 0, 23)
	pick(toMinute, &t.minute, 0, 59)
	pick(toSecond, &t.second, 0, 59)
	if high && t.fraction < 3 { // the milliseconds that are not written
		t.nanos += []int32{999_000_000, 99_000_000, 9_000_000}[t.fraction]
	}
	if !t.clock && !t.zoned {
		t.zoned, t.offset = true, 14*60
		if high {
			t.offset = -12 * 60
		}
	}
	return t
}

// cutTo drops what lies below a precision.
func (t temporal) cutTo(p precision, millis bool) temporal {
	t.precision, t.fraction = p, 0
	if millis {
		t.fraction = 3
	} else {
		t.nanos = 0
	}
	if p < toHour {
		t.hour, t.zoned, t.offset = 0, false, 0
	}
	if p < toMinute {
		t.minute = 0
	}
	if p < toSecond {
		t.second = 0
	}
	return t.cut()
}

// precisionOf counts fraction digits, or the digits of a date or time.
func precisionOf(_ *state, in *scalar, _ []scalar, _ int) (scalar, bool, error) {
	if d, ok := in.number(); ok {
		return number(int(d.scale)), true, nil
	}
	n := digitsOf[in.tmp.precision]
	if in.tmp.clock {
		n -= 8
	}
	return number(int(n) + int(in.tmp.fraction)), true, nil
}

// comparableFunction tells whether two quantities have one dimension.
func comparableFunction(_ *state, in *scalar, args []scalar, _ int) (scalar, bool, error) {
	a, _ := in.quantity()
	b, _ := args[0].quantity()
	_, _, ok := a.converted(&b)
	r := scalar{kind: sysBoolean}
	if ok {
		r.num = 1
	}
	return r, true, nil
}
