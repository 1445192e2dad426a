package search

import (
	"regexp"
	"slices"
	"strings"

	"tenon/fhir/fhirpath"
	"tenon/fhir/schema"
)

// path is one expression on a resource type, with all that want its values: it
// is evaluated once for code and combo-code, subject and patient.
type path struct {
	source string
	expr   *fhirpath.Expr
	plain  plain // nil where the expression is more than a path
	parts  []*part
	// property is the first element of the path; without it in the resource the
	// path yields nothing and is not evaluated. "" means always evaluate.
	property string
	posted   bool // not of the model: what it cannot evaluate has no rows
}

// part is one alternative of a parameter's expression.
type part struct {
	param *Parameter
	// target keeps only references to this type: "where(resolve() is Patient)".
	target string
	keys   partKeys
	family bool // the value is a family name, whose parts are found one by one
}

// alternatives cuts an expression at the bars outside parentheses and keeps
// those that can apply to the base type: every multi-type parameter lists the
// paths of all its types.
func alternatives(expression, base string) []string {
	var kept []string
	depth, from := 0, 0
	add := func(s string) {
		s = strings.TrimSpace(s)
		name, _, dotted := strings.Cut(strings.TrimLeft(s, "("), ".")
		typed := dotted && name != "" && name[0] >= 'A' && name[0] <= 'Z'
		if s != "" && (!typed || name == base) {
			kept = append(kept, s)
		}
	}
	for i := range len(expression) {
		switch expression[i] {
		case '(':
			depth++
		case ')':
			depth--
		case '|':
			if depth == 0 {
				add(expression[from:i])
				from = i + 1
			}
		}
	}
	add(expression[from:])
	return kept
}

var resolved = regexp.MustCompile(`^(.+)\.where\(resolve\(\) is ([A-Za-z]+)\)$`)

// newPart reads one alternative and returns the expression to evaluate. A
// reference filtered by the type of its target is filtered by the indexer, from
// the reference's own text, so that indexing needs no target.
func newPart(p *Parameter, source string) (*part, string) {
	out := &part{param: p, keys: keysOf(p), family: strings.HasSuffix(source, ".name.family")}
	if !strings.HasSuffix(source, ")") {
		return out, source
	}
	if match := resolved.FindStringSubmatch(source); match != nil {
		source, out.target = match[1], match[2]
	}
	return out, source
}

func newPath(m *schema.Model, base, source string) (*path, error) {
	expr, err := fhirpath.Compile(source, &fhirpath.Env{Model: m, Root: base, FilterAs: true})
	if err != nil {
		return nil, err
	}
	out := &path{source: source, expr: expr, plain: newPlain(m, source)}
	if navigates(source) {
		out.property = firstElement(source, base)
	}
	return out, nil
}

// navigates tells whether the expression yields nothing when its first element
// is absent: a path, perhaps filtered, but no comparison.
func navigates(source string) bool {
	plain := withoutArguments(source)
	for _, operator := range []string{" and ", " or ", "=", "exists()", "empty()", "not()", "count()", "iif()"} {
		if strings.Contains(plain, operator) {
			return false
		}
	}
	return true
}

// withoutArguments empties the parentheses of function calls, not those that
// group: "(a.b as C)" stays.
func withoutArguments(source string) string {
	var b strings.Builder
	skip := 0
	for i := range len(source) {
		c := source[i]
		switch {
		case c == '(' && (skip > 0 || i > 0 && letter(source[i-1])):
			if skip++; skip == 1 {
				b.WriteByte(c)
			}
		case c == ')' && skip > 0:
			if skip--; skip == 0 {
				b.WriteByte(c)
			}
		case skip == 0:
			b.WriteByte(c)
		}
	}
	return b.String()
}

func letter(c byte) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' }

// firstElement is the name behind the base type: "value" in
// "(Observation.value as Quantity)".
func firstElement(source, base string) string {
	s := strings.TrimLeft(source, "(")
	s = strings.TrimPrefix(s, base+".")
	n := 0
	for n < len(s) && letter(s[n]) {
		n++
	}
	if n < len(s) && s[n] == '(' {
		return "" // a function such as extension()
	}
	return s[:n]
}

var steps = regexp.MustCompile(`^\(?([A-Za-z]+)((?:\.[A-Za-z]+)+)(?: as ([A-Za-z]+)\)|\.as\(([A-Za-z]+)\))?$`)

// element follows a plain path, whose filters do not count. It returns the
// last element and those of its types that the path admits; nil when the path
// is not plain.
func element(m *schema.Model, source string) (*schema.Element, []schema.TypeRef) {
	match := steps.FindStringSubmatch(withoutFilters(source))
	if match == nil {
		return nil, nil
	}
	typ := m.Type(match[1])
	var last *schema.Element
	for _, name := range strings.Split(match[2][1:], ".") {
		if typ == nil {
			return nil, nil
		}
		if last = typ.Choice(name); last == nil {
			return nil, nil
		}
		typ = last.Type
	}
	only := match[3] + match[4]
	var types []schema.TypeRef
	for _, ref := range last.Types {
		if only == "" || ref.Code == only {
			types = append(types, ref)
		}
	}
	return last, types
}

// withoutFilters drops .where(…), which changes no type.
func withoutFilters(source string) string {
	for {
		from := strings.Index(source, ".where(")
		if from < 0 {
			return source
		}
		depth, to := 0, from
		for ; to < len(source); to++ {
			if source[to] == '(' {
				depth++
			}
			if source[to] == ')' {
				if depth--; depth == 0 {
					break
				}
			}
		}
		source = source[:from] + source[min(to+1, len(source)):]
	}
}

// targets narrows what a reference parameter can point to, on this base type,
// from what its elements can point to: definitions that serve many types list
// the targets of all of them.
func targets(m *schema.Model, sp schema.SearchParameter, base string) []string {
	var all []string
	for _, source := range alternatives(sp.Expression, base) {
		if match := resolved.FindStringSubmatch(source); match != nil {
			all = append(all, match[2])
			continue
		}
		_, types := element(m, source)
		if len(types) == 0 {
			return sp.Target
		}
		for _, ref := range types {
			if ref.Code != "Reference" && ref.Code != "canonical" {
				continue
			}
			if len(ref.TargetTypes) == 0 || slices.Contains(ref.TargetTypes, "Resource") {
				return sp.Target
			}
			all = append(all, ref.TargetTypes...)
		}
	}
	slices.Sort(all)
	all = slices.Compact(all)
	both := slices.DeleteFunc(slices.Clone(all), func(t string) bool { return !slices.Contains(sp.Target, t) })
	if len(both) == 0 {
		return sp.Target
	}
	return both
}
