package ucum

import (
	"fmt"
	"math/big"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
)

// Bounds of one unit expression; the longest in use have about 40 characters.
const (
	maxLength   = 128
	maxExponent = 60
	maxNesting  = 8
)

// Unit is a parsed unit: a factor to the base units and a dimension. It is
// immutable.
type Unit struct {
	factor *big.Rat
	zero   *big.Rat       // of a temperature: value × factor + zero is kelvin
	dims   [7]int         // exponents of the base units
	arb    map[string]int // exponents of arbitrary units
}

// Parse reads a unit expression such as "mg/dL", "10*3/uL" or "m[Hg]". The
// empty string is the unit 1.
func Parse(code string) (Unit, error) {
	if known, ok := parsed.Load(code); ok {
		return known.(Unit), nil
	}
	u, err := parse(code)
	if err == nil && parsedCount.Add(1) <= maxParsed {
		parsed.Store(strings.Clone(code), u)
	}
	return u, err
}

// parsed keeps the first maxParsed expressions that were read.
var (
	parsed      sync.Map // string -> Unit
	parsedCount atomic.Int32
)

const maxParsed = 2000

func parse(code string) (Unit, error) {
	if len(code) > maxLength {
		return Unit{}, fmt.Errorf("the unit has %d characters; %d are possible", len(code), maxLength)
	}
	p := parser{rest: code}
	u, err := p.expression()
	if err == nil && p.rest != "" {
		err = fmt.Errorf("unit %q: %q is not expected", code, p.rest)
	}
	return u, err
}

type parser struct {
	rest  string
	depth int
}

func (p *parser) take(c byte) bool {
	if p.rest == "" || p.rest[0] != c {
		return false
	}
	p.rest = p.rest[1:]
	return true
}

// expression is a term that a slash may precede.
func (p *parser) expression() (Unit, error) {
	if p.rest == "" {
		return one(), nil
	}
	if p.take('/') {
		return p.product(one(), -1)
	}
	return p.product(one(), 1)
}

// product reads components joined by . and /, the first to the power of sign.
func (p *parser) product(left Unit, sign int) (Unit, error) {
	if p.depth++; p.depth > maxNesting {
		return left, fmt.Errorf("the unit nests deeper than %d", maxNesting)
	}
	defer func() { p.depth-- }()
	for {
		right, err := p.component()
		if err == nil {
			left, err = left.times(right, sign)
		}
		if err != nil {
			return left, err
		}
		switch {
		case p.take('.'):
			sign = 1
		case p.take('/'):
			sign = -1
		default:
			return left, nil
		}
	}
}

func (p *parser) component() (Unit, error) {
	if p.take('(') {
		sign := 1
		if p.take('/') {
			sign = -1
		}
		u, err := p.product(one(), sign)
		if err == nil && !p.take(')') {
			err = fmt.Errorf("a parenthesis of the unit is not closed")
		}
		return u, err
	}
	if strings.HasPrefix(p.rest, "{") {
		return one(), p.annotation()
	}
	word := p.word()
	if word == "" {
		return Unit{}, fmt.Errorf("a unit is expected before %q", p.rest)
	}
	u, err := simple(word)
	if err == nil && strings.HasPrefix(p.rest, "{") {
		err = p.annotation()
	}
	return u, err
}

// annotation passes {text}, which changes nothing.
func (p *parser) annotation() error {
	end := strings.IndexByte(p.rest, '}')
	if end < 0 || strings.Contains(p.rest[1:end], "{") {
		return fmt.Errorf("an annotation of the unit is not closed")
	}
	p.rest = p.rest[end+1:]
	return nil
}

// word cuts up to the next operator; brackets may hold operators.
func (p *parser) word() string {
	depth, i := 0, 0
	for ; i < len(p.rest); i++ {
		switch c := p.rest[i]; {
		case c == '[':
			depth++
		case c == ']':
			depth--
		case depth == 0 && strings.IndexByte("./(){}", c) >= 0:
			word := p.rest[:i]
			p.rest = p.rest[i:]
			return word
		}
	}
	word := p.rest
	p.rest = ""
	return word
}

// simple reads a number, or a unit with an exponent: 12, m2, s-1, 10*3.
func simple(word string) (Unit, error) {
	if n, err := strconv.ParseUint(word, 10, 32); err == nil && n > 0 {
		return Unit{factor: new(big.Rat).SetFrac64(int64(n), 1)}, nil
	}
	code, exponent := word, 1
	if _, known := lookup(word); !known {
		i := len(word)
		for i > 0 && '0' <= word[i-1] && word[i-1] <= '9' {
			i--
		}
		if i > 0 && i < len(word) && (word[i-1] == '-' || word[i-1] == '+') {
			i--
		}
		if i == len(word) || i == 0 {
			return Unit{}, fmt.Errorf("%q is no unit known here", word)
		}
		n, err := strconv.Atoi(word[i:])
		if err != nil || n == 0 || n > maxExponent || n < -maxExponent {
			return Unit{}, fmt.Errorf("the exponent of %q is out of range", word)
		}
		code, exponent = word[:i], n
	}
	u, known := lookup(code)
	if !known {
		return Unit{}, fmt.Errorf("%q is no unit known here", code)
	}
	return one().times(u, exponent)
}

// lookup finds a code, with or without a prefix.
func lookup(code string) (Unit, bool) {
	if u, _, ok := find(code); ok {
		return u, true
	}
	for length := 1; length <= 2 && length < len(code); length++ {
		u, metric, ok := find(code[length:])
		if !ok || !metric {
			continue
		}
		if power, ok := prefixes[code[:length]]; ok {
			return u.scaled(10, power), true
		}
		if power, ok := binary[code[:length]]; ok {
			return u.scaled(1024, power), true
		}
	}
	return Unit{}, false
}

// find gives a unit without prefix and whether it takes one.
func find(code string) (u Unit, metric, ok bool) {
	if i, base := bases[code]; base {
		u = one()
		u.dims[i] = 1
		return u, true, true
	}
	if s, ok := special[code]; ok {
		return Unit{factor: rat(s.scale), zero: rat(s.zero), dims: [7]int{4: 1}}, true, true
	}
	if metric, ok := arbitrary[code]; ok {
		if name, alias := same[code]; alias {
			code = name
		}
		u = one()
		u.arb = map[string]int{code: 1}
		return u, metric, true
	}
	a, ok := atoms[code]
	if !ok {
		return Unit{}, false, false
	}
	u, err := Parse(a.unit)
	if err != nil {
		return Unit{}, false, false
	}
	u.factor = new(big.Rat).Mul(u.factor, rat(a.value))
	return u, a.metric, true
}

func rat(s string) *big.Rat {
	r, _ := new(big.Rat).SetString(s)
	return r
}
