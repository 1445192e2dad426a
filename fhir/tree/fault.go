package tree

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"tenon/fhir/issue"
)

// fault is one way in which a document is refused.
type fault struct {
	typ           issue.Type
	rule          string
	text, chinese string
}

var (
	faultBytes       = fault{issue.TooLong, "json-size", "the document is longer than the limit", "文档超过长度上限"}
	faultNodes       = fault{issue.TooLong, "json-nodes", "the document holds more values than the limit", "文档中的值超过数量上限"}
	faultDepth       = fault{issue.TooLong, "json-depth", "arrays and objects are nested deeper than the limit", "数组和对象的嵌套超过深度上限"}
	faultBOM         = fault{issue.Invalid, "json-bom", "a byte order mark stands before the document: send plain UTF-8 without it", "文档前有字节顺序标记(BOM)，请发送不带 BOM 的 UTF-8"}
	faultUTF8        = fault{issue.Invalid, "json-utf8", "a byte here is not valid UTF-8: send the document in UTF-8", "此处的字节不是有效的 UTF-8，请以 UTF-8 发送"}
	faultSurrogate   = fault{issue.Invalid, "json-surrogate", "a \\u escape of a surrogate stands without its other half: write the pair or the character itself", "\\u 转义的代理项不成对，请写完整的一对或直接写该字符"}
	faultTrailing    = fault{issue.Structure, "json-trailing", "something follows the end of the document: send one JSON value only", "文档结束后还有内容，只能发送一个 JSON 值"}
	faultEnd         = fault{issue.Structure, "json-end", "the document ends before it is complete", "文档不完整，提前结束"}
	faultOpenString  = fault{issue.Structure, "json-end", "the document ends inside a string", "文档在字符串中间结束"}
	faultValue       = fault{issue.Structure, "json-syntax", "expected a value: an object, array, string, number, true, false or null", "此处应为一个值：对象、数组、字符串、数字、true、false 或 null"}
	faultName        = fault{issue.Structure, "json-syntax", "expected a member name in double quotes (is there a comma too many?)", "此处应为双引号括起的成员名（是否多了逗号？）"}
	faultColon       = fault{issue.Structure, "json-syntax", "expected a colon after the member name", "成员名后应为冒号"}
	faultObject      = fault{issue.Structure, "json-syntax", "expected a comma or a closing brace", "此处应为逗号或右花括号"}
	faultArray       = fault{issue.Structure, "json-syntax", "expected a comma or a closing bracket", "此处应为逗号或右方括号"}
	faultEscape      = fault{issue.Structure, "json-escape", "expected an escape of JSON: one of \\\" \\\\ \\/ \\b \\f \\n \\r \\t or \\u with four hexadecimal digits", "此处不是有效的 JSON 转义"}
	faultNumber      = fault{issue.Structure, "json-number", "expected a digit: numbers read like -12, 0.50 or 1e-3", "此处应为数字，例如 -12、0.50 或 1e-3"}
	faultLeadingZero = fault{issue.Structure, "json-number", "a number must not start with a zero that another digit follows", "数字不得有前导零"}
)

func duplicate(name string) *fault {
	return &fault{issue.Invalid, "json-duplicate-key",
		fmt.Sprintf("the member %s stands twice in this object: keep one", quoted(name)),
		fmt.Sprintf("成员 %s 在同一对象中出现两次，请只保留一个", quoted(name))}
}

func control(c byte) *fault {
	return &fault{issue.Structure, "json-control-character",
		fmt.Sprintf("the control character U+%04X stands in a string: write it as an escape", c),
		fmt.Sprintf("字符串中有控制字符 U+%04X，请写成转义形式", c)}
}

// quoted shows a name of any length in a message.
func quoted(name string) string {
	const most = 64
	if len(name) > most {
		cut := most
		for !utf8.RuneStart(name[cut]) {
			cut--
		}
		name = name[:cut] + "…"
	}
	return strconv.Quote(name)
}

// stop notes the first fault and where it stands.
func (p *parser) stop(i int, f *fault) int {
	if p.fault == nil {
		p.fault, p.where = f, i
	}
	return -1
}

// unexpected is stop, but says "the document ends" where it does.
func (p *parser) unexpected(i int, f *fault) int {
	if i >= len(p.src) {
		f = &faultEnd
	}
	return p.stop(i, f)
}

// failure renders the fault for the caller.
func (p *parser) failure() *issue.Failure {
	before := p.src[:min(p.where, len(p.src))]
	line := 1 + bytes.Count(before, []byte{'\n'})
	column := 1 + utf8.RuneCount(before[1+bytes.LastIndexByte(before, '\n'):])
	text, chinese := p.fault.text, p.fault.chinese
	if most := p.most(); most > 0 {
		text, chinese = fmt.Sprintf("%s (%d)", text, most), fmt.Sprintf("%s（%d）", chinese, most)
	}
	return issue.New(issue.Issue{
		Severity: issue.Fatal, Type: p.fault.typ, Rule: p.fault.rule, Path: p.path(),
		Text:    fmt.Sprintf("line %d, column %d: %s", line, column, text),
		Chinese: fmt.Sprintf("第 %d 行第 %d 列：%s", line, column, chinese),
	})
}

// most is the limit that the fault is about, or 0.
func (p *parser) most() int {
	switch p.fault {
	case &faultBytes:
		return p.lim.Bytes
	case &faultNodes:
		return p.lim.Nodes
	case &faultDepth:
		return p.lim.Depth
	}
	return 0
}

// path names the innermost open value: containers that are still open have no
// skip yet, and the last node is what was being read.
func (p *parser) path() string {
	var path strings.Builder
	nodes := p.d.nodes
	inArray := false
	for i := range nodes {
		n := &nodes[i]
		if n.skip != 0 {
			continue
		}
		switch {
		case i == 0:
			path.WriteString(p.typeName())
		case !inArray:
			if path.Len() > 0 {
				path.WriteByte('.')
			}
			path.WriteString(p.d.name(uint32(i)))
		}
		if inArray = n.kind == Array; inArray && n.count > 0 {
			fmt.Fprintf(&path, "[%d]", n.count-1)
		}
		if path.Len() > 512 {
			break
		}
	}
	text := path.String()
	return strings.ToValidUTF8(text[:min(len(text), 512)], "")
}

// typeName is the root's resourceType if it has been read.
func (p *parser) typeName() string {
	nodes := p.d.nodes
	if len(nodes) < 2 || nodes[0].kind != Object {
		return ""
	}
	for i := uint32(1); i < uint32(len(nodes)); i = nodes[i].skip {
		if n := &nodes[i]; n.skip == 0 {
			break
		} else if n.kind == String && p.d.name(i) == "resourceType" {
			return Node{p.d, i}.Str()
		}
	}
	return ""
}
