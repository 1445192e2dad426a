package search

import (
	"math"
	"time"
)

// An open end of a date row or range.
const (
	begin = math.MinInt64
	end   = math.MaxInt64
)

// interval reads a date, dateTime or instant of any precision as the closed
// interval of microseconds that it stands for: 2013 is the whole year, and
// 10:15 the whole minute. Without a zone it is in the given one.
//
// https://hl7.org/fhir/R4/search.html#date
func interval(s string, zone *time.Location) (low, high int64, ok bool) {
	c := clock{s: s, zone: zone, month: 1, day: 1, ok: true}
	c.read()
	if !c.ok || c.at != len(s) {
		return 0, 0, false
	}
	at := time.Date(c.year, time.Month(c.month), c.day, c.hour, c.minute, c.second, 0, c.zone)
	low = at.UnixMicro() + c.micro
	switch c.unit {
	case 'y':
		high = at.AddDate(1, 0, 0).UnixMicro()
	case 'm':
		high = at.AddDate(0, 1, 0).UnixMicro()
	case 'd':
		high = at.AddDate(0, 0, 1).UnixMicro()
	default:
		high = low + c.width
	}
	return low, high - 1, true
}

// clock reads the digits of a point in time.
type clock struct {
	s    string
	at   int
	ok   bool
	zone *time.Location

	year, month, day, hour, minute, second int
	micro, width                           int64
	unit                                   byte // y, m, d; 0 for a time
}

func (c *clock) read() {
	c.unit, c.year = 'y', c.number(4, 1, 9999)
	if !c.sep('-') {
		return
	}
	c.unit, c.month = 'm', c.number(2, 1, 12)
	if !c.sep('-') {
		return
	}
	c.unit, c.day = 'd', c.number(2, 1, 31)
	if c.ok && c.day > time.Date(c.year, time.Month(c.month)+1, 0, 0, 0, 0, 0, time.UTC).Day() {
		c.ok = false
	}
	if !c.sep('T') {
		return
	}
	c.time()
}

func (c *clock) time() {
	c.unit, c.width = 0, 60_000_000
	c.hour = c.number(2, 0, 23)
	if !c.sep(':') {
		c.ok = false
	}
	c.minute = c.number(2, 0, 59)
	if c.sep(':') {
		c.second, c.width = c.number(2, 0, 60), 1_000_000
		if c.sep('.') {
			c.fraction()
		}
	}
	c.offset()
}

func (c *clock) fraction() {
	digits := 0
	for c.at < len(c.s) && c.s[c.at] >= '0' && c.s[c.at] <= '9' {
		if c.width > 1 {
			c.width /= 10
			c.micro += int64(c.s[c.at]-'0') * c.width
		}
		c.at++
		digits++
	}
	c.ok = c.ok && digits > 0
}

// offset reads Z or ±hh:mm. A plus sign that was not escaped in a URL arrives
// as a space.
func (c *clock) offset() {
	sign := 0
	switch {
	case c.sep('Z'):
		c.zone = time.UTC
		return
	case c.sep('+'), c.sep(' '):
		sign = 1
	case c.sep('-'):
		sign = -1
	default:
		return
	}
	h := c.number(2, 0, 14)
	if !c.sep(':') {
		c.ok = false
	}
	m := c.number(2, 0, 59)
	c.zone = time.FixedZone("", sign*(h*3600+m*60))
}

func (c *clock) sep(b byte) bool {
	if c.at < len(c.s) && c.s[c.at] == b {
		c.at++
		return true
	}
	return false
}

func (c *clock) number(digits, least, most int) int {
	if !c.ok || len(c.s)-c.at < digits {
		c.ok = false
		return least
	}
	n := 0
	for range digits {
		d := c.s[c.at]
		if d < '0' || d > '9' {
			c.ok = false
			return least
		}
		n = n*10 + int(d-'0')
		c.at++
	}
	c.ok = c.ok && n >= least && n <= most
	return n
}

// Interval reads a date of any precision, in UTC where it names no zone, as the
// time that it stands for: from low up to high, which is not in it.
func Interval(s string) (low, high time.Time, ok bool) {
	from, to, ok := interval(s, time.UTC)
	return time.UnixMicro(from).UTC(), time.UnixMicro(to + 1).UTC(), ok
}
