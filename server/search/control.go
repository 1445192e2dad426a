package search

import (
	"slices"
	"strconv"
	"strings"

	"tenon/fhir/issue"
)

// cursorParam carries the place in a next link.
const cursorParam = "_cursor"

// controls are the parameters that shape the answer.
// https://hl7.org/fhir/R4/search.html#return
var controls = map[string]func(p *parser, modifier string, param Param) error{
	"_count": (*parser).count, "_sort": (*parser).sort, "_total": (*parser).total, "_summary": (*parser).summary,
	"_elements": (*parser).elements, "_include": (*parser).include, "_revinclude": (*parser).include,
	"_contained": (*parser).contained, "_type": (*parser).onlyType, cursorParam: (*parser).after,
}

// single refuses a modifier and a repetition.
func (p *parser) single(modifier string, param Param) error {
	if modifier != "" {
		return refuse(issue.NotSupported, "search-modifier", param.Name, "参数不接受修饰符。", "The parameter takes no modifier.")
	}
	if p.seen[param.Name] {
		return refuse(issue.Invalid, "search-repeated", param.Name, "参数只能出现一次。", "The parameter may be given once only.")
	}
	p.seen[param.Name] = true
	return nil
}

// choice is single with a closed list of values.
func (p *parser) choice(modifier string, param Param, allowed ...string) error {
	if err := p.single(modifier, param); err != nil {
		return err
	}
	if !slices.Contains(allowed, param.Value) {
		return at(badValue(param.Value, "应为 "+strings.Join(allowed, "、")+"。", "%s is one of %s", param.Name, strings.Join(allowed, ", ")), param.Name)
	}
	return nil
}

// count is _count: 0 asks for the total only; more than the server's most is
// cut, and said.
func (p *parser) count(modifier string, param Param) error {
	if err := p.single(modifier, param); err != nil {
		return err
	}
	n, err := strconv.Atoi(param.Value)
	if err != nil || n < 0 {
		return at(badValue(param.Value, "应为非负整数。", "_count is a whole number, 0 or more"), param.Name)
	}
	if n == 0 {
		p.counts = true
	}
	if n > p.q.MaxCount {
		p.told.Warnings = append(p.told.Warnings, issue.Issue{
			Severity: issue.Information, Type: issue.Informational, Rule: "search-count-capped", Path: param.Name,
			Text:    "A page of this server has at most " + strconv.Itoa(p.q.MaxCount) + " matches; follow the next link for more.",
			Chinese: "每页最多 " + strconv.Itoa(p.q.MaxCount) + " 条，其余请沿 next 链接获取。",
		})
	}
	p.plan.Count = min(n, p.q.MaxCount)
	return nil
}

// total is _total. https://hl7.org/fhir/R4/search.html#total
func (p *parser) total(modifier string, param Param) error {
	if err := p.choice(modifier, param, "none", "estimate", "accurate"); err != nil {
		return err
	}
	p.told.Total = param.Value
	p.plan.Total, p.plan.Estimate = param.Value != "none", param.Value == "estimate"
	return nil
}

func (p *parser) summary(modifier string, param Param) error {
	if err := p.choice(modifier, param, "true", "text", "data", "count", "false"); err != nil {
		return err
	}
	p.told.Summary = param.Value
	p.counts = p.counts || param.Value == "count"
	return nil
}

// contained takes _contained=false, which is the default; nothing else is served.
func (p *parser) contained(modifier string, param Param) error {
	if err := p.choice(modifier, param, "false", "true", "both"); err != nil {
		return err
	}
	if param.Value != "false" {
		return at(notServed("_contained="+param.Value, "contained resources"), param.Name)
	}
	return nil
}

// elements is _elements, which may repeat.
func (p *parser) elements(modifier string, param Param) error {
	if modifier != "" {
		return p.single(modifier, param)
	}
	for name := range strings.SplitSeq(param.Value, ",") {
		name = strings.TrimSpace(name)
		if !slices.ContainsFunc(p.over, func(typ string) bool {
			t := p.model.Type(typ)
			return t.Choice(name) != nil || t.Element(name) != nil
		}) {
			return at(badValue(name, p.over[0]+" 没有该顶层元素。", "%s has no such element at its root", p.over[0]), param.Name)
		}
		p.told.Elements = append(p.told.Elements, name)
	}
	return nil
}

// sort is _sort, which may repeat for inner orders.
// https://hl7.org/fhir/R4/search.html#sort
func (p *parser) sort(modifier string, param Param) error {
	if modifier != "" {
		return p.single(modifier, param)
	}
	for item := range strings.SplitSeq(param.Value, ",") {
		code, desc := strings.CutPrefix(strings.TrimSpace(item), "-")
		s, err := p.sortBy(code)
		if err != nil {
			return at(err, param.Name)
		}
		s.Desc = desc
		if p.plan.Sort = append(p.plan.Sort, s); len(p.plan.Sort) > 8 {
			return refuse(issue.TooCostly, "search-limit", param.Name, "排序条件过多。", "There are more than 8 sort rules.")
		}
	}
	return nil
}

func (p *parser) sortBy(code string) (Sort, error) {
	if code == "_lastUpdated" || code == "_id" {
		return Sort{By: code}, nil
	}
	param := p.parameter(p.over[0], code)
	for _, typ := range p.over[1:] {
		if p.parameter(typ, code) != param {
			param = nil
		}
	}
	if param == nil || !param.Served || param.Type == "special" || wordy(code) {
		return Sort{}, refuse(issue.NotSupported, "search-sort", "", "不能按 "+code+" 排序。", "Results of %s cannot be sorted by %q.", strings.Join(p.over[:min(3, len(p.over))], ", "), code)
	}
	if param.Type == "composite" {
		return Sort{}, refuse(issue.NotSupported, "search-sort", "", "不能按组合参数 "+code+" 排序。", "%q is a composite: results cannot be sorted by it.", code)
	}
	return Sort{Key: param.sortKey, Kind: param.Type}, nil
}

// after is the place in a next link; it is opened when the query is complete.
func (p *parser) after(modifier string, param Param) error {
	if err := p.single(modifier, param); err != nil {
		return err
	}
	if p.cursor = param.Value; p.cursor == "" {
		return badCursor()
	}
	return nil
}
