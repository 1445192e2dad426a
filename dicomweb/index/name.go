package index

import "strings"

// MaxNames bounds the rows of dicom_name for one study.
const MaxNames = 3

// FoldName brings one component group of a person name, or a pattern for one,
// to the form of dicom_name: lower case, no empty components at the end, no
// white space at the ends of components.
func FoldName(group string) string {
	parts := strings.Split(strings.ToLower(group), "^")
	for i, p := range parts {
		parts[i] = strings.Join(strings.Fields(p), " ")
	}
	return strings.TrimRight(strings.Join(parts, "^"), "^")
}

// FoldNames folds the component groups (alphabetic, ideographic, phonetic) of a
// person name; empty and repeated ones are left out.
// https://dicom.nema.org/medical/dicom/current/output/html/part05.html#sect_6.2.1
func FoldNames(name string) []string {
	var names []string
next:
	for group := range strings.SplitSeq(name, "=") {
		folded := FoldName(group)
		if folded == "" || len(names) == MaxNames {
			continue
		}
		for _, n := range names {
			if n == folded {
				continue next
			}
		}
		names = append(names, folded)
	}
	return names
}
