package tree

import (
	"encoding/binary"
	"unicode/utf8"
)

// load reads eight bytes; the caller has checked that they are there.
func load(src []byte, i int) uint64 { return binary.LittleEndian.Uint64(src[i : i+8]) }

// special is not zero when one of eight bytes of a string needs attention: a
// quote, a backslash, a control character or a part of a multibyte character.
func special(x uint64) uint64 {
	const ones, highs = 0x0101010101010101, 0x8080808080808080
	quote := x ^ (ones * '"')
	slash := x ^ (ones * '\\')
	return ((quote-ones)&^quote | (slash-ones)&^slash | (x-ones*0x20)&^x | x) & highs
}

// str scans a string from behind its opening quote and returns the position
// behind the closing one.
func (p *parser) str(i int) (end int, escaped bool) {
	src := p.src
	for {
		for i+8 <= len(src) && special(load(src, i)) == 0 {
			i += 8
		}
		for i < len(src) && plain[src[i]] {
			i++
		}
		if i >= len(src) {
			return p.stop(i, &faultOpenString), escaped
		}
		switch c := src[i]; {
		case c == '"':
			return i + 1, escaped
		case c == '\\':
			if i = p.escape(i); i < 0 {
				return -1, true
			}
			escaped = true
		case c < 0x20:
			return p.stop(i, control(c)), escaped
		default:
			r, size := utf8.DecodeRune(src[i:])
			if r == utf8.RuneError && size == 1 {
				return p.stop(i, &faultUTF8), escaped
			}
			i += size
		}
	}
}

var plain = func() (t [256]bool) {
	for c := 0x20; c < 0x80; c++ {
		t[c] = c != '"' && c != '\\'
	}
	return t
}()

// escape checks one escape, or a pair of them for a character beyond the BMP.
func (p *parser) escape(i int) int {
	switch p.at(i + 1) {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return i + 2
	case 'u':
	default:
		return p.stop(i, &faultEscape)
	}
	high, ok := hex4(p.src, i+2)
	if !ok {
		return p.stop(i, &faultEscape)
	}
	if high < 0xD800 || high > 0xDFFF {
		return i + 6
	}
	low, ok := hex4(p.src, i+8)
	if high > 0xDBFF || p.at(i+6) != '\\' || p.at(i+7) != 'u' || !ok || low < 0xDC00 || low > 0xDFFF {
		return p.stop(i, &faultSurrogate)
	}
	return i + 12
}

// hex4 reads the four hexadecimal digits at i.
func hex4(src []byte, i int) (r rune, ok bool) {
	if i+4 > len(src) {
		return 0, false
	}
	for _, c := range src[i : i+4] {
		switch {
		case '0' <= c && c <= '9':
			c -= '0'
		case 'a' <= c && c <= 'f':
			c -= 'a' - 10
		case 'A' <= c && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	return r, true
}

// appendUnescaped appends the text of a checked string body.
func appendUnescaped(dst, raw []byte) []byte {
	for i := 0; i < len(raw); {
		if raw[i] != '\\' {
			from := i
			for i < len(raw) && raw[i] != '\\' {
				i++
			}
			dst = append(dst, raw[from:i]...)
			continue
		}
		c := raw[i+1]
		i += 2
		switch c {
		case 'b':
			c = '\b'
		case 'f':
			c = '\f'
		case 'n':
			c = '\n'
		case 'r':
			c = '\r'
		case 't':
			c = '\t'
		case 'u':
			r, _ := hex4(raw, i)
			i += 4
			if 0xD800 <= r && r <= 0xDBFF {
				low, _ := hex4(raw, i+2)
				i += 6
				r = (r-0xD800)<<10 + (low - 0xDC00) + 0x10000
			}
			dst = utf8.AppendRune(dst, r)
			continue
		}
		dst = append(dst, c)
	}
	return dst
}

// number checks the grammar of RFC 8259 section 6 and returns its end. What
// may follow a number is the business of the container.
func (p *parser) number(i int) int {
	if p.at(i) == '-' {
		i++
	}
	switch c := p.at(i); {
	case c == '0':
		if i++; digit(p.at(i)) {
			return p.stop(i-1, &faultLeadingZero)
		}
	case digit(c):
		i = p.digits(i)
	default:
		return p.stop(i, &faultNumber)
	}
	if p.at(i) == '.' {
		if i++; !digit(p.at(i)) {
			return p.stop(i, &faultNumber)
		}
		i = p.digits(i)
	}
	if c := p.at(i); c == 'e' || c == 'E' {
		i++
		if c := p.at(i); c == '+' || c == '-' {
			i++
		}
		if !digit(p.at(i)) {
			return p.stop(i, &faultNumber)
		}
		i = p.digits(i)
	}
	return i
}

func (p *parser) digits(i int) int {
	for digit(p.at(i)) {
		i++
	}
	return i
}

func digit(c byte) bool { return '0' <= c && c <= '9' }
