package search

import (
	"strings"
	"unicode"

	"tenon/fhir/fhirpath"
	"tenon/fhir/tree"
)

// text makes the rows of https://hl7.org/fhir/R4/search.html#string
func (x *indexer) text(p *part, typ string, n tree.Node, v fhirpath.Value) {
	switch typ {
	case "HumanName":
		x.humanName(p, n)
	case "Address":
		x.each(p.keys.main, n, "text", "line", "city", "district", "state", "postalCode", "country")
	case "":
		x.addText(p.keys.main, v.Str())
	default:
		if p.family {
			x.familyName(p.keys.main, n.Str())
			x.addWhole(p.keys.sort, n.Str())
			return
		}
		x.addText(p.keys.main, n.Str())
	}
}

// each adds the string members of an object, lists included.
func (x *indexer) each(key Key, n tree.Node, members ...string) {
	for _, name := range members {
		for item := range n.Field(name).Items() {
			x.addText(key, item.Str())
		}
	}
}

// humanName covers every string of the name. Names without text are also found
// as they are written: "张三" where the parts are 张 and 三.
func (x *indexer) humanName(p *part, n tree.Node) {
	key := p.keys.main
	x.each(key, n, "text", "given", "prefix", "suffix")
	family := n.Field("family").Str()
	x.familyName(key, family)
	given := ""
	for g := range n.Field("given").Items() {
		given += " " + g.Str()
	}
	if han(family) {
		x.addText(key, family+strings.ReplaceAll(given, " ", ""))
	}
	whole := strings.TrimSpace(family + given)
	if whole == "" {
		whole = n.Field("text").Str()
	}
	x.addWhole(p.keys.sort, whole)
}

// familyName adds a family name and each of its later parts.
func (x *indexer) familyName(key Key, family string) {
	x.addText(key, family)
	words := strings.Fields(foldWords(family))
	for _, w := range words[min(1, len(words)):] {
		x.addString(StringRow{Key: key, Normalised: w, Exact: family})
	}
}

// addText adds a string, and its reading with punctuation as white space; nothing
// where no rows are kept.
func (x *indexer) addText(key Key, s string) {
	if key == 0 || strings.TrimSpace(s) == "" {
		return
	}
	x.addString(StringRow{Key: key, Normalised: Fold(s), Exact: s})
	if strings.IndexFunc(s, unicode.IsPunct) >= 0 {
		if words := foldWords(s); words != "" {
			x.addString(StringRow{Key: key, Normalised: words, Exact: s})
		}
	}
}

// addWhole adds the row that sorting uses.
func (x *indexer) addWhole(key Key, s string) {
	if key != 0 && strings.TrimSpace(s) != "" {
		x.addString(StringRow{Key: key, Normalised: Fold(s), Exact: s})
	}
}

func (x *indexer) addString(row StringRow) { x.rows.Strings = append(x.rows.Strings, row) }

// han tells whether a name is written in Chinese characters.
func han(s string) bool {
	for _, r := range s {
		return unicode.Is(unicode.Han, r)
	}
	return false
}
