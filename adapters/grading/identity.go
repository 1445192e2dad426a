package grading

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"tenon/fhir/tree"
)

// identity is what names the people of a case: texts that no copy may hold.
type identity struct {
	terms  []string // lower case
	digits []string // phone numbers without their punctuation
}

// learn takes the names, numbers and addresses of a person's resource.
func (d *identity) learn(n tree.Node) {
	switch id := n.Field("id").Str(); {
	case len(id) >= 8:
		d.term(id)
	}
	d.term(n.Field("birthDate").Str())
	for item := range n.Field("identifier").Items() {
		d.term(item.Field("value").Str())
	}
	d.contact(n)
	for item := range n.Field("contact").Items() {
		d.contact(item)
	}
}

// contact takes name, telecom and address, which Patient.contact has too.
func (d *identity) contact(n tree.Node) {
	for name := range n.Field("name").Items() {
		d.name(name)
	}
	for item := range n.Field("telecom").Items() {
		value := item.Field("value").Str()
		d.term(value)
		if n := onlyDigits(value); len(n) >= 7 {
			d.digits = append(d.digits, n)
		}
	}
	for item := range n.Field("address").Items() {
		d.term(item.Field("text").Str())
		d.term(item.Field("postalCode").Str())
		for line := range item.Field("line").Items() {
			d.term(line.Str())
		}
	}
}

// name takes the parts of a HumanName, and the whole in both orders, with and
// without a blank.
func (d *identity) name(n tree.Node) {
	d.term(n.Field("text").Str())
	family := n.Field("family").Str()
	d.term(family)
	var given []string
	for item := range n.Field("given").Items() {
		given = append(given, item.Str())
		d.term(item.Str())
	}
	if family == "" || len(given) == 0 {
		return
	}
	for _, blank := range [2]string{"", " "} {
		all := strings.Join(given, blank)
		d.term(family + blank + all)
		d.term(all + blank + family)
	}
}

// term keeps a text that is long enough to mean somebody: two characters of a
// script that writes words with one, four letters or digits otherwise.
func (d *identity) term(s string) {
	s = strings.ToLower(strings.TrimSpace(s))
	least := 4
	if len(s) != utf8.RuneCountInString(s) {
		least = 2
	}
	if utf8.RuneCountInString(s) >= least && !slices.Contains(d.terms, s) {
		d.terms = append(d.terms, s)
	}
}

// in reports whether a text shows somebody. Short terms of ASCII must stand as
// words of their own, so that a code does not look like a name.
func (d *identity) in(text string) bool {
	text = strings.ToLower(text)
	for _, t := range d.terms {
		if shows(text, t) {
			return true
		}
	}
	if n := onlyDigits(text); len(n) >= 7 {
		for _, number := range d.digits {
			if strings.Contains(n, number) {
				return true
			}
		}
	}
	return false
}

func shows(text, term string) bool {
	whole := len(term) < 8 && len(term) == utf8.RuneCountInString(term)
	for from := 0; ; {
		i := strings.Index(text[from:], term)
		if i < 0 {
			return false
		}
		i += from
		if !whole || boundary(text[:i], text[i+len(term):]) {
			return true
		}
		from = i + 1
	}
}

func boundary(before, after string) bool {
	b, _ := utf8.DecodeLastRuneInString(before)
	a, _ := utf8.DecodeRuneInString(after)
	return !wordRune(b) && !wordRune(a)
}

func wordRune(r rune) bool {
	return r != utf8.RuneError && (unicode.IsLetter(r) || unicode.IsDigit(r))
}

func onlyDigits(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, s)
}
