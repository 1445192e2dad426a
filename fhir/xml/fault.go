package xml

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
	faultUTF8     = fault{issue.Invalid, "xml-utf8", "a byte here is not valid UTF-8: send the document in UTF-8", "此处的字节不是有效的 UTF-8，请以 UTF-8 发送"}
	faultUTF16    = fault{issue.Invalid, "xml-encoding", "the document is in UTF-16 or UTF-32: send it in UTF-8", "文档为 UTF-16 或 UTF-32 编码，请以 UTF-8 发送"}
	faultChar     = fault{issue.Invalid, "xml-character", "a character stands here that XML 1.0 cannot carry", "此处有 XML 1.0 不允许的字符"}
	faultDTD      = fault{issue.Invalid, "xml-doctype", "a document type declaration stands here: FHIR has none, leave it out", "此处有 DOCTYPE 声明，FHIR 不允许，请删除"}
	faultMarkup   = fault{issue.Structure, "xml-syntax", "expected a tag, a comment or text", "此处应为标签、注释或文本"}
	faultName     = fault{issue.Structure, "xml-syntax", "expected the name of an element or attribute", "此处应为元素名或属性名"}
	faultTag      = fault{issue.Structure, "xml-syntax", "expected an attribute set apart by a space, or the end of the tag", "此处应为以空格分隔的属性或标签结束"}
	faultEquals   = fault{issue.Structure, "xml-syntax", "expected = and a value in quotes after the attribute's name", "属性名后应为 = 和带引号的值"}
	faultLess     = fault{issue.Structure, "xml-syntax", "found < in the value of an attribute: write &lt;", "属性值中有 <，请写成 &lt;"}
	faultCDATAEnd = fault{issue.Structure, "xml-syntax", "found ]]> in text: write ]]&gt;", "文本中有 ]]>，请写成 ]]&gt;"}
	faultComment  = fault{issue.Structure, "xml-syntax", "a comment holds -- or is not closed", "注释包含 -- 或未闭合"}
	faultPI       = fault{issue.Structure, "xml-syntax", "a processing instruction is not closed, or is called xml", "处理指令未闭合或以 xml 命名"}
	faultCDATA    = fault{issue.Structure, "xml-syntax", "a CDATA section is not closed", "CDATA 未闭合"}
	faultEnd      = fault{issue.Structure, "xml-end", "the document ends before it is complete", "文档不完整，提前结束"}
	faultTrailing = fault{issue.Structure, "xml-trailing", "something follows the end of the document: send one resource only", "文档结束后还有内容，只能发送一个资源"}
	faultDecl     = fault{issue.Structure, "xml-declaration", "the XML declaration is not in order: write <?xml version=\"1.0\" encoding=\"UTF-8\"?>", "XML 声明有误，请写 <?xml version=\"1.0\" encoding=\"UTF-8\"?>"}
	faultVersion  = fault{issue.NotSupported, "xml-declaration", "only XML 1.0 is read", "仅支持 XML 1.0"}
	faultEncoding = fault{issue.NotSupported, "xml-encoding", "the declaration names another encoding than UTF-8: send the document in UTF-8", "声明的编码不是 UTF-8，请以 UTF-8 发送"}
	faultPrefix   = fault{issue.Structure, "xml-namespace", "the prefix is not bound to a namespace", "命名空间前缀未声明"}
	faultBinding  = fault{issue.Structure, "xml-namespace", "this namespace declaration is not possible", "命名空间声明无效"}
	faultText     = fault{issue.Structure, "xml-text", "text stands between elements: values stand in the attribute value", "元素之间有文本，取值应写在 value 属性中"}
	faultEmpty    = fault{issue.Structure, "xml-empty", "the element is empty: give it a value or content, or leave it out", "元素为空，请给出取值或内容，或删除该元素"}
	faultNoValue  = fault{issue.Structure, "xml-empty", "the value is empty: give one, or leave the attribute out", "value 为空，请给出取值或删除该属性"}
	faultIDChild  = fault{issue.Structure, "xml-attribute", "id of a data type is an attribute, not an element", "数据类型的 id 应为属性而非元素"}
	faultURLChild = fault{issue.Structure, "xml-attribute", "url of an extension is an attribute, not an element", "扩展的 url 应为属性而非元素"}
	faultNested   = fault{issue.Structure, "xml-resource", "expected exactly one resource as an element inside", "此处应恰有一个资源元素"}
	faultDiv      = fault{issue.Structure, "xml-narrative", "expected div in the namespace " + spaceXHTML, "此处应为命名空间 " + spaceXHTML + " 中的 div"}
	faultXHTML    = fault{issue.Structure, "xml-narrative", "an element or attribute of the narrative is not in the namespace " + spaceXHTML, "叙述中的元素或属性不在命名空间 " + spaceXHTML + " 中"}
	faultOpen     = fault{issue.Structure, "xml-narrative", "the narrative must be one div and nothing else", "叙述只能是一个 div"}
)

func limitFault(what, chinese string, most int) *fault {
	return &fault{issue.TooLong, "xml-limit", fmt.Sprintf("the document has more than %d %s, the limit", most, what), fmt.Sprintf("%s超过上限 %d", chinese, most)}
}

func entityFault(name []byte) *fault {
	return &fault{
		issue.Invalid, "xml-entity",
		fmt.Sprintf("found %s: only &amp; &lt; &gt; &quot; &apos; and character references such as &#160; are known", quoted(name)),
		fmt.Sprintf("含有 %s，仅允许五个预定义实体和字符引用", quoted(name)),
	}
}

func mismatchFault(open []byte) *fault {
	return &fault{issue.Structure, "xml-syntax", fmt.Sprintf("expected the end of %s", quoted(open)), fmt.Sprintf("此处应为 %s 的结束标签", quoted(open))}
}

func spaceFault(name []byte) *fault {
	return &fault{
		issue.Structure, "xml-namespace",
		fmt.Sprintf("the element %s is not in the namespace %s", quoted(name), spaceFHIR),
		fmt.Sprintf("元素 %s 不在命名空间 %s 中", quoted(name), spaceFHIR),
	}
}

func resourceFault(name []byte) *fault {
	return &fault{
		issue.Structure, "xml-resource",
		fmt.Sprintf("%s is not a resource type of FHIR R4", quoted(name)), fmt.Sprintf("%s 不是 FHIR R4 资源类型", quoted(name)),
	}
}

func unknownFault(name []byte, typ string) *fault {
	return &fault{
		issue.Structure, "xml-unknown-element",
		fmt.Sprintf("%s has no element %s", typ, quoted(name)), fmt.Sprintf("%s 没有元素 %s", typ, quoted(name)),
	}
}

func repeatFault(name []byte) *fault {
	return &fault{
		issue.Structure, "xml-repeated",
		fmt.Sprintf("the element %s may stand only once here", quoted(name)), fmt.Sprintf("元素 %s 只能出现一次", quoted(name)),
	}
}

func orderFault(name []byte, after string) *fault {
	return &fault{
		issue.Structure, "xml-order",
		fmt.Sprintf("the element %s is out of order: it belongs before %q, beside others of its name", quoted(name), after),
		fmt.Sprintf("元素 %s 的顺序有误，应位于 %q 之前，并与同名元素相邻", quoted(name), after),
	}
}

func attributeFault(name []byte) *fault {
	return &fault{
		issue.Structure, "xml-attribute",
		fmt.Sprintf("the attribute %s is not possible here", quoted(name)), fmt.Sprintf("此处不允许属性 %s", quoted(name)),
	}
}

func twiceFault(name []byte) *fault {
	return &fault{
		issue.Structure, "xml-attribute",
		fmt.Sprintf("the attribute %s stands twice", quoted(name)), fmt.Sprintf("属性 %s 重复", quoted(name)),
	}
}

func valueFault(value []byte, typ string) *fault {
	want, zh := "a number such as -12, 0.50 or 1e-3, without + and leading zeros", "应为数字，例如 -12、0.50 或 1e-3，不带 + 和前导零"
	if typ == "boolean" {
		want, zh = "true or false", "应为 true 或 false"
	}
	return &fault{
		issue.Value, "xml-value",
		fmt.Sprintf("found %s, expected %s", quoted(value), want), fmt.Sprintf("取值为 %s，%s", quoted(value), zh),
	}
}

// quoted shows a text of any length in a message.
func quoted(text []byte) string {
	const most = 64
	if len(text) > most {
		cut := most
		for cut > 0 && !utf8.RuneStart(text[cut]) {
			cut--
		}
		return strconv.Quote(string(text[:cut]) + "…")
	}
	return strconv.Quote(string(text))
}

// step is one element on the way from the root to where the reader is.
type step struct {
	name  string
	index int // -1 where an element does not repeat
}

func pathOf(steps []step) string {
	var b strings.Builder
	for i, s := range steps {
		if i > 0 {
			b.WriteByte('.')
		}
		b.WriteString(s.name)
		if s.index >= 0 {
			b.WriteString("[" + strconv.Itoa(s.index) + "]")
		}
	}
	return b.String()
}

// failure renders a fault at a place of the source.
func (f *fault) failure(src []byte, at int, steps []step) *issue.Failure {
	before := src[:min(at, len(src))]
	line := 1 + bytes.Count(before, []byte{'\n'})
	column := 1 + utf8.RuneCount(before[1+bytes.LastIndexByte(before, '\n'):])
	return issue.New(issue.Issue{
		Severity: issue.Fatal, Type: f.typ, Rule: f.rule, Path: pathOf(steps),
		Text:    fmt.Sprintf("line %d, column %d: %s", line, column, f.text),
		Chinese: fmt.Sprintf("第 %d 行第 %d 列：%s", line, column, f.chinese),
	}).WithStatus(statusOf(f.typ))
}

// statusOf says 400 for what is no FHIR XML at all; only a limit has another.
func statusOf(t issue.Type) int {
	if t == issue.TooLong {
		return 0
	}
	return 400
}
