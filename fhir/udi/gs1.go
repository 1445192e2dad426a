package udi

// GS1 General Specifications 3 (application identifiers), 7.8 (element strings),
// 7.9.1 (check digit); GS1 Digital Link Standard: URI Syntax.
// https://ref.gs1.org/standards/genspecs/

import (
	"errors"
	"net/url"
	"strings"
)

// FNC1 as scanners send it, and its picture in print.
const (
	fnc1        = '\x1d'
	fnc1Picture = '␝'
)

// symbologies are the identifiers of carriers of GS1 that scanners put first.
var symbologies = []string{"]C1", "]e0", "]d2", "]Q3", "]J1"}

// bracketed tells whether a text begins with an application identifier in
// brackets. HL7's examples have braces.
func bracketed(text string) bool {
	_, _, ok := opening(text, 0)
	return ok
}

func scanned(text string) bool {
	if strings.HasPrefix(text, string(fnc1)) || strings.HasPrefix(text, string(fnc1Picture)) {
		return true
	}
	for _, s := range symbologies {
		if strings.HasPrefix(text, s) {
			return true
		}
	}
	return false
}

func linked(text string) bool {
	return (strings.HasPrefix(text, "https://") || strings.HasPrefix(text, "http://")) && strings.Contains(text, "/01/")
}

// opening reads "(01)" at a place of the text: the identifier and the place
// behind it. What is no known identifier is part of a value.
func opening(text string, at int) (ai string, next int, ok bool) {
	if at >= len(text) || text[at] != '(' && text[at] != '{' {
		return "", 0, false
	}
	closing := byte(')')
	if text[at] == '{' {
		closing = '}'
	}
	end := strings.IndexByte(text[at:], closing)
	if end < 3 || end > 5 {
		return "", 0, false
	}
	ai = text[at+1 : at+end]
	return ai, at + end + 1, number(ai) >= 0
}

func (p *parser) gs1() error {
	switch text := p.text; {
	case linked(text):
		return p.gs1Link()
	case strings.HasPrefix(text, "(") || strings.HasPrefix(text, "{"):
		return p.gs1Printed()
	}
	return p.gs1Scanned()
}

// gs1Printed reads the form with brackets. A bracket within a value begins the
// next element only where a known identifier stands in it.
func (p *parser) gs1Printed() error {
	for at := 0; at < len(p.text); {
		ai, from, ok := opening(p.text, at)
		if !ok {
			return p.fault(at, "udi-syntax", "expected an application identifier in brackets, such as (01)", "此处应为带括号的应用标识符，如 (01)")
		}
		rule := identifier(ai)
		if rule == nil || len(rule.ai(ai)) != len(ai) {
			return p.fault(at+1, "udi-element", "("+ai+") is no application identifier of GS1", "("+ai+") 不是 GS1 应用标识符")
		}
		to := from
		for to < len(p.text) {
			if next, _, ok := opening(p.text, to); ok && to > from && identifier(next) != nil {
				break
			}
			to++
		}
		value := strings.TrimRight(p.text[from:to], " "+string(fnc1)+string(fnc1Picture))
		if err := p.gs1Element(ai, rule, value, from); err != nil {
			return err
		}
		at = to
	}
	return nil
}

// gs1Scanned reads an element string: what has no predefined length ends with
// FNC1 or with the text.
func (p *parser) gs1Scanned() error {
	text := p.text
	at := 0
	for _, s := range symbologies {
		if strings.HasPrefix(text, s) {
			at = len(s)
		}
	}
	for at < len(text) {
		if n := separator(text, at); n > 0 {
			at += n
			continue
		}
		rule := identifier(text[at:])
		if rule == nil {
			return p.fault(at, "udi-element", "found no application identifier of GS1", "此处没有 GS1 应用标识符")
		}
		ai := rule.ai(text[at:])
		from := at + len(ai)
		to := from + rule.max
		if !predefined(ai) {
			to = from
			for to < len(text) && separator(text, to) == 0 {
				to++
			}
		}
		if err := p.gs1Element(ai, rule, text[from:min(to, len(text))], from); err != nil {
			return err
		}
		at = to
	}
	return nil
}

// separator is the length of an FNC1 at a place, 0 where there is none.
func separator(text string, at int) int {
	for _, s := range []string{string(fnc1), string(fnc1Picture)} {
		if strings.HasPrefix(text[at:], s) {
			return len(s)
		}
	}
	return 0
}

// gs1Link reads a Digital Link: /01/GTIN/10/LOT/21/SERIAL?17=YYMMDD
func (p *parser) gs1Link() error {
	u, err := url.Parse(p.text)
	if err != nil {
		return p.fault(0, "udi-syntax", "the link is no URL", "链接格式错误")
	}
	path := u.EscapedPath()
	begin := strings.Index(path, "/01/")
	if begin < 0 {
		return p.fault(0, "udi-syntax", "the path of the link has no /01/ and GTIN", "链接路径缺少 /01/ 与 GTIN")
	}
	steps := strings.Split(strings.Trim(path[begin:], "/"), "/")
	begin = strings.Index(p.text, "/01/")
	for i := 0; i+1 < len(steps); i += 2 {
		if err := p.gs1LinkElement(steps[i], steps[i+1], begin); err != nil {
			return err
		}
	}
	if len(steps)%2 != 0 {
		return p.fault(begin, "udi-syntax", "the path of the link has an identifier without a value", "链接路径中的标识符缺少取值")
	}
	for pair := range strings.SplitSeq(u.RawQuery, "&") {
		name, value, _ := strings.Cut(pair, "=")
		if number(name) < 0 || name == "" {
			continue // words beside identifiers are the host's own
		}
		if err := p.gs1LinkElement(name, value, begin); err != nil {
			return err
		}
	}
	return nil
}

func (p *parser) gs1LinkElement(ai, escaped string, at int) error {
	rule := identifier(ai)
	if rule == nil || len(rule.ai(ai)) != len(ai) {
		return p.fault(at, "udi-element", "the link has the identifier "+ai+", which GS1 has not", "链接中的标识符不是 GS1 应用标识符")
	}
	value, err := url.PathUnescape(escaped)
	if err != nil {
		return p.fault(at, "udi-syntax", "the link has a broken escape", "链接转义错误")
	}
	if ai == "01" && len(value) < 14 && len(value) >= 8 {
		value = strings.Repeat("0", 14-len(value)) + value
	}
	if i := strings.Index(p.text, escaped); i >= 0 {
		at = i
	}
	err = p.gs1Element(ai, rule, value, at)
	var f *Fault
	if errors.As(err, &f) {
		f.At = at // within the value, escapes shift the places
	}
	return err
}

// gs1Element judges a value by its identifier, and keeps it.
func (p *parser) gs1Element(ai string, rule *aiRule, value string, at int) error {
	if len(value) < rule.min || len(value) > rule.max {
		return p.fault(at, "udi-length", "("+ai+") holds "+rule.extent()+", found "+itoa(len(value)), "("+ai+") 的长度不符："+rule.extent())
	}
	if i := rule.stranger(value); i >= 0 {
		return p.fault(at+i, "udi-character", "("+ai+") may not hold the character "+quoted(value[i]), "("+ai+") 含有不允许的字符")
	}
	var date string
	var err error
	switch {
	case rule.check > 0 && !checkDigit(value[:rule.check]):
		err = p.fault(at+rule.check-1, "udi-check", "the check digit of ("+ai+") is wrong: "+value[:rule.check-1]+" needs "+string(digitOf(value[:rule.check-1])), "("+ai+") 的校验位错误")
	case rule.kind == 'd':
		date, err = p.shortDate(value[:6], at)
	case ai == "8013":
		err = p.gmn(value, at)
	}
	if err != nil {
		return err
	}
	p.gs1Field(ai, value, date)
	return p.add(ai, value, at)
}

func (p *parser) gs1Field(ai, value, date string) {
	c := p.code
	switch ai {
	case "01":
		c.DI = value
	case "10":
		c.Lot = value
	case "21":
		c.Serial = value
	case "11":
		c.Made = date
	case "17", "7003":
		c.Expires = date
	}
}

// checkDigit tells whether the last digit is that of GS1 General Specifications
// 7.9.1: from the right, weights 3 and 1, complement to ten.
func checkDigit(digits string) bool {
	last := len(digits) - 1
	return digits[last] == digitOf(digits[:last])
}

func digitOf(digits string) byte {
	sum := 0
	for i := range len(digits) {
		d := int(digits[len(digits)-1-i] - '0')
		if i%2 == 0 {
			d *= 3
		}
		sum += d
	}
	return byte('0' + (10-sum%10)%10)
}
