package search

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Fold is the form in which strings are compared: without case, accents,
// punctuation and surplus white space. Chinese characters stay as they are;
// full-width letters become ordinary ones. A text of nothing but punctuation
// keeps it, so that it does not become the prefix of everything.
//
// https://hl7.org/fhir/R4/search.html#string
func Fold(s string) string {
	out := foldWith(s, dropped)
	if out == "" && s != "" {
		return foldWith(s, kept)
	}
	return out
}

// foldWords is Fold with punctuation read as white space: "Smith-Jones" is also
// found as "smith jones".
func foldWords(s string) string { return foldWith(s, spaced) }

// punctuation tells what becomes of it.
type punctuation uint8

const (
	dropped punctuation = iota
	spaced
	kept
)

func foldWith(s string, p punctuation) string {
	ascii := true
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			ascii = false
			break
		}
	}
	if ascii {
		return foldASCII(s, p)
	}
	s = unaccent(s)
	var b strings.Builder
	b.Grow(len(s))
	gap := false
	for _, r := range s {
		if unicode.IsPunct(r) && p != kept {
			gap = gap || p == spaced
			continue
		}
		if unicode.IsSpace(r) || unicode.IsControl(r) {
			gap = true
			continue
		}
		if gap && b.Len() > 0 {
			b.WriteByte(' ')
		}
		gap = false
		b.WriteRune(unicode.ToLower(r))
	}
	return norm.NFC.String(b.String())
}

// foldASCII is foldWith of a text without other characters; s itself where
// nothing is to be done.
func foldASCII(s string, p punctuation) string {
	same := 0
	for same < len(s) && (plainASCII[s[same]] || s[same] == ' ' && same > 0 && same < len(s)-1 && plainASCII[s[same+1]]) {
		same++
	}
	if same == len(s) {
		return s
	}
	b := append(make([]byte, 0, len(s)), s[:same]...)
	gap := false
	for i := same; i < len(s); i++ {
		c := s[i]
		switch {
		case p != kept && unicode.IsPunct(rune(c)):
			gap = gap || p == spaced
			continue
		case c <= ' ' || c == 0x7f:
			gap = true
			continue
		case c >= 'A' && c <= 'Z':
			c += 'a' - 'A'
		}
		if gap && len(b) > 0 {
			b = append(b, ' ')
		}
		gap = false
		b = append(b, c)
	}
	return string(b)
}

// plainASCII are the characters that folding leaves as they are.
var plainASCII = func() (plain [256]bool) {
	for c := rune('!'); c < 0x7f; c++ {
		plain[c] = !unicode.IsPunct(c) && unicode.ToLower(c) == c
	}
	return plain
}()

// unaccent decomposes, drops combining marks and spells out the letters that
// Unicode does not decompose.
func unaccent(s string) string {
	var b strings.Builder
	for _, r := range norm.NFKD.String(strings.ToValidUTF8(s, "\uFFFD")) {
		if accent(r) {
			continue
		}
		if plain, ok := letters[unicode.ToLower(r)]; ok {
			b.WriteString(plain)
			continue
		}
		b.WriteRune(r)
	}
	return b.String()
}

// accent tells the marks that may be left out without making another letter:
// general diacritics, Hebrew points, Arabic vowel signs. The marks of kana and
// of Indic scripts are letters and stay.
func accent(r rune) bool {
	switch {
	case r < 0x300:
		return false
	case r <= 0x36F, r >= 0x591 && r <= 0x5BD, r == 0x5BF, r == 0x5C1, r == 0x5C2, r == 0x5C4, r == 0x5C5, r == 0x5C7,
		r >= 0x610 && r <= 0x61A, r >= 0x64B && r <= 0x65F, r == 0x670,
		r >= 0x1AB0 && r <= 0x1AFF, r >= 0x1DC0 && r <= 0x1DFF, r >= 0x20D0 && r <= 0x20FF, r >= 0xFE20 && r <= 0xFE2F:
		return true
	}
	return false
}

var letters = map[rune]string{
	'ß': "ss", 'æ': "ae", 'œ': "oe", 'ø': "o", 'ł': "l", 'đ': "d", 'ð': "d", 'þ': "th", 'ħ': "h", 'ı': "i", 'ς': "σ",
}

// foldCode is the form of tokens whose case does not count.
func foldCode(s string) string { return strings.ToLower(s) }

// caseCounts tells whether the codes of a system are known to differ by case.
// Where it is not known, case does not count: the specification holds that a
// surplus match is safer than a missing one.
//
// https://hl7.org/fhir/R4/search.html#token
func caseCounts(system string) bool {
	for _, known := range []string{
		"http://hl7.org/fhir/", "http://terminology.hl7.org/", "http://unitsofmeasure.org",
		"http://dicom.nema.org/", "urn:tenon:", "urn:iso:std:iso:4217", "urn:ietf:",
	} {
		if strings.HasPrefix(system, known) && !strings.HasPrefix(system, "http://hl7.org/fhir/sid/") {
			return true
		}
	}
	return false
}
