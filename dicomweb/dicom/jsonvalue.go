package dicom

import (
	"math"
	"strconv"
	"strings"
	"unicode/utf8"
)

// AppendString appends s as a JSON string; bytes that are no UTF-8 become
// U+FFFD.
func AppendString(dst []byte, s string) []byte {
	const hex = "0123456789abcdef"
	dst = append(dst, '"')
	for i := 0; i < len(s); {
		c := s[i]
		if c >= utf8.RuneSelf {
			r, n := utf8.DecodeRuneInString(s[i:])
			dst = utf8.AppendRune(dst, r)
			i += n
			continue
		}
		switch {
		case c == '"' || c == '\\':
			dst = append(dst, '\\', c)
		case c == '\n':
			dst = append(dst, '\\', 'n')
		case c == '\r':
			dst = append(dst, '\\', 'r')
		case c == '\t':
			dst = append(dst, '\\', 't')
		case c < 0x20 || c == 0x7F:
			dst = append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		default:
			dst = append(dst, c)
		}
		i++
	}
	return append(dst, '"')
}

// AppendName appends a person name as the object of its component groups
// (F.2.2); groups that are empty are left out.
func AppendName(dst []byte, name string) []byte {
	dst = append(dst, '{')
	first := true
	for i, key := range [...]string{"Alphabetic", "Ideographic", "Phonetic"} {
		group, rest, _ := strings.Cut(name, "=")
		if i == 2 {
			group = name // what is behind a third = is no group of its own
		}
		name = rest
		if group = strings.TrimRight(group, " "); group == "" {
			continue
		}
		if !first {
			dst = append(dst, ',')
		}
		first = false
		dst = append(append(append(dst, '"'), key...), `":`...)
		dst = AppendString(dst, group)
	}
	return append(dst, '}')
}

// AppendDecimal appends a DS or IS as a JSON number with the digits as sent:
// +1 is 1, 007 is 7, .5 is 0.5 and 5. is 5. What is no decimal is a string.
func AppendDecimal(dst []byte, s string) []byte {
	mark := len(dst)
	rest := s
	if rest != "" && (rest[0] == '-' || rest[0] == '+') {
		if rest[0] == '-' {
			dst = append(dst, '-')
		}
		rest = rest[1:]
	}
	whole := leadingDigits(rest)
	rest = rest[len(whole):]
	fraction := ""
	if rest != "" && rest[0] == '.' {
		fraction = leadingDigits(rest[1:])
		rest = rest[1+len(fraction):]
	}
	if whole == "" && fraction == "" {
		return AppendString(dst[:mark], s)
	}
	if whole = strings.TrimLeft(whole, "0"); whole == "" {
		whole = "0"
	}
	dst = append(dst, whole...)
	if fraction != "" {
		dst = append(append(dst, '.'), fraction...)
	}
	if rest == "" {
		return dst
	}
	exponent, ok := exponentOf(rest)
	if !ok {
		return AppendString(dst[:mark], s)
	}
	return append(dst, exponent...)
}

// exponentOf reads E, a sign and at most three digits, and nothing behind: a
// larger exponent is no number for a reader that uses doubles.
func exponentOf(s string) (string, bool) {
	if s[0] != 'e' && s[0] != 'E' {
		return "", false
	}
	digits := strings.TrimLeft(s[1:], "+-")
	if len(s)-1-len(digits) > 1 || digits == "" || len(digits) > 3 || leadingDigits(digits) != digits {
		return "", false
	}
	if n, _ := strconv.Atoi(digits); n > 300 {
		return "", false
	}
	return s, true
}

func leadingDigits(s string) string {
	n := 0
	for n < len(s) && s[n] >= '0' && s[n] <= '9' {
		n++
	}
	return s[:n]
}

// appendFloat appends the shortest number that reads back as f; JSON has none
// for infinities and NaN, so they are strings.
func appendFloat(dst []byte, f float64, bits int) []byte {
	switch {
	case math.IsNaN(f):
		return append(dst, `"NaN"`...)
	case math.IsInf(f, 1):
		return append(dst, `"Infinity"`...)
	case math.IsInf(f, -1):
		return append(dst, `"-Infinity"`...)
	}
	format := byte('f')
	if abs := math.Abs(f); abs != 0 && (abs < 1e-6 || abs >= 1e21) {
		format = 'e'
	}
	return strconv.AppendFloat(dst, f, format, -1, bits)
}

// maxExact is the length of an integer that a double holds exactly.
const maxExact = 15

// appendWide appends a 64-bit integer, as a string where a reader that uses
// doubles would change it (F.2.3 note).
func appendWide(dst []byte, digits string) []byte {
	if len(digits) > maxExact {
		return append(append(append(dst, '"'), digits...), '"')
	}
	return append(dst, digits...)
}
