package index

import (
	"strings"

	"tenon/dicomweb/dicom"
)

// Fits tells whether a value meets a matching key of a value representation
// (PS3.4 §C.2.2.2): ranges of dates and times, lists of UIDs, wildcards; names
// without regard to case, and anywhere in them if fuzzy.
func Fits(vr dicom.VR, want, have string, fuzzy bool) bool {
	switch vr {
	case dicom.DA, dicom.TM, dicom.DT:
		from, to, isRange := cutRange(want)
		if !isRange {
			return strings.HasPrefix(have, want)
		}
		return have != "" && (from == "" || have >= from) && (to == "" || have[:min(len(have), len(to))] <= to)
	case dicom.UI:
		for uid := range strings.FieldsFuncSeq(want, func(r rune) bool { return r == ',' || r == '\\' }) {
			if have == uid {
				return true
			}
		}
		return false
	case dicom.PN:
		want, have = strings.ToLower(want), strings.ToLower(have)
		return glob(want, have) || fuzzy && strings.Contains(have, strings.Trim(want, "*"))
	}
	return glob(want, have)
}

// cutRange divides a range.
func cutRange(s string) (from, to string, isRange bool) {
	if strings.HasPrefix(s, "-") {
		return "", s[1:], true
	}
	return strings.Cut(s, "-")
}

// glob matches a pattern in which * is any run and ? any one character.
func glob(pattern, s string) bool {
	p, v := []rune(pattern), []rune(s)
	i, j, star, mark := 0, 0, -1, 0
	for j < len(v) {
		switch {
		case i < len(p) && p[i] == '*':
			star, mark = i, j
			i++
		case i < len(p) && (p[i] == '?' || p[i] == v[j]):
			i, j = i+1, j+1
		case star >= 0:
			mark++
			i, j = star+1, mark
		default:
			return false
		}
	}
	for i < len(p) && p[i] == '*' {
		i++
	}
	return i == len(p)
}
