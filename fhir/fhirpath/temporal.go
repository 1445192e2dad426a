package fhirpath

import (
	"fmt"
	"strings"
	"time"
)

// precision is how much of a date or time is given.
type precision uint8

const (
	toYear precision = iota + 1
	toMonth
	toDay
	toHour
	toMinute
	toSecond // with any fraction: seconds and milliseconds are one precision
)

// temporal is a Date, DateTime or Time with its precision and time zone.
// https://hl7.org/fhirpath/N1/#date
type temporal struct {
	nanos                            int32
	year                             int16
	offset                           int16 // minutes east, if zoned
	month, day, hour, minute, second uint8
	fraction                         uint8 // digits of the fraction as written
	precision                        precision
	zoned                            bool
	clock                            bool // a Time: no date at all
}

// field reads n digits at the front of *s.
func field(s *string, n int) (int, bool) {
	if len(*s) < n {
		return 0, false
	}
	value := 0
	for i := range n {
		c := (*s)[i]
		if !isDigit(c) {
			return 0, false
		}
		value = value*10 + int(c-'0')
	}
	*s = (*s)[n:]
	return value, true
}

func skip(s *string, prefix byte) bool {
	if *s == "" || (*s)[0] != prefix {
		return false
	}
	*s = (*s)[1:]
	return true
}

// parseDate reads YYYY, YYYY-MM or YYYY-MM-DD.
func parseDate(s string) (temporal, bool) {
	var t temporal
	return t, t.date(&s) && s == ""
}

// parseDateTime reads a date, or a date, T and as much of a time of day with
// zone as there is. A date alone is a DateTime of that precision.
func parseDateTime(s string) (temporal, bool) {
	var t temporal
	if !t.date(&s) {
		return t, false
	}
	if !skip(&s, 'T') || s == "" {
		return t, s == ""
	}
	if t.precision != toDay || !t.time(&s) || !t.zone(&s) {
		return t, false
	}
	return t, s == ""
}

// parseTime reads hh, hh:mm, hh:mm:ss with any fraction.
func parseTime(s string) (temporal, bool) {
	t := temporal{clock: true}
	return t, t.time(&s) && s == ""
}

func (t *temporal) date(s *string) bool {
	year, ok := field(s, 4)
	if !ok || year == 0 {
		return false
	}
	t.year, t.precision = int16(year), toYear
	if !skip(s, '-') {
		return true
	}
	month, ok := field(s, 2)
	if !ok || month < 1 || month > 12 {
		return false
	}
	t.month, t.precision = uint8(month), toMonth
	if !skip(s, '-') {
		return true
	}
	day, ok := field(s, 2)
	if !ok || day < 1 || day > daysIn(year, month) {
		return false
	}
	t.day, t.precision = uint8(day), toDay
	return true
}

func daysIn(year, month int) int {
	return time.Date(year, time.Month(month)+1, 0, 0, 0, 0, 0, time.UTC).Day()
}

func (t *temporal) time(s *string) bool {
	hour, ok := field(s, 2)
	if !ok || hour > 23 {
		return false
	}
	t.hour, t.precision = uint8(hour), toHour
	if !skip(s, ':') {
		return true
	}
	minute, ok := field(s, 2)
	if !ok || minute > 59 {
		return false
	}
	t.minute, t.precision = uint8(minute), toMinute
	if !skip(s, ':') {
		return true
	}
	second, ok := field(s, 2)
	if !ok || second > 60 { // 60: FHIR lets leap seconds be recorded
		return false
	}
	t.second, t.precision = uint8(second), toSecond
	return !skip(s, '.') || t.nanoseconds(s)
}

// nanoseconds reads the fraction; digits after the ninth are dropped.
func (t *temporal) nanoseconds(s *string) bool {
	n, scale := int32(0), int32(100_000_000)
	digits := 0
	for ; *s != "" && isDigit((*s)[0]); *s = (*s)[1:] {
		n += int32((*s)[0]-'0') * scale
		scale /= 10
		digits++
	}
	t.nanos, t.fraction = n, uint8(min(digits, 9))
	return digits > 0
}

func (t *temporal) zone(s *string) bool {
	if *s == "" {
		return true
	}
	t.zoned = true
	if skip(s, 'Z') {
		return true
	}
	sign := int16(1)
	if skip(s, '-') {
		sign = -1
	} else if !skip(s, '+') {
		return false
	}
	hour, ok := field(s, 2)
	if !ok || !skip(s, ':') {
		return false
	}
	minute, ok := field(s, 2)
	t.offset = sign * int16(hour*60+minute)
	return ok && hour <= 14 && minute <= 59
}

// temporalOf is an instant as the language sees it: milliseconds and the zone.
func temporalOf(at time.Time) temporal {
	_, offset := at.Zone()
	return temporal{
		year: int16(at.Year()), month: uint8(at.Month()), day: uint8(at.Day()),
		hour: uint8(at.Hour()), minute: uint8(at.Minute()), second: uint8(at.Second()),
		nanos: int32(at.Nanosecond() / 1e6 * 1e6), fraction: 3,
		precision: toSecond, zoned: true, offset: int16(offset / 60),
	}
}

// String is the ISO 8601 text, as precise as the value is.
func (t temporal) String() string {
	var b strings.Builder
	if !t.clock {
		fmt.Fprintf(&b, "%04d", t.year)
		if t.precision >= toMonth {
			fmt.Fprintf(&b, "-%02d", t.month)
		}
		if t.precision >= toDay {
			fmt.Fprintf(&b, "-%02d", t.day)
		}
		if t.precision >= toHour {
			b.WriteByte('T')
		}
	}
	t.writeTime(&b)
	if t.zoned {
		b.WriteString(zoneText(t.offset))
	}
	return b.String()
}

func (t temporal) writeTime(b *strings.Builder) {
	if t.precision >= toHour {
		fmt.Fprintf(b, "%02d", t.hour)
	}
	if t.precision >= toMinute {
		fmt.Fprintf(b, ":%02d", t.minute)
	}
	if t.precision >= toSecond {
		fmt.Fprintf(b, ":%02d", t.second)
		if t.fraction > 0 {
			b.WriteByte('.')
			b.WriteString(fmt.Sprintf("%09d", t.nanos)[:t.fraction])
		}
	}
}

func zoneText(offset int16) string {
	if offset == 0 {
		return "Z"
	}
	sign := '+'
	if offset < 0 {
		sign, offset = '-', -offset
	}
	return fmt.Sprintf("%c%02d:%02d", sign, offset/60, offset%60)
}
