package validate

// https://www.rfc-editor.org/rfc/rfc6838#section-4.2

import (
	"strings"

	"tenon/fhir/terminology"
)

// isMIME tells whether a value set is that of all media types, of which there
// is a grammar and no list.
func isMIME(valueSet string) bool {
	url, _, _ := strings.Cut(valueSet, "|")
	return url == "http://hl7.org/fhir/ValueSet/mimetypes" || url == "http://www.rfc-editor.org/bcp/bcp13.txt"
}

// mime judges a media type, with or without parameters, and the short names of
// formats that FHIR uses in their place.
// https://hl7.org/fhir/R4/http.html#mime-type
func mime(code string) terminology.Verdict {
	name, _, _ := strings.Cut(code, ";")
	switch name {
	case "xml", "json", "ttl":
		return terminology.Member
	}
	typ, sub, ok := strings.Cut(strings.TrimSpace(name), "/")
	if ok && mimeName(typ) && mimeName(sub) {
		return terminology.Member
	}
	return terminology.NotMember
}

func mimeName(s string) bool {
	for i := range len(s) {
		if c := s[i]; !letter(c) && !digit(c) && (i == 0 && c != '*' || strings.IndexByte("!#$&-^_.+*", c) < 0) {
			return false
		}
	}
	return s != "" && len(s) <= 127
}
