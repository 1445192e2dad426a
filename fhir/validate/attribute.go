package validate

import (
	"fmt"
	"html"
	"slices"
	"strings"
	"unicode"
)

var narrativeAttributes = set("abbr accesskey align alt axis bgcolor border cellhalign cellpadding cellspacing " +
	"cellvalign char charoff charset cite class colspan compact coords dir frame headers height href hreflang hspace " +
	"id lang longdesc name nowrap rel rev rowspan rules scope shape span src start style summary tabindex title type " +
	"valign value vspace width xml:lang xml:space")

// attributes takes the attributes of a tag; image tells whether src is there.
func (h *narrative) attributes(element string) (image bool) {
	var seen [32]string
	names := seen[:0]
	for h.err.rule == "" {
		spaced := h.blank()
		name := h.name()
		if name == "" {
			break
		}
		if !spaced || slices.Contains(names, name) || len(names) == len(seen) {
			h.fail("xhtml-form", fmt.Sprintf("the attribute %s is repeated, not set apart by a space, or one too many", quote(name)), fmt.Sprintf("属性 %s 重复、缺少空格或过多", quote(name)))
			return false
		}
		names = append(names, name)
		if value, ok := h.attributeValue(name); ok {
			h.attribute(name, value)
		}
		image = image || name == "src"
	}
	if len(h.open) == 0 && h.err.rule == "" && !slices.Contains(names, "xmlns") {
		h.fail("xhtml-namespace", fmt.Sprintf("the outer %s lacks xmlns=\"%s\"", element, xhtmlNamespace), fmt.Sprintf("最外层 %s 缺少 xmlns=\"%s\"", element, xhtmlNamespace))
	}
	return image
}

func (h *narrative) attributeValue(name string) (value string, ok bool) {
	h.blank()
	if !h.take('=') {
		h.fail("xhtml-form", fmt.Sprintf("expected = after the attribute %s", quote(name)), fmt.Sprintf("属性 %s 后应为 =", quote(name)))
		return "", false
	}
	h.blank()
	if h.i >= len(h.s) || h.s[h.i] != '"' && h.s[h.i] != '\'' {
		h.fail("xhtml-form", fmt.Sprintf("expected quotes around the value of %s", quote(name)), fmt.Sprintf("属性 %s 的值应加引号", quote(name)))
		return "", false
	}
	mark := h.s[h.i]
	h.i++
	from := h.i
	for h.i < len(h.s) && h.s[h.i] != mark {
		switch c := h.s[h.i]; {
		case c == '&':
			if h.entity(); h.err.rule != "" {
				return "", false
			}
		case c == '<' || c < ' ' && c != '\n' && c != '\t' && c != '\r':
			h.fail("xhtml-form", fmt.Sprintf("found < or a control character in the value of %s", quote(name)), fmt.Sprintf("属性 %s 的值含有 < 或控制字符", quote(name)))
			return "", false
		default:
			h.i++
		}
	}
	value = h.s[from:h.i]
	if !h.take(mark) {
		h.fail("xhtml-form", fmt.Sprintf("the value of %s is not closed", quote(name)), fmt.Sprintf("属性 %s 的值未闭合", quote(name)))
		return "", false
	}
	return value, true
}

// attribute judges a name and its value.
func (h *narrative) attribute(name, value string) {
	var safe bool
	switch name {
	case "xmlns":
		if value != xhtmlNamespace {
			h.fail("xhtml-namespace", fmt.Sprintf("found the namespace %s, expected %s", quote(value), xhtmlNamespace), fmt.Sprintf("命名空间应为 %s", xhtmlNamespace))
		}
		return
	case "href", "cite", "longdesc":
		safe = safeLink(value, false)
	case "src":
		safe = safeLink(value, true)
	case "style":
		safe = safeStyle(value)
	default:
		if !narrativeAttributes[name] {
			h.fail("txt-1", fmt.Sprintf("found the attribute %s, which a narrative must not hold", quote(name)), fmt.Sprintf("叙述不得包含属性 %s", quote(name)))
		}
		return
	}
	if !safe {
		h.fail("xhtml-unsafe", fmt.Sprintf("the value of %s runs or fetches something: use http, https, mailto, tel or a relative link, and plain style", quote(name)), fmt.Sprintf("属性 %s 的值可执行或会取用外部内容，请改用普通链接或样式", quote(name)))
	}
}

// plainValue is what a browser reads: entities resolved, blanks and controls
// gone, in lower case.
func plainValue(value string) string {
	if plain, ok := plainASCII(value); ok {
		return plain
	}
	return strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || unicode.IsControl(r) {
			return -1
		}
		return unicode.ToLower(r)
	}, html.UnescapeString(value))
}

// plainASCII is plainValue of the common case: ASCII without entities.
func plainASCII(value string) (plain string, ok bool) {
	var b strings.Builder
	b.Grow(len(value))
	for i := range len(value) {
		c := value[i]
		switch {
		case c == '&' || c >= 0x7F:
			return "", false
		case 'A' <= c && c <= 'Z':
			b.WriteByte(c | 0x20)
		case c > ' ':
			b.WriteByte(c)
		}
	}
	return b.String(), true
}

// safeLink lets relative links and a few schemes pass, and pictures in data.
func safeLink(value string, picture bool) bool {
	if strings.HasPrefix(value, "http://") || strings.HasPrefix(value, "https://") || strings.HasPrefix(value, "#") {
		return true
	}
	link := plainValue(value)
	at := strings.IndexAny(link, ":/?#")
	if at < 0 || link[at] != ':' {
		return true
	}
	switch link[:at] {
	case "http", "https", "mailto", "tel", "ftp", "urn":
		return true
	case "data":
		return picture && strings.HasPrefix(link, "data:image/") && !strings.HasPrefix(link, "data:image/svg")
	}
	return false
}

// safeStyle lets declarations pass that neither run nor fetch.
func safeStyle(value string) bool {
	style := plainValue(value)
	for _, bad := range []string{"\\", "/*", "expression(", "javascript:", "vbscript:", "behavior:", "-moz-binding", "@import"} {
		if strings.Contains(style, bad) {
			return false
		}
	}
	for {
		_, after, found := strings.Cut(style, "url(")
		if !found {
			return true
		}
		target := strings.TrimLeft(after, `"'`)
		if strings.HasPrefix(target, "//") || !safeLink(target, true) || strings.HasPrefix(target, "http") {
			return false
		}
		style = after
	}
}
