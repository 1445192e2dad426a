package rules

import (
	"slices"
	"strings"

	"tenon/fhir/issue"
	"tenon/fhir/tree"
)

// https://hl7.org/fhir/R4/searchparameter.html

func searchParameter(c *Context, n tree.Node) {
	bases := strs(n.Field("base"))
	if expr := text(n, "expression"); expr != "" {
		c.searchExpression(expr, bases)
	}
	c.composite(n)
	if url := text(n, "derivedFrom"); url != "" {
		c.derivedParameter(n, url, bases)
	}
	if n.Field("target").Len() > 0 && text(n, "type") != "reference" {
		c.warn(".target[0]", issue.BusinessRule, "search-target", "targets are for parameters of type reference, and this one has the type "+issue.Quote(text(n, "type")),
			"target 仅用于 reference 类型的参数，而此参数类型为 "+issue.Quote(text(n, "type")))
	}
	c.modifiers(n)
}

// searchExpression holds an expression against each base: it must compile, and
// the resource types that its parts begin with must be bases.
func (c *Context) searchExpression(expr string, bases []string) {
	for _, base := range bases {
		if c.Model.Type(base) != nil && !c.compiles(".expression", expr, base) {
			return
		}
	}
	for _, lead := range leads(expr, 0) {
		t := c.Model.Type(lead)
		if t == nil || !t.Is("Resource") || t.Abstract {
			continue
		}
		if !slices.ContainsFunc(bases, func(base string) bool { return t.Is(base) }) {
			c.fail(".expression", issue.Invalid, "search-expression",
				"the expression begins at "+lead+", but the bases are "+list(bases)+": it would find nothing; add "+lead+" to base or leave that part out",
				"表达式以 "+lead+" 开头，而 base 为 "+list(bases)+"：将一无所获；请把 "+lead+" 加入 base 或删去该部分")
		}
	}
}

// leads gives the names that the parts of a union begin with.
func leads(expr string, depth int) []string {
	var names []string
	if depth > 20 {
		return nil
	}
	for _, part := range unionParts(expr) {
		part = strings.TrimSpace(part)
		if strings.HasPrefix(part, "(") {
			if end := closing(part); end > 0 {
				names = append(names, leads(part[1:end], depth+1)...)
			}
			continue
		}
		end := strings.IndexFunc(part, func(r rune) bool { return !isNameRune(r) })
		if end < 0 {
			end = len(part)
		}
		names = append(names, part[:end])
	}
	return names
}

// closing is where the parenthesis that an expression begins with is closed;
// 0 when it is not.
func closing(expr string) int {
	depth, end := 0, 0
	outsideStrings(expr, func(i int, b byte) bool {
		switch b {
		case '(':
			depth++
		case ')':
			depth--
		}
		if depth == 0 {
			end = i
		}
		return depth > 0
	})
	return end
}

func isNameRune(r rune) bool {
	return r == '_' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
}

// unionParts splits an expression at | outside of strings and parentheses.
func unionParts(expr string) []string {
	var parts []string
	depth, from := 0, 0
	outsideStrings(expr, func(i int, b byte) bool {
		switch b {
		case '(':
			depth++
		case ')':
			depth--
		case '|':
			if depth == 0 {
				parts = append(parts, expr[from:i])
				from = i + 1
			}
		}
		return true
	})
	return append(parts, expr[from:])
}

// outsideStrings visits the bytes of an expression that are in no string or
// quoted name, until it is told to stop.
func outsideStrings(expr string, visit func(i int, b byte) bool) {
	quoting := byte(0)
	for i := 0; i < len(expr); i++ {
		switch b := expr[i]; {
		case quoting != 0 && b == '\\':
			i++
		case quoting != 0:
			if b == quoting {
				quoting = 0
			}
		case b == '\'' || b == '`' || b == '"':
			quoting = b
		case !visit(i, b):
			return
		}
	}
}

func (c *Context) composite(n tree.Node) {
	components := n.Field("component")
	if text(n, "type") != "composite" {
		if components.Len() > 0 {
			c.fail(".component[0]", issue.BusinessRule, "search-component", "only a parameter of type composite has components", "只有 composite 类型的参数才有 component")
		}
		return
	}
	if components.Len() < 2 {
		c.fail("", issue.BusinessRule, "search-composite", "a composite parameter puts at least two others together: give it two or more components",
			"composite 参数至少由两个参数组成：请给出两个或更多 component")
	}
	i := 0
	for part := range components.Items() {
		sub := under("", "component", i)
		i++
		url := text(part, "definition")
		if !c.expects(sub+".definition", "SearchParameter", url) {
			continue
		}
		if of := c.definitionOf("SearchParameter", url); text(of, "type") == "composite" {
			c.fail(sub+".definition", issue.BusinessRule, "search-composite", "a component can't be composite itself, and "+issue.Quote(url)+" is",
				"component 不能本身为 composite，而 "+issue.Quote(url)+" 是")
		}
		if expr := text(part, "expression"); expr != "" {
			c.compiles(sub+".expression", expr, "")
		}
	}
}

// derivedParameter holds a parameter against the one that it narrows.
func (c *Context) derivedParameter(n tree.Node, url string, bases []string) {
	if !c.expects(".derivedFrom", "SearchParameter", url) {
		return
	}
	of := c.definitionOf("SearchParameter", url)
	if !of.Exists() {
		return
	}
	if own, from := text(n, "type"), text(of, "type"); own != from {
		c.fail("", issue.BusinessRule, "search-derived-type", "the type is "+issue.Quote(own)+", but "+issue.Quote(url)+", which it derives from, has the type "+issue.Quote(from),
			"类型为 "+issue.Quote(own)+"，而其派生自的 "+issue.Quote(url)+" 类型为 "+issue.Quote(from))
	}
	from := strs(of.Field("base"))
	for _, base := range bases {
		t := c.Model.Type(base)
		if t != nil && !slices.ContainsFunc(from, t.Is) {
			c.fail("", issue.BusinessRule, "search-derived-base", "the base "+base+" is none of "+issue.Quote(url)+", which it derives from: "+list(from),
				"base "+base+" 不在其派生自的 "+issue.Quote(url)+" 的 base 之中："+list(from))
		}
	}
}

// modifiersOf are the modifiers that a type of parameter has, besides missing.
// https://hl7.org/fhir/R4/search.html#modifiers
var modifiersOf = map[string][]string{
	"string": {"exact", "contains"}, "token": {"text", "not", "above", "below", "in", "not-in", "ofType"},
	"reference": {"type", "identifier", "above", "below"}, "uri": {"above", "below"},
}

func (c *Context) modifiers(n tree.Node) {
	typ := text(n, "type")
	if typ == "special" {
		return
	}
	i := 0
	for m := range n.Field("modifier").Items() {
		if code := m.Str(); code != "missing" && !slices.Contains(modifiersOf[typ], code) {
			c.warn(under("", "modifier", i), issue.BusinessRule, "search-modifier", "parameters of type "+typ+" have no modifier "+issue.Quote(code),
				typ+" 类型的参数没有修饰符 "+issue.Quote(code))
		}
		i++
	}
	if n.Field("comparator").Len() > 0 && !slices.Contains([]string{"number", "date", "quantity", "special", "composite"}, typ) {
		c.warn(".comparator[0]", issue.BusinessRule, "search-comparator", "parameters of type "+typ+" are not compared by greater and less",
			typ+" 类型的参数不使用比较符")
	}
}

// strs gives the strings of a list.
func strs(list tree.Node) []string {
	var all []string
	for item := range list.Items() {
		all = append(all, item.Str())
	}
	return all
}
