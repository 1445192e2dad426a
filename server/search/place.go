package search

import (
	"slices"
	"strings"

	"tenon/fhir/issue"
)

// place reads where the search begins and with it the types that it is over.
func (p *parser) place() error {
	where := strings.Split(p.q.Type, "/")
	switch {
	case p.q.Type == "":
		return p.allTypes()
	case len(where) == 1 && p.types[where[0]] != nil:
		p.over = where
		p.plan.Root = Alias{Types: p.over, Reach: p.reach(where[0])}
		return nil
	case len(where) == 3:
		return p.compartment(where[0], where[1], where[2])
	}
	return unknownType(p.q.Type)
}

// allTypes is a search of the whole server, which _type narrows.
// https://hl7.org/fhir/R4/search.html#searching
func (p *parser) allTypes() error {
	p.over = p.model.Resources()
	var some []string
	for _, param := range p.q.Params {
		if param.Name != "_type" {
			continue
		}
		for typ := range strings.SplitSeq(param.Value, ",") {
			if typ = strings.TrimSpace(typ); p.types[typ] == nil {
				return at(badValue(typ, "不是 FHIR R4 的资源类型。", "%q is not a resource type of FHIR R4", typ), "_type")
			}
			if !slices.Contains(some, typ) {
				some = append(some, typ)
			}
		}
	}
	if len(some) > 0 {
		p.over = some
	}
	p.plan.Root = Alias{Types: some, Reach: p.reachAny(some)}
	return nil
}

// compartment is https://hl7.org/fhir/R4/http.html#vsearch:
// Patient/1/Observation or Patient/1/* for all types.
func (p *parser) compartment(name, id, typ string) error {
	inside := p.model.Compartment(name)
	if inside == nil || !validID(id) {
		return refuse(issue.NotFound, "search-compartment", "", "没有该隔室。", "There is no compartment %q of %q.", clip(id), clip(name)).WithStatus(404)
	}
	clause := Within{Type: name, ID: id}
	for _, other := range p.model.Resources() {
		codes, in := inside[other]
		if typ != "*" && typ != other || !in && other != name {
			continue
		}
		p.over = append(p.over, other)
		for _, code := range codes {
			if param := p.parameter(other, code); param != nil && param.indexed && param.Type == "reference" {
				clause.Keys = append(clause.Keys, param.Key)
			}
		}
	}
	if len(p.over) == 0 {
		return refuse(issue.NotSupported, "search-compartment", "", typ+" 不属于隔室 "+name+"。", "%q is not in the compartment of a %s.", clip(typ), name)
	}
	p.plan.Root = Alias{Types: p.over, Reach: p.reachAny(p.over), Where: []Clause{clause}}
	if slices.Contains(p.over, name) { // the one that it is about is in it
		self := []Clause{OfType{[]string{name}}, IDs{[]string{id}}}
		p.plan.Root.Where = []Clause{Or{[][]Clause{{clause}, self}}}
	}
	return nil
}

// overAll reads a condition over all types of the search. A parameter that the
// types share is one condition; one of the same name that each type defines for
// itself is asked of each.
func (p *parser) overAll(name, value string) ([]Clause, error) {
	code := name[:strings.IndexAny(name+":", ".:")]
	param := p.parameter(p.over[0], code)
	shared := code != "_has" && code != "_filter"
	for _, typ := range p.over {
		other := p.parameter(typ, code)
		if other == nil && !strings.HasPrefix(code, "_") {
			return nil, unknownParameter(typ, code)
		}
		shared = shared && other == param
	}
	if len(p.over) == 1 || shared {
		return p.condition(p.over[0], name, value, 0)
	}
	if len(p.over) > maxIncludes {
		return nil, refuse(issue.TooCostly, "search-limit", "", "请用 _type 限定资源类型。", "Name at most %d types by _type to search by %q.", maxIncludes, code)
	}
	either := Or{}
	for _, typ := range p.over {
		clauses, err := p.condition(typ, name, value, 0)
		if err != nil {
			return nil, err
		}
		either.Any = append(either.Any, append([]Clause{OfType{[]string{typ}}}, clauses...))
	}
	return []Clause{either}, nil
}

// onlyType takes _type, which allTypes has read.
func (p *parser) onlyType(modifier string, param Param) error {
	if modifier != "" || p.q.Type != "" {
		return refuse(issue.NotSupported, "search-type", param.Name, "_type 仅用于跨类型检索。", "_type belongs to a search across types: GET [base]?_type=%s", clip(param.Value))
	}
	return nil
}

// list is _list: what the entries of a List refer to.
// https://hl7.org/fhir/R4/search.html#list
func (p *parser) list(value string) ([]Clause, error) {
	ids := split(value, ',')
	for _, id := range ids {
		if strings.HasPrefix(id, "$") {
			return nil, notServed("_list="+clip(id), "functional list")
		}
		if !validID(id) {
			return nil, badValue(id, "应为 List 资源的 id。", "_list takes the id of a List")
		}
	}
	source := Alias{Types: []string{"List"}, Reach: p.reach("List"), Where: []Clause{IDs{ids}}}
	return []Clause{Has{Key: KeyOf("List", "item"), Source: source}}, nil
}
