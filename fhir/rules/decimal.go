package rules

import (
	"math/big"
	"strconv"
	"strings"
)

// decimal reads a number of bounded size: 1e999999999 would fill the memory.
func decimal(s string) (*big.Rat, bool) {
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

func compareDecimals(a, b string) (int, bool) {
	x, okX := decimal(a)
	y, okY := decimal(b)
	if !okX || !okY {
		return 0, false
	}
	return x.Cmp(y), true
}
