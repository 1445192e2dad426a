package rules

// https://hl7.org/fhir/R4/narrative.html#Narrative

import (
	"bytes"
	"fmt"
	"html"
	"strings"

	"tenon/fhir/issue"
	"tenon/fhir/tree"
)

// narrativeRule wants the target of each link and image "#id" in the document:
// an id or name of a narrative, or the id of an element or resource.
func narrativeRule(c *Context, n tree.Node) {
	if bytes.IndexByte(n.Field("div").Raw(), '#') < 0 {
		return
	}
	div := text(n, "div")
	var own map[string]bool
	reported := map[string]bool{}
	attributes(div, func(element, name, value string) {
		fragment, ok := strings.CutPrefix(value, "#")
		if !ok || fragment == "" || name != "href" && name != "src" || reported[fragment] || len(reported) >= maxReported {
			return
		}
		if own == nil {
			own = map[string]bool{}
			names(div, own)
		}
		if own[fragment] || c.anchor(fragment) {
			return
		}
		reported[fragment] = true
		c.fail(".div", issue.Invalid, "xhtml-link",
			fmt.Sprintf("the %s of %s leads to %s, which is neither in this text nor an id in this resource", name, element, issue.Quote(value)),
			fmt.Sprintf("%s 的 %s 指向 %s，但叙述和资源中都没有该 id", element, name, issue.Quote(value)))
	})
}

// maxAnew is the size of a document, in bytes, that is read again for each
// narrative when nothing is shared.
const maxAnew = 128 << 10

// anchor tells whether something in the document has that id or name. Where
// that is not looked up, the answer is yes.
func (c *Context) anchor(id string) bool {
	root := c.Root
	if !root.Exists() {
		root = c.Resource
	}
	shared := c.Shared
	if shared == nil {
		if len(root.Raw()) > maxAnew {
			return true
		}
		shared = new(Shared)
	}
	if shared.anchors == nil {
		shared.anchors = map[string]bool{}
		anchors(root, shared.anchors)
	}
	return shared.anchors[id]
}

func anchors(n tree.Node, into map[string]bool) {
	switch n.Kind() {
	case tree.Array:
		for item := range n.Items() {
			anchors(item, into)
		}
	case tree.Object:
		for name, v := range n.Fields() {
			switch {
			case v.Kind() == tree.Object || v.Kind() == tree.Array:
				anchors(v, into)
			case name == "id":
				into[v.Str()] = true
			case name == "div":
				names(v.Str(), into)
			}
		}
	}
}

// names notes the ids and names of XHTML.
func names(div string, into map[string]bool) {
	attributes(div, func(_, name, value string) {
		if name == "id" || name == "name" {
			into[value] = true
		}
	})
}

// attributes visits the attributes of well-formed XHTML. What is not well
// formed ends it; the base validator says so.
func attributes(s string, visit func(element, name, value string)) {
	for {
		i := strings.IndexByte(s, '<')
		if i < 0 {
			return
		}
		s = s[i+1:]
		if strings.HasPrefix(s, "!--") {
			end := strings.Index(s, "-->")
			if end < 0 {
				return
			}
			s = s[end+3:]
			continue
		}
		if strings.HasPrefix(s, "/") {
			continue
		}
		end := strings.IndexAny(s, " \t\r\n/>")
		if end < 0 {
			return
		}
		element := s[:end]
		if s = tag(s[end:], element, visit); s == "" {
			return
		}
	}
}

// tag visits the attributes of one tag and returns what follows them.
func tag(s, element string, visit func(element, name, value string)) string {
	for {
		s = strings.TrimLeft(s, " \t\r\n/")
		if s == "" || s[0] == '>' {
			return s
		}
		name, rest, ok := strings.Cut(s, "=")
		rest = strings.TrimLeft(rest, " \t\r\n")
		if !ok || rest == "" || rest[0] != '"' && rest[0] != '\'' || strings.ContainsAny(name, "<>") {
			return ""
		}
		end := strings.IndexByte(rest[1:], rest[0])
		if end < 0 {
			return ""
		}
		visit(element, strings.TrimRight(name, " \t\r\n"), html.UnescapeString(rest[1:end+1]))
		s = rest[end+2:]
	}
}
