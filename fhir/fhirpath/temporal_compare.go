package fhirpath

import (
	"cmp"
	"time"
)

// instant counts seconds and nanoseconds from 0001-01-01 (or midnight).
type instant struct {
	sec   int64
	nanos int32
}

func (a instant) before(b instant) bool {
	return a.sec < b.sec || a.sec == b.sec && a.nanos < b.nanos
}

// Time zones reach from 14 hours east to 12 hours west of UTC.
const (
	farEast = 14 * 3600
	farWest = 12 * 3600
)

// span is the first and the last instant that the value may mean, in UTC if
// utc is set and the value has a zone, else as written. A value to the second
// is a point.
func (t temporal) span(utc bool) (low, high instant) {
	if !t.clock {
		low.sec = days(int(t.year), int(max(t.month, 1)), int(max(t.day, 1))) * 86400
	}
	low.sec += int64(t.hour)*3600 + int64(t.minute)*60 + int64(t.second)
	low.nanos = t.nanos
	if utc && t.zoned {
		low.sec -= int64(t.offset) * 60
	}
	high = low
	if length := t.length(); length > 0 {
		high.sec, high.nanos = low.sec+length-1, 999_999_999
	}
	return low, high
}

// length is the duration in seconds that an imprecise value covers.
func (t temporal) length() int64 {
	switch t.precision {
	case toYear:
		return (days(int(t.year)+1, 1, 1) - days(int(t.year), 1, 1)) * 86400
	case toMonth:
		return int64(daysIn(int(t.year), int(t.month))) * 86400
	case toDay:
		return 86400
	case toHour:
		return 3600
	case toMinute:
		return 60
	}
	return 0
}

func days(year, month, day int) int64 {
	return time.Date(year, time.Month(month), day, 0, 0, 0, 0, time.UTC).Unix() / 86400
}

// compare orders two values. It is not known when one is less precise than the
// other and everything both have is equal, or when only one has a zone and the
// difference is within what zones can make.
// https://hl7.org/fhirpath/N1/#datetime-equality
func (t temporal) compare(u temporal) (order int, known bool) {
	utc := t.zoned && u.zoned
	tLow, tHigh := t.span(utc)
	uLow, uHigh := u.span(utc)
	if t.zoned != u.zoned && t.precision > toDay && u.precision > toDay {
		return t.compareZoned(u)
	}
	switch {
	case tHigh.before(uLow):
		return -1, true
	case uHigh.before(tLow):
		return 1, true
	}
	return 0, t.precision == u.precision
}

// compareZoned compares two times of day of which one has a zone: what the
// other may mean widens to all zones.
func (t temporal) compareZoned(u temporal) (order int, known bool) {
	if !t.zoned {
		order, known = u.compareZoned(t)
		return -order, known
	}
	tLow, tHigh := t.span(true)
	uLow, uHigh := u.span(true)
	uLow.sec -= farEast
	uHigh.sec += farWest
	switch {
	case tHigh.before(uLow):
		return -1, true
	case uHigh.before(tLow):
		return 1, true
	}
	return 0, false
}

// equivalent tells whether both have the same precision and the same value.
// https://hl7.org/fhirpath/N1/#datetime-equivalence
func (t temporal) equivalent(u temporal) bool {
	order, known := t.compare(u)
	return known && order == 0
}

// sortKey orders values totally, for sort(): by their first instant, the less
// precise first.
func (t temporal) sortOrder(u temporal) int {
	tLow, _ := t.span(true)
	uLow, _ := u.span(true)
	return cmp.Or(cmp.Compare(tLow.sec, uLow.sec), cmp.Compare(tLow.nanos, uLow.nanos), cmp.Compare(t.precision, u.precision))
}
