package rules

import (
	"tenon/fhir/issue"
	"tenon/fhir/tree"
)

// https://hl7.org/fhir/R4/implementationguide.html

func implementationGuide(c *Context, n tree.Node) {
	i := 0
	for g := range n.Field("global").Items() {
		c.profileOf(under("", "global", i)+".profile", text(g, "profile"), text(g, "type"))
		i++
	}
	groups := map[string]bool{}
	i = 0
	for g := range n.Path("definition", "grouping").Items() {
		id := text(g, "id")
		if id != "" && groups[id] {
			c.fail(under(".definition", "grouping", i)+".id", issue.Duplicate, "grouping-twice", "the grouping "+issue.Quote(id)+" is defined twice", "分组 "+issue.Quote(id)+" 重复定义")
		}
		groups[id] = true
		i++
	}
	i = 0
	for r := range n.Path("definition", "resource").Items() {
		if url := text(r, "exampleCanonical"); url != "" {
			c.expects(under(".definition", "resource", i)+".example", "StructureDefinition", url)
		}
		i++
	}
}
