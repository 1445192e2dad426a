package definition

import (
	"cmp"
	"strings"
)

// compareVersions is CompareVersions, but orders versions that mean the same
// ("1.0", "1.00") as text, so that it is 0 for equal ones only.
func compareVersions(a, b string) int {
	if a == "" || b == "" {
		return cmp.Compare(a, b)
	}
	return cmp.Or(CompareVersions(a, b), cmp.Compare(a, b))
}

// CompareVersions orders versions: part by part, numbers as numbers and before
// words; a release comes after its pre-releases ("1.0.0-ballot" before
// "1.0.0"). What a "+" begins does not count.
//
// https://semver.org/spec/v2.0.0.html#spec-item-11
func CompareVersions(a, b string) int {
	x, _, _ := strings.Cut(a, "+")
	y, _, _ := strings.Cut(b, "+")
	x, labelX, preX := strings.Cut(x, "-")
	y, labelY, preY := strings.Cut(y, "-")
	if c := compareParts(x, y); c != 0 {
		return c
	}
	if preX != preY {
		if preX {
			return -1
		}
		return 1
	}
	return compareParts(labelX, labelY)
}

func compareParts(a, b string) int {
	for a != "" || b != "" {
		var x, y string
		x, a, _ = strings.Cut(a, ".")
		y, b, _ = strings.Cut(b, ".")
		if c := comparePart(x, y); c != 0 {
			return c
		}
	}
	return 0
}

func comparePart(x, y string) int {
	if c := cmp.Compare(rank(x), rank(y)); c != 0 || rank(x) != number {
		return cmp.Or(c, cmp.Compare(x, y))
	}
	x, y = strings.TrimLeft(x, "0"), strings.TrimLeft(y, "0")
	return cmp.Or(cmp.Compare(len(x), len(y)), cmp.Compare(x, y))
}

// The ranks of a part.
const (
	nothing = iota
	number
	word
)

func rank(part string) int {
	if part == "" {
		return nothing
	}
	for i := range len(part) {
		if part[i] < '0' || part[i] > '9' {
			return word
		}
	}
	return number
}
