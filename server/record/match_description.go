package record

import (
	"slices"
	"strings"
	"unicode"

	"tenon/fhir/tree"
	"tenon/server/search"
)

// description is what is known of a person, in forms that can be compared.
type description struct {
	ids       []identity
	names     []personName
	birth     string // as it is written: 1980, 1980-05 or 1980-05-17
	gender    string
	phones    []phone
	emails    []string
	addresses []address
	replaced  bool
}

type (
	identity struct{ system, value string }
	phone    struct{ raw, digits string }
	address  struct{ whole, city, post string }
	// personName is a name as it stands and folded: full-width forms, case, accents
	// and punctuation do not count.
	personName struct{ text, family, given string }
)

// bounds of what is read of a Patient.
const (
	mostNames = 8
	mostIDs   = 16
)

func describe(p tree.Node) *description {
	d := &description{birth: p.Field("birthDate").Str(), gender: p.Field("gender").Str(), replaced: replacedBy(p)}
	for n := range p.Field("identifier").Items() {
		if v := n.Field("value").Str(); v != "" && n.Field("use").Str() != "old" && len(d.ids) < mostIDs {
			d.ids = append(d.ids, identity{n.Field("system").Str(), v})
		}
	}
	for n := range p.Field("name").Items() {
		name := personName{text: n.Field("text").Str(), family: n.Field("family").Str()}
		var given []string
		for g := range n.Field("given").Items() {
			given = append(given, g.Str())
		}
		name.given = strings.Join(given, " ")
		if len(name.compact()) > 0 && len(d.names) < mostNames {
			d.names = append(d.names, name)
		}
	}
	for n := range p.Field("telecom").Items() {
		v := n.Field("value").Str()
		switch n.Field("system").Str() {
		case "phone", "sms":
			if digits := phoneDigits(v); len(digits) >= 7 && len(d.phones) < mostNames {
				d.phones = append(d.phones, phone{v, digits})
			}
		case "email":
			if v = strings.ToLower(strings.TrimSpace(v)); v != "" && len(d.emails) < mostNames {
				d.emails = append(d.emails, v)
			}
		}
	}
	for n := range p.Field("address").Items() {
		d.addresses = append(d.addresses, describeAddress(n))
	}
	return d
}

func describeAddress(n tree.Node) address {
	parts := []string{n.Field("state").Str(), n.Field("city").Str(), n.Field("district").Str()}
	for l := range n.Field("line").Items() {
		parts = append(parts, l.Str())
	}
	whole := squeezed(strings.Join(parts, ""))
	if whole == "" {
		whole = squeezed(n.Field("text").Str())
	}
	return address{whole: whole, city: squeezed(n.Field("city").Str()), post: squeezed(n.Field("postalCode").Str())}
}

// squeezed is a folded text without white space: "王 小明", "王小明" and, in
// full-width letters, "ＷＡＮＧ" are the same as "wang".
func squeezed(s string) string { return strings.ReplaceAll(search.Fold(s), " ", "") }

// compact are the forms of a whole name without spaces: as it is written, family
// name first (as in Chinese and its transcriptions) and last.
func (n personName) compact() (forms []string) {
	for _, form := range []string{n.text, n.family + n.given, n.given + n.family} {
		if s := squeezed(form); s != "" && !slices.Contains(forms, s) {
			forms = append(forms, s)
		}
	}
	if words := strings.Fields(search.Fold(n.text)); len(words) > 1 { // "Xiaoming Wang" is "Wang Xiaoming"
		turned := words[len(words)-1] + strings.Join(words[:len(words)-1], "")
		other := strings.Join(words[1:], "") + words[0]
		for _, s := range []string{turned, other} {
			if !slices.Contains(forms, s) {
				forms = append(forms, s)
			}
		}
	}
	return forms
}

// forms are what to look a name up by: its whole text, and without spaces.
func (n personName) forms() (forms []string) {
	for _, form := range []string{n.text, squeezed(n.text), squeezed(n.family + n.given)} {
		if len([]rune(form)) > 1 && !slices.Contains(forms, form) && (n.text != "" || n.han()) {
			forms = append(forms, form)
		}
	}
	return forms
}

// pairs are family and given name, also where only the text is known, in either
// order of the transcription.
func (n personName) pairs() (pairs [][2]string) {
	if n.family != "" && n.given != "" {
		pairs = append(pairs, [2]string{n.family, n.given}, [2]string{n.given, n.family})
		if first, _, cut := strings.Cut(n.given, " "); cut {
			pairs = append(pairs, [2]string{n.family, first})
		}
		return pairs
	}
	words := strings.Fields(n.text)
	if len(words) > 1 {
		last := len(words) - 1
		return [][2]string{{words[0], words[1]}, {words[last], words[0]}}
	}
	if runes := []rune(squeezed(n.text)); n.han() && len(runes) > 1 {
		pairs = append(pairs, [2]string{string(runes[:1]), string(runes[1:])})
		if len(runes) > 2 { // 欧阳, 司马 …
			pairs = append(pairs, [2]string{string(runes[:2]), string(runes[2:])})
		}
	}
	return pairs
}

func (n personName) han() bool {
	return strings.ContainsFunc(n.text+n.family, han)
}

func han(r rune) bool { return unicode.Is(unicode.Han, r) }

// phoneDigits are the digits of a number without the country code of China and
// the trunk prefix.
func phoneDigits(s string) string {
	digits := strings.Map(func(r rune) rune {
		if r >= '０' && r <= '９' {
			r -= '０' - '0'
		}
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, s)
	digits = strings.TrimPrefix(digits, "00")
	if len(digits) > 11 {
		digits = strings.TrimPrefix(digits, "86")
	}
	return strings.TrimLeft(digits, "0")
}

// phoneForms are the ways in which a number is usually stored.
func phoneForms(raw string) (forms []string) {
	digits := phoneDigits(raw)
	all := []string{strings.TrimSpace(raw), digits, "+86" + digits, "+86 " + digits, "86" + digits, "0" + digits}
	if len(digits) == 11 {
		split := digits[:3] + "-" + digits[3:7] + "-" + digits[7:]
		all = append(all, split, strings.ReplaceAll(split, "-", " "), "+86-"+split, "+86 "+strings.ReplaceAll(split, "-", " "), "+86 "+split)
	}
	for _, form := range all {
		if form != "" && !slices.Contains(forms, form) {
			forms = append(forms, form)
		}
	}
	return forms
}
