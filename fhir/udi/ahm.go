package udi

import "strings"

// ahm reads a code of Alibaba Health. Its grammar is not published: the code is
// opaque, unless it has the form of fields behind asterisks, whose two letters
// say what they hold (MF device, BN or BA lot, SN serial, MD made, BD, ED
// expires, PL).
func (p *parser) ahm() error {
	if !strings.Contains(p.text, "*") {
		p.code.DI = p.text
		return p.add("", p.text, 0)
	}
	at := 0
	for field := range strings.SplitSeq(p.text, "*") {
		if err := p.ahmField(field, at); err != nil {
			return err
		}
		at += len(field) + 1
	}
	return nil
}

func (p *parser) ahmField(s string, at int) error {
	if len(s) < 3 {
		return p.fault(at, "udi-syntax", "a field is two letters and a value", "字段应为两个字母加取值")
	}
	name, value := s[:2], s[2:]
	var err error
	switch name {
	case "MF":
		p.code.DI = value
	case "BN", "BA":
		p.code.Lot = value
	case "SN":
		p.code.Serial = value
	case "MD":
		p.code.Made, err = p.maDate(value, at+2)
	case "ED":
		p.code.Expires, err = p.maDate(value, at+2)
	case "BD", "PL":
	default:
		err = p.fault(at, "udi-element", "the field "+name+" is none of MF BN BA SN MD BD ED PL", "未知字段 "+name)
	}
	if err != nil {
		return err
	}
	return p.add(name, value, at+2)
}
