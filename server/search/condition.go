package search

import (
	"slices"
	"strings"

	"tenon/fhir/issue"
)

// known are parameters of every type that this server does not serve.
var known = map[string]string{
	"_query":         "named query",
	"_containedType": "contained resources", "_score": "relevance",
}

// condition reads one name=value into clauses on a resource of the type.
func (p *parser) condition(typ, name, value string, depth int) ([]Clause, error) {
	if depth > maxDepth {
		return nil, refuse(issue.TooCostly, "search-limit", "", "链式参数嵌套过深。", "Chains nest deeper than %d.", maxDepth)
	}
	if strings.HasPrefix(name, "_has:") {
		return p.has(typ, name, value, depth)
	}
	if name == "_list" {
		return p.list(value)
	}
	if name == "_filter" {
		return p.filter(typ, value, depth)
	}
	head, rest, chained := strings.Cut(name, ".")
	code, modifier, _ := strings.Cut(head, ":")
	param := p.parameter(typ, code)
	if param == nil || !param.Served {
		return nil, p.absent(typ, code, param)
	}
	if wordy(code) && !chained {
		return p.fullText(param, modifier, value)
	}
	if param.membership() && !chained {
		return p.members(param, modifier, value)
	}
	if chained {
		return p.chain(param, modifier, rest, value, depth)
	}
	switch {
	case modifier == "missing" && (code == "_id" || code == "_lastUpdated"):
		return never(value)
	case code == "_id":
		return p.ids(param, modifier, value)
	case code == "_lastUpdated":
		return p.updated(param, modifier, value)
	case modifier == "missing":
		return missing(param, value)
	}
	read, ok := readers[param.Type]
	if !ok {
		return nil, notServed(code, param.Type)
	}
	values := split(value, ',')
	if len(values) > maxValues {
		return nil, tooMany()
	}
	return read(p, typ, param, modifier, values)
}

// readers turn the alternatives of a parameter into clauses, by its type.
var readers = map[string]func(p *parser, typ string, param *Parameter, modifier string, values []string) ([]Clause, error){
	"token": (*parser).tokens, "string": (*parser).strings, "date": (*parser).dates, "number": (*parser).numbers,
	"quantity": (*parser).numbers, "reference": (*parser).references, "uri": (*parser).uris,
}

func init() { // what reads its parts by this table
	readers["composite"], readers["special"] = (*parser).composite, (*parser).near
}

func (p *parser) absent(typ, code string, param *Parameter) error {
	if param != nil && param.Building {
		return refuse(issue.NotSupported, "search-building", "", "参数 "+code+" 的索引正在建立，请稍后再试。",
			"The rows of the parameter %q are still being made; it answers once they are complete.", code)
	}
	if param != nil {
		return notServed(code, param.Type)
	}
	if kind, ok := known[code]; ok {
		return notServed(code, kind)
	}
	return unknownParameter(typ, code)
}

// ids is _id. https://hl7.org/fhir/R4/search.html#id
func (p *parser) ids(param *Parameter, modifier, value string) ([]Clause, error) {
	if modifier != "" {
		return nil, badModifier(param, modifier)
	}
	ids := split(value, ',')
	for _, id := range ids {
		if !validID(id) {
			return nil, badValue(id, "应为资源 id。", "an id has up to 64 letters, digits, - and dots")
		}
	}
	if len(ids) > maxValues {
		return nil, tooMany()
	}
	return []Clause{IDs{IDs: ids}}, nil
}

// updated is _lastUpdated. https://hl7.org/fhir/R4/search.html#lastUpdated
func (p *parser) updated(param *Parameter, modifier, value string) ([]Clause, error) {
	if modifier != "" {
		return nil, badModifier(param, modifier)
	}
	ranges, err := p.ranges(split(value, ','))
	if err != nil {
		return nil, err
	}
	return []Clause{Updated{Any: ranges}}, nil
}

// missing is the modifier :missing. https://hl7.org/fhir/R4/search.html#modifiers
func missing(param *Parameter, value string) ([]Clause, error) {
	if value != "true" && value != "false" {
		return nil, badValue(value, ":missing 的值应为 true 或 false。", ":missing takes true or false")
	}
	if param.Type == "composite" {
		return []Clause{Missing{Key: param.parts[0].Key, Kind: param.Type, Missing: value == "true"}}, nil
	}
	if param.Type == "special" {
		return []Clause{Missing{Key: param.Key, Kind: "composite", Missing: value == "true"}}, nil
	}
	return []Clause{Missing{Key: param.Key, Kind: param.Type, Missing: value == "true"}}, nil
}

// never is :missing on what every resource has.
func never(value string) ([]Clause, error) {
	clauses, err := missing(&Parameter{}, value)
	if err != nil || value == "false" {
		return nil, err
	}
	clauses[0] = IDs{}
	return clauses, nil
}

// chain is a condition on what a reference points to.
// https://hl7.org/fhir/R4/search.html#chaining
func (p *parser) chain(param *Parameter, modifier, rest, value string, depth int) ([]Clause, error) {
	if param.Type != "reference" {
		return nil, refuse(issue.Invalid, "search-chain", "", "参数 "+param.Code+" 不是引用，不能链式检索。",
			"%q is of type %s; only a reference can be chained.", param.Code, param.Type)
	}
	types, err := p.chained(param, modifier, rest)
	if err != nil {
		return nil, err
	}
	if code := rest[:strings.IndexAny(rest+":", ".:")]; len(types) > 1 && (code == "_has" || p.parameter(types[0], code).Base != "Resource") {
		return p.branches(param, types, rest, value, depth)
	}
	where, err := p.condition(types[0], rest, value, depth+1)
	if err != nil {
		return nil, err
	}
	target := &Alias{Types: types, Reach: p.reachAny(types), Where: where}
	return []Clause{Reference{Key: param.Key, Target: target}}, nil
}

// maxBranches bounds the types that the chains of a query are followed through.
const maxBranches = 48

// branches follows a chain through each type that it can be about.
func (p *parser) branches(param *Parameter, types []string, rest, value string, depth int) ([]Clause, error) {
	either := Or{}
	var first error
	for _, typ := range types {
		if p.branch++; p.branch > maxBranches {
			return nil, refuse(issue.TooCostly, "search-limit", "", "请指明目标类型，例如 "+param.Code+":"+typ+"。",
				"The chain goes through too many types: name them, as in %s:%s.%s.", param.Code, typ, rest)
		}
		clauses, err := p.chain(param, typ, rest, value, depth)
		if err == nil {
			either.Any = append(either.Any, clauses)
		} else if first == nil {
			first = err
		}
	}
	if len(either.Any) == 0 {
		return nil, first
	}
	return []Clause{either}, nil
}

// chained finds the types that the rest of a chain can be about. Too many
// are possible only for parameters that all types share.
func (p *parser) chained(param *Parameter, modifier, rest string) ([]string, error) {
	if modifier != "" {
		return p.typed(param, modifier)
	}
	targets := param.Targets
	if len(targets) == 0 {
		targets = p.model.Resources()
	}
	code := rest[:strings.IndexAny(rest+":", ".:")]
	var types []string
	for _, typ := range targets {
		if code == "_has" || p.parameter(typ, code) != nil {
			types = append(types, typ)
		}
	}
	switch {
	case len(types) == 0:
		return nil, unknownParameter("the target of "+param.Code, code)
	case len(types) > maxBranches && (code == "_has" || p.parameter(types[0], code).Base != "Resource"):
		return nil, refuse(issue.Invalid, "search-chain-ambiguous", "", "请指明目标类型，例如 "+param.Code+":"+types[0]+"."+rest+"。",
			"%q can point to several types with %q (%s): name one, as in %s:%s.%s.",
			param.Code, code, strings.Join(types, ", "), param.Code, types[0], rest)
	}
	return types, nil
}

// typed checks the type modifier of a reference.
func (p *parser) typed(param *Parameter, typ string) ([]string, error) {
	if p.types[typ] == nil {
		return nil, badModifier(param, typ)
	}
	if len(param.Targets) > 0 && !slices.Contains(param.Targets, typ) {
		return nil, refuse(issue.Invalid, "search-target-type", "", "参数 "+param.Code+" 不能引用 "+typ+"。",
			"%q cannot point to %s, only to %s.", param.Code, typ, strings.Join(param.Targets, ", "))
	}
	return []string{typ}, nil
}

// has is reverse chaining: _has:Observation:patient:code=1234-5.
// https://hl7.org/fhir/R4/search.html#has
func (p *parser) has(typ, name, value string, depth int) ([]Clause, error) {
	steps := strings.SplitN(name, ":", 4)
	if len(steps) < 4 || steps[3] == "" {
		return nil, refuse(issue.Invalid, "search-has", "", "_has 的形式应为 _has:类型:引用参数:参数。",
			"_has has the form _has:Type:reference:parameter, as in _has:Observation:patient:code.")
	}
	source, code := steps[1], steps[2]
	if p.types[source] == nil {
		return nil, unknownType(source).WithStatus(400)
	}
	param := p.parameter(source, code)
	if param == nil || !param.Served || param.Type != "reference" {
		return nil, refuse(issue.Invalid, "search-has", "", source+" 没有引用参数 "+code+"。",
			"%s has no reference parameter %q.", source, code)
	}
	if len(param.Targets) > 0 && !slices.Contains(param.Targets, typ) {
		return nil, refuse(issue.Invalid, "search-target-type", "", source+" 的参数 "+code+" 不能引用 "+typ+"。",
			"%q of %s cannot point to %s, only to %s.", code, source, typ, strings.Join(param.Targets, ", "))
	}
	where, err := p.condition(source, steps[3], value, depth+1)
	if err != nil {
		return nil, err
	}
	return []Clause{Has{Key: param.Key, Source: Alias{Types: []string{source}, Reach: p.reach(source), Where: where}}}, nil
}
