package search

import (
	"slices"
	"strings"

	"tenon/fhir/issue"
)

// references reads https://hl7.org/fhir/R4/search.html#reference
func (p *parser) references(_ string, param *Parameter, modifier string, values []string) ([]Clause, error) {
	if modifier == "identifier" {
		as := &Parameter{Code: param.Code, Type: "token", Key: KeyOf(param.Base, param.Code+identifierKey)}
		return p.tokens("", as, "", values)
	}
	only := ""
	if modifier != "" {
		types, err := p.typed(param, modifier)
		if err != nil {
			return nil, err
		}
		only = types[0]
	}
	clause := Reference{Key: param.Key}
	for _, v := range values {
		matches, err := p.referenceMatches(param, only, v)
		if err != nil {
			return nil, err
		}
		clause.Any = append(clause.Any, matches...)
	}
	return []Clause{clause}, nil
}

// referenceMatches reads id, Type/id, or an absolute or canonical URL.
func (p *parser) referenceMatches(param *Parameter, only, value string) ([]ReferenceMatch, error) {
	text, ok := unescape(value)
	if !ok {
		return nil, badBackslash(value)
	}
	if validID(text) {
		if only == "" && len(param.Targets) == 1 {
			only = param.Targets[0]
		}
		return []ReferenceMatch{{Type: only, ID: text}}, nil
	}
	t := p.targetOn(p.base, text)
	switch {
	case t.url != "" && only == "" && absolute(text):
		return []ReferenceMatch{{URL: t.url}}, nil
	case t.url != "" || t.id == "":
		return nil, badValue(value, "应为 id、类型/id 或绝对 URL。", "a reference is an id, Type/id or an absolute URL")
	case only != "" && t.typ != only, len(param.Targets) > 0 && !slices.Contains(param.Targets, t.typ):
		return nil, refuse(issue.Invalid, "search-target-type", "", "参数 "+param.Code+" 在此不能引用 "+t.typ+"。",
			"%q cannot point to %s here.", value, t.typ)
	}
	matches := []ReferenceMatch{{Type: t.typ, ID: t.id}}
	if absolute(text) {
		matches = append(matches, ReferenceMatch{URL: text}) // a canonical URL on the own base
	}
	return matches, nil
}

// absolute tells whether a reference has a scheme.
func absolute(s string) bool {
	colon := strings.IndexByte(s, ':')
	return colon > 0 && !strings.ContainsAny(s[:colon], "/|# ")
}
