package search

import (
	"slices"
	"strings"

	"tenon/fhir/issue"
)

// Bounds of one _filter.
const (
	maxFilter = 4096 // bytes
	maxTerms  = 64
)

// filter reads _filter into clauses. Bracketed filters on a path are not served.
//
//	filter = term *( "or" term )
//	term   = factor *( "and" factor )
//	factor = "not" "(" filter ")" / "(" filter ")" / path SP op SP value
//
// https://hl7.org/fhir/R4/search_filter.html
func (p *parser) filter(typ, text string, depth int) ([]Clause, error) {
	if len(text) > maxFilter {
		return nil, refuse(issue.TooCostly, "search-limit", "", "_filter 过长。", "A _filter has at most %d bytes.", maxFilter)
	}
	words, err := filterWords(text)
	if err != nil {
		return nil, err
	}
	f := &filterParser{parser: p, typ: typ, words: words, text: text, depth: depth}
	clauses, err := f.either(0)
	if err == nil && f.at < len(f.words) {
		err = f.bad("what follows the expression")
	}
	return clauses, err
}

// filterWord is a word, a parenthesis or a quoted string.
type filterWord struct {
	text   string
	quoted bool
}

func filterWords(s string) (words []filterWord, err error) {
	for i := 0; i < len(s); {
		switch c := s[i]; {
		case c == ' ' || c == '\t':
			i++
		case c == '(' || c == ')':
			words = append(words, filterWord{text: string(c)})
			i++
		case c == '"':
			text, n, ok := quotedText(s[i:])
			if !ok {
				return nil, badValue(clip(s), "引号未结束。", "a quoted text does not end")
			}
			words = append(words, filterWord{text, true})
			i += n
		default:
			n := strings.IndexAny(s[i:], " \t()\"")
			if n < 0 {
				n = len(s) - i
			}
			words = append(words, filterWord{text: s[i : i+n]})
			i += n
		}
	}
	return words, nil
}

// quotedText reads "…" as a JSON string is read, but for escapes of letters.
func quotedText(s string) (text string, n int, ok bool) {
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '"':
			return b.String(), i + 1, true
		case '\\':
			if i++; i == len(s) {
				return "", 0, false
			}
		}
		b.WriteByte(s[i])
	}
	return "", 0, false
}

type filterParser struct {
	*parser
	typ       string
	text      string
	words     []filterWord
	at, terms int
	depth     int
}

func (f *filterParser) bad(what string) error {
	return badValue(clip(f.text), "表达式有误。", "%s is not part of a filter such as: name eq \"peter\" and (birthdate ge 2000 or active eq true)", what)
}

// is takes the next word if it is this one.
func (f *filterParser) is(word string) bool {
	if f.at < len(f.words) && f.words[f.at] == (filterWord{text: word}) {
		f.at++
		return true
	}
	return false
}

func (f *filterParser) either(depth int) ([]Clause, error) {
	or := Or{}
	for {
		all, err := f.both(depth)
		if err != nil {
			return nil, err
		}
		or.Any = append(or.Any, all)
		if !f.is("or") {
			break
		}
	}
	if len(or.Any) == 1 {
		return or.Any[0], nil
	}
	return []Clause{or}, nil
}

func (f *filterParser) both(depth int) (all []Clause, err error) {
	for {
		some, err := f.factor(depth)
		if err != nil {
			return nil, err
		}
		all = append(all, some...)
		if !f.is("and") {
			return all, nil
		}
	}
}

func (f *filterParser) factor(depth int) ([]Clause, error) {
	if depth > maxDepth {
		return nil, refuse(issue.TooCostly, "search-limit", "", "_filter 嵌套过深。", "A _filter nests deeper than %d.", maxDepth)
	}
	if f.at+1 < len(f.words) && f.words[f.at] == (filterWord{text: "not"}) && f.words[f.at+1] == (filterWord{text: "("}) {
		f.at++
		inner, err := f.factor(depth + 1)
		return []Clause{Not{inner}}, err
	}
	if f.is("(") {
		inner, err := f.either(depth + 1)
		if err == nil && !f.is(")") {
			err = f.bad("a parenthesis that does not close")
		}
		return inner, err
	}
	if f.at+3 > len(f.words) {
		return nil, f.bad("an end without a comparison")
	}
	if f.terms++; f.terms > maxTerms {
		return nil, refuse(issue.TooCostly, "search-limit", "", "_filter 条件过多。", "A _filter has at most %d comparisons.", maxTerms)
	}
	path, op, value := f.words[f.at], f.words[f.at+1], f.words[f.at+2]
	if path.quoted || op.quoted || path.text == "(" || path.text == ")" || !value.quoted && (value.text == "(" || value.text == ")") {
		return nil, f.bad("\"" + clip(path.text+" "+op.text+" "+value.text) + "\"")
	}
	f.at += 3
	return f.compare(f.typ, path.text, op.text, value.text, f.depth)
}

// compare is one comparison, perhaps behind a chain.
func (p *parser) compare(typ, path, op, value string, depth int) ([]Clause, error) {
	if depth > maxDepth {
		return nil, refuse(issue.TooCostly, "search-limit", "", "链式参数嵌套过深。", "Chains nest deeper than %d.", maxDepth)
	}
	head, rest, chained := strings.Cut(path, ".")
	code, modifier, _ := strings.Cut(head, ":")
	param := p.parameter(typ, code)
	if param == nil || !param.Served || strings.Contains(head, "[") {
		return nil, hardened(p.absent(typ, code, param))
	}
	if !chained {
		if modifier != "" {
			return nil, badModifier(param, modifier)
		}
		return p.compareOne(typ, param, op, value)
	}
	if param.Type != "reference" {
		return nil, badValue(path, param.Code+" 不是引用。", "%q is no reference and cannot be followed", param.Code)
	}
	types, err := p.chained(param, modifier, rest)
	if err != nil {
		return nil, hardened(err)
	}
	either := Or{}
	for _, target := range types {
		if p.branch++; p.branch > maxBranches {
			return nil, badValue(path, "请指明目标类型。", "the chain goes through too many types: name one, as in %s:%s.%s", code, target, rest)
		}
		where, err := p.compare(target, rest, op, value, depth+1)
		if err != nil {
			return nil, err
		}
		either.Any = append(either.Any, []Clause{Reference{Key: param.Key, Target: &Alias{Types: []string{target}, Reach: p.reach(target), Where: where}}})
	}
	if len(either.Any) == 1 {
		return either.Any[0], nil
	}
	return []Clause{either}, nil
}

// hardened makes an unknown name inside a filter an error under any handling:
// half an expression cannot be left out.
func hardened(err error) error {
	if f := issue.As(err); f != nil && f.Issues[0].Rule == ruleUnknown {
		return badValue(f.Issues[0].Text, "未知的参数。", "a filter names a parameter that is not known")
	}
	return err
}

// compareOne turns a comparison into that of a parameter of its type.
func (p *parser) compareOne(typ string, param *Parameter, op, value string) ([]Clause, error) {
	read := readers[param.Type]
	one := func(modifier, v string) ([]Clause, error) { return read(p, typ, param, modifier, []string{v}) }
	escaped := strings.ReplaceAll(value, `\`, `\\`)
	switch {
	case op == "pr" && (param.Code == "_id" || param.Code == "_lastUpdated"):
		return never(map[string]string{"true": "false", "false": "true"}[value])
	case op == "pr":
		return missing(param, map[string]string{"true": "false", "false": "true"}[value])
	case param.Code == "_id" && (op == "eq" || op == "ne"):
		ids, err := p.ids(param, "", escaped)
		return negated(op == "ne", ids, err)
	case param.Code == "_lastUpdated" && prefixed(op):
		return p.updated(param, "", op+value)
	case wordy(param.Code) && op == "co":
		return p.fullText(param, "", `"`+strings.ReplaceAll(escaped, ",", `\,`)+`"`)
	case wordy(param.Code):
	case param.Type == "string":
		return compareString(param, op, value)
	case op == "po" && param.Type == "date":
		clauses, err := one("", value)
		if err == nil {
			clauses[0].(Date).Any[0].Op = Overlaps
		}
		return clauses, err
	case slices.Contains([]string{"date", "number", "quantity"}, param.Type) && prefixed(op):
		return one("", op+value)
	case op == "eq" || op == "ne" || op == "re" && param.Type == "reference":
		if _, plain := plainEqual[param.Type]; plain {
			clauses, err := one("", escaped)
			return negated(op == "ne", clauses, err)
		}
	case op == "ss" || op == "sb" || op == "in" || op == "ni":
		if param.Type == "token" || param.Type == "uri" && op[0] == 's' {
			return one(map[string]string{"ss": "below", "sb": "above", "in": "in", "ni": "not-in"}[op], escaped)
		}
	}
	return nil, badValue(op, "该参数不支持此运算。", "%q, of type %s, cannot be compared by %q", param.Code, param.Type, op)
}

var plainEqual = map[string]bool{"token": true, "reference": true, "uri": true}

func prefixed(op string) bool { _, ok := prefixes[op]; return ok }

func negated(not bool, clauses []Clause, err error) ([]Clause, error) {
	if err != nil || !not {
		return clauses, err
	}
	return []Clause{Not{clauses}}, nil
}

// compareString compares without regard to case and accents.
func compareString(param *Parameter, op, value string) ([]Clause, error) {
	mode, ok := map[string]StringMode{"eq": Same, "ne": Same, "co": Contains, "sw": Prefix, "ew": Suffix}[op]
	if !ok || strings.TrimSpace(value) == "" {
		return nil, badValue(op+" "+value, "该参数不支持此运算。", "%q is a string: compare it by eq, ne, co, sw or ew with a text", param.Code)
	}
	clause := String{Key: param.Key, Any: []StringMatch{{Mode: mode, Value: Fold(value)}}}
	return negated(op == "ne", []Clause{clause}, nil)
}
