package fhirpath

import (
	"unicode/utf8"

	"tenon/fhir/issue"
)

// Bounds of one expression. The longest invariant of R4 has 1,100 characters.
const (
	maxExpression = 64 << 10
	maxNesting    = 200
)

// parser is a precedence climber over the tokens of one expression.
type parser struct {
	src    source
	tokens []token
	at     int
	depth  int
}

// parse reads a whole expression.
func parse(src source) (*node, error) {
	if len(src) > maxExpression {
		return nil, src.fail(issue.TooLong, RuleLimit, 0, "an expression may have %d bytes, this one has %d", maxExpression, len(src))
	}
	if !utf8.ValidString(string(src)) {
		return nil, src.syntax(0, "the expression is not valid UTF-8")
	}
	tokens, err := lex(src)
	if err != nil {
		return nil, err
	}
	p := &parser{src: src, tokens: tokens}
	n, err := p.expression(0)
	if err != nil {
		return nil, err
	}
	if t := p.peek(); t.kind != tokenEnd {
		return nil, src.syntax(t.pos, "%s is not expected here", t)
	}
	return n, nil
}

func (p *parser) peek() token { return p.tokens[p.at] }

func (p *parser) take() token {
	t := p.tokens[p.at]
	if t.kind != tokenEnd {
		p.at++
	}
	return t
}

func (p *parser) symbol(s string) bool {
	if t := p.peek(); t.kind == tokenSymbol && t.text == s {
		p.at++
		return true
	}
	return false
}

func (p *parser) expect(s string) error {
	if t := p.peek(); !p.symbol(s) {
		return p.src.syntax(t.pos, "%q is expected, not %s", s, t)
	}
	return nil
}

// levels is the binding power of the binary operators.
// https://hl7.org/fhirpath/N1/#operator-precedence
var levels = map[string]int{
	"implies": 1,
	"or":      2, "xor": 2,
	"and": 3,
	"in":  4, "contains": 4,
	"=": 5, "~": 5, "!=": 5, "!~": 5,
	"<": 6, ">": 6, "<=": 6, ">=": 6,
	"|":  7,
	"is": 8, "as": 8,
	"+": 9, "-": 9, "&": 9,
	"*": 10, "/": 10, "div": 10, "mod": 10,
}

// reserved words cannot start a term; is, as, in and contains can.
var reserved = map[string]bool{"and": true, "or": true, "xor": true, "implies": true, "div": true, "mod": true}

// operator is the binding power of the next token as a binary operator, or 0.
func (p *parser) operator() (token, int) {
	t := p.peek()
	if t.kind != tokenName && t.kind != tokenSymbol {
		return t, 0
	}
	return t, levels[t.text]
}

// enter guards the recursion; leave must follow.
func (p *parser) enter() error {
	if p.depth++; p.depth > maxNesting {
		return p.src.fail(issue.TooLong, RuleLimit, p.peek().pos, "the expression nests deeper than %d", maxNesting)
	}
	return nil
}

func (p *parser) leave() { p.depth-- }

// expression reads operands joined by operators that bind tighter than floor.
func (p *parser) expression(floor int) (*node, error) {
	if err := p.enter(); err != nil {
		return nil, err
	}
	defer p.leave()
	left, err := p.unary()
	if err != nil {
		return nil, err
	}
	for chain := 0; ; chain++ {
		t, level := p.operator()
		if level <= floor {
			return left, nil
		}
		if chain > maxChain {
			return nil, p.src.fail(issue.TooLong, RuleLimit, t.pos, "the expression joins more than %d operands", maxChain)
		}
		p.at++
		if left, err = p.binary(t, level, left); err != nil {
			return nil, err
		}
	}
}

// maxChain bounds what grows to the left without recursion of the parser, for
// the compiler descends into it: a.b.c… and a or b or c….
const maxChain = 1000

func (p *parser) binary(op token, level int, left *node) (*node, error) {
	if op.text == "is" || op.text == "as" {
		name, err := p.qualified()
		return &node{kind: nodeType, pos: op.pos, text: op.text, unit: name, args: []*node{left}}, err
	}
	right, err := p.expression(level)
	return &node{kind: nodeBinary, pos: op.pos, text: op.text, args: []*node{left, right}}, err
}

// qualified reads a type name.
func (p *parser) qualified() (string, error) {
	name, err := p.identifier()
	if err != nil {
		return "", err
	}
	if p.symbol(".") {
		rest, err := p.identifier()
		return name + "." + rest, err
	}
	return name, nil
}

func (p *parser) identifier() (string, error) {
	t := p.take()
	if t.kind != tokenName && t.kind != tokenDelimited {
		return "", p.src.syntax(t.pos, "a name is expected, not %s", t)
	}
	return t.text, nil
}

// unary reads a sign; it binds looser than an invocation, so -1.abs() is
// -(1.abs()).
func (p *parser) unary() (*node, error) {
	t := p.peek()
	if t.kind != tokenSymbol || t.text != "-" && t.text != "+" {
		return p.invocations()
	}
	if err := p.enter(); err != nil {
		return nil, err
	}
	defer p.leave()
	p.at++
	operand, err := p.unary()
	return &node{kind: nodeUnary, pos: t.pos, text: t.text, args: []*node{operand}}, err
}

// invocations reads a term and the members, calls and indexes after it.
func (p *parser) invocations() (*node, error) {
	left, err := p.term()
	for chain := 0; err == nil; chain++ {
		if chain > maxChain {
			return nil, p.src.fail(issue.TooLong, RuleLimit, p.peek().pos, "the path has more than %d steps", maxChain)
		}
		t := p.peek()
		switch {
		case p.symbol("."):
			left, err = p.invocation(left)
		case p.symbol("["):
			var index *node
			if index, err = p.expression(0); err != nil {
				return nil, err
			}
			left = &node{kind: nodeIndexer, pos: t.pos, target: left, args: []*node{index}}
			err = p.expect("]")
		default:
			return left, nil
		}
	}
	return nil, err
}

// invocation reads a member, a call or $this after a dot (or at a term).
func (p *parser) invocation(target *node) (*node, error) {
	t := p.take()
	if t.kind == tokenDollar && target == nil {
		return &node{kind: nodeDollar, pos: t.pos, text: t.text}, nil
	}
	if t.kind != tokenName && t.kind != tokenDelimited {
		return nil, p.src.syntax(t.pos, "an element or function is expected, not %s", t)
	}
	n := &node{kind: nodeMember, pos: t.pos, text: t.text, target: target}
	if !p.symbol("(") {
		return n, nil
	}
	n.kind, n.label = nodeCall, n.text+"()"
	if p.symbol(")") {
		return n, nil
	}
	for {
		arg, err := p.expression(0)
		if err != nil {
			return nil, err
		}
		n.args = append(n.args, arg)
		if !p.symbol(",") {
			return n, p.expect(")")
		}
	}
}

// term reads a literal, a variable, a parenthesis or a first invocation.
func (p *parser) term() (*node, error) {
	t := p.peek()
	switch t.kind {
	case tokenString, tokenDate, tokenDateTime, tokenTime:
		p.at++
		return &node{kind: nodeLiteral, token: t.kind, pos: t.pos, text: t.text}, nil
	case tokenNumber:
		return p.number(), nil
	case tokenName:
		if t.text == "true" || t.text == "false" {
			p.at++
			return &node{kind: nodeLiteral, token: tokenName, pos: t.pos, text: t.text}, nil
		}
		if reserved[t.text] {
			return nil, p.src.syntax(t.pos, "the operator %s needs an operand before it; an element of that name is written in backticks", t)
		}
	case tokenSymbol:
		return p.bracketed(t)
	}
	return p.invocation(nil)
}

// number reads a number and the unit that makes it a quantity.
func (p *parser) number() *node {
	t := p.take()
	n := &node{kind: nodeLiteral, token: tokenNumber, pos: t.pos, text: t.text}
	unit := p.peek()
	if unit.kind == tokenString || unit.kind == tokenName && calendarUnit(unit.text) != "" {
		p.at++
		n.unit, n.quoted = unit.text, unit.kind == tokenString
		n.args = []*node{} // marks a quantity even when the unit is ''
	}
	return n
}

func (p *parser) bracketed(t token) (*node, error) {
	switch {
	case p.symbol("("):
		inner, err := p.expression(0)
		if err != nil {
			return nil, err
		}
		return inner, p.expect(")")
	case p.symbol("{"):
		return &node{kind: nodeEmpty, pos: t.pos}, p.expect("}")
	case p.symbol("%"):
		name := p.take()
		if name.kind != tokenName && name.kind != tokenDelimited && name.kind != tokenString {
			return nil, p.src.syntax(name.pos, "a variable's name is expected after %%, not %s", name)
		}
		return &node{kind: nodeVariable, pos: t.pos, text: name.text}, nil
	}
	return nil, p.src.syntax(t.pos, "%s is not expected here", t)
}
