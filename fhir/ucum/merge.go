package ucum

import (
	"strconv"
	"strings"
)

// merged names the product (power 1) or quotient (power -1) of two units that
// share a symbol, each symbol once: m2 / m is m, as N1 writes 12 'cm2' / 3 'cm'
// = 4.0 'cm'. It is "" where they share none or are no plain products.
// https://hl7.org/fhirpath/N1/#math-1
func merged(a, b string, power int) string {
	list, ok := plainProduct(a)
	others, also := plainProduct(b)
	if !ok || !also {
		return ""
	}
	shared := false
	for _, o := range others {
		if i := find(list, o.code); i >= 0 {
			list[i].exponent += power * o.exponent
			shared = true
		} else {
			list = append(list, listed{o.code, power * o.exponent})
		}
	}
	if !shared {
		return ""
	}
	return join(list)
}

// listed is a symbol of a product, prefix included, with its exponent.
type listed struct {
	code     string
	exponent int
}

// plainProduct reads m.s-2; it is not ok with what has a division, brackets of
// terms, notes or mere numbers.
func plainProduct(code string) ([]listed, bool) {
	var list []listed
	if strings.ContainsAny(code, "/(){}") {
		return nil, false
	}
	for _, term := range strings.Split(code, ".") {
		symbol := strings.TrimRight(term, "0123456789")
		symbol = strings.TrimRight(symbol, "+-")
		exponent := 1
		if rest := term[len(symbol):]; rest != "" {
			n, err := strconv.Atoi(rest)
			if err != nil {
				return nil, false
			}
			exponent = n
		}
		if symbol == "" {
			return nil, false
		}
		if i := find(list, symbol); i >= 0 {
			list[i].exponent += exponent
		} else {
			list = append(list, listed{symbol, exponent})
		}
	}
	return list, true
}

func find(list []listed, code string) int {
	for i := range list {
		if list[i].code == code {
			return i
		}
	}
	return -1
}

// join writes what is above the line, then what is below it.
func join(list []listed) string {
	var above, below strings.Builder
	for _, l := range list {
		power := ""
		switch n := max(l.exponent, -l.exponent); {
		case n == 0:
			continue
		case n > 1:
			power = strconv.Itoa(n)
		}
		if l.exponent < 0 {
			below.WriteString("/" + l.code + power)
			continue
		}
		if above.Len() > 0 {
			above.WriteByte('.')
		}
		above.WriteString(l.code + power)
	}
	return above.String() + below.String()
}
