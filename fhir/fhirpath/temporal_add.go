package fhirpath

import "time"

// calendarUnit normalises a calendar word: "days" is "day". Other words give "".
// https://hl7.org/fhirpath/N1/#time-valued-quantities
func calendarUnit(word string) string {
	switch word {
	case "year", "month", "week", "day", "hour", "minute", "second", "millisecond":
		return word
	case "years", "months", "weeks", "days", "hours", "minutes", "seconds", "milliseconds":
		return word[:len(word)-1]
	}
	return ""
}

// definiteUnit is the calendar word that a UCUM unit of time equals. Years and
// months of UCUM are mean values and equal none.
func definiteUnit(ucum string) string {
	switch ucum {
	case "wk":
		return "week"
	case "d":
		return "day"
	case "h":
		return "hour"
	case "min":
		return "minute"
	case "s":
		return "second"
	case "ms":
		return "millisecond"
	}
	return ""
}

// coarser is how many of the finer unit make one of the coarser, where a value
// that is less precise than the quantity takes part.
var coarser = []struct {
	unit, next string
	count      int64
}{
	{"millisecond", "second", 1000}, {"second", "minute", 60}, {"minute", "hour", 60},
	{"hour", "day", 24}, {"day", "month", 30}, {"month", "year", 12},
}

// unitPrecision is the precision that a value needs to be moved by that unit.
func unitPrecision(unit string) precision {
	switch unit {
	case "year":
		return toYear
	case "month":
		return toMonth
	case "week", "day":
		return toDay
	case "hour":
		return toHour
	case "minute":
		return toMinute
	}
	return toSecond
}

// add moves the value by amount of a calendar unit; ok is false when the result
// is out of the years 1 to 9999. Fractions count for seconds only; a finer unit
// is first converted to the value's precision, cutting the rest off.
// https://hl7.org/fhirpath/N1/#datetime-arithmetic
func (t temporal) add(amount decimal, unit string) (temporal, bool) {
	if unit == "millisecond" || unit == "second" && t.precision == toSecond {
		return t.addSeconds(amount, unit)
	}
	return t.addWhole(amount.truncate(0), unit)
}

func (t temporal) addSeconds(amount decimal, unit string) (temporal, bool) {
	if t.precision < toSecond {
		return t.addWhole(amount.truncate(0), unit)
	}
	factor := decimalOf(1_000_000_000)
	if unit == "millisecond" {
		factor = decimalOf(1_000_000)
	}
	nanos := amount.mul(factor).truncate(0)
	if nanos.big != nil {
		return t, false
	}
	moved, ok := t.shift(func(at time.Time) time.Time { return at.Add(time.Duration(nanos.small)) })
	if moved.nanos%1_000_000 != 0 {
		moved.fraction = 9
	} else if moved.nanos != 0 {
		moved.fraction = max(moved.fraction, 3)
	}
	return moved, ok
}

// addWhole adds whole units.
func (t temporal) addWhole(amount decimal, unit string) (temporal, bool) {
	if amount.big != nil || magnitude(amount.small) > 1e12 {
		return t, false
	}
	n := amount.small
	if unit == "week" {
		n, unit = n*7, "day"
	}
	for _, step := range coarser {
		if unitPrecision(unit) > t.precision && step.unit == unit {
			n, unit = n/step.count, step.next
		}
	}
	return t.shift(func(at time.Time) time.Time { return advance(at, n, unit) })
}

// advance moves by calendar units; a day that the month lacks becomes its last.
func advance(at time.Time, n int64, unit string) time.Time {
	switch unit {
	case "year":
		return addMonths(at, n*12)
	case "month":
		return addMonths(at, n)
	case "day":
		return at.AddDate(0, 0, int(min(max(n, -4e6), 4e6)))
	}
	seconds := map[string]int64{"hour": 3600, "minute": 60, "second": 1}[unit] * n
	whole := seconds / 86400
	at = at.AddDate(0, 0, int(min(max(whole, -4e6), 4e6)))
	return at.Add(time.Duration(seconds%86400) * time.Second)
}

func addMonths(at time.Time, n int64) time.Time {
	n = min(max(n, -2e5), 2e5)
	year, month, day := at.Date()
	first := time.Date(year, month+time.Month(n), 1, at.Hour(), at.Minute(), at.Second(), at.Nanosecond(), time.UTC)
	return first.AddDate(0, 0, min(day, daysIn(first.Year(), int(first.Month())))-1)
}

// shift applies a move to the written fields and keeps precision and zone. A
// Time wraps around midnight.
func (t temporal) shift(move func(time.Time) time.Time) (temporal, bool) {
	year := int(t.year)
	if t.clock {
		year = 2000
	}
	at := move(time.Date(year, time.Month(max(t.month, 1)), int(max(t.day, 1)),
		int(t.hour), int(t.minute), int(t.second), int(t.nanos), time.UTC))
	if !t.clock && (at.Year() < 1 || at.Year() > 9999) {
		return t, false
	}
	moved := temporalOf(at)
	moved.precision, moved.zoned, moved.offset = t.precision, t.zoned, t.offset
	moved.clock, moved.fraction, moved.nanos = t.clock, t.fraction, int32(at.Nanosecond())
	if t.clock {
		moved.year, moved.month, moved.day = 0, 0, 0
	}
	return moved.cut(), true
}

// cut clears the fields below the precision.
func (t temporal) cut() temporal {
	if t.clock {
		return t
	}
	if t.precision < toMonth {
		t.month = 0
	}
	if t.precision < toDay {
		t.day = 0
	}
	return t
}
