package terminology

import (
	"mime"
	"net/url"
	"strings"

	"golang.org/x/text/language"

	"tenon/fhir/ucum"
)

// grammar is a code system that is a rule, not a list.
type grammar struct {
	name, title string
	valid       func(code string) Verdict
	// filter judges a property that the grammar knows; nil knows none.
	filter func(property, op, value string) (func(code string) bool, bool)
}

const ucumSystem = "http://unitsofmeasure.org"

// grammars are the systems that R4 names and that follow a grammar.
// https://hl7.org/fhir/R4/terminologies-systems.html
var grammars = map[string]*grammar{
	ucumSystem:                {"UCUM", "Unified Code for Units of Measure (UCUM)", whether(ucum.Valid), ucumFilter},
	"urn:ietf:bcp:13":         {"MimeTypes", "Media types (BCP 13)", whether(mediaType), nil},
	"urn:ietf:bcp:47":         {"Languages", "Tags for identifying languages (BCP 47)", whether(languageTag), nil},
	"urn:ietf:rfc:3986":       {"URI", "Uniform Resource Identifier (RFC 3986)", uri, nil},
	"urn:iso:std:iso:3166:-2": {"ISO3166Part2", "ISO 3166-2 subdivisions", subdivision, nil},
}

// ruled are the code systems of the grammars.
var ruled = func() map[string]*system {
	all := map[string]*system{}
	for url, g := range grammars {
		all[url] = &system{url: url, name: g.name, title: g.title, content: "complete", grammar: g}
	}
	return all
}()

// maxGrammar is the longest code that a grammar looks at.
const maxGrammar = 2000

func whether(is func(string) bool) func(string) Verdict {
	return func(code string) Verdict {
		if is(code) {
			return Member
		}
		return NotMember
	}
}

// ucumFilter knows the property canonical: the unit in base units.
// https://hl7.org/fhir/R4/ucum.html
func ucumFilter(property, op, value string) (func(string) bool, bool) {
	if property != "canonical" || op != "=" {
		return nil, false
	}
	want, err := ucum.Parse(value)
	if err != nil {
		return nil, false
	}
	canonical := want.Canonical()
	return func(code string) bool {
		u, err := ucum.Parse(code)
		return err == nil && u.Canonical() == canonical
	}, true
}

// mediaType is type/subtype with parameters, of the characters that RFC 6838
// allows; the subtype may be * as in Accept.
// https://www.rfc-editor.org/rfc/rfc6838#section-4.2
func mediaType(code string) bool {
	media, params, parameters := strings.Cut(code, ";")
	typ, subtype, ok := strings.Cut(strings.TrimSpace(media), "/")
	if !ok || !restrictedName(typ) || !restrictedName(subtype) && subtype != "*" {
		return false
	}
	if !parameters {
		return media == strings.TrimSpace(media)
	}
	_, _, err := mime.ParseMediaType("a/b;" + params)
	return err == nil
}

func restrictedName(s string) bool {
	if s == "" || len(s) > 127 {
		return false
	}
	for i := range len(s) {
		c := s[i]
		alphanumeric := 'a' <= c|0x20 && c|0x20 <= 'z' || '0' <= c && c <= '9'
		if !alphanumeric && (i == 0 || strings.IndexByte("!#$&-^_.+", c) < 0) {
			return false
		}
	}
	return true
}

// languageTag is a well-formed BCP 47 tag whose language, script and region are
// registered. https://www.rfc-editor.org/rfc/bcp/bcp47.txt
func languageTag(code string) bool {
	if len(code) > 200 || strings.ContainsAny(code, "_ ") {
		return false
	}
	_, err := language.Raw.Parse(code)
	return err == nil
}

// uri knows absolute URIs. What could be a relative reference says nothing: to
// what it is relative is not known. https://www.rfc-editor.org/rfc/rfc3986
func uri(code string) Verdict {
	if strings.ContainsAny(code, " \t\r\n<>\"{}|\\^`") || code == "" {
		return NotMember
	}
	u, err := url.Parse(code)
	switch {
	case err != nil:
		return NotMember
	case u.Scheme == "":
		return Unknown
	}
	return Member
}

// subdivision knows the form of an ISO 3166-2 code (CN-31) and its country, but
// not the list.
func subdivision(code string) Verdict {
	country, part, ok := strings.Cut(code, "-")
	if !ok || len(part) < 1 || len(part) > 3 || len(country) != 2 {
		return NotMember
	}
	for i := range len(part) {
		if c := part[i]; !('0' <= c && c <= '9' || 'A' <= c && c <= 'Z') {
			return NotMember
		}
	}
	if t, err := listed["urn:iso:std:iso:3166"]().table(); err == nil {
		if _, known := t.find(country); !known {
			return NotMember
		}
	}
	return Unknown
}
