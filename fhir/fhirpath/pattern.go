package fhirpath

import (
	"regexp"
	"regexp/syntax"
	"sync"

	"tenon/fhir/issue"
)

// Regular expressions. They run in time linear in the text (RE2), and what a
// match may cost is charged before it runs.
// https://hl7.org/fhirpath/N1/#matchesregex--string--boolean
func init() {
	register(map[string]builtin{
		"matches":        {1, 2, matching(false)},
		"matchesFull":    {1, 2, matching(true)},
		"replaceMatches": {2, 3, (*compiler).replaceMatches},
	})
}

// pattern is a compiled expression and the size of its program.
type pattern struct {
	*regexp.Regexp
	size int
}

// maxProgram bounds the program of an expression: a{1000} is short to write.
const maxProgram = 10_000

// newPattern compiles an expression: . matches line ends too, matching is
// case-sensitive; the flag i changes that, m lets ^ and $ match at lines. The
// problem is "" when it can be used.
func newPattern(expr, flags string, full bool) (p *pattern, problem string) {
	if len(expr) > maxPattern {
		return nil, "the regular expression is too long"
	}
	mode := syntax.Perl | syntax.DotNL
	for _, f := range flags {
		switch f {
		case 'i':
			mode |= syntax.FoldCase
		case 'm':
			mode &^= syntax.OneLine
		default:
			return nil, "the flags of a regular expression are i and m"
		}
	}
	tree, err := syntax.Parse(expr, mode)
	if err != nil {
		return nil, "the regular expression is not valid or not supported (RE2 syntax)"
	}
	program, err := syntax.Compile(tree.Simplify())
	if err != nil || len(program.Inst) > maxProgram {
		return nil, "the regular expression is too large"
	}
	prefix := "(?s" + flags + ")"
	if full {
		expr = `\A(?:` + expr + `)\z`
	}
	re, err := regexp.Compile(prefix + expr)
	if err != nil {
		return nil, "the regular expression is not valid or not supported (RE2 syntax)"
	}
	return &pattern{re, len(program.Inst)}, ""
}

// charge counts what one pass over the text may cost.
func (p *pattern) charge(st *state, text string) error { return st.spend(1 + len(text)*p.size/8) }

// patternArgument gives the pattern of a call: compiled once if it is written
// as a literal, else when it is evaluated.
func (c *compiler) patternArgument(n *node, flags int, full bool) (func(st *state, args []scalar) (*pattern, error), error) {
	expr := n.args[0]
	if expr.kind == nodeLiteral && expr.token == tokenString && len(n.args) <= flags {
		p, problem := newPattern(expr.text, "", full)
		if problem != "" {
			return nil, c.src.fail(issue.Invalid, RuleSyntax, expr.pos, "%s", problem)
		}
		return func(*state, []scalar) (*pattern, error) { return p, nil }, nil
	}
	return func(st *state, args []scalar) (*pattern, error) {
		given := ""
		if len(args) > flags {
			given = args[flags].str
		}
		p, problem := patterns.get(args[0].str, given, full)
		if problem != "" {
			return nil, st.fail(n.pos, "%s", problem)
		}
		return p, nil
	}, nil
}

// patternKey is what a pattern is made of.
type patternKey struct {
	expr, flags string
	full        bool
}

// patternCache keeps patterns that data or variables gave; when full it starts
// anew.
type patternCache struct {
	sync.Mutex
	m map[patternKey]*pattern
}

const cachedPatterns = 128

var patterns = patternCache{m: map[patternKey]*pattern{}}

func (c *patternCache) get(expr, flags string, full bool) (*pattern, string) {
	key := patternKey{expr, flags, full}
	c.Lock()
	defer c.Unlock()
	if p := c.m[key]; p != nil {
		return p, ""
	}
	p, problem := newPattern(expr, flags, full)
	if problem != "" {
		return nil, problem
	}
	if len(c.m) >= cachedPatterns {
		clear(c.m)
	}
	c.m[key] = p
	return p, ""
}

func matching(full bool) func(*compiler, *node, static) (apply, static, error) {
	return func(c *compiler, n *node, in static) (apply, static, error) {
		find, err := c.patternArgument(n, 1, full)
		if err != nil {
			return nil, static{}, err
		}
		const str = 1 << sysString
		f := scalarFunction{in: str, params: []uint16{str, str}, out: 1 << sysBoolean}
		f.call = func(st *state, in *scalar, args []scalar, _ int) (scalar, bool, error) {
			p, err := find(st, args)
			if err == nil {
				err = p.charge(st, in.str)
			}
			if err != nil {
				return scalar{}, false, err
			}
			r := scalar{kind: sysBoolean}
			if p.MatchString(in.str) {
				r.num = 1
			}
			return r, true, nil
		}
		return f.build(c, n, in)
	}
}

// replaceMatches replaces every match; an empty pattern matches nothing.
func (c *compiler) replaceMatches(n *node, in static) (apply, static, error) {
	find, err := c.patternArgument(n, 2, false)
	if err != nil {
		return nil, static{}, err
	}
	const str = 1 << sysString
	f := scalarFunction{in: str, params: []uint16{str, str, str}, out: str}
	f.call = func(st *state, in *scalar, args []scalar, _ int) (scalar, bool, error) {
		if args[0].str == "" {
			return text(in.str), true, nil
		}
		p, err := find(st, args)
		if err == nil {
			err = p.charge(st, in.str)
		}
		if err != nil {
			return scalar{}, false, err
		}
		replaced, err := p.replace(st, in.str, template(args[1].str))
		return text(replaced), true, err
	}
	return f.build(c, n, in)
}

func (p *pattern) replace(st *state, s, by string) (string, error) {
	var out []byte
	last := 0
	for _, m := range p.FindAllStringSubmatchIndex(s, -1) {
		out = append(out, s[last:m[0]]...)
		out = p.ExpandString(out, by, s, m)
		last = m[1]
		if err := st.spend(1 + len(by)/64); err != nil {
			return "", err
		}
		if err := st.spendText(len(out)); err != nil {
			return "", err
		}
	}
	return string(append(out, s[last:]...)), nil
}

var groupReference = regexp.MustCompile(`\$(\d+)`)

// template writes $1x as ${1}x: a group's number ends at the last digit.
func template(s string) string {
	return groupReference.ReplaceAllString(s, "$${$1}")
}
