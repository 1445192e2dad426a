package casework

import (
	"math"
	"strconv"
	"time"

	"tenon/fhir/tree"
)

// layouts of date and dateTime, with what one unit of each adds.
// https://hl7.org/fhir/R4/datatypes.html#dateTime
var layouts = []struct {
	layout              string
	years, months, days int
	rest                time.Duration
}{
	{layout: "2006-01-02T15:04:05.999999999Z07:00", rest: time.Millisecond},
	{layout: "2006-01-02T15:04:05Z07:00", rest: time.Second},
	{layout: "2006-01-02", days: 1},
	{layout: "2006-01", months: 1},
	{layout: "2006", years: 1},
}

// span is the stretch of time that a date or dateTime of any precision stands
// for: from included, until excluded. A date without time is read in UTC.
func span(text string) (from, until time.Time, ok bool) {
	for _, l := range layouts {
		t, err := time.Parse(l.layout, text)
		if err == nil {
			return t, t.AddDate(l.years, l.months, l.days).Add(l.rest), true
		}
	}
	return time.Time{}, time.Time{}, false
}

// Moment is when a date or dateTime begins.
func Moment(text string) (time.Time, bool) {
	from, _, ok := span(text)
	return from, ok
}

// units of Duration (UCUM). A month and a year are the mean ones, as in UCUM.
var units = map[string]time.Duration{
	"s": time.Second, "min": time.Minute, "h": time.Hour, "d": 24 * time.Hour, "wk": 7 * 24 * time.Hour,
	"mo": 2629800 * time.Second, "a": 31557600 * time.Second,
}

// duration reads a Duration; ok is false when it is none or not above 0.
func duration(n tree.Node) (d time.Duration, ok bool) {
	unit, known := units[n.Field("code").Str()]
	if !known {
		unit, known = units[n.Field("unit").Str()]
	}
	value, err := strconv.ParseFloat(n.Field("value").Text(), 64)
	if !known || err != nil || !(value > 0) || value*float64(unit) > math.MaxInt64/2 {
		return 0, false
	}
	return time.Duration(value * float64(unit)), true
}

// instant is how Tenon writes a moment.
func instant(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z07:00") }
