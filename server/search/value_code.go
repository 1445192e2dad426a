package search

import (
	"iter"
	"slices"

	"tenon/fhir/issue"
	"tenon/fhir/terminology"
)

// Codes answers what the modifiers of tokens ask about codes;
// terminology.Server does.
type Codes interface {
	// Codes yields the codes of a value set, at most limit; the last pair may be
	// an error.
	Codes(valueSet string, limit int) iter.Seq2[terminology.Coding, error]
	// Below visits a code and those below it until visit says false, Above those
	// above it.
	Below(system, version, code string, visit func(code string) bool) error
	Above(system, version, code string, visit func(code string) bool) error
}

// WithCodes is a registry whose queries know :in, :not-in, :above and :below on
// tokens; it shares everything else with this one.
func (r *Registry) WithCodes(c Codes) *Registry {
	next := *r
	next.codes = c
	return &next
}

// maxCodes bounds how many codes one such modifier may stand for.
const maxCodes = 10_000

// coded reads the modifiers that stand for many codes.
// https://hl7.org/fhir/R4/search.html#token
//
//	code:in=http://hl7.org/fhir/ValueSet/x     the code is one of the value set
//	code:not-in=…                              it is none of them, or there is no code
//	code:below=http://system|code              it is the code, or is subsumed by it
//	code:above=http://system|code              it is the code, or subsumes it
func (p *parser) coded(param *Parameter, modifier string, values []string) ([]Clause, error) {
	if p.codes == nil || param.bare || param.typed {
		return nil, badModifier(param, modifier)
	}
	set := codeSet{param: param}
	for _, v := range values {
		var err error
		if modifier == "in" || modifier == "not-in" {
			err = p.ofValueSet(&set, v)
		} else {
			err = p.inLine(&set, modifier, v)
		}
		if err != nil {
			return nil, err
		}
	}
	return []Clause{Token{Key: param.Key, Any: set.matches, Not: modifier == "not-in"}}, nil
}

func (p *parser) ofValueSet(set *codeSet, value string) error {
	url, ok := unescape(value)
	if !ok {
		return badBackslash(value)
	}
	for c, err := range p.codes.Codes(url, maxCodes) {
		if err == nil {
			err = set.add(c.System, c.Code)
		}
		if err != nil {
			return asked(err)
		}
	}
	return nil
}

// inLine adds a code and what is below or above it.
func (p *parser) inLine(set *codeSet, modifier, value string) error {
	parts := split(value, '|')
	for i := range parts {
		plain, ok := unescape(parts[i])
		if !ok {
			return badBackslash(value)
		}
		parts[i] = plain
	}
	if len(parts) == 1 && len(set.param.systems) == 1 {
		parts = []string{set.param.systems[0], parts[0]}
	}
	if len(parts) != 2 || parts[0] == "" || parts[1] == "" {
		return badValue(value, "形式应为 系统|代码。", "with :%s both of system|code are needed", modifier)
	}
	walk := p.codes.Below
	if modifier == "above" {
		walk = p.codes.Above
	}
	var full error
	err := walk(parts[0], "", parts[1], func(code string) bool {
		full = set.add(parts[0], code)
		return full == nil
	})
	if full != nil {
		err = full
	}
	return asked(err)
}

// asked makes a failure about codes one of the query.
func asked(err error) error {
	if f := issue.As(err); f != nil {
		made := *f
		return made.WithStatus(400)
	}
	return err
}

// codeSet collects codes by system.
type codeSet struct {
	param   *Parameter
	matches []TokenMatch
	n       int
}

func (s *codeSet) add(system, code string) error {
	if s.n++; s.n > maxCodes {
		return issue.Errorf(issue.TooCostly, "The modifier stands for more than %d codes; name a smaller set.", maxCodes).
			Rule("search-limit").Chinese("代码过多，请缩小范围。")
	}
	for _, m := range withSystem(s.param, system, code) {
		i := slices.IndexFunc(s.matches, func(x TokenMatch) bool { return *x.System == *m.System })
		if i < 0 {
			i = len(s.matches)
			s.matches = append(s.matches, TokenMatch{System: m.System})
		}
		s.matches[i].Codes = append(s.matches[i].Codes, *m.Code)
	}
	return nil
}
