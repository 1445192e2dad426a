package udi

// ANSI/HIBC 2.6, Health Industry Bar Code Supplier Labeling Standard.
// https://www.hibcc.org/wp-content/uploads/SLS-2.6-Final.pdf

import (
	"strings"
)

// hibccSet is the character set of Code 39 in the order of the values that the
// check character is counted in, modulo 43.
const hibccSet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ-. $/+%"

func (p *parser) hibcc() error {
	text, begin := p.text, 0
	if strings.HasPrefix(text, "*+") { // delimiters of Code 39
		text, begin = strings.TrimSuffix(text[1:], "*"), 1
	}
	if len(text) < 8 || text[0] != '+' {
		return p.fault(begin, "udi-syntax", "a HIBC begins with + and holds labeler, product, unit of measure and check character", "HIBC 以 + 开头，含企业、产品、包装级别与校验字符")
	}
	sum := 0
	for i := range len(text) {
		v := strings.IndexByte(hibccSet, text[i])
		if v < 0 {
			return p.fault(begin+i, "udi-character", "a HIBC may not hold the character "+quoted(text[i]), "HIBC 含有不允许的字符")
		}
		if i < len(text)-1 {
			sum += v
		}
	}
	last := len(text) - 1
	if hibccSet[sum%43] != text[last] {
		return p.fault(begin+last, "udi-check", "the check character of the HIBC is wrong: it should be "+quoted(hibccSet[sum%43]), "HIBC 校验字符错误")
	}
	primary, rest, more := strings.Cut(text[1:last], "/")
	if err := p.hibccPrimary(primary, begin+1); err != nil || !more {
		return err
	}
	at := begin + 1 + len(primary) + 1
	for i, segment := range strings.Split(rest, "/") {
		var err error
		if i == 0 && (strings.HasPrefix(segment, "$") || len(segment) >= 5 && number(segment[:5]) >= 0) {
			err = p.hibccSecondary(segment, at)
		} else {
			err = p.hibccExtra(segment, at)
		}
		if err != nil {
			return err
		}
		at += len(segment) + 1
	}
	return nil
}

// hibccPrimary reads LIC (a letter and three characters), PCN (1 to 18) and unit
// of measure (a digit).
func (p *parser) hibccPrimary(s string, at int) error {
	if len(s) < 6 || len(s) > 23 {
		return p.fault(at, "udi-length", "labeler, product and unit of measure have 6 to 23 characters", "HIBC 主标识应为 6 至 23 个字符")
	}
	for i := range len(s) {
		letter, digit := s[i] >= 'A' && s[i] <= 'Z', s[i] >= '0' && s[i] <= '9'
		if !letter && !digit || i == 0 && !letter || i == len(s)-1 && !digit {
			return p.fault(at+i, "udi-syntax", "the labeler begins with a letter, the product is letters and digits, the unit of measure a digit", "HIBC 主标识的组成不正确")
		}
	}
	p.code.DI = s
	return p.add("+", s, at)
}

// hibccSecondary reads expiry and lot or serial number.
func (p *parser) hibccSecondary(s string, at int) error {
	switch {
	case strings.HasPrefix(s, "$$+"):
		return p.hibccDated(s[3:], at+3, "$$+")
	case strings.HasPrefix(s, "$$"):
		return p.hibccDated(s[2:], at+2, "$$")
	case strings.HasPrefix(s, "$+"):
		return p.hibccNumber("$+", s[2:], at+2)
	case strings.HasPrefix(s, "$"):
		return p.hibccNumber("$", s[1:], at+1)
	}
	date, err := p.julian(p.century(number(s[:2])), s[2:5], at)
	if err != nil {
		return err
	}
	p.code.Expires = date
	return p.hibccNumber("$", s[5:], at+5)
}

// hibccDated reads an optional quantity, a date in one of seven forms, and the
// lot or serial number behind it.
func (p *parser) hibccDated(s string, at int, flag string) error {
	for _, quantity := range []struct {
		flag   byte
		digits int
	}{{'8', 2}, {'9', 5}} {
		if s == "" || s[0] != quantity.flag {
			continue
		}
		if len(s) < 1+quantity.digits || number(s[1:1+quantity.digits]) < 0 {
			return p.fault(at, "udi-syntax", "a quantity has "+itoa(quantity.digits)+" digits", "数量格式错误")
		}
		s, at = s[1+quantity.digits:], at+1+quantity.digits
		break
	}
	form, width := byte('0'), 4
	if s != "" && s[0] >= '2' && s[0] <= '7' {
		form = s[0]
		s, at = s[1:], at+1
		width = map[byte]int{'2': 6, '3': 6, '4': 8, '5': 5, '6': 7, '7': 0}[form]
	}
	if len(s) < width || width > 0 && number(s[:width]) < 0 {
		return p.fault(at, "udi-date", "the expiry date has "+itoa(width)+" digits here", "失效日期格式错误")
	}
	if width > 0 {
		date, err := p.hibccDate(form, s[:width], at)
		if err != nil {
			return err
		}
		p.code.Expires = date
	}
	if s = s[width:]; s == "" {
		return nil
	}
	return p.hibccNumber(flag, s, at+width)
}

func (p *parser) hibccDate(form byte, s string, at int) (string, error) {
	two := func(i int) int { return number(s[i : i+2]) }
	hour := ""
	switch form {
	case '0':
		return p.date(p.century(two(2)), two(0), 0, at)
	case '2':
		return p.date(p.century(two(4)), two(0), two(2), at)
	case '5', '6':
		date, err := p.julian(p.century(two(0)), s[2:5], at)
		if err != nil || form == '5' {
			return date, err
		}
		return date, p.hour(s[5:], at+5)
	case '4':
		hour = s[6:]
	}
	date, err := p.date(p.century(two(0)), two(2), two(4), at)
	if err == nil && hour != "" {
		err = p.hour(hour, at+6)
	}
	return date, err
}

func (p *parser) hour(s string, at int) error {
	if n := number(s); n < 0 || n > 23 {
		return p.fault(at, "udi-date", "the hour "+s+" is none", "小时无效")
	}
	return nil
}

// hibccNumber keeps a lot, or a serial number where the flag ends with +.
func (p *parser) hibccNumber(flag, s string, at int) error {
	if s == "" || len(s) > 18 {
		return p.fault(at, "udi-length", "a lot or serial number has 1 to 18 characters", "批号或序列号应为 1 至 18 个字符")
	}
	if strings.HasSuffix(flag, "+") {
		p.code.Serial = s
	} else {
		p.code.Lot = s
	}
	return p.add(flag, s, at)
}

// hibccExtra reads the data behind a further slash by its identifier.
func (p *parser) hibccExtra(s string, at int) error {
	var err error
	switch {
	case strings.HasPrefix(s, "14D"):
		p.code.Expires, err = p.longDate(s[3:], at+3)
	case strings.HasPrefix(s, "16D"):
		p.code.Made, err = p.longDate(s[3:], at+3)
	case strings.HasPrefix(s, "S"):
		return p.hibccNumber("S+", s[1:], at+1)
	case strings.HasPrefix(s, "Q"):
		if n := number(s[1:]); len(s) < 2 || len(s) > 6 || n < 0 {
			err = p.fault(at, "udi-syntax", "a quantity has 1 to 5 digits", "数量格式错误")
		}
	case s == "":
		err = p.fault(at, "udi-syntax", "found nothing behind the slash", "斜杠后缺少数据")
	}
	if err != nil {
		return err
	}
	return p.add("/", s, at)
}
