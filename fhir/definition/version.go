package definition

import (
	"cmp"
	"strings"
)

// compareVersions orders business versions: number by number as far as both
// are numbers, as text from there on; a release comes after its pre-releases
// ("1.0.0-ballot" before "1.0.0"), no version before any.
func compareVersions(a, b string) int {
	if a == b {
		return 0
	}
	a, labelA, preA := strings.Cut(a, "-")
	b, labelB, preB := strings.Cut(b, "-")
	for a != "" || b != "" {
		var x, y string
		x, a, _ = strings.Cut(a, ".")
		y, b, _ = strings.Cut(b, ".")
		if c := comparePart(x, y); c != 0 {
			return c
		}
	}
	if preA != preB {
		if preA {
			return -1
		}
		return 1
	}
	return cmp.Compare(labelA, labelB)
}

func comparePart(x, y string) int {
	if digits(x) && digits(y) {
		x, y = strings.TrimLeft(x, "0"), strings.TrimLeft(y, "0")
		if c := cmp.Compare(len(x), len(y)); c != 0 {
			return c
		}
	}
	return cmp.Compare(x, y)
}

func digits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}
