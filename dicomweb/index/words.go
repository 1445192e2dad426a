package index

import (
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"tenon/dicomweb/dicom"
)

// Fuzzy matching of person names. PS3.18 leaves its semantics to the conformance
// statement; these are ours:
//
//	Letters are compared without case, accents, width and apostrophes, Hiragana as
//	Katakana. A name matches when every word that is asked for begins a word of
//	any component group, in any order, or when what is asked for, written without
//	spaces, begins the whole name, family name first or given name first. So
//	"xiaodong wang", "Wang Xiao Dong" and "王小东" all find Wang^XiaoDong=王^小东.
//
// https://dicom.nema.org/medical/dicom/current/output/html/part18.html#sect_8.3.4.2

// MaxWords bounds the rows of one name.
const MaxWords = 48

// WordsKey is the path under which the words of a name stand in dicom_value, and
// GroupsKey that of its folded component groups.
func WordsKey(t dicom.Tag) string { return "=" + t.String() + "~" }

// GroupsKey see WordsKey.
func GroupsKey(t dicom.Tag) string { return "=" + t.String() }

// Words are the words of all component groups of a name, and each whole group
// without spaces, family name first and given name first.
func Words(name string) []string {
	var list []string
	add := func(w string) {
		if w != "" && len(list) < MaxWords && !slices.Contains(list, w) {
			list = append(list, w)
		}
	}
	for group := range strings.SplitSeq(name, "=") {
		components := strings.Split(group, "^")
		for i, c := range components {
			words := split(c)
			for _, w := range words {
				add(w)
			}
			components[i] = strings.Join(words, "")
		}
		add(strings.Join(components, ""))
		if len(components) > 1 {
			add(components[1] + components[0] + strings.Join(components[2:], ""))
		}
	}
	return list
}

// FuzzyOf reads what is asked for; nil where it has no letter or digit.
func FuzzyOf(value string) *Fuzzy {
	words := split(strings.NewReplacer("^", " ", "=", " ", "*", " ").Replace(value))
	if len(words) == 0 || len(words) > MaxWords {
		return nil
	}
	return &Fuzzy{Each: words, Whole: strings.Join(words, "")}
}

// split folds a text and divides it into words of letters and digits.
func split(s string) []string {
	var b strings.Builder
	for _, r := range norm.NFKD.String(s) {
		r = unicode.ToLower(r)
		switch {
		case unicode.Is(unicode.Mn, r) || r == '\'' || r == '’' || r == '`':
			// an accent, or an apostrophe that parts syllables (Xi'an)
		case r >= 'ァ' && r <= 'ヶ':
			b.WriteRune(r - 'ァ' + 'ぁ')
		case unicode.IsLetter(r) || unicode.IsDigit(r):
			b.WriteRune(r)
		default:
			b.WriteByte(' ')
		}
	}
	return strings.Fields(b.String())
}
