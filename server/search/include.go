package search

import (
	"slices"
	"strings"

	"tenon/fhir/issue"
)

// maxIncludes bounds the includes of one query.
const maxIncludes = 32

// include is _include and _revinclude: Source:parameter[:Target], with :iterate.
// https://hl7.org/fhir/R4/search.html#include
func (p *parser) include(modifier string, param Param) error {
	name, _, _ := strings.Cut(param.Name, ":")
	if modifier != "" && modifier != "iterate" {
		return refuse(issue.NotSupported, "search-modifier", param.Name, "仅支持修饰符 :iterate。", "The only modifier of %s is :iterate.", name)
	}
	inc := Include{Reverse: name == "_revinclude", Iterate: modifier == "iterate"}
	if err := p.includeParts(&inc, param.Value); err != nil {
		return at(err, param.Name)
	}
	if p.plan.Include = append(p.plan.Include, inc); len(p.plan.Include) > maxIncludes {
		return refuse(issue.TooCostly, "search-limit", param.Name, "_include 过多。", "There are more than %d includes.", maxIncludes)
	}
	return nil
}

func (p *parser) includeParts(inc *Include, value string) error {
	parts := strings.Split(value, ":")
	if value == "*" {
		inc.Any, inc.Reach = true, p.reachAny(nil)
		if !inc.Reverse && !inc.Iterate && len(p.over) == 1 {
			inc.Source = p.over[0]
		}
		return nil
	}
	if len(parts) < 2 || len(parts) > 3 {
		return badValue(value, "形式应为 类型:参数 或 类型:参数:目标类型。", "an include is Source:parameter or Source:parameter:Target")
	}
	if p.types[parts[0]] == nil {
		return badValue(value, parts[0]+" 不是资源类型。", "%q is not a resource type", parts[0])
	}
	inc.Source = parts[0]
	if !inc.Reverse && !inc.Iterate && !slices.Contains(p.over, inc.Source) {
		return badValue(value, "来源类型应为所检索的 "+p.over[0]+"（或使用 :iterate）。", "the source must be %s, the type searched, unless :iterate is used", p.over[0])
	}
	targets, err := p.includeParam(inc, value, parts[1])
	if err != nil {
		return err
	}
	if len(parts) == 3 {
		if p.types[parts[2]] == nil || len(targets) > 0 && !slices.Contains(targets, parts[2]) {
			return badValue(value, "目标类型 "+parts[2]+" 不可能。", "%q cannot be the target", parts[2])
		}
		inc.Target, targets = parts[2], parts[2:]
	}
	if inc.Reverse {
		inc.Reach = p.reach(inc.Source)
	} else {
		inc.Reach = p.reachAny(targets)
	}
	return nil
}

// includeParam sets the key and returns the types that it can point to.
func (p *parser) includeParam(inc *Include, value, code string) ([]string, error) {
	if code == "*" {
		inc.Any = true
		return nil, nil
	}
	param := p.parameter(inc.Source, code)
	if param == nil || !param.Served || param.Type != "reference" {
		return nil, badValue(value, inc.Source+" 没有引用参数 "+code+"。", "%s has no reference parameter %q", inc.Source, code)
	}
	inc.Key = param.Key
	return param.Targets, nil
}
