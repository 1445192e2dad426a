package search

import (
	"maps"
	"slices"

	"tenon/fhir/issue"
)

// Format is the number of what Index writes. Raise it by one with every change
// of the rows that an unchanged resource gets, and say in since which parts of
// the index are other than before: a database whose rows are of an earlier
// format is then indexed anew in the background, and what would miss hits
// meanwhile is refused by name. TestFormat notices a change that was not told.
//
// Format 1 is every database from before the number was kept.
const Format = 5

// Part is a part of the index that a format can have and an earlier one lack.
type Part uint8

// Parts of the index.
const (
	Groups       Part = iota // rows of composite parameters and of near
	TokenText                // what people read of a token: the modifier :text
	Words                    // full text: _text and _content
	Carriers                 // what UDI carriers name: Device?udi-carrier
	Withholdings             // what a Consent withholds
)

// since tells by which format each part has the rows that it has now.
var since = map[Part]int{Groups: 2, TokenText: 2, Words: 3, Carriers: 4, Withholdings: 5}

// Lacks tells whether the rows of a part are not there for all resources.
func (r *Registry) Lacks(p Part) bool { return r.format < since[p] }

// At is a registry for a database whose rows are of a format: what they lack is
// refused as not complete yet. New rows are of the newest format all the same.
func (r *Registry) At(format int) *Registry {
	if format >= Format {
		return r
	}
	next := *r
	next.format, next.types = format, maps.Clone(r.types)
	if !next.Lacks(Groups) {
		return &next
	}
	for typ, t := range r.types {
		next.types[typ] = t.withoutGroups()
	}
	return &next
}

// withoutGroups is a typeIndex that answers no parameter of grouped rows; it
// makes the same rows.
func (t *typeIndex) withoutGroups() *typeIndex {
	next := *t
	next.byCode, next.params = maps.Clone(t.byCode), slices.Clone(t.params)
	for i, p := range t.params {
		if p.Served && (p.Type == "composite" || p.Type == "special" && !p.membership()) {
			lacking := *p
			lacking.Served, lacking.Building = false, true
			next.byCode[p.Code], next.params[i] = &lacking, &lacking
		}
	}
	return &next
}

// building refuses what is not complete yet.
func building(code string) *issue.Failure {
	return refuse(issue.NotSupported, "search-building", "", "参数 "+code+" 的索引正在建立，请稍后再试。",
		"The rows of the parameter %q are still being made; it answers once they are complete.", code)
}

func init() { // :text is asked of rows that an earlier format lacks
	read := readers["token"]
	readers["token"] = func(p *parser, typ string, param *Parameter, modifier string, values []string) ([]Clause, error) {
		if modifier == "text" && p.Lacks(TokenText) {
			return nil, building(param.Code + ":text")
		}
		return read(p, typ, param, modifier, values)
	}
}
