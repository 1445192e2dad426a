package udi

import (
	"fmt"
	"strconv"
	"time"
)

// number reads digits; -1 where there is anything else.
func number(digits string) int {
	for i := range len(digits) {
		if digits[i] < '0' || digits[i] > '9' {
			return -1
		}
	}
	n, err := strconv.Atoi(digits)
	if err != nil {
		return -1
	}
	return n
}

// century makes a year of two digits the one that is nearest to the year: at
// most 49 years later or 50 years earlier (GS1 General Specifications 7.12).
func (p *parser) century(yy int) int {
	year := p.year - p.year%100 + yy
	switch d := yy - p.year%100; {
	case d >= 51:
		year -= 100
	case d <= -50:
		year += 100
	}
	return year
}

// date makes a FHIR date of a year, month and day; day 0 is a month as a whole.
func (p *parser) date(year, month, day, at int) (string, error) {
	if month < 1 || month > 12 {
		return "", p.fault(at, "udi-date", fmt.Sprintf("the month %02d is none", month), "月份无效")
	}
	if day == 0 {
		return fmt.Sprintf("%04d-%02d", year, month), nil
	}
	t := time.Date(year, time.Month(month), day, 0, 0, 0, 0, time.UTC)
	if day < 0 || t.Day() != day {
		return "", p.fault(at, "udi-date", fmt.Sprintf("the month %04d-%02d has no day %02d", year, month, day), "日期无效")
	}
	return t.Format(time.DateOnly), nil
}

// shortDate reads YYMMDD; DD may be 00.
func (p *parser) shortDate(digits string, at int) (string, error) {
	if len(digits) != 6 || number(digits) < 0 {
		return "", p.fault(at, "udi-date", "a date is six digits, YYMMDD", "日期应为六位数字 YYMMDD")
	}
	return p.date(p.century(number(digits[:2])), number(digits[2:4]), number(digits[4:]), at)
}

// longDate reads YYYYMMDD.
func (p *parser) longDate(digits string, at int) (string, error) {
	if len(digits) != 8 || number(digits) < 0 || digits[6:] == "00" {
		return "", p.fault(at, "udi-date", "a date is eight digits, YYYYMMDD", "日期应为八位数字 YYYYMMDD")
	}
	return p.date(number(digits[:4]), number(digits[4:6]), number(digits[6:]), at)
}

// julian reads the day of a year, JJJ from 001.
func (p *parser) julian(year int, digits string, at int) (string, error) {
	n := number(digits)
	t := time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC).AddDate(0, 0, n-1)
	if len(digits) != 3 || n < 1 || t.Year() != year {
		return "", p.fault(at, "udi-date", fmt.Sprintf("the year %04d has no day %s", year, digits), "年内日序无效")
	}
	return t.Format(time.DateOnly), nil
}
