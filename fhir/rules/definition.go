package rules

import (
	"strings"

	"tenon/fhir/definition"
	"tenon/fhir/fhirpath"
	"tenon/fhir/issue"
	"tenon/fhir/terminology"
	"tenon/fhir/tree"
)

// What the rules of definitional resources share.

const structureURL = "http://hl7.org/fhir/StructureDefinition/"

// definitionOf finds a conformance resource and its content; absent when it is
// not known here.
func (c *Context) definitionOf(typ, canonical string) tree.Node {
	if canonical == "" {
		return tree.Node{}
	}
	res := c.Library.Find(typ, canonical)
	if res == nil {
		return tree.Node{}
	}
	n, err := res.Node()
	if err != nil {
		return tree.Node{}
	}
	return n
}

// structure finds a StructureDefinition.
func (c *Context) structure(canonical string) *definition.Resource {
	return c.Library.Find("StructureDefinition", canonical)
}

// expects warns that a definition is not known, so that nothing can be held
// against it. Fragments and contained definitions are let pass.
func (c *Context) expects(sub, typ, canonical string) bool {
	if canonical == "" || strings.HasPrefix(canonical, "#") || c.Library.Find(typ, canonical) != nil {
		return true
	}
	c.warn(sub, issue.NotFound, "definition-unknown", "the "+typ+" "+issue.Quote(canonical)+" is not known here: add it or the package that has it, or correct the URL",
		"未知的 "+typ+" "+issue.Quote(canonical)+"：请添加该定义或包含它的包，或更正其 URL")
	return false
}

// derives tells whether a type or profile, by canonical URL, is or derives from
// another.
func (c *Context) derives(canonical, from string) bool {
	from, _, _ = strings.Cut(from, "|")
	for range 30 {
		url, _, _ := strings.Cut(canonical, "|")
		if url == from {
			return true
		}
		n := c.definitionOf("StructureDefinition", canonical)
		if canonical = text(n, "baseDefinition"); canonical == "" {
			return false
		}
	}
	return false
}

// compiles judges an expression; with a root it also holds its steps against
// the elements of that type. Of what only a strict reading refuses, an element
// that is not there is an error; that something can never be equal is said.
func (c *Context) compiles(sub, expr, root string) bool {
	_, err := fhirpath.Compile(expr, &fhirpath.Env{Model: c.Model, Root: root, FilterAs: true})
	if err != nil && c.Compile != nil && root == "" {
		_, err = c.Compile(expr, "") // which has functions of the validator's own
	}
	lax := err == nil
	if lax && root != "" {
		_, err = fhirpath.Compile(expr, &fhirpath.Env{Model: c.Model, Root: root, Strict: true, FilterAs: true})
	}
	is := issue.As(err)
	if is == nil || is.Issues[0].Type == issue.NotSupported {
		return true
	}
	text, chinese := "the expression "+issue.Quote(expr)+" is not valid: "+is.Issues[0].Text, "表达式 "+issue.Quote(expr)+" 无效："+chineseOr(is.Issues[0])
	if lax && !strings.Contains(is.Issues[0].Text, "has no element") {
		c.warn(sub, issue.Invalid, "expression", text, chinese)
		return true
	}
	c.fail(sub, issue.Invalid, "expression", text, chinese)
	return false
}

func chineseOr(is issue.Issue) string {
	if is.Chinese != "" {
		return is.Chinese
	}
	return is.Text
}

// code asks for a code alone: is it one of its system.
func (c *Context) code(system, version, code string) terminology.Problem {
	if c.Terminology == nil || system == "" {
		return terminology.UnknownSystem
	}
	return c.Terminology.ValidateCode("", terminology.Coding{System: system, Version: version, Code: code}, nil).Problem
}

// display tells the right displays of a code when the one that is given is
// none of them.
func (c *Context) display(system, version, code, display string) (right []string, wrong bool) {
	if c.Terminology == nil || display == "" {
		return nil, false
	}
	a := c.Terminology.ValidateCode("", terminology.Coding{System: system, Version: version, Code: code, Display: display}, nil)
	return a.Displays, a.Problem == terminology.WrongDisplay
}

// knownSystem tells whether the content of a code system is here.
func (c *Context) knownSystem(system, version string) bool {
	p := c.code(system, version, "\x00 none")
	return p != terminology.UnknownSystem
}
