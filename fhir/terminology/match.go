package terminology

import (
	"strings"
	"unicode"
)

// terms are the words of a filter in lower case.
func terms(filter string) []string { return strings.Fields(strings.ToLower(filter)) }

// matches tells whether every term stands in a text of the code. Chinese has no
// spaces, so a term may stand anywhere in a text.
func (c *candidate) matches(terms []string) bool {
	for _, term := range terms {
		if !c.matchesOne(term) {
			return false
		}
	}
	return true
}

func (c *candidate) matchesOne(term string) bool {
	if len(c.code) >= len(term) && strings.EqualFold(c.code[:len(term)], term) {
		return true
	}
	if c.x.listed != nil {
		if containsFold(c.x.listed.Display, term) {
			return true
		}
		for _, d := range c.x.listed.Designations {
			if containsFold(d.Value, term) {
				return true
			}
		}
	}
	if c.x.t == nil {
		return false
	}
	if containsFold(c.x.t.display(c.x.i), term) {
		return true
	}
	for _, n := range c.x.t.of(c.x.i) {
		if n.kind == noteDesignation && containsFold(c.x.t.value(n), term) {
			return true
		}
	}
	return false
}

// containsFold looks for a term in lower case. ASCII text, and a term without
// case such as Chinese, are searched without a copy.
func containsFold(text, term string) bool {
	if strings.Contains(text, term) {
		return true
	}
	ascii, cased := true, false
	for i := range len(text) {
		ascii = ascii && text[i] < 0x80
	}
	for _, r := range term {
		cased = cased || unicode.IsLetter(r) && unicode.ToUpper(r) != r
	}
	switch {
	case !cased:
		return false
	case ascii:
		for i := 0; i+len(term) <= len(text); i++ {
			if text[i]|0x20 == term[0]|0x20 && strings.EqualFold(text[i:i+len(term)], term) {
				return true
			}
		}
		return false
	}
	return strings.Contains(strings.ToLower(text), term)
}
