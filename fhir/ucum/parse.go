package ucum

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
)

// Bounds of one unit expression; the longest in use have about 40 characters.
const (
	maxLength   = 256
	maxExponent = 99
	maxNesting  = 16
	maxTerms    = 24
)

// Parse reads a unit expression such as "mg/dL", "10*3/uL" or "m[Hg]". The
// empty string is the unit 1. The error says what is wrong where.
func Parse(code string) (Unit, error) {
	if known, ok := parsed.Load(code); ok {
		return known.(Unit), nil
	}
	p := parser{rest: code, code: code}
	if err := p.parse(); err != nil {
		return Unit{}, err
	}
	d, err := p.build()
	if err != nil {
		return Unit{}, err
	}
	u := Unit{d.shorten()}
	if parsedCount.Add(1) <= maxParsed {
		parsed.Store(strings.Clone(code), u)
	}
	return u, nil
}

// Valid tells whether the code is a unit; Parse says why not. It allocates
// nothing.
func Valid(code string) bool {
	if _, ok := parsed.Load(code); ok {
		return true
	}
	p := parser{rest: code, code: code, silent: true}
	return p.parse() == nil
}

// parsed keeps the first maxParsed expressions that were read.
var (
	parsed      sync.Map // string -> Unit
	parsedCount atomic.Int32
)

const maxParsed = 2000

// parser reads an expression into its terms: parentheses are resolved, a
// division is a negative exponent.
// https://ucum.org/ucum#section-Grammar-of-Units-and-Unit-Terms
type parser struct {
	rest, code string
	silent     bool // errors need no text
	depth      int
	terms      [maxTerms]term
	n          int
}

// term is a symbol, or a number, to a power.
type term struct {
	prefix   *prefix
	atom     *atom // nil for a number
	number   uint64
	exponent int
}

func (p *parser) take(c byte) bool {
	if p.rest == "" || p.rest[0] != c {
		return false
	}
	p.rest = p.rest[1:]
	return true
}

// parse is the main term: a slash may precede it, nothing may follow.
func (p *parser) parse() error {
	if len(p.rest) > maxLength {
		return p.fail("the unit has %d characters; %d are possible", len(p.rest), maxLength)
	}
	if p.rest == "" {
		return nil
	}
	sign := 1
	if p.take('/') {
		sign = -1
	}
	if err := p.product(sign, 1); err != nil {
		return err
	}
	if p.rest != "" {
		return p.fail("unit %q: %q is not expected at character %d", p.code, p.rest, p.at())
	}
	return p.checkSpecial()
}

// at is the number of the next character, counted from 1.
func (p *parser) at() int { return len([]rune(p.code[:len(p.code)-len(p.rest)])) + 1 }

// product reads components joined by . and /; the first one stands to the
// power of sign, everything to that of outer.
func (p *parser) product(sign, outer int) error {
	if p.depth++; p.depth > maxNesting {
		return p.fail("the unit nests deeper than %d", maxNesting)
	}
	for {
		if err := p.component(sign * outer); err != nil {
			return err
		}
		switch {
		case p.take('.'):
			sign = 1
		case p.take('/'):
			sign = -1
		default:
			p.depth--
			return nil
		}
	}
}

// component is a unit, a number or a parenthesis, each with an annotation or
// without, or an annotation alone. The grammar has none behind a parenthesis;
// UCUM's own examples do: U/(10.g){feces}.
func (p *parser) component(power int) error {
	switch {
	case p.take('('):
		if err := p.product(1, power); err != nil {
			return err
		}
		if !p.take(')') {
			return p.fail("unit %q: a parenthesis is not closed", p.code)
		}
	case p.rest != "" && p.rest[0] == '{':
		return p.annotation()
	default:
		if err := p.annotatable(power); err != nil {
			return err
		}
	}
	if p.rest != "" && p.rest[0] == '{' {
		return p.annotation()
	}
	return nil
}

// annotation passes {text}, which changes nothing.
func (p *parser) annotation() error {
	for i := 1; i < len(p.rest); i++ {
		switch c := p.rest[i]; {
		case c == '}':
			p.rest = p.rest[i+1:]
			return nil
		case c == '{' || c <= ' ' || c > '~':
			return p.fail("unit %q: an annotation has printable ASCII characters without blanks and braces", p.code)
		}
	}
	return p.fail("unit %q: an annotation is not closed", p.code)
}

// annotatable reads a number, or a unit with an exponent: 12, m2, s-1, 10*3.
func (p *parser) annotatable(power int) error {
	at := p.at
	word, ok := p.word()
	switch {
	case !ok:
		return p.fail("unit %q: a bracket is not closed", p.code)
	case word == "":
		return p.fail("unit %q: a unit is expected at character %d", p.code, at())
	case digits(word) == len(word):
		n, ok := number(word)
		if !ok {
			return p.fail("unit %q: the number %s is not between 1 and %d", p.code, word, maxNumber)
		}
		return p.add(term{number: n, exponent: power})
	}
	pre, a := symbols().find(word)
	if a != nil {
		return p.add(term{prefix: pre, atom: a, exponent: power})
	}
	code, exponent, ok := cutExponent(word)
	if !ok {
		return p.fail("unit %q: the exponent of %q is not between -%d and %d", p.code, word, maxExponent, maxExponent)
	}
	if pre, a = symbols().find(code); a == nil {
		return p.unknown(word, code)
	}
	return p.add(term{prefix: pre, atom: a, exponent: power * exponent})
}

func (p *parser) add(t term) error {
	if p.n == maxTerms {
		return p.fail("unit %q has more than %d components", p.code, maxTerms)
	}
	p.terms[p.n] = t
	p.n++
	return nil
}

// word cuts up to the next operator; brackets may hold operators.
func (p *parser) word() (word string, closed bool) {
	open := false
	for i := range len(p.rest) {
		switch c := p.rest[i]; {
		case c == '[':
			open = true
		case c == ']':
			open = false
		case !open && (c == '.' || c == '/' || c == '(' || c == ')' || c == '{' || c == '}'):
			word, p.rest = p.rest[:i], p.rest[i:]
			return word, true
		}
	}
	word, p.rest = p.rest, ""
	return word, !open
}

// maxNumber bounds a number in place of a unit.
const maxNumber = 1<<32 - 1

// number reads a positive whole number.
func number(word string) (n uint64, ok bool) {
	for i := range len(word) {
		if n = n*10 + uint64(word[i]-'0'); n > maxNumber {
			return 0, false
		}
	}
	return n, n > 0
}

// digits is how many digits the word ends with.
func digits(word string) int {
	n := 0
	for n < len(word) && '0' <= word[len(word)-1-n] && word[len(word)-1-n] <= '9' {
		n++
	}
	return n
}

// cutExponent splits m2, s-1 and 10*+3; without digits the exponent is 1.
func cutExponent(word string) (code string, exponent int, ok bool) {
	n := digits(word)
	if n == 0 {
		return word, 1, true
	}
	code, figures := word[:len(word)-n], word[len(word)-n:]
	for i := range len(figures) {
		if exponent = exponent*10 + int(figures[i]-'0'); exponent > maxExponent {
			return code, 0, false
		}
	}
	switch {
	case code != "" && code[len(code)-1] == '-':
		return code[:len(code)-1], -exponent, true
	case code != "" && code[len(code)-1] == '+':
		return code[:len(code)-1], exponent, true
	}
	return code, exponent, true
}

// checkSpecial refuses special units in products and powers: their values are
// no multiples of anything. Numbers and dimensionless units may scale them.
// https://ucum.org/ucum#section-Special-Units-on-non-ratio-Scales §22
func (p *parser) checkSpecial() error {
	for i := range p.n {
		t := &p.terms[i]
		if t.atom == nil || t.atom.function == "" {
			continue
		}
		if t.exponent != 1 || p.others(i) {
			return p.fail("unit %q: %s has no ratio scale and cannot be part of a product, quotient or power", p.code, t.atom.code)
		}
	}
	return nil
}

// others tells whether there is a term besides i that is more than a number.
func (p *parser) others(i int) bool {
	for j := range p.n {
		if a := p.terms[j].atom; j != i && a != nil {
			if d := a.definition(); d.special != nil || d.dims != [7]int16{} || len(d.arbitrary) > 0 {
				return true
			}
		}
	}
	return false
}

var errSilent = fmt.Errorf("no unit of UCUM")

func (p *parser) fail(format string, args ...any) error {
	if p.silent {
		return errSilent
	}
	return fmt.Errorf(format, args...)
}
