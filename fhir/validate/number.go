package validate

import "strings"

// isInteger takes -?(0|[1-9][0-9]*) in 32 bits. The tree has refused leading
// zeros already; point and exponent are refused here.
func isInteger(s string) bool {
	body, negative := strings.CutPrefix(s, "-")
	most := uint64(1<<31 - 1)
	if negative {
		most = 1 << 31
	}
	value, ok := whole(body)
	return ok && value <= most
}

func isUnsigned(s string) bool {
	value, ok := whole(s)
	return ok && value <= 1<<31-1
}

func isPositive(s string) bool {
	value, ok := whole(s)
	return ok && value >= 1 && value <= 1<<31-1
}

// whole reads at most ten digits.
func whole(s string) (value uint64, ok bool) {
	if s == "" || len(s) > 10 {
		return 0, false
	}
	for i := range len(s) {
		if !digit(s[i]) {
			return 0, false
		}
		value = value*10 + uint64(s[i]-'0')
	}
	return value, true
}

// isDecimal takes every JSON number whose length and exponent bound the work
// of whoever computes with it.
func isDecimal(s string) bool {
	if len(s) > 1000 {
		return false
	}
	at := strings.IndexAny(s, "eE")
	if at < 0 {
		return true
	}
	exponent := strings.TrimLeft(strings.TrimLeft(s[at+1:], "+-"), "0")
	value, ok := whole(exponent)
	return exponent == "" || ok && value <= 400
}
