package rules

import (
	"slices"

	"tenon/fhir/issue"
	"tenon/fhir/tree"
)

// https://hl7.org/fhir/R4/compartmentdefinition.html

func compartmentDefinition(c *Context, n tree.Node) {
	seen := map[string]bool{}
	i := -1
	for r := range n.Field("resource").Items() {
		i++
		sub, code := under("", "resource", i), text(r, "code")
		if seen[code] {
			c.fail(sub+".code", issue.Duplicate, "compartment-twice", "the resource type "+issue.Quote(code)+" is listed twice", "资源类型 "+issue.Quote(code)+" 重复列出")
		}
		seen[code] = true
		for j, name := range strs(r.Field("param")) {
			if !c.hasParameter(code, name) {
				c.warn(under(sub, "param", j), issue.NotFound, "compartment-param", code+" has no search parameter "+issue.Quote(name)+" here", "此处 "+code+" 没有搜索参数 "+issue.Quote(name))
			}
		}
	}
}

// hasParameter tells whether a search parameter of that code is for the type.
func (c *Context) hasParameter(typ, code string) bool {
	t := c.Model.Type(typ)
	if t == nil || code == "{def}" {
		return true
	}
	for _, p := range c.Model.SearchParameters() {
		if p.Code == code && slices.ContainsFunc(p.Base, t.Is) {
			return true
		}
	}
	for res := range c.Library.All("SearchParameter") {
		if n, err := res.Node(); res.Package == "" && err == nil && text(n, "code") == code && slices.ContainsFunc(strs(n.Field("base")), t.Is) {
			return true
		}
	}
	return false
}
