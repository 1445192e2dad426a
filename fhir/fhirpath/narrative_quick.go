package fhirpath

import (
	"slices"
	"strings"
)

// plainNarrative recognises the usual narrative: one div of allowed elements
// and attributes, some text, no prefix, comment, processing instruction or
// rare entity. What it does not recognise is for safeNarrative to judge.
func plainNarrative(text string) bool {
	p := quickMarkup{rest: text}
	if !p.open() || p.depth != 1 || p.names[0] != "div" || !p.namespace {
		return false
	}
	for p.depth > 0 {
		if !p.text() || !p.tag() {
			return false
		}
	}
	return p.content && p.rest == ""
}

// quickMarkup reads markup from rest. Its methods are false for what is not
// plain.
type quickMarkup struct {
	rest      string
	names     [24]string // of the open elements
	depth     int
	content   bool // some text, or an image
	namespace bool // the root names the namespace
}

// text passes characters and simple entities up to the next tag.
func (p *quickMarkup) text() bool {
	end := strings.IndexByte(p.rest, '<')
	if end < 0 || strings.Contains(p.rest[:end], "]]>") {
		return false
	}
	blank, ok := characterData(p.rest[:end])
	p.content = p.content || !blank
	p.rest = p.rest[end:]
	return ok
}

// characterData checks text without markup.
func characterData(s string) (blank, ok bool) {
	blank = true
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == ' ' || c == '\n' || c == '\t' || c == '\r':
		case c < ' ' || c == 0x7F || strings.HasPrefix(s[i:], "\uFFFE") || strings.HasPrefix(s[i:], "\uFFFF"):
			return blank, false
		case c == '&':
			n := entity(s[i:])
			if n == 0 {
				return blank, false
			}
			i += n - 1
			blank = false
		default:
			blank = blank && 0x80 <= c && c < 0xE4 // which may be a space of Unicode
		}
	}
	return blank, true
}

// entity is the length of an entity that every XML has, 0 for another.
func entity(s string) int {
	for _, e := range [...]string{"&lt;", "&gt;", "&amp;", "&quot;", "&apos;"} {
		if strings.HasPrefix(s, e) {
			return len(e)
		}
	}
	return 0
}

// tag passes a start or end tag.
func (p *quickMarkup) tag() bool {
	if !strings.HasPrefix(p.rest, "</") {
		return p.open()
	}
	p.depth--
	name := p.names[p.depth]
	p.rest = p.rest[2:]
	if !strings.HasPrefix(p.rest, name) || len(p.rest) == len(name) || p.rest[len(name)] != '>' {
		return false
	}
	p.rest = p.rest[len(name)+1:]
	return true
}

// open passes a start tag, or an empty element.
func (p *quickMarkup) open() bool {
	if p.rest == "" || p.rest[0] != '<' || p.depth == len(p.names) {
		return false
	}
	p.rest = p.rest[1:]
	name := p.name()
	if !narrativeElements[name] {
		return false
	}
	p.content = p.content || name == "img"
	p.names[p.depth] = name
	var seen [6]string
	for n := 0; ; n++ {
		blank := p.blank()
		switch {
		case strings.HasPrefix(p.rest, "/>"):
			p.rest = p.rest[2:]
			return p.depth > 0
		case strings.HasPrefix(p.rest, ">"):
			p.rest = p.rest[1:]
			p.depth++
			return true
		case !blank || n == len(seen):
			return false
		}
		seen[n] = p.name()
		if slices.Contains(seen[:n], seen[n]) || !p.attribute(name, seen[n]) {
			return false
		}
	}
}

func (p *quickMarkup) blank() bool {
	rest := strings.TrimLeft(p.rest, " \n\t\r")
	met := len(rest) < len(p.rest)
	p.rest = rest
	return met
}

// name cuts a name of small letters and digits.
func (p *quickMarkup) name() string {
	i := 0
	for i < len(p.rest) && ('a' <= p.rest[i] && p.rest[i] <= 'z' || i > 0 && '0' <= p.rest[i] && p.rest[i] <= '9') {
		i++
	}
	name := p.rest[:i]
	p.rest = p.rest[i:]
	return name
}

// attribute passes ="value" of an attribute.
func (p *quickMarkup) attribute(element, name string) bool {
	if len(p.rest) < 2 || p.rest[0] != '=' || p.rest[1] != '"' {
		return false
	}
	value, rest, closed := strings.Cut(p.rest[2:], `"`)
	if _, ok := characterData(value); !ok || !closed || strings.IndexByte(value, '<') >= 0 {
		return false
	}
	p.rest = rest
	if name == "xmlns" {
		p.namespace = p.namespace || p.depth == 0
		return value == xhtml
	}
	if owner := elementAttributes[name]; !narrativeAttributes[name] || owner != "" && owner != element {
		return false
	}
	return name != "href" && name != "src" || !activeURL(value)
}
