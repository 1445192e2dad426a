package search

import (
	"slices"
	"strings"

	"tenon/fhir/issue"
)

// Names that stand in a filter only, with a filter in brackets and a name behind:
// what both ask is asked of one element. Each is a composite of R4, whose parts
// have these names. What the specification lists beyond these has no parameter in
// R4. https://hl7.org/fhir/R4/search_filter.html#params
var filterGroups = map[[2]string]struct {
	composite string
	parts     []string // names, in the order of the components
}{
	{"Group", "characteristic"}:        {"characteristic-value", []string{"code", "value"}},
	{"DocumentReference", "relatesTo"}: {"relationship", []string{"target", "code"}},
}

// grouping finds the composite that a name with brackets stands for, and the
// names of its parts: those of its components too.
func (f *filterReader) grouping(typ, name string) (*Parameter, [][]string) {
	g, special := filterGroups[[2]string{typ, name}]
	if !special {
		g.composite = name
	}
	c := f.parameter(typ, g.composite)
	if c == nil || !c.Served || c.Type != "composite" {
		return nil, nil
	}
	names := make([][]string, len(c.parts))
	for i, part := range c.parts {
		short := part.Code[strings.LastIndexByte(part.Code, '-')+1:]
		names[i] = []string{part.Code, strings.TrimPrefix(strings.TrimPrefix(part.Code, "component-"), "combo-"), short}
		if strings.Contains(part.Code, "value") {
			names[i] = append(names[i], "value")
		}
		if special {
			names[i] = append(names[i], g.parts[i])
		}
	}
	return c, names
}

// groupingOf tells whether a step is a name of that kind for some target.
func (f *filterReader) groupingOf(param *Parameter, step filterStep) bool {
	for _, typ := range param.Targets {
		if c, _ := f.grouping(typ, step.name); c != nil && step.where != nil {
			return true
		}
	}
	return false
}

// grouped asks one group for what is in the brackets and for what is behind.
func (f *filterReader) grouped(typ string, c *Parameter, names [][]string, e *filterExpr, path []filterStep) ([]Clause, error) {
	if len(path) != 2 || path[1].where != nil {
		return nil, badValue(path[0].name, "方括号后应为一个部分的名称。", "behind the bracket stands the name of one part")
	}
	g := filterGroup{f, typ, c, names}
	any, err := g.alternatives(path[0].where)
	if err != nil {
		return nil, err
	}
	if e.op == "pr" { // a group has all its parts
		if _, err := g.part(path[1].name); err != nil {
			return nil, err
		}
		return present(e.value, Composite{Key: c.parts[0].Key, Any: any})
	}
	last, err := g.one(&filterExpr{path: path[1:], op: e.op, value: e.value, at: e.at})
	if err != nil {
		return nil, err
	}
	for i := range any {
		any[i] = append(slices.Clip(any[i]), last)
	}
	return []Clause{Composite{Key: c.parts[0].Key, Any: any}}, nil
}

func present(value string, c Clause) ([]Clause, error) {
	switch value {
	case "true":
		return []Clause{c}, nil
	case "false":
		return []Clause{Not{[]Clause{c}}}, nil
	}
	return missing(&Parameter{}, "")
}

type filterGroup struct {
	*filterReader
	typ   string
	c     *Parameter
	names [][]string
}

// alternatives reads an expression into conditions of which one group must meet
// all of one list.
func (g *filterGroup) alternatives(e *filterExpr) ([][]Clause, error) {
	if e.join == "not" {
		return nil, badValue("not", "此处不支持 not。", "within brackets of one element there is no not: compare by ne, or put not before the whole")
	}
	if e.join == "" {
		one, err := g.one(e)
		return [][]Clause{{one}}, g.placed(err, e.at)
	}
	left, err := g.alternatives(e.left)
	if err != nil {
		return nil, err
	}
	right, err := g.alternatives(e.right)
	if err != nil || e.join == "or" {
		return append(left, right...), err
	}
	var both [][]Clause
	for _, a := range left {
		for _, b := range right {
			both = append(both, append(slices.Clip(a), b...))
		}
	}
	if len(both) > maxTerms {
		return nil, refuse(issue.TooCostly, "search-limit", "", "方括号内条件过多。", "The filter in brackets has more than %d alternatives.", maxTerms)
	}
	return both, nil
}

func (g *filterGroup) part(name string) (*Parameter, error) {
	for i, names := range g.names {
		if slices.Contains(names, name) {
			return g.c.parts[i], nil
		}
	}
	return nil, badValue(name, "没有该部分。", "%s has the parts %s and %s", g.c.Code, g.names[0][0], g.names[len(g.names)-1][0])
}

func (g *filterGroup) one(e *filterExpr) (Clause, error) {
	if len(e.path) != 1 {
		return nil, badValue(e.path[0].name, "此处不支持链式检索。", "a part of an element cannot be followed")
	}
	part, err := g.part(e.path[0].name)
	if err != nil {
		return nil, err
	}
	all, err := g.compareOne(g.typ, part, e.op, e.value)
	if err != nil {
		return nil, err
	}
	switch c := all[0].(type) {
	case Token:
		if len(all) == 1 && !c.Not {
			return c, nil
		}
	case String, Date, Number, Reference:
		if len(all) == 1 {
			return c, nil
		}
	}
	return nil, badValue(e.op, "此处不支持该运算。", "within one element %q cannot be compared by %q", e.path[0].name, e.op)
}
