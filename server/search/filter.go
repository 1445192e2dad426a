package search

import (
	"slices"
	"strconv"
	"strings"

	"tenon/fhir/issue"
)

func itoa(n int) string { return strconv.Itoa(n) }

// filter reads _filter into clauses.
// https://hl7.org/fhir/R4/search_filter.html
func (p *parser) filter(typ, text string, depth int) ([]Clause, error) {
	e, err := parseFilter(text)
	if err != nil {
		return nil, err
	}
	f := filterReader{parser: p, text: text}
	return f.clauses(typ, e, depth)
}

// filterReader gives an expression its meaning.
type filterReader struct {
	*parser
	text string
}

func (f *filterReader) clauses(typ string, e *filterExpr, depth int) ([]Clause, error) {
	if e.join == "" {
		all, err := f.compare(typ, e, e.path, depth)
		return all, f.placed(err, e.at)
	}
	left, err := f.clauses(typ, e.left, depth)
	if err != nil {
		return nil, err
	}
	if e.join == "not" {
		return []Clause{Not{left}}, nil
	}
	right, err := f.clauses(typ, e.right, depth)
	if err != nil {
		return nil, err
	}
	if e.join == "and" {
		return append(slices.Clip(left), right...), nil
	}
	return []Clause{Or{[][]Clause{left, right}}}, nil
}

// placed says where in the filter a refusal has its cause.
func (f *filterReader) placed(err error, at int) error {
	if i := issue.As(err); i != nil && !strings.HasPrefix(i.Issues[0].Text, "At character ") && !strings.HasPrefix(i.Issues[0].Text, "The _filter cannot be read") {
		n := len([]rune(f.text[:at])) + 1
		i.Issues[0].Text = "At character " + itoa(n) + " of the _filter: " + i.Issues[0].Text
		i.Issues[0].Chinese = "_filter 第 " + itoa(n) + " 个字符处：" + i.Issues[0].Chinese
	}
	return err
}

// compare is one comparison, perhaps behind a path.
func (f *filterReader) compare(typ string, e *filterExpr, path []filterStep, depth int) ([]Clause, error) {
	if depth > maxDepth {
		return nil, refuse(issue.TooCostly, "search-limit", "", "链式参数嵌套过深。", "Chains nest deeper than %d.", maxDepth)
	}
	step := path[0]
	if step.where != nil {
		if c, names := f.grouping(typ, step.name); c != nil {
			return f.grouped(typ, c, names, e, path)
		}
	}
	code, modifier, _ := strings.Cut(step.name, ":")
	param := f.parameter(typ, code)
	if param == nil || !param.Served {
		return nil, hardened(f.absent(typ, code, param))
	}
	if len(path) == 1 {
		if modifier != "" {
			return nil, badModifier(param, modifier)
		}
		return f.compareOne(typ, param, e.op, e.value)
	}
	if param.Type != "reference" {
		return nil, badValue(step.name, param.Code+" 不是引用。", "%q is no reference and cannot be followed", param.Code)
	}
	return f.follow(param, modifier, e, path, depth)
}

// follow goes on with what a reference points to. A filter in brackets is asked
// of the same target as the rest of the path.
func (f *filterReader) follow(param *Parameter, modifier string, e *filterExpr, path []filterStep, depth int) ([]Clause, error) {
	next, _, _ := strings.Cut(path[1].name, ":")
	if f.groupingOf(param, path[1]) {
		next = "_id" // a name of its own, which any target may have or not
	}
	types, err := f.chained(param, modifier, next)
	if err != nil {
		return nil, hardened(err)
	}
	either := Or{}
	var first error
	for _, target := range types {
		if f.branch++; f.branch > maxBranches {
			return nil, badValue(path[0].name, "请指明目标类型。", "the path goes through too many types: name one, as in %s:%s.%s", param.Code, target, path[1].name)
		}
		var where []Clause
		if path[0].where != nil {
			where, err = f.clauses(target, path[0].where, depth+1)
		}
		if err == nil {
			var rest []Clause
			rest, err = f.compare(target, e, path[1:], depth+1)
			where = append(slices.Clip(where), rest...)
		}
		if err != nil {
			if first == nil {
				first = err
			}
			err = nil
			continue
		}
		either.Any = append(either.Any, []Clause{Reference{Key: param.Key, Target: &Alias{Types: []string{target}, Reach: f.reach(target), Where: where}}})
	}
	switch len(either.Any) {
	case 0:
		return nil, first
	case 1:
		return either.Any[0], nil
	}
	return []Clause{either}, nil
}

// hardened makes an unknown name inside a filter an error under any handling:
// half an expression cannot be left out.
func hardened(err error) error {
	if f := issue.As(err); f != nil && f.Issues[0].Rule == ruleUnknown {
		return badValue(f.Issues[0].Text, "未知的参数。", "a filter names a parameter that is not known")
	}
	return err
}

// systemNames can stand for the systems themselves.
// https://hl7.org/fhir/R4/search_filter.html#ops
var systemNames = map[string]string{
	"loinc": "http://loinc.org", "snomed": "http://snomed.info/sct", "rxnorm": "http://www.nlm.nih.gov/research/umls/rxnorm", "ucum": ucumSystem,
}

// longSystem writes out a short name of a system.
func longSystem(kind, value string) string {
	parts := strings.Split(value, "|")
	i := 0
	if kind == "quantity" {
		i = 1
	}
	if len(parts) > i+1 && systemNames[parts[i]] != "" && (kind == "token" || kind == "quantity") {
		parts[i] = systemNames[parts[i]]
	}
	return strings.Join(parts, "|")
}

// compareOne turns a comparison into that of a parameter of its type. Each asks
// whether there is a value that meets it; ne too is met by any other value, and
// not by none.
func (p *parser) compareOne(typ string, param *Parameter, op, value string) ([]Clause, error) {
	read := readers[param.Type]
	one := func(modifier, v string) ([]Clause, error) { return read(p, typ, param, modifier, []string{v}) }
	value = longSystem(param.Type, value)
	escaped := strings.ReplaceAll(value, `\`, `\\`)
	switch {
	case op == "pr" && (param.Code == "_id" || param.Code == "_lastUpdated"):
		return never(absence[value])
	case wordy(param.Code) && op == "co":
		return p.fullText(param, "", `"`+strings.NewReplacer(",", `\,`, `"`, " ").Replace(escaped)+`"`)
	case wordy(param.Code) || param.Type == "special" || param.Type == "composite" && op != "pr":
	case op == "pr":
		return missing(param, absence[value])
	case param.Code == "_id" && (op == "eq" || op == "ne"):
		ids, err := p.ids(param, "", escaped)
		if err == nil && op == "ne" {
			ids = []Clause{Not{ids}}
		}
		return ids, err
	case param.Code == "_lastUpdated" && prefixed(op):
		return p.updated(param, "", op+value)
	case param.Type == "string":
		return compareString(param, op, value)
	case (op == "po" || op == "co") && param.Type == "date" && param.Code != "_lastUpdated":
		clauses, err := one("", value)
		if err == nil {
			clauses[0].(Date).Any[0].Op = map[string]Op{"po": Overlaps, "co": Includes}[op]
		}
		return clauses, err
	case slices.Contains([]string{"date", "number", "quantity"}, param.Type) && prefixed(op):
		return one("", op+value)
	case op == "eq" || op == "ne" || op == "re" && param.Type == "reference":
		if slices.Contains([]string{"token", "reference", "uri"}, param.Type) {
			clauses, err := one("", escaped)
			return other(op == "ne", clauses, err)
		}
	case slices.Contains([]string{"ss", "sb", "in", "ni"}, op):
		if param.Type == "token" || param.Type == "uri" && op[0] == 's' {
			return one(map[string]string{"ss": "below", "sb": "above", "in": "in", "ni": "not-in"}[op], escaped)
		}
	}
	return nil, badValue(op, "该参数不支持此运算。", "%q, of type %s, cannot be compared by %q", param.Code, param.Type, op)
}

// absence is what :missing says of a value of pr.
var absence = map[string]string{"true": "false", "false": "true"}

func prefixed(op string) bool { _, ok := prefixes[op]; return ok }

// other asks for another value than that of the clause.
func other(ne bool, clauses []Clause, err error) ([]Clause, error) {
	if err != nil || !ne || len(clauses) != 1 {
		return clauses, err
	}
	return []Clause{Other{clauses[0]}}, nil
}

// compareString compares without regard to case and accents. Order is that of
// the first characters.
func compareString(param *Parameter, op, value string) ([]Clause, error) {
	folded := Fold(strings.TrimSpace(value))
	if folded == "" {
		return nil, badValue(value, "缺少文字。", "%q is a string: compare it with a text", param.Code)
	}
	first := []rune(folded)[0]
	match := StringMatch{Value: folded}
	switch op {
	case "eq", "ne":
		match.Mode = Same
	case "co":
		match.Mode = Contains
	case "sw":
		match.Mode = Prefix
	case "ew":
		match.Mode = Suffix
	case "gt":
		match = StringMatch{From, string(first + 1)}
	case "ge":
		match = StringMatch{From, string(first)}
	case "lt":
		match = StringMatch{Before, string(first)}
	case "le":
		match = StringMatch{Before, string(first + 1)}
	default:
		return nil, badValue(op, "该参数不支持此运算。", "%q is a string: compare it by eq, ne, co, sw, ew, gt, ge, lt or le", param.Code)
	}
	return other(op == "ne", []Clause{String{Key: param.Key, Any: []StringMatch{match}}}, nil)
}
