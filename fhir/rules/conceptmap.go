package rules

import (
	"tenon/fhir/issue"
	"tenon/fhir/tree"
)

// https://hl7.org/fhir/R4/conceptmap.html

func conceptMap(c *Context, n tree.Node) {
	for _, name := range []string{"sourceUri", "sourceCanonical", "targetUri", "targetCanonical"} {
		if url := text(n, name); url != "" {
			c.valueSetKnown("."+name[:6], url)
		}
	}
	i := 0
	for g := range n.Field("group").Items() {
		c.mapGroup(under("", "group", i), g)
		i++
	}
}

func (c *Context) mapGroup(sub string, g tree.Node) {
	source, sv := text(g, "source"), text(g, "sourceVersion")
	target, tv := text(g, "target"), text(g, "targetVersion")
	if source != "" {
		c.systemKnown(sub+".source", source, sv)
	}
	if target != "" {
		c.systemKnown(sub+".target", target, tv)
	}
	seen := map[string]bool{}
	i := -1
	for e := range g.Field("element").Items() {
		i++
		at, code := under(sub, "element", i), text(e, "code")
		if seen[code] {
			c.warn(at+".code", issue.Duplicate, "code-twice", "the code "+issue.Quote(code)+" is mapped twice in this group: give it all its targets at once",
				"代码 "+issue.Quote(code)+" 在本组中重复映射：请一次给出其全部目标")
		}
		seen[code] = true
		c.mappedCode(at, source, sv, code, text(e, "display"))
		j := 0
		for t := range e.Field("target").Items() {
			c.mapTarget(under(at, "target", j), t, target, tv)
			j++
		}
	}
	if code := text(g.Field("unmapped"), "code"); code != "" {
		c.unknownCode(sub+".unmapped.code", target, tv, code)
	}
}

func (c *Context) mapTarget(sub string, t tree.Node, system, version string) {
	code, equivalence := text(t, "code"), text(t, "equivalence")
	switch {
	case equivalence == "unmatched" && code != "":
		c.warn(sub, issue.BusinessRule, "equivalence", "unmatched says that there is no match, yet the target code "+issue.Quote(code)+" is given",
			"unmatched 表示无匹配，却给出了目标代码 "+issue.Quote(code))
	case equivalence != "unmatched" && equivalence != "" && code == "":
		c.warn(sub, issue.BusinessRule, "equivalence", issue.Quote(equivalence)+" says how a target code relates, and no code is given: name it, or say unmatched",
			issue.Quote(equivalence)+" 说明与目标代码的关系，但未给出代码：请给出代码或改为 unmatched")
	}
	c.mappedCode(sub, system, version, code, text(t, "display"))
}

func (c *Context) mappedCode(sub, system, version, code, display string) {
	if c.unknownCode(sub+".code", system, version, code) {
		return
	}
	if right, wrong := c.display(system, version, code, display); wrong {
		c.warn(sub+".display", issue.CodeInvalid, "display", "the display of "+issue.Quote(code)+" is not "+issue.Quote(display)+" but "+list(right),
			issue.Quote(code)+" 的显示名应为 "+list(right)+"，而非 "+issue.Quote(display))
	}
}
