package validate

// https://hl7.org/fhir/R4/narrative.html#xhtml

import (
	"fmt"
	"html"
	"strings"

	"tenon/fhir/issue"
)

// narrative reads the XHTML of a Narrative: one div, well formed, of the
// elements and attributes that invariant txt-1 lists, without anything that
// runs or fetches. What it lets pass may still only be shown through a
// sanitiser; what it refuses could never be shown.
type narrative struct {
	s       string
	i       int
	open    []string // elements that are open
	content bool     // there is something to see
	closed  bool     // the root is closed
	err     narrativeFault
}

type narrativeFault struct{ rule, text, chinese string }

const xhtmlNamespace = "http://www.w3.org/1999/xhtml"

func (w *walker) narrative(text string) {
	w.html = narrative{s: text, open: w.html.open[:0]}
	if f := w.html.judge(); f.rule != "" {
		w.add(issue.Value, f.rule, f.text, f.chinese)
	}
	w.html.s = ""
}

func (h *narrative) judge() narrativeFault {
	for h.i < len(h.s) && h.err.rule == "" {
		if c := h.s[h.i]; c == '<' {
			h.markup()
		} else {
			h.text(c)
		}
	}
	switch {
	case h.err.rule != "":
	case len(h.open) > 0:
		h.fail("xhtml-form", fmt.Sprintf("element %s is not closed", quote(h.open[len(h.open)-1])), "有未闭合的元素")
	case !h.closed:
		h.fail("xhtml-form", "expected a div", "应为一个 div")
	case !h.content:
		h.fail("txt-2", "the narrative shows nothing: give it text or an image", "叙述没有可见内容，请提供文字或图片")
	}
	return h.err
}

func (h *narrative) fail(rule, text, chinese string) {
	if h.err.rule == "" {
		at := len([]rune(h.s[:min(h.i, len(h.s))])) + 1
		h.err = narrativeFault{rule, fmt.Sprintf("XHTML, character %d: %s", at, text), fmt.Sprintf("XHTML 第 %d 个字符：%s", at, chinese)}
	}
}

// text takes a run of character data.
func (h *narrative) text(c byte) {
	switch {
	case c == ' ' || c == '\n' || c == '\t' || c == '\r':
		h.i++
		return
	case len(h.open) == 0:
		h.fail("xhtml-form", "text stands outside the div", "文字位于 div 之外")
		return
	}
	h.content = true
	for h.i < len(h.s) {
		switch c := h.s[h.i]; {
		case c == '<':
			return
		case c == '&':
			h.entity()
			if h.err.rule != "" {
				return
			}
		case c < ' ' && c != '\n' && c != '\t' && c != '\r':
			h.fail("xhtml-form", "found a control character", "含有控制字符")
			return
		default:
			h.i++
		}
	}
}

// entity takes &name; &#n; or &#xn;.
func (h *narrative) entity() {
	end := strings.IndexByte(h.s[h.i:min(len(h.s), h.i+40)], ';')
	if end < 0 {
		h.fail("xhtml-form", "found & without an entity: write &amp;", "& 后没有实体名，请写 &amp;")
		return
	}
	name := h.s[h.i+1 : h.i+end]
	switch name {
	case "amp", "lt", "gt", "quot", "apos":
	default:
		if strings.ContainsAny(name, " <&\"'") || html.UnescapeString("&"+name+";") == "&"+name+";" || html.UnescapeString("&"+name+";") == "\uFFFD" {
			h.fail("xhtml-form", fmt.Sprintf("found the unknown entity %s", quote("&"+name+";")), "含有未知实体")
			return
		}
	}
	h.i += end + 1
}

// markup takes a comment, a start tag or an end tag.
func (h *narrative) markup() {
	rest := h.s[h.i:]
	switch {
	case strings.HasPrefix(rest, "<!--"):
		end := strings.Index(rest[4:], "--")
		if end < 0 || !strings.HasPrefix(rest[4+end:], "-->") {
			h.fail("xhtml-form", "a comment is not closed, or holds --", "注释未闭合或包含 --")
			return
		}
		h.i += 4 + end + 3
	case strings.HasPrefix(rest, "<!"), strings.HasPrefix(rest, "<?"):
		h.fail("xhtml-unsafe", "found a declaration, CDATA section or processing instruction: leave it out", "含有声明、CDATA 或处理指令，请删除")
	case strings.HasPrefix(rest, "</"):
		h.i += 2
		h.endTag()
	default:
		h.i++
		h.startTag()
	}
}

func (h *narrative) endTag() {
	name := h.name()
	h.blank()
	switch {
	case !h.take('>'):
		h.fail("xhtml-form", "expected > at the end of a closing tag", "结束标签应以 > 结尾")
	case len(h.open) == 0 || h.open[len(h.open)-1] != name:
		h.fail("xhtml-form", fmt.Sprintf("found the closing tag of %s, which is not the element that is open", quote(name)), fmt.Sprintf("结束标签 %s 与打开的元素不符", quote(name)))
	default:
		h.open = h.open[:len(h.open)-1]
		h.closed = len(h.open) == 0
	}
}

func (h *narrative) startTag() {
	name := h.name()
	switch {
	case name == "":
		h.fail("xhtml-form", "found < that starts no tag: write &lt;", "< 之后不是标签，请写 &lt;")
		return
	case len(h.open) == 0 && (name != "div" || h.closed):
		h.fail("xhtml-form", fmt.Sprintf("found %s, expected one div around everything", quote(name)), fmt.Sprintf("最外层为 %s，应为唯一的 div", quote(name)))
		return
	case !narrativeElements[name]:
		h.fail("txt-1", fmt.Sprintf("found the element %s, which a narrative must not hold", quote(name)), fmt.Sprintf("叙述不得包含元素 %s", quote(name)))
		return
	case len(h.open) >= 100:
		h.fail("xhtml-form", "elements are nested deeper than 100", "元素嵌套超过 100 层")
		return
	}
	image := h.attributes(name)
	h.content = h.content || name == "img" && image
	if h.err.rule != "" {
		return
	}
	if h.take('/') {
		h.closed = len(h.open) == 0
	} else {
		h.open = append(h.open, name)
	}
	if !h.take('>') {
		h.fail("xhtml-form", fmt.Sprintf("expected > at the end of the tag of %s", quote(name)), fmt.Sprintf("%s 的标签应以 > 结尾", quote(name)))
	}
}

// name takes a name of XML, as far as narratives use it.
func (h *narrative) name() string {
	from := h.i
	for h.i < len(h.s) {
		c := h.s[h.i]
		if !letter(c) && (h.i == from || !digit(c) && c != '-' && c != ':' && c != '_' && c != '.') {
			break
		}
		h.i++
	}
	return h.s[from:h.i]
}

func (h *narrative) blank() bool {
	from := h.i
	for h.i < len(h.s) && (h.s[h.i] == ' ' || h.s[h.i] == '\n' || h.s[h.i] == '\t' || h.s[h.i] == '\r') {
		h.i++
	}
	return h.i > from
}

func (h *narrative) take(c byte) bool {
	if h.i < len(h.s) && h.s[h.i] == c {
		h.i++
		return true
	}
	return false
}

var narrativeElements = set("a abbr acronym b big blockquote br caption cite code col colgroup dd dfn div dl dt em " +
	"h1 h2 h3 h4 h5 h6 hr i img li ol p pre q samp small span strong sub sup table tbody td tfoot th thead tr tt ul var")

func set(names string) map[string]bool {
	m := map[string]bool{}
	for _, name := range strings.Fields(names) {
		m[name] = true
	}
	return m
}
