package search

import (
	"slices"
	"strings"

	"tenon/fhir/issue"
)

// tokens reads https://hl7.org/fhir/R4/search.html#token
func (p *parser) tokens(_ string, param *Parameter, modifier string, values []string) ([]Clause, error) {
	if modifier == "of-type" && param.typed {
		return ofType(param, values)
	}
	if slices.Contains([]string{"in", "not-in", "below", "above"}, modifier) {
		return p.coded(param, modifier, values)
	}
	if modifier == "text" && !param.exact && !param.bare {
		return textOf(param, values)
	}
	if modifier != "" && modifier != "not" {
		return nil, badModifier(param, modifier)
	}
	clause := Token{Key: param.Key, Not: modifier == "not"}
	for _, v := range values {
		matches, err := tokenMatches(param, v)
		if err != nil {
			return nil, err
		}
		clause.Any = append(clause.Any, matches...)
	}
	return []Clause{clause}, nil
}

// textOf looks for a piece of the text of a concept, of the display of a coding
// or of the text of an identifier's type. A piece anywhere counts, since Chinese
// has no words to begin with.
func textOf(param *Parameter, values []string) ([]Clause, error) {
	clause := String{Key: KeyOf(param.Base, param.Code+textKey)}
	for _, v := range values {
		text, ok := unescape(v)
		if !ok {
			return nil, badBackslash(v)
		}
		if strings.TrimSpace(text) == "" {
			return nil, badValue(v, "缺少文字。", "a text is needed between the commas")
		}
		clause.Any = append(clause.Any, StringMatch{Mode: Contains, Value: Fold(text)})
	}
	return []Clause{clause}, nil
}

// ofType reads system|code|value, where system and code are those of the type of
// an Identifier: the record number of a hospital whose number system is unknown.
func ofType(param *Parameter, values []string) ([]Clause, error) {
	clause := Token{Key: KeyOf(param.Base, param.Code+ofTypeKey)}
	for _, v := range values {
		parts := split(v, '|')
		if len(parts) != 3 || slices.Contains(parts, "") {
			return nil, badValue(v, "形式应为 类型系统|类型代码|值。", "with :of-type all of system|code|value are needed")
		}
		for i := range parts {
			plain, ok := unescape(parts[i])
			if !ok {
				return nil, badBackslash(v)
			}
			parts[i] = plain
		}
		system, code := parts[0]+"|"+parts[1], foldCode(parts[2])
		clause.Any = append(clause.Any, TokenMatch{System: &system, Code: &code})
	}
	return []Clause{clause}, nil
}

// tokenMatches reads code, system|code, |code or system|.
func tokenMatches(param *Parameter, value string) ([]TokenMatch, error) {
	parts := split(value, '|')
	for i := range parts {
		plain, ok := unescape(parts[i])
		if !ok {
			return nil, badBackslash(value)
		}
		parts[i] = plain
	}
	switch {
	case len(parts) > 2:
		return nil, badValue(value, "形式应为 系统|代码；代码中的竖线须写作 \\|。", `a token is system|code; write a bar inside it as \|`)
	case len(parts) == 1 && parts[0] == "", len(parts) == 2 && parts[0] == "" && parts[1] == "":
		return nil, badValue(value, "缺少代码。", "a token needs a code or a system")
	case len(parts) == 2 && param.bare:
		return nil, refuse(issue.Invalid, "search-value", "", "参数 "+param.Code+" 没有代码系统，不能使用竖线。",
			"The values of %q have no system: the bar is not allowed in %q.", param.Code, value)
	case len(parts) == 1:
		return codeMatches(param, nil, parts[0]), nil
	case parts[1] == "":
		return systemMatches(param, parts[0]), nil
	}
	return withSystem(param, parts[0], parts[1]), nil
}

func badBackslash(value string) error {
	return badValue(value, "反斜杠只能用于 \\, \\$ \\| \\\\。", `a backslash stands only before , $ | or another backslash`)
}

// codeMatches looks for the code as it is, and folded where case may not count.
func codeMatches(param *Parameter, system *string, code string) []TokenMatch {
	matches := []TokenMatch{{System: system, Code: &code}}
	if folded := foldCode(code); !param.exact && folded != code {
		matches = append(matches, TokenMatch{System: system, Code: &folded})
	}
	return matches
}

// withSystem looks in one system. A plain code has none in its row: the system
// that its binding implies stands for it.
func withSystem(param *Parameter, system, code string) []TokenMatch {
	var matches []TokenMatch
	none := ""
	if param.implies(system) {
		matches = append(matches, TokenMatch{System: &none, Code: &code})
	}
	if system == "" {
		return codeMatches(param, &none, code)
	}
	if !param.exact && !caseCounts(system) {
		code = foldCode(code)
	}
	return append(matches, TokenMatch{System: &system, Code: &code})
}

func systemMatches(param *Parameter, system string) []TokenMatch {
	matches := []TokenMatch{{System: &system}}
	if none := ""; param.implies(system) && param.exact {
		matches = append(matches, TokenMatch{System: &none})
	}
	return matches
}

// implies tells whether the system is that of the parameter's plain codes.
func (p *Parameter) implies(system string) bool {
	return p.codes && slices.Contains(p.systems, system) ||
		p.exact && !p.codes && strings.HasSuffix(system, "/special-values")
}

// uris reads https://hl7.org/fhir/R4/search.html#uri
func (p *parser) uris(typ string, param *Parameter, modifier string, values []string) ([]Clause, error) {
	if modifier != "" && modifier != "below" && modifier != "above" {
		return nil, badModifier(param, modifier)
	}
	clause := URI{Key: param.Key}
	for _, v := range values {
		uri, ok := unescape(v)
		if !ok {
			return nil, badBackslash(v)
		}
		if uri == "" {
			return nil, badValue(v, "缺少 URI。", "a URI is needed")
		}
		if modifier != "" && strings.HasPrefix(uri, "urn:") {
			return nil, badValue(v, ":above 和 :below 仅用于 URL，不用于 URN。", ":%s applies to URLs, not to URNs", modifier)
		}
		clause.Any = append(clause.Any, URIMatch{URI: uri, Below: modifier == "below", Above: modifier == "above"})
	}
	if version := p.parameter(typ, "version"); param.Code == "url" && modifier == "" && version != nil {
		return canonicalMatches(clause, version)
	}
	return []Clause{clause}, nil
}

// canonicalMatches reads url=http://…|1.0 as a search on url and version.
func canonicalMatches(clause URI, version *Parameter) ([]Clause, error) {
	for i, m := range clause.Any {
		url, v := cutVersion(m.URI)
		if v == "" {
			continue
		}
		if len(clause.Any) > 1 {
			return nil, badValue(m.URI, "带版本的规范 URL 一次只能检索一个。", "a canonical URL with a version must be the only value")
		}
		clause.Any[i].URI = url
		return []Clause{clause, Token{Key: version.Key, Any: codeMatches(version, nil, v)}}, nil
	}
	return []Clause{clause}, nil
}

// strings reads https://hl7.org/fhir/R4/search.html#string
func (p *parser) strings(_ string, param *Parameter, modifier string, values []string) ([]Clause, error) {
	mode, ok := map[string]StringMode{"": Prefix, "contains": Contains, "exact": Exact}[modifier]
	if !ok {
		return nil, badModifier(param, modifier)
	}
	clause := String{Key: param.Key}
	for _, v := range values {
		text, ok := unescape(v)
		if !ok {
			return nil, badBackslash(v)
		}
		if strings.TrimSpace(text) == "" {
			return nil, badValue(v, "缺少文字。", "a text is needed between the commas")
		}
		if mode != Exact {
			text = Fold(text)
		}
		clause.Any = append(clause.Any, StringMatch{Mode: mode, Value: text})
	}
	if param.Key == carrierParam && modifier == "" {
		return p.carried(values, clause)
	}
	return []Clause{clause}, nil
}
