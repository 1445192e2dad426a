package graphql

import (
	"unicode/utf8"

	"tenon/fhir/issue"
)

// Parse reads an executable document. The error is a *Fault with line and
// column. https://spec.graphql.org/October2021/#sec-Executable-Definitions
func Parse(src string, limits Limits) (*Document, error) {
	limits = limits.filled()
	p := &parser{lexer: lexer{src: src}, left: limits.Tokens}
	if len(src) > limits.Bytes {
		return nil, &Fault{Failure: costly("查询过长。", "The document is longer than %d bytes.", limits.Bytes), Early: true}
	}
	if !utf8.ValidString(src) {
		return nil, p.fail(0, "查询不是有效的 UTF-8。", "The document is not UTF-8.")
	}
	if err := p.advance(); err != nil {
		return nil, err
	}
	d := &Document{Fragments: map[string]*Fragment{}, src: src}
	for p.token.kind != endToken {
		if err := p.definition(d); err != nil {
			return nil, err
		}
	}
	if len(d.Operations) == 0 {
		return nil, p.fail(0, "文档中没有操作。", "The document holds no query.")
	}
	return d, nil
}

// parser is a recursive descent with one token of look-ahead.
type parser struct {
	lexer
	token token
	left  int // tokens that may still come
	deep  int
}

func (p *parser) advance() (err error) {
	if p.left--; p.left < 0 {
		line, column := place(p.src, p.at)
		return &Fault{Failure: costly("查询过长。", "The document has too many words."), Line: line, Column: column, Early: true}
	}
	p.token, err = p.next()
	return err
}

func (p *parser) is(text string) bool { return p.token.kind == punctuator && p.token.text == text }

func (p *parser) word(text string) bool { return p.token.kind == nameToken && p.token.text == text }

// accept passes over a punctuator that may stand here.
func (p *parser) accept(text string) (bool, error) {
	if !p.is(text) {
		return false, nil
	}
	return true, p.advance()
}

func (p *parser) expect(text string) error {
	if !p.is(text) {
		return p.unexpected("%q", text)
	}
	return p.advance()
}

func (p *parser) unexpected(format string, args ...any) error {
	found := "the end"
	if p.token.kind != endToken {
		found = issue.Quote(p.token.text)
	}
	return p.fail(p.token.at, "语法错误。", "Expected "+format+", found %s.", append(args, found)...)
}

func (p *parser) name() (string, error) {
	if p.token.kind != nameToken {
		return "", p.unexpected("a name")
	}
	name := p.token.text
	return name, p.advance()
}

// enter counts what stands inside one another.
func (p *parser) enter() error {
	if p.deep++; p.deep > nesting {
		return p.fail(p.token.at, "嵌套过深。", "The document nests deeper than %d.", nesting)
	}
	return nil
}

func (p *parser) definition(d *Document) error {
	switch {
	case p.is("{"), p.word("query"), p.word("mutation"), p.word("subscription"):
		op, err := p.operation()
		if err != nil {
			return err
		}
		return p.addOperation(d, op)
	case p.word("fragment"):
		f, err := p.fragment()
		if err != nil {
			return err
		}
		if d.Fragments[f.Name] != nil {
			return p.fail(f.at, "片段重名。", "There are two fragments %q.", f.Name)
		}
		d.Fragments[f.Name] = f
		return nil
	}
	return p.unexpected("a query, mutation or fragment")
}

// addOperation keeps names of operations apart; an anonymous one stands alone.
func (p *parser) addOperation(d *Document, op *Operation) error {
	for _, other := range d.Operations {
		if other.Name == op.Name || other.Name == "" || op.Name == "" {
			return p.fail(op.at, "操作必须各有名称。", "Where there are several operations, each needs its own name.")
		}
	}
	d.Operations = append(d.Operations, op)
	return nil
}

func (p *parser) operation() (op *Operation, err error) {
	op = &Operation{Kind: "query", at: p.token.at}
	if p.token.kind == nameToken {
		op.Kind = p.token.text
		if err = p.advance(); err != nil {
			return nil, err
		}
		if p.token.kind == nameToken {
			op.Name = p.token.text
			err = p.advance()
		}
		op.Variables, err = after(err, p.variables)
		op.Directives, err = after(err, p.directives)
	}
	op.Set, err = after(err, p.set)
	return op, err
}

// after runs a step if those before it went well.
func after[T any](err error, step func() (T, error)) (T, error) {
	if err != nil {
		var none T
		return none, err
	}
	return step()
}

func (p *parser) fragment() (f *Fragment, err error) {
	f = &Fragment{at: p.token.at}
	if err = p.advance(); err != nil {
		return nil, err
	}
	if p.word("on") {
		return nil, p.unexpected("the name of the fragment")
	}
	f.Name, err = p.name()
	if err == nil && !p.word("on") {
		return nil, p.unexpected("\"on\" and a type")
	}
	if err == nil {
		err = p.advance()
	}
	f.On, err = after(err, p.name)
	f.Directives, err = after(err, p.directives)
	f.Set, err = after(err, p.set)
	return f, err
}

func (p *parser) variables() (list []*Variable, err error) {
	if ok, err := p.accept("("); !ok {
		return nil, err
	}
	for !p.is(")") {
		v, err := p.variable()
		if err != nil {
			return nil, err
		}
		for _, other := range list {
			if other.Name == v.Name {
				return nil, p.fail(v.at, "变量重名。", "There are two variables $%s.", v.Name)
			}
		}
		list = append(list, v)
	}
	return list, p.advance()
}

func (p *parser) variable() (v *Variable, err error) {
	v = &Variable{at: p.token.at}
	if err = p.expect("$"); err != nil {
		return nil, err
	}
	if v.Name, err = p.name(); err != nil {
		return nil, err
	}
	if err = p.expect(":"); err != nil {
		return nil, err
	}
	if v.Type, err = p.typeName(); err != nil {
		return nil, err
	}
	if ok, err := p.accept("="); ok || err != nil {
		value, err := after(err, func() (Value, error) { return p.value(true) })
		if err != nil {
			return nil, err
		}
		v.Default = &value
	}
	_, err = p.directives()
	return v, err
}

func (p *parser) typeName() (t TypeName, err error) {
	if err = p.enter(); err != nil {
		return t, err
	}
	defer func() { p.deep-- }()
	switch ok, err := p.accept("["); {
	case err != nil:
		return t, err
	case ok:
		inner, err := p.typeName()
		if err != nil {
			return t, err
		}
		t.List = &inner
		if err := p.expect("]"); err != nil {
			return t, err
		}
	default:
		if t.Name, err = p.name(); err != nil {
			return t, err
		}
	}
	t.NonNull, err = p.accept("!")
	return t, err
}

// set reads a selection set, which has one member at least.
func (p *parser) set() (list []*Selection, err error) {
	at := p.token.at
	if err = p.expect("{"); err != nil {
		return nil, err
	}
	if err = p.enter(); err != nil {
		return nil, err
	}
	defer func() { p.deep-- }()
	for !p.is("}") {
		s, err := p.selection()
		if err != nil {
			return nil, err
		}
		list = append(list, s)
	}
	if len(list) == 0 {
		return nil, p.fail(at, "选择集为空。", "The braces hold no field.")
	}
	return list, p.advance()
}
