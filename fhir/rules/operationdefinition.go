package rules

import (
	"regexp"
	"slices"
	"strconv"

	"tenon/fhir/issue"
	"tenon/fhir/tree"
)

// https://hl7.org/fhir/R4/operationdefinition.html

var maxForm = regexp.MustCompile(`^([0-9]+|\*)$`)

func operationDefinition(c *Context, n tree.Node) {
	if (n.Field("type").Bool() || n.Field("instance").Bool()) && n.Field("resource").Len() == 0 {
		c.warn("", issue.BusinessRule, "operation-resource", "it is called on types or instances, but names no resource type",
			"该操作可在类型或实例上调用，但未指明资源类型")
	}
	c.expects(".base", "OperationDefinition", text(n, "base"))
	for _, name := range []string{"inputProfile", "outputProfile"} {
		if url := text(n, name); url != "" {
			c.profileOf("."+name, url, "Parameters")
		}
	}
	c.parameters("", n.Field("parameter"), "parameter", 0)
	c.overloads(n)
}

func (c *Context) parameters(sub string, list tree.Node, member string, depth int) {
	seen := map[string]bool{}
	i := -1
	for p := range list.Items() {
		i++
		at := under(sub, member, i)
		key := text(p, "use") + " " + text(p, "name")
		if seen[key] {
			c.fail(at+".name", issue.Duplicate, "operation-parameter", "the parameter "+issue.Quote(text(p, "name"))+" ("+text(p, "use")+") is defined twice",
				"参数 "+issue.Quote(text(p, "name"))+"（"+text(p, "use")+"）重复定义")
		}
		seen[key] = true
		c.parameter(at, p)
		if depth < 30 {
			c.parameters(at, p.Field("part"), "part", depth+1)
		}
	}
}

func (c *Context) parameter(sub string, p tree.Node) {
	if most := text(p, "max"); most != "" && !maxForm.MatchString(most) {
		c.fail(sub+".max", issue.Value, "operation-max", "found "+issue.Quote(most)+", expected a whole number or *", "实际为 "+issue.Quote(most)+"，应为整数或 *")
	}
	low, err := strconv.Atoi(p.Field("min").Text())
	if high, bad := strconv.Atoi(text(p, "max")); err == nil && bad == nil && low > high {
		c.fail(sub, issue.BusinessRule, "operation-cardinality", "min is "+strconv.Itoa(low)+" and max "+strconv.Itoa(high), "min 为 "+strconv.Itoa(low)+"，max 为 "+strconv.Itoa(high))
	}
	if typ := text(p, "type"); typ != "" && typ != "Type" && typ != "Any" && c.Model.Type(typ) == nil && c.structure(typ) == nil {
		c.fail(sub+".type", issue.CodeInvalid, "operation-type", "there is no type "+issue.Quote(typ), "没有类型 "+issue.Quote(typ))
	}
	i := 0
	for t := range p.Field("targetProfile").Items() {
		c.expects(under(sub, "targetProfile", i), "StructureDefinition", t.Str())
		i++
	}
	if vs := text(p.Field("binding"), "valueSet"); vs != "" {
		c.valueSetKnown(sub+".binding.valueSet", vs)
	}
	if p.Field("part").Len() > 0 && p.Field("type").Exists() {
		c.fail(sub, issue.BusinessRule, "operation-part", "a parameter has a type or parts, not both", "参数要么有类型，要么有 part，不能兼有")
	}
}

// overloads demands that each overload names parameters that there are.
func (c *Context) overloads(n tree.Node) {
	var names []string
	for p := range n.Field("parameter").Items() {
		names = append(names, text(p, "name"))
	}
	i := -1
	for o := range n.Field("overload").Items() {
		i++
		for j, name := range strs(o.Field("parameterName")) {
			if !slices.Contains(names, name) {
				c.fail(under(under("", "overload", i), "parameterName", j), issue.BusinessRule, "operation-overload",
					"there is no parameter "+issue.Quote(name)+": "+list(names), "没有参数 "+issue.Quote(name)+"："+list(names))
			}
		}
	}
}
