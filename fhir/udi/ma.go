package udi

import "strings"

// The MA code of ZIIOT: MA.156.M0.registrant.item, then segments of production
// identifiers. The check character of the item comes from the agency; no public
// rule for it holds, so it is read and never judged.

func (p *parser) ma() error {
	parts := strings.Split(p.text, ".")
	if len(parts) < 5 || parts[0] != "MA" || parts[1] != "156" || parts[2] != "M0" {
		return p.fault(0, "udi-syntax", "an MA code of a device begins with MA.156.M0., the registrant and the item", "MA 码应以 MA.156.M0. 开头，后接注册主体与产品代码")
	}
	at := len("MA.156.M0.")
	if len(parts[3]) != 6 || number(parts[3]) < 0 {
		return p.fault(at, "udi-syntax", "the registrant has six digits", "注册主体代码应为六位数字")
	}
	at += 7
	if len(parts[4]) != 8 || !alphanumeric(parts[4]) {
		return p.fault(at, "udi-length", "package level, item and check character are eight letters and digits", "包装级别、产品代码与校验位共八位")
	}
	p.code.DI = strings.Join(parts[:5], ".")
	if err := p.add("DI", parts[4], at); err != nil {
		return err
	}
	at += 9
	for i, segment := range parts[5:] {
		if err := p.maSegment(segment, at, i == len(parts)-6); err != nil {
			return err
		}
		at += len(segment) + 1
	}
	return nil
}

func alphanumeric(s string) bool {
	for i := range len(s) {
		c := s[i]
		if (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') {
			return false
		}
	}
	return true
}

// maSegment reads one production identifier: M made, L lot, S serial, D lot of
// sterilisation, V valid until, E expires, C check character (the last one).
func (p *parser) maSegment(s string, at int, last bool) error {
	if len(s) < 2 || len(s) > 40 {
		return p.fault(at, "udi-length", "a segment is a letter and 1 to 39 characters", "标识段应为字母加 1 至 39 个字符")
	}
	name, value := s[:1], s[1:]
	if strings.ContainsAny(value, " *+") {
		return p.fault(at+1, "udi-character", "a segment holds letters, digits, - and /", "标识段含有不允许的字符")
	}
	var date string
	var err error
	switch name {
	case "M", "V", "E":
		date, err = p.maDate(value, at+1)
	case "C":
		if !last || len(value) != 1 {
			err = p.fault(at, "udi-syntax", "the check character C is one character at the end", "校验段 C 应在末尾且为一个字符")
		}
	case "L", "S", "D":
	default:
		err = p.fault(at, "udi-element", "the segment "+name+" is none of M L S D V E C", "未知标识段 "+name)
	}
	if err != nil {
		return err
	}
	switch name {
	case "L":
		p.code.Lot = value
	case "S":
		p.code.Serial = value
	case "M":
		p.code.Made = date
	case "E":
		p.code.Expires = date
	case "V":
		if p.code.Expires == "" {
			p.code.Expires = date
		}
	}
	return p.add(name, value, at+1)
}

func (p *parser) maDate(digits string, at int) (string, error) {
	if len(digits) == 8 {
		return p.longDate(digits, at)
	}
	return p.shortDate(digits, at)
}
