package ig

import "strings"

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
