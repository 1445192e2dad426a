package fhirpath

import (
	"encoding/xml"
	"io"
	"strings"
)

// htmlChecks judges the div of a Narrative: well-formed XHTML of the elements
// and attributes that FHIR allows, with some content.
// https://hl7.org/fhir/R4/narrative.html#xhtml
func (c *compiler) htmlChecks(n *node, _ static) (apply, static, error) {
	return func(st *state, base int) error {
		v, err := st.one(base, n.pos, "htmlChecks()")
		if err != nil || v == nil {
			return err
		}
		div := v.node
		if child := div.Field("div"); child.Exists() {
			div = child
		}
		text := div.Str()
		st.set(base, Boolean(plainNarrative(text) || safeNarrative(text)))
		return st.spend(1 + len(text)/16)
	}, staticOf(sysBoolean), nil
}

func words(s string) map[string]bool {
	set := map[string]bool{}
	for w := range strings.FieldsSeq(s) {
		set[w] = true
	}
	return set
}

// What chapters 7 to 11 (but 4 of 9) and 15 of HTML 4.0 define, as FHIR lists
// it, and <a>, <img>, style attributes.
var (
	narrativeElements = words(`a abbr acronym b big blockquote br caption cite code col colgroup dd dfn div dl dt em
		h1 h2 h3 h4 h5 h6 hr i img li ol p pre q samp small span strong sub sup table tbody td tfoot th thead
		tr tt ul var bdo kbd address ins del`)
	narrativeAttributes = words(`title style class id lang dir accesskey tabindex span width align valign char charoff
		abbr axis headers scope rowspan colspan border cellpadding cellspacing frame rules summary name href
		rel rev src alt height longdesc usemap ismap cite datetime start type value compact nowrap size noshade clear hspace vspace`)
	elementAttributes = map[string]string{"href": "a", "src": "img", "alt": "img"}
)

const xhtml = "http://www.w3.org/1999/xhtml"

// safeNarrative tells whether the text is one allowed div that is not empty.
func safeNarrative(text string) bool {
	d := xml.NewDecoder(strings.NewReader(text))
	d.Entity = xml.HTMLEntity
	depth, content, roots := 0, false, 0
	for {
		t, err := d.Token()
		if err == io.EOF {
			return roots == 1 && content
		}
		if err != nil {
			return false
		}
		switch t := t.(type) {
		case xml.StartElement:
			if depth == 0 {
				if roots++; t.Name.Local != "div" || t.Name.Space != xhtml {
					return false
				}
			}
			depth++
			content = content || t.Name.Local == "img"
			if !allowedElement(t) {
				return false
			}
		case xml.EndElement:
			depth--
		case xml.CharData:
			blank := strings.TrimSpace(string(t)) == ""
			if depth == 0 && !blank {
				return false
			}
			content = content || !blank
		case xml.ProcInst, xml.Directive:
			return false
		}
	}
}

func allowedElement(t xml.StartElement) bool {
	if t.Name.Space != xhtml || !narrativeElements[t.Name.Local] {
		return false
	}
	for _, a := range t.Attr {
		name := a.Name.Local
		if name == "xmlns" || a.Name.Space == "xml" || a.Name.Space == "xmlns" {
			continue
		}
		if owner := elementAttributes[name]; !narrativeAttributes[name] || owner != "" && owner != t.Name.Local {
			return false
		}
		if (name == "href" || name == "src") && activeURL(a.Value) {
			return false
		}
	}
	return true
}

// activeURL tells whether a link would run a script.
func activeURL(url string) bool {
	scheme, _, _ := strings.Cut(strings.ToLower(strings.TrimSpace(url)), ":")
	return scheme == "javascript" || scheme == "vbscript"
}
