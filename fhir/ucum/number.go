package ucum

import (
	"math/big"
	"strconv"
	"strings"
)

// Number reads a decimal of bounded size, as Convert takes it: 1e999999999
// would fill the memory. ok is false for what is no number or beyond.
func Number(s string) (n *big.Rat, ok bool) {
	if len(s) > 200 {
		return nil, false
	}
	if i := strings.IndexAny(s, "eE"); i >= 0 {
		if e, err := strconv.Atoi(s[i+1:]); err != nil || e < -400 || e > 400 {
			return nil, false
		}
	}
	return new(big.Rat).SetString(s)
}

// CompareNumbers orders two decimals; ok is false when one of them is none.
func CompareNumbers(a, b string) (order int, ok bool) {
	x, okX := Number(a)
	y, okY := Number(b)
	if !okX || !okY {
		return 0, false
	}
	return x.Cmp(y), true
}
