package graphql

// selection reads a field, a spread or an inline fragment.
func (p *parser) selection() (*Selection, error) {
	if p.is("...") {
		return p.spread()
	}
	s := &Selection{at: p.token.at}
	name, err := p.name()
	if err != nil {
		return nil, err
	}
	s.Name = name
	if ok, err := p.accept(":"); ok || err != nil {
		s.Alias = name
		if s.Name, err = after(err, p.name); err != nil {
			return nil, err
		}
	}
	s.Arguments, err = p.arguments(false)
	s.Directives, err = after(err, p.directives)
	if err == nil && p.is("{") {
		s.Set, err = p.set()
	}
	return s, err
}

func (p *parser) spread() (s *Selection, err error) {
	s = &Selection{Kind: InlineSelection, at: p.token.at}
	if err = p.advance(); err != nil {
		return nil, err
	}
	switch {
	case p.word("on"):
		if err = p.advance(); err == nil {
			s.Name, err = p.name()
		}
	case p.token.kind == nameToken:
		s.Kind, s.Name = SpreadSelection, p.token.text
		if err = p.advance(); err == nil {
			s.Directives, err = p.directives()
		}
		return s, err
	}
	s.Directives, err = after(err, p.directives)
	s.Set, err = after(err, p.set)
	return s, err
}

// arguments reads (name: value …). Empty parentheses, which the official cases
// of FHIR have, are taken for none.
func (p *parser) arguments(constant bool) (list []Argument, err error) {
	if ok, err := p.accept("("); !ok {
		return nil, err
	}
	return p.members(")", constant)
}

// members reads name: value up to the closing punctuator; a name comes once.
func (p *parser) members(end string, constant bool) (list []Argument, err error) {
	seen := map[string]bool{}
	for !p.is(end) {
		a := Argument{at: p.token.at}
		if a.Name, err = p.name(); err != nil {
			return nil, err
		}
		if seen[a.Name] {
			return nil, p.fail(a.at, "参数重复。", "%q is given twice.", a.Name)
		}
		seen[a.Name] = true
		if err = p.expect(":"); err != nil {
			return nil, err
		}
		if a.Value, err = p.value(constant); err != nil {
			return nil, err
		}
		list = append(list, a)
	}
	return list, p.advance()
}

func (p *parser) directives() (list []Directive, err error) {
	for p.is("@") {
		d := Directive{at: p.token.at}
		if err = p.advance(); err != nil {
			return nil, err
		}
		if d.Name, err = p.name(); err != nil {
			return nil, err
		}
		if d.Arguments, err = p.arguments(false); err != nil {
			return nil, err
		}
		for _, other := range list {
			if other.Name == d.Name {
				return nil, p.fail(d.at, "指令重复。", "@%s is given twice.", d.Name)
			}
		}
		list = append(list, d)
	}
	return list, nil
}

// words are names that are values of their own kind.
var words = map[string]ValueKind{"true": BooleanValue, "false": BooleanValue, "null": NullValue}

var literals = map[tokenKind]ValueKind{intToken: IntValue, floatToken: FloatValue, stringToken: StringValue}

// value reads a value; a constant one has no variables in it.
func (p *parser) value(constant bool) (v Value, err error) {
	if err = p.enter(); err != nil {
		return v, err
	}
	defer func() { p.deep-- }()
	v.at, v.Text = p.token.at, p.token.text
	kind, literal := literals[p.token.kind]
	switch {
	case literal:
		v.Kind = kind
		return v, p.advance()
	case p.token.kind == nameToken:
		v.Kind = EnumValue
		if kind, ok := words[v.Text]; ok {
			v.Kind = kind
		}
		return v, p.advance()
	case p.is("$") && !constant:
		v.Kind = VariableValue
		if err = p.advance(); err == nil {
			v.Text, err = p.name()
		}
		return v, err
	case p.is("["):
		return p.list(v, constant)
	case p.is("{"):
		v.Kind, v.Text = ObjectValue, ""
		if err = p.advance(); err == nil {
			v.Object, err = p.members("}", constant)
		}
		return v, err
	}
	return v, p.unexpected("a value")
}

func (p *parser) list(v Value, constant bool) (Value, error) {
	v.Kind, v.Text = ListValue, ""
	if err := p.advance(); err != nil {
		return v, err
	}
	for !p.is("]") {
		item, err := p.value(constant)
		if err != nil {
			return v, err
		}
		v.List = append(v.List, item)
	}
	return v, p.advance()
}
