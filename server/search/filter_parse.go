package search

import (
	"encoding/json"
	"strings"
	"unicode"
	"unicode/utf8"

	"tenon/fhir/issue"
)

// Bounds of one _filter.
const (
	maxFilter = 4096 // bytes
	maxTerms  = 64
)

// filterExpr is a comparison, or how two expressions are joined; not has a left
// one only.
//
//	filter = factor *( ( "and" / "or" ) factor )          from left to right
//	factor = [ "not" ] "(" filter ")" / path SP op SP value
//	path   = name *( "[" filter "]" ) *( "." path )
//	value  = JSON string / characters but white space, ")" and "]"
//
// https://hl7.org/fhir/R4/search_filter.html
type filterExpr struct {
	join        string // and, or, not, or "" for a comparison
	left, right *filterExpr

	path      []filterStep
	op, value string
	at        int // of the comparison, in bytes
}

// filterStep is one name of a path with what is asked of what it leads to.
type filterStep struct {
	name  string
	where *filterExpr
	at    int
}

type filterParser struct {
	text  string
	at    int
	terms int
	depth int
	inner int // brackets around
}

func parseFilter(text string) (*filterExpr, error) {
	if len(text) > maxFilter {
		return nil, refuse(issue.TooCostly, "search-limit", "", "_filter 过长。", "A _filter has at most %d bytes.", maxFilter)
	}
	f := &filterParser{text: text}
	e, err := f.expression()
	if err == nil && f.peek() != 0 {
		err = f.bad("the expression is complete before")
	}
	return e, err
}

// bad tells where the parser stands, in characters from 1.
func (f *filterParser) bad(what string) error { return badFilter(f.text, f.at, what) }

func badFilter(text string, at int, what string) error {
	n := utf8.RuneCountInString(text[:min(at, len(text))]) + 1
	rest := clip(text[min(at, len(text)):])
	if rest == "" {
		rest = "the end"
	}
	return refuse(issue.Invalid, "search-value", "", "_filter 表达式第 "+itoa(n)+" 个字符处有误。",
		`The _filter cannot be read at character %d (%s): %s. It looks like: name eq "peter" and (birthdate ge 2000 or active eq true)`, n, rest, what)
}

// peek is the next byte that is no white space, 0 at the end.
func (f *filterParser) peek() byte {
	rest := strings.TrimLeftFunc(f.text[f.at:], unicode.IsSpace)
	f.at = len(f.text) - len(rest)
	if rest == "" {
		return 0
	}
	return rest[0]
}

// word takes a word if it comes next and ends there.
func (f *filterParser) word(word string, ends string) bool {
	f.peek()
	rest, ok := strings.CutPrefix(f.text[f.at:], word)
	if !ok || rest != "" && !strings.ContainsAny(rest[:1], ends) {
		return false
	}
	f.at += len(word)
	return true
}

// expression joins from left to right: there is no precedence between and and or.
func (f *filterParser) expression() (*filterExpr, error) {
	if f.depth++; f.depth > maxDepth {
		return nil, refuse(issue.TooCostly, "search-limit", "", "_filter 嵌套过深。", "A _filter nests deeper than %d.", maxDepth)
	}
	defer func() { f.depth-- }()
	left, err := f.factor()
	for err == nil {
		join := ""
		switch {
		case f.word("and", " \t\r\n("):
			join = "and"
		case f.word("or", " \t\r\n("):
			join = "or"
		default:
			return left, nil
		}
		var right *filterExpr
		right, err = f.factor()
		left = &filterExpr{join: join, left: left, right: right}
	}
	return nil, err
}

func (f *filterParser) factor() (*filterExpr, error) {
	from := f.at
	not := f.word("not", " \t\r\n(")
	if f.peek() != '(' {
		f.at = from // it is a parameter of that name
		return f.comparison()
	}
	f.at++
	inner, err := f.expression()
	if err != nil {
		return nil, err
	}
	if f.peek() != ')' {
		return nil, f.bad("a closing parenthesis is missing")
	}
	f.at++
	if not {
		return &filterExpr{join: "not", left: inner}, nil
	}
	return inner, nil
}

func (f *filterParser) comparison() (e *filterExpr, err error) {
	if f.terms++; f.terms > maxTerms {
		return nil, refuse(issue.TooCostly, "search-limit", "", "_filter 条件过多。", "A _filter has at most %d comparisons.", maxTerms)
	}
	f.peek()
	e = &filterExpr{at: f.at}
	if e.path, err = f.path(); err != nil {
		return nil, err
	}
	at := f.at
	f.peek()
	if e.op = f.name(); e.op == "" || at == f.at {
		return nil, f.bad("an operator such as eq is missing")
	}
	if at = f.at; f.peek() == 0 || at == f.at {
		return nil, f.bad("a value is missing")
	}
	e.value, err = f.literal()
	return e, err
}

// name is a name of a parameter or operator, with a modifier that names a type.
func (f *filterParser) name() string {
	n := strings.IndexFunc(f.text[f.at:], func(r rune) bool {
		return r != '_' && r != '-' && r != ':' && (r > unicode.MaxASCII || !unicode.IsLetter(r) && !unicode.IsDigit(r))
	})
	if n < 0 {
		n = len(f.text) - f.at
	}
	f.at += n
	return f.text[f.at-n : f.at]
}

func (f *filterParser) path() (steps []filterStep, err error) {
	for {
		step := filterStep{at: f.at, name: f.name()}
		if step.name == "" {
			return nil, f.bad("the name of a search parameter is missing")
		}
		bracket := strings.HasPrefix(f.text[f.at:], "[")
		if bracket {
			f.at++
			f.inner++
			if step.where, err = f.expression(); err != nil {
				return nil, err
			}
			if f.peek() != ']' {
				return nil, f.bad("a closing bracket is missing")
			}
			f.at++
			f.inner--
		}
		steps = append(steps, step)
		if !strings.HasPrefix(f.text[f.at:], ".") {
			if bracket {
				return nil, f.bad("behind a bracket stand a point and a name")
			}
			return steps, nil
		}
		f.at++
	}
}

// literal is a value. A bracket ends it within brackets only, so that units can
// be written as they are: 5|http://unitsofmeasure.org|mm[Hg].
func (f *filterParser) literal() (string, error) {
	rest := f.text[f.at:]
	if rest[0] != '"' {
		ends := ")\""
		if f.inner > 0 {
			ends += "]"
		}
		n := strings.IndexFunc(rest, func(r rune) bool { return unicode.IsSpace(r) || strings.ContainsRune(ends, r) })
		if n < 0 {
			n = len(rest)
		}
		if n == 0 {
			return "", f.bad("a value is missing")
		}
		f.at += n
		return rest[:n], nil
	}
	end := 1
	for ; end < len(rest) && rest[end] != '"'; end++ {
		if rest[end] == '\\' {
			end++
		}
	}
	var text string
	if end >= len(rest) || json.Unmarshal([]byte(rest[:end+1]), &text) != nil {
		return "", f.bad("this is no JSON string that ends")
	}
	f.at += end + 1
	return text, nil
}
