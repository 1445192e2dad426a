package terminology

// https://hl7.org/fhir/R4/valueset-filter-operator.html

import (
	"regexp"
	"regexp/syntax"
	"slices"
	"strings"
)

// filter is one condition of a clause: on a concept of a table, or on a code
// where the system is a grammar.
type filter struct {
	concept func(t *table, i uint32) bool
	code    func(code string) bool
	root    uint32 // is-a: what all lie below, plus 1
	cost    int    // of one test, against 1 for a comparison
}

func (f *filter) accepts(t *table, i uint32, code string) bool {
	if t == nil {
		return f.code != nil && f.code(code)
	}
	return f.concept(t, i)
}

// compileFilter makes a condition, or says why it can't be judged here.
func compileFilter(cs *system, property, op, value string) (filter, reason) {
	if cs == nil {
		return filter{}, unknownContent(property, op, value)
	}
	if property == "concept" {
		property = "code"
	}
	if cs.grammar != nil {
		return grammarFilter(cs.grammar, property, op, value)
	}
	t, err := cs.table()
	if err != nil || t == nil {
		return filter{}, notAll(cs)
	}
	if property == "code" {
		return codeFilter(cs, t, op, value)
	}
	return propertyFilter(cs, t, property, op, value)
}

func grammarFilter(g *grammar, property, op, value string) (filter, reason) {
	if g.filter != nil {
		if test, ok := g.filter(property, op, value); ok {
			return filter{code: test, cost: 100}, reason{}
		}
	}
	if property != "code" {
		return filter{}, noFilter(g.title, property, op)
	}
	switch op {
	case "=":
		return filter{code: func(code string) bool { return code == value }}, reason{}
	case "in", "not-in":
		list := splitList(value)
		return filter{code: func(code string) bool { return slices.Contains(list, code) == (op == "in") }, cost: len(list)}, reason{}
	case "regex":
		re, cost, why := compileRegex(value)
		if why.kind != 0 {
			return filter{}, why
		}
		return filter{code: re.MatchString, cost: cost}, reason{}
	}
	return filter{}, noFilter(g.title, property, op)
}

// codeFilter is a condition on the code itself and its place in the hierarchy.
func codeFilter(cs *system, t *table, op, value string) (filter, reason) {
	switch op {
	case "in", "not-in":
		list := map[uint32]bool{}
		for _, code := range splitList(value) {
			if i, ok := t.find(code); ok {
				list[i] = true
			}
		}
		return filter{concept: func(_ *table, i uint32) bool { return list[i] == (op == "in") }, cost: 2}, reason{}
	case "regex":
		re, cost, why := compileRegex(value)
		if why.kind != 0 {
			return filter{}, why
		}
		return filter{concept: func(t *table, i uint32) bool { return re.MatchString(t.code(i)) }, cost: cost}, reason{}
	case "exists":
		return filter{concept: func(*table, uint32) bool { return value == "true" }}, reason{}
	}
	root, ok := t.find(value)
	if !ok {
		return filter{}, noSuchCode(cs, op, value)
	}
	f := filter{cost: 2}
	switch op {
	case "=":
		f.concept = func(_ *table, i uint32) bool { return i == root }
	case "is-a":
		f.root = root + 1
		f.concept = func(t *table, i uint32) bool { return t.below(root, i) }
	case "descendent-of":
		f.root = root + 1
		f.concept = func(t *table, i uint32) bool { return i != root && t.below(root, i) }
	case "is-not-a":
		f.concept = func(t *table, i uint32) bool { return !t.below(root, i) }
	case "generalizes":
		f.concept = func(t *table, i uint32) bool { return t.below(i, root) }
	case "child-of":
		f.root = root + 1
		f.concept = func(t *table, i uint32) bool { return slices.Contains(t.parents(i), root) }
	case "descendent-leaf":
		f.root = root + 1
		f.concept = func(t *table, i uint32) bool {
			return i != root && t.below(root, i) && len(t.children(i)) == 0
		}
	default:
		return filter{}, noFilter(cs.url, "code", op)
	}
	return f, reason{}
}

// propertyFilter is a condition on a property of the concept.
func propertyFilter(cs *system, t *table, property, op, value string) (filter, reason) {
	values := cs.values(t, property)
	if values == nil {
		return filter{}, noProperty(cs, property)
	}
	f := filter{cost: 8}
	some := func(t *table, i uint32, test func(string) bool) bool {
		found := false
		values(t, i, func(v string) bool {
			found = test(v)
			return !found
		})
		return found
	}
	switch op {
	case "=":
		f.concept = func(t *table, i uint32) bool { return some(t, i, func(v string) bool { return equalValue(v, value) }) }
	case "in", "not-in":
		list := splitList(value)
		f.cost += len(list)
		f.concept = func(t *table, i uint32) bool {
			return some(t, i, func(v string) bool {
				return slices.ContainsFunc(list, func(one string) bool { return equalValue(v, one) })
			}) == (op == "in")
		}
	case "exists":
		if noted := cs.noted(t, property); noted != nil {
			values = noted
		}
		f.concept = func(t *table, i uint32) bool {
			return some(t, i, func(string) bool { return true }) == (value == "true")
		}
	case "regex":
		re, cost, why := compileRegex(value)
		if why.kind != 0 {
			return filter{}, why
		}
		f.cost += cost
		f.concept = func(t *table, i uint32) bool { return some(t, i, re.MatchString) }
	case "is-a", "descendent-of", "is-not-a":
		root, ok := t.find(value)
		if !ok {
			return filter{}, noSuchCode(cs, op, value)
		}
		f.concept = func(t *table, i uint32) bool {
			return some(t, i, func(v string) bool {
				at, ok := t.find(v)
				return ok && t.below(root, at) && (op != "descendent-of" || at != root)
			}) == (op != "is-not-a")
		}
	default:
		return filter{}, noFilter(cs.url, property, op)
	}
	return f, reason{}
}

// equalValue compares a property's value; a Coding is meant by its code too.
func equalValue(v, want string) bool {
	return v == want || strings.HasSuffix(v, "|"+want)
}

func splitList(value string) []string {
	list := strings.Split(value, ",")
	for i := range list {
		list[i] = strings.TrimSpace(list[i])
	}
	return list
}

// A regular expression of a value set is RE2, so that its time is linear, and
// short, so that the factor is small.
const (
	maxRegex        = 500
	maxInstructions = 1000
)

// compileRegex makes an expression that must match the whole value.
func compileRegex(value string) (*regexp.Regexp, int, reason) {
	if len(value) > maxRegex {
		return nil, 0, badRegex(value)
	}
	parsed, err := syntax.Parse(value, syntax.Perl)
	if err != nil {
		return nil, 0, badRegex(value)
	}
	prog, err := syntax.Compile(parsed.Simplify())
	if err != nil || len(prog.Inst) > maxInstructions {
		return nil, 0, badRegex(value)
	}
	re, err := regexp.Compile(`^(?:` + value + `)$`)
	if err != nil {
		return nil, 0, badRegex(value)
	}
	return re, 10 + 10*len(prog.Inst), reason{}
}
