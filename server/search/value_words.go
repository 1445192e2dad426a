package search

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"tenon/fhir/issue"
)

// maxTexts bounds the terms of one full text query, and how deep they nest.
const maxTexts = 32

// fullText reads _text and _content: words that must all be there, phrases in
// quotes, OR, NOT (or a minus sign) and parentheses.
//
//	_content=knee pain            both words
//	_content="knee pain"          one behind the other
//	_text=(bone OR liver) and metastases
//	_text=metastases -liver       the first without the second
//	_content=膝关节疼痛             these characters, in this order
//
//	text   = both *( "OR" both )
//	both   = one *( ["AND"] one )
//	one    = ( "NOT" / "-" ) one / "(" text ")" / phrase / word
//
// https://hl7.org/fhir/R4/search.html#content
func (p *parser) fullText(param *Parameter, modifier, value string) ([]Clause, error) {
	if modifier != "" {
		return nil, badModifier(param, modifier)
	}
	if p.Lacks(Words) {
		return nil, building(param.Code)
	}
	either := Or{}
	for _, v := range split(value, ',') {
		text, ok := unescape(v)
		if !ok {
			return nil, badBackslash(v)
		}
		t := textParser{narrative: param.Code == "_text", text: text, terms: textTerms(text)}
		clauses, err := t.either(0)
		if err == nil && t.at < len(t.terms) {
			err = t.bad("a parenthesis closes that was not opened")
		}
		if err != nil {
			return nil, err
		}
		either.Any = append(either.Any, clauses)
	}
	if len(either.Any) == 1 {
		return either.Any[0], nil
	}
	return []Clause{either}, nil
}

// textTerm is a word, a phrase, a parenthesis or a minus sign.
type textTerm struct {
	text   string
	quoted bool
}

func textTerms(s string) (terms []textTerm) {
	for s = strings.TrimSpace(s); s != ""; s = strings.TrimSpace(s) {
		switch {
		case s[0] == '(' || s[0] == ')':
			terms, s = append(terms, textTerm{text: s[:1]}), s[1:]
		case s[0] == '-' && len(s) > 1 && !unicode.IsSpace(rune(s[1])):
			terms, s = append(terms, textTerm{text: "NOT"}), s[1:]
		case s[0] == '"':
			phrase, rest, _ := strings.Cut(s[1:], `"`)
			terms, s = append(terms, textTerm{phrase, true}), rest
		default:
			n := strings.IndexFunc(s, func(r rune) bool { return unicode.IsSpace(r) || strings.ContainsRune(`()"`, r) })
			if n < 0 {
				n = len(s)
			}
			terms, s = append(terms, textTerm{text: s[:n]}), s[n:]
		}
	}
	return terms
}

type textParser struct {
	narrative bool
	text      string
	terms     []textTerm
	at        int
}

func (t *textParser) bad(what string) error {
	return badValue(clip(t.text), "全文检索表达式有误。", `%s; a text search is words, "a phrase", OR, NOT and parentheses`, what)
}

// is takes the next term if it is one of these words.
func (t *textParser) is(words ...string) bool {
	for _, word := range words {
		if t.at < len(t.terms) && t.terms[t.at] == (textTerm{text: word}) {
			t.at++
			return true
		}
	}
	return false
}

func (t *textParser) either(depth int) ([]Clause, error) {
	if depth > maxTexts || len(t.terms) > 4*maxTexts {
		return nil, refuse(issue.TooCostly, "search-limit", "", "全文检索条件过多。", "A text search has at most %d words and parentheses.", maxTexts)
	}
	or := Or{}
	for {
		all, err := t.both(depth)
		if err != nil {
			return nil, err
		}
		if or.Any = append(or.Any, all); !t.is("OR", "or") {
			break
		}
	}
	if len(or.Any) == 1 {
		return or.Any[0], nil
	}
	return []Clause{or}, nil
}

func (t *textParser) both(depth int) (all []Clause, err error) {
	for n := 0; ; n++ {
		if t.is("AND", "and") && n == 0 {
			return nil, t.bad("AND stands between two words")
		}
		one, err := t.one(depth)
		if err != nil {
			return nil, err
		}
		all = append(all, one...)
		if t.at == len(t.terms) || t.terms[t.at] == (textTerm{text: ")"}) || t.terms[t.at] == (textTerm{text: "OR"}) || t.terms[t.at] == (textTerm{text: "or"}) {
			return all, nil
		}
	}
}

func (t *textParser) one(depth int) ([]Clause, error) {
	switch {
	case t.at == len(t.terms):
		return nil, t.bad("a word is missing at the end")
	case t.is("NOT"):
		inner, err := t.one(depth + 1)
		if err == nil && depth > maxTexts {
			err = t.bad("it nests too deep")
		}
		return []Clause{Not{inner}}, err
	case t.is("("):
		inner, err := t.either(depth + 1)
		if err == nil && !t.is(")") {
			err = t.bad("a parenthesis does not close")
		}
		return inner, err
	}
	term := t.terms[t.at]
	if !term.quoted && (term.text == ")" || term.text == "OR" || term.text == "or" || term.text == "AND" || term.text == "and") {
		return nil, t.bad("a word is missing before " + term.text)
	}
	t.at++
	return t.term(term.text)
}

// term asks for the words, and where they are more than one for their order.
func (t *textParser) term(text string) ([]Clause, error) {
	clause := Text{Key: wordKey, Narrative: t.narrative}
	needle, last, several := "", run{}, false
	for r := range runs(text) {
		clause.Words = append(clause.Words, t.wanted(r)...)
		several = several || last.text != "" || r.joined && utf8.RuneCountInString(r.text) > 2
		if last.text != "" || !r.joined {
			needle += " "
		}
		needle, last = needle+r.text, r
	}
	if len(clause.Words) == 0 {
		return nil, t.bad("\"" + clip(text) + "\" has no letter or digit")
	}
	if !last.joined {
		needle += " "
	}
	if several {
		clause.Phrase = needle
	}
	return []Clause{clause}, nil
}

// wanted are the words of a run as the index has them. Single characters say
// nothing that the pairs do not, unless there is one only.
func (t *textParser) wanted(r run) (words []string) {
	alone := utf8.RuneCountInString(r.text) == 1
	r.words(func(word string) {
		if r.joined && !alone && utf8.RuneCountInString(word) == 1 {
			return
		}
		if t.narrative {
			word = narrativeMark + word
		}
		words = append(words, word)
	})
	return words
}
