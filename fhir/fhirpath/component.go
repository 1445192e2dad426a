package fhirpath

import "strconv"

// Parts of dates and times, of the trial-use text. A part that the precision
// leaves open is empty.
// https://hl7.org/fhirpath/#extract-datedatetimetime-components
func init() {
	const dated, clocked = 1<<sysDate | 1<<sysDateTime, 1<<sysDateTime | 1<<sysTime
	for name, part := range map[string]struct {
		in   uint16
		from precision
		of   func(t *temporal) int
	}{
		"yearOf":        {dated, toYear, func(t *temporal) int { return int(t.year) }},
		"monthOf":       {dated, toMonth, func(t *temporal) int { return int(t.month) }},
		"dayOf":         {dated, toDay, func(t *temporal) int { return int(t.day) }},
		"hourOf":        {clocked, toHour, func(t *temporal) int { return int(t.hour) }},
		"minuteOf":      {clocked, toMinute, func(t *temporal) int { return int(t.minute) }},
		"secondOf":      {clocked, toSecond, func(t *temporal) int { return int(t.second) }},
		"millisecondOf": {clocked, toSecond, func(t *temporal) int { return int(t.nanos / 1e6) }},
	} {
		f := scalarFunction{in: part.in, out: 1 << sysInteger, call: func(_ *state, in *scalar, _ []scalar, _ int) (scalar, bool, error) {
			known := in.tmp.precision >= part.from && (name != "millisecondOf" || in.tmp.fraction > 0)
			return number(part.of(&in.tmp)), known, nil
		}}
		register(map[string]builtin{name: f.builtin()})
	}
	for name, f := range map[string]scalarFunction{
		"timezoneOffsetOf": {in: 1 << sysDateTime, out: 1 << sysDecimal, call: zoneOf},
		"dateOf":           {in: dated, out: 1 << sysDate, call: dateOf},
		"timeOf":           {in: 1 << sysDateTime, out: 1 << sysTime, call: timeOf},
	} {
		register(map[string]builtin{name: f.builtin()})
	}
}

// zoneOf is the hours east of UTC: 5.5 for +05:30.
func zoneOf(_ *state, in *scalar, _ []scalar, _ int) (scalar, bool, error) {
	d, ok := parseDecimal(strconv.FormatFloat(float64(in.tmp.offset)/60, 'f', 2, 64))
	return scalar{kind: sysDecimal, dec: d.trim()}, ok && in.tmp.zoned, nil
}

func dateOf(_ *state, in *scalar, _ []scalar, _ int) (scalar, bool, error) {
	t := in.tmp
	d := temporal{year: t.year, month: t.month, day: t.day, precision: min(t.precision, toDay)}
	return scalar{kind: sysDate, tmp: d}, true, nil
}

func timeOf(_ *state, in *scalar, _ []scalar, _ int) (scalar, bool, error) {
	return scalar{kind: sysTime, tmp: timeOfDay(in.tmp)}, in.tmp.precision >= toHour, nil
}
