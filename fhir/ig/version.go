package ig

import (
	"cmp"
	"strings"
)

// Satisfies tells whether a version is one that a dependency asks for: the same
// one; any that agrees with a pattern ("4.0.x", "1.x", "*"); any at all for the
// tags "current", "current$branch", "latest" and "dev", which mean the newest,
// and here the newest at hand. A pattern takes releases and labelled versions
// ("4.0.2-ballot") alike; the newest is chosen, a release before its labels.
// Build metadata ("+…") does not count.
// https://hl7.org/fhir/packages.html and https://semver.org/#spec-item-10
func Satisfies(version, asked string) bool {
	switch {
	case asked == "*", asked == "latest", asked == "dev", asked == "current", strings.HasPrefix(asked, "current$"):
		return true
	}
	version, _, _ = strings.Cut(version, "+")
	asked, _, _ = strings.Cut(asked, "+")
	if version == asked {
		return true
	}
	if !isPattern(asked) {
		return false
	}
	numbers, _, _ := strings.Cut(version, "-")
	for asked != "" {
		var want, got string
		want, asked, _ = strings.Cut(asked, ".")
		got, numbers, _ = strings.Cut(numbers, ".")
		if wild(want) {
			if asked == "" {
				return true
			}
			continue
		}
		if want != got {
			return false
		}
	}
	return numbers == ""
}

func isPattern(asked string) bool {
	for part := range strings.SplitSeq(asked, ".") {
		if wild(part) {
			return true
		}
	}
	return false
}

func wild(part string) bool { return part == "x" || part == "X" || part == "*" }

// compareVersions orders versions by semver: numbers by value, then a release
// after its labelled versions, then labels part by part.
// https://semver.org/#spec-item-11
func compareVersions(a, b string) int {
	a, _, _ = strings.Cut(a, "+")
	b, _, _ = strings.Cut(b, "+")
	a, labelA, preA := strings.Cut(a, "-")
	b, labelB, preB := strings.Cut(b, "-")
	if c := compareParts(a, b); c != 0 {
		return c
	}
	if preA != preB {
		if preA {
			return -1
		}
		return 1
	}
	return compareParts(labelA, labelB)
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

// comparePart orders numbers by value, before words; nothing comes first.
func comparePart(x, y string) int {
	switch dx, dy := digits(x), digits(y); {
	case x == "" || y == "":
		return cmp.Compare(len(x), len(y))
	case dx && dy:
		x, y = strings.TrimLeft(x, "0"), strings.TrimLeft(y, "0")
		if c := cmp.Compare(len(x), len(y)); c != 0 {
			return c
		}
	case dx != dy:
		if dx {
			return -1
		}
		return 1
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
