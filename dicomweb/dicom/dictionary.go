package dicom

import (
	"cmp"
	"slices"
	"strings"
)

//go:generate go run ./dictionary

// Definition is one row of the data dictionary. Alternative is the second value
// representation where PS3.6 leaves a choice (US or SS, OB or OW), else 0.
// https://dicom.nema.org/medical/dicom/current/output/html/part06.html
type Definition struct {
	Tag         Tag
	VR          VR
	Alternative VR
	Keyword     string
}

// Lookup finds a standard element. Elements of the repeating groups (50xx,
// 60xx) share the definition of the first group. Private elements and unknown
// ones are not found; group lengths are.
func Lookup(t Tag) (Definition, bool) {
	if t.Private() {
		return Definition{}, false
	}
	if g := t >> 24; g == 0x50 || g == 0x60 {
		t &= 0xFF00FFFF
	}
	i, ok := slices.BinarySearchFunc(elements[:], t, func(d Definition, t Tag) int {
		return cmp.Compare(d.Tag, t)
	})
	if ok {
		return elements[i], true
	}
	if t.Element() == 0 {
		return Definition{Tag: t, VR: UL}, true
	}
	return Definition{}, false
}

// LookupKeyword finds a standard element by its keyword, such as "PatientID".
func LookupKeyword(keyword string) (Definition, bool) {
	i, ok := slices.BinarySearchFunc(byKeyword[:], keyword, func(p uint16, k string) int {
		return strings.Compare(elements[p].Keyword, k)
	})
	if !ok {
		return Definition{}, false
	}
	return elements[byKeyword[i]], true
}

// ParseAttribute reads an attribute as a URL names it: eight hexadecimal digits
// or a keyword (PS3.18 §8.3.4.1).
func ParseAttribute(s string) (Definition, bool) {
	if t, ok := ParseTag(s); ok {
		return Lookup(t)
	}
	return LookupKeyword(s)
}
