package xml

import (
	"bytes"
	"unicode/utf8"
)

// text appends the value of an attribute as XML means it: references resolved,
// white space as blanks. https://www.w3.org/TR/xml/#AVNormalize
func (s *scanner) text(dst []byte, a *attr) ([]byte, bool) {
	if !a.special {
		return append(dst, a.value...), true
	}
	at := a.end - 1 - len(a.value)
	for i := 0; i < len(a.value); {
		run := i
		for i < len(a.value) && a.value[i] >= ' ' && a.value[i] != '&' {
			i++
		}
		if dst = append(dst, a.value[run:i]...); i == len(a.value) {
			break
		}
		switch c := a.value[i]; c {
		case '&':
			r, size, f := reference(a.value[i:])
			if f != nil {
				return dst, s.stop(at+i, f)
			}
			dst = utf8.AppendRune(dst, r)
			i += size
			continue
		case '\r':
			if i+1 < len(a.value) && a.value[i+1] == '\n' {
				i++
			}
			dst = append(dst, ' ')
		default: // LF or TAB
			dst = append(dst, ' ')
		}
		i++
	}
	return dst, true
}

// reference reads a character reference or one of the five entities of XML.
// https://www.w3.org/TR/xml/#sec-references
func reference(src []byte) (r rune, size int, f *fault) {
	end := bytes.IndexByte(src[:min(len(src), 40)], ';')
	if end < 0 {
		return 0, 0, &fault{typ: faultMarkup.typ, rule: "xml-syntax", text: "found & without a reference: write &amp;", chinese: "& 后没有实体，请写 &amp;"}
	}
	body := src[1:end]
	if len(body) > 1 && body[0] == '#' {
		r, ok := number(body[1:])
		switch {
		case !ok:
			return 0, 0, entityFault(src[:end+1])
		case !allowed(r):
			return 0, 0, &faultChar
		}
		return r, end + 1, nil
	}
	switch string(body) {
	case "amp":
		r = '&'
	case "lt":
		r = '<'
	case "gt":
		r = '>'
	case "quot":
		r = '"'
	case "apos":
		r = '\''
	default:
		return 0, 0, entityFault(src[:end+1])
	}
	return r, end + 1, nil
}

// number reads the digits of a character reference.
func number(digits []byte) (r rune, ok bool) {
	base := rune(10)
	if digits[0] == 'x' {
		base, digits = 16, digits[1:]
	}
	for _, c := range digits {
		d := rune(-1)
		switch {
		case '0' <= c && c <= '9':
			d = rune(c - '0')
		case base == 16 && 'a' <= c && c <= 'f':
			d = rune(c-'a') + 10
		case base == 16 && 'A' <= c && c <= 'F':
			d = rune(c-'A') + 10
		}
		if d < 0 {
			return 0, false
		}
		if r = r*base + d; r > utf8.MaxRune {
			return utf8.MaxRune + 1, true
		}
	}
	return r, len(digits) > 0
}

// allowed tells whether XML 1.0 can carry a character.
// https://www.w3.org/TR/xml/#NT-Char
func allowed(r rune) bool {
	switch {
	case r < 0x20:
		return r == '\t' || r == '\n' || r == '\r'
	case 0xD800 <= r && r <= 0xDFFF, r == 0xFFFE, r == 0xFFFF:
		return false
	}
	return r <= utf8.MaxRune
}

// inString tells which of eight bytes need an escape in JSON.
func inString(x uint64) uint64 {
	quote, slash := x^(ones*'"'), x^(ones*'\\')
	return ((quote-ones)&^quote | (slash-ones)&^slash | (x-ones*0x20)&^x) & highs
}

// appendJSON appends a text as a JSON string with its quotes.
func appendJSON(dst, text []byte) []byte {
	dst = append(dst, '"')
	from := 0
	for i := 0; i < len(text); i++ {
		for i+8 <= len(text) && inString(load(text, i)) == 0 {
			i += 8
		}
		if i == len(text) {
			break
		}
		c := text[i]
		if c >= 0x20 && c != '"' && c != '\\' {
			continue
		}
		dst = append(dst, text[from:i]...)
		from = i + 1
		switch c {
		case '\n':
			dst = append(dst, '\\', 'n')
		case '\r':
			dst = append(dst, '\\', 'r')
		case '\t':
			dst = append(dst, '\\', 't')
		case '"', '\\':
			dst = append(dst, '\\', c)
		default:
			dst = append(dst, '\\', 'u', '0', '0', "0123456789abcdef"[c>>4], "0123456789abcdef"[c&15])
		}
	}
	return append(append(dst, text[from:]...), '"')
}

// isNumber tells whether a text is a number of JSON.
// https://www.rfc-editor.org/rfc/rfc8259#section-6
func isNumber(text []byte) bool {
	i := 0
	at := func() byte {
		if i < len(text) {
			return text[i]
		}
		return 0
	}
	digits := func() bool {
		from := i
		for c := at(); '0' <= c && c <= '9'; c = at() {
			i++
		}
		return i > from
	}
	if at() == '-' {
		i++
	}
	if at() == '0' {
		i++
	} else if !digits() {
		return false
	}
	if at() == '.' {
		if i++; !digits() {
			return false
		}
	}
	if at() == 'e' || at() == 'E' {
		i++
		if at() == '+' || at() == '-' {
			i++
		}
		if !digits() {
			return false
		}
	}
	return i == len(text)
}
