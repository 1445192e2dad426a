package rules

import (
	"strings"

	"tenon/fhir/issue"
	"tenon/fhir/tree"
)

// https://hl7.org/fhir/R4/capabilitystatement.html

func capabilityStatement(c *Context, n tree.Node) {
	i := 0
	for rest := range n.Field("rest").Items() {
		sub := under("", "rest", i)
		c.searchParams(sub, rest, "Resource")
		c.operations(sub, rest)
		j := 0
		for resource := range rest.Field("resource").Items() {
			c.restResource(under(sub, "resource", j), resource)
			j++
		}
		i++
	}
}

func (c *Context) restResource(sub string, n tree.Node) {
	typ := text(n, "type")
	c.profileOf(sub+".profile", text(n, "profile"), typ)
	i := 0
	for p := range n.Field("supportedProfile").Items() {
		c.profileOf(under(sub, "supportedProfile", i), p.Str(), typ)
		i++
	}
	c.searchParams(sub, n, typ)
	c.operations(sub, n)
	if text(n, "conditionalDelete") != "" && n.Field("conditionalDelete").Str() != "not-supported" && !interacts(n, "delete") {
		c.warn(sub+".conditionalDelete", issue.BusinessRule, "capability-delete", "it says how a conditional delete works, but lists no interaction delete",
			"声明了条件删除的方式，但 interaction 中没有 delete")
	}
}

func interacts(n tree.Node, code string) bool {
	for i := range n.Field("interaction").Items() {
		if text(i, "code") == code {
			return true
		}
	}
	return false
}

// profileOf demands that a profile is one of a type.
func (c *Context) profileOf(sub, canonical, typ string) {
	if canonical == "" || !c.expects(sub, "StructureDefinition", canonical) {
		return
	}
	sd := c.structure(canonical)
	if sd == nil || sd.Of == typ || c.derives(structureURL+sd.Of, structureURL+typ) {
		return
	}
	c.fail(sub, issue.Invalid, "profile-type", "the profile "+issue.Quote(canonical)+" is one of "+sd.Of+", not of "+typ,
		"profile "+issue.Quote(canonical)+" 约束的是 "+sd.Of+"，而非 "+typ)
}

// searchParams holds what a server says of its parameters against their
// definitions.
func (c *Context) searchParams(sub string, n tree.Node, typ string) {
	i := -1
	for p := range n.Field("searchParam").Items() {
		i++
		sub, url := under(sub, "searchParam", i), text(p, "definition")
		if url == "" || !c.expects(sub+".definition", "SearchParameter", url) {
			continue
		}
		of := c.definitionOf("SearchParameter", url)
		if own, is := text(p, "type"), text(of, "type"); of.Exists() && own != is && own != "" {
			c.fail(sub, issue.Invalid, "search-type", "the type is "+issue.Quote(own)+", but the SearchParameter "+issue.Quote(url)+" has the type "+issue.Quote(is),
				"类型为 "+issue.Quote(own)+"，而 SearchParameter "+issue.Quote(url)+" 的类型为 "+issue.Quote(is))
		}
		if of.Exists() && !c.searches(of, typ) {
			c.fail(sub, issue.Invalid, "search-base", "the SearchParameter "+issue.Quote(url)+" is for "+list(strs(of.Field("base")))+", not for "+typ,
				"SearchParameter "+issue.Quote(url)+" 适用于 "+list(strs(of.Field("base")))+"，不适用于 "+typ)
		}
	}
}

// searches tells whether a parameter is for a type of resource; at the level of
// the system any will do.
func (c *Context) searches(parameter tree.Node, typ string) bool {
	t := c.Model.Type(typ)
	if t == nil || typ == "Resource" {
		return true
	}
	for _, base := range strs(parameter.Field("base")) {
		if t.Is(base) {
			return true
		}
	}
	return false
}

func (c *Context) operations(sub string, n tree.Node) {
	i := -1
	for op := range n.Field("operation").Items() {
		i++
		url := text(op, "definition")
		if strings.HasPrefix(url, "http") {
			c.expects(under(sub, "operation", i)+".definition", "OperationDefinition", url)
		}
	}
}
