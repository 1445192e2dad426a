package index

import "strings"

// Normalise brings a value to the form of its column. Dates lose the dots of
// ACR-NEMA, times get all six digits and lose trailing zeros of the fraction, so
// that both compare as text; what is no date or time becomes "" and matches
// nothing. Other text loses its padding.
func Normalise(k Kind, value string) string {
	switch k {
	case Date:
		return NormaliseDate(value)
	case Time:
		return NormaliseTime(value, '0')
	default:
		return strings.Trim(value, " \x00")
	}
}

// NormaliseDate is YYYYMMDD, or "".
func NormaliseDate(s string) string {
	s = strings.Trim(s, " \x00")
	if len(s) == 10 && s[4] == s[7] && (s[4] == '.' || s[4] == '-') {
		s = s[:4] + s[5:7] + s[8:]
	}
	if len(s) != 8 || !digits(s) || s[4:6] < "01" || s[4:6] > "12" || s[6:] < "01" || s[6:] > "31" {
		return ""
	}
	return s
}

// NormaliseTime is HHMMSS with an optional fraction, or "". What a shorter time
// leaves open is filled: with zeros for a value and the lower end of a range,
// with the latest possible for the upper end (fill '9').
func NormaliseTime(s string, fill byte) string {
	s = strings.ReplaceAll(strings.Trim(s, " \x00"), ":", "")
	whole, fraction, dotted := strings.Cut(s, ".")
	if !digits(whole) || !digits(fraction) || dotted && (len(whole) != 6 || fraction == "" || len(fraction) > 6) {
		return ""
	}
	switch len(whole) {
	case 2, 4, 6:
	default:
		return ""
	}
	short := len(whole) < 6
	if fill == '9' {
		whole += "5959"[len(whole)-2:]
	} else {
		whole += "0000"[len(whole)-2:]
	}
	if whole[:2] > "23" || whole[2:4] > "59" || whole[4:] > "60" {
		return ""
	}
	if fill == '9' && (short || !dotted) {
		fraction = "999999"
	}
	if fraction = strings.TrimRight(fraction, "0"); fraction != "" {
		return whole + "." + fraction
	}
	return whole
}

func digits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}
