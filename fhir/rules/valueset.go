package rules

import (
	"strings"

	"tenon/fhir/issue"
	"tenon/fhir/terminology"
	"tenon/fhir/tree"
)

// https://hl7.org/fhir/R4/valueset.html

func valueSet(c *Context, n tree.Node) {
	own := text(n, "url")
	for _, name := range []string{"include", "exclude"} {
		i := 0
		for inc := range n.Path("compose", name).Items() {
			c.include(under(".compose", name, i), inc, own)
			i++
		}
	}
}

func (c *Context) include(sub string, inc tree.Node, own string) {
	i := 0
	for vs := range inc.Field("valueSet").Items() {
		c.imported(under(sub, "valueSet", i), vs.Str(), own)
		i++
	}
	system, version := text(inc, "system"), text(inc, "version")
	if system == "" {
		return
	}
	if c.includedSystem(sub, system, version) {
		c.concepts(sub, inc, system, version)
		c.filters(sub, inc, system, version)
	}
}

// imported judges a value set that another takes codes from.
func (c *Context) imported(sub, url, own string) {
	if base, _, _ := strings.Cut(url, "|"); base == own && own != "" {
		c.fail(sub, issue.BusinessRule, "valueset-circle", "the value set takes codes from itself", "值集引用了自身")
		return
	}
	c.valueSetKnown(sub, url)
}

// valueSetKnown warns that a value set is not known, so that no code can be
// held against it.
func (c *Context) valueSetKnown(sub, url string) {
	if strings.HasPrefix(url, "#") || c.Library.Find("ValueSet", url) != nil || c.Terminology != nil && c.Terminology.ValueSet(url) != nil {
		return
	}
	if c.Library.Find("CodeSystem", url) != nil {
		c.fail(sub, issue.BusinessRule, "valueset-kind", issue.Quote(url)+" is a code system, not a value set: name a value set of its codes",
			issue.Quote(url)+" 是代码系统而非值集：请写其值集")
		return
	}
	c.warn(sub, issue.NotFound, "valueset-unknown", "the value set "+issue.Quote(url)+" is not known here: add it or the package that has it, or correct the URL",
		"未知的值集 "+issue.Quote(url)+"：请添加该值集或包含它的包，或更正其 URL")
}

// includedSystem is false when the URL is no code system's.
func (c *Context) includedSystem(sub, system, version string) bool {
	if c.Library.Find("CodeSystem", system) == nil && c.Library.Find("ValueSet", system) != nil {
		c.fail(sub+".system", issue.BusinessRule, "system-kind", issue.Quote(system)+" is a value set, not a code system: name it as valueSet, or name its code system",
			issue.Quote(system)+" 是值集而非代码系统：请写在 valueSet 中，或写其代码系统")
		return false
	}
	if content := text(c.definitionOf("CodeSystem", system), "content"); content == "supplement" {
		c.fail(sub+".system", issue.BusinessRule, "system-kind", issue.Quote(system)+" is a supplement, which has no codes of its own: name the code system that it adds to",
			issue.Quote(system)+" 是补充（supplement），没有自己的代码：请写其所补充的代码系统")
		return false
	}
	c.systemKnown(sub+".system", system, version)
	return true
}

// systemKnown warns of a system whose codes can't be checked.
func (c *Context) systemKnown(sub, system, version string) {
	if c.Terminology == nil || c.knownSystem(system, version) {
		return
	}
	c.warn(sub, issue.NotFound, "system-unknown", "the code system "+issue.Quote(system)+versionText(version)+" is not known here, so its codes can't be checked",
		"未知的代码系统 "+issue.Quote(system)+versionText(version)+"，无法核对其代码")
}

func versionText(version string) string {
	if version == "" {
		return ""
	}
	return " |" + version
}

// concepts judges the codes that are listed one by one.
func (c *Context) concepts(sub string, inc tree.Node, system, version string) {
	seen := map[string]bool{}
	i := -1
	for concept := range inc.Field("concept").Items() {
		i++
		at, code := under(sub, "concept", i), text(concept, "code")
		if seen[code] {
			c.warn(at+".code", issue.Duplicate, "code-twice", "the code "+issue.Quote(code)+" is listed twice", "代码 "+issue.Quote(code)+" 重复列出")
			continue
		}
		seen[code] = true
		if c.unknownCode(at+".code", system, version, code) {
			continue
		}
		if right, wrong := c.display(system, version, code, text(concept, "display")); wrong {
			c.warn(at+".display", issue.CodeInvalid, "display", "the display of "+issue.Quote(code)+" is not "+issue.Quote(text(concept, "display"))+" but "+list(right),
				issue.Quote(code)+" 的显示名应为 "+list(right)+"，而非 "+issue.Quote(text(concept, "display")))
		}
	}
}

// unknownCode reports a code that its system, which is wholly here, has not.
func (c *Context) unknownCode(sub, system, version, code string) bool {
	if code == "" || c.code(system, version, code) != terminology.UnknownCode {
		return false
	}
	c.fail(sub, issue.CodeInvalid, "code-unknown", "the code system "+issue.Quote(system)+versionText(version)+" has no code "+issue.Quote(code),
		"代码系统 "+issue.Quote(system)+versionText(version)+" 中没有代码 "+issue.Quote(code))
	return true
}
