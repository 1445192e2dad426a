package validate

// https://hl7.org/fhir/R4/datatypes.html#primitive

import (
	"fmt"
	"strings"
	"unicode/utf8"
	"unsafe"

	"tenon/fhir/issue"
	"tenon/fhir/tree"
)

// primitive is the grammar of one primitive type.
type primitive struct {
	name            string
	kind            tree.Kind
	match           func(string) bool
	expect, chinese string
}

var primitives = map[string]*primitive{}

func init() {
	for _, p := range []primitive{
		{"boolean", tree.Bool, anything, "true or false", "true 或 false"},
		{"integer", tree.Number, isInteger, "an integer from -2147483648 to 2147483647 without point or exponent", "-2147483648 至 2147483647 的整数，不带小数点或指数"},
		{"unsignedInt", tree.Number, isUnsigned, "an integer from 0 to 2147483647", "0 至 2147483647 的整数"},
		{"positiveInt", tree.Number, isPositive, "an integer from 1 to 2147483647", "1 至 2147483647 的整数"},
		{"decimal", tree.Number, isDecimal, "a decimal number of at most 1000 characters with an exponent from -400 to 400", "十进制数，至多 1000 个字符，指数在 -400 至 400 之间"},
		{"string", tree.String, isText, "text that is not empty, of at most 1048576 characters, without control characters but tab, line feed and carriage return", "非空文本，至多 1048576 个字符，除制表、换行、回车外不含控制字符"},
		{"markdown", tree.String, isText, "markdown text that is not empty, of at most 1048576 characters, without control characters but tab, line feed and carriage return", "非空 Markdown 文本，至多 1048576 个字符，除制表、换行、回车外不含控制字符"},
		{"uri", tree.String, isURI, "a URI without white space", "不含空白的 URI"},
		{"url", tree.String, isURI, "a URL without white space", "不含空白的 URL"},
		{"canonical", tree.String, isURI, "a canonical URL without white space", "不含空白的规范 URL"},
		{"oid", tree.String, isOID, "an OID such as urn:oid:1.2.3", "OID，例如 urn:oid:1.2.3"},
		{"uuid", tree.String, isUUID, "a UUID such as urn:uuid:c757873d-ec9a-4326-a141-556f43239520, in lower case", "UUID，例如 urn:uuid:c757873d-ec9a-4326-a141-556f43239520（小写）"},
		{"id", tree.String, IsID, "1 to 64 of the characters A-Z a-z 0-9 - .", "1 至 64 个字符：A-Z a-z 0-9 - ."},
		{"code", tree.String, isCode, "a code: no white space at its ends, single spaces within", "代码：首尾无空白，中间只有单个空格"},
		{"base64Binary", tree.String, isBase64, "base64: groups of four characters, = only at the end", "base64：每组四个字符，= 只在末尾"},
		{"date", tree.String, isDate, "a date of the calendar: YYYY, YYYY-MM or YYYY-MM-DD", "日历中存在的日期：YYYY、YYYY-MM 或 YYYY-MM-DD"},
		{"dateTime", tree.String, isDateTime, "a date of the calendar (YYYY, YYYY-MM or YYYY-MM-DD) or a time with seconds and time zone: YYYY-MM-DDThh:mm:ss+zz:zz", "日历中存在的日期，或带秒和时区的时间：YYYY-MM-DDThh:mm:ss+zz:zz"},
		{"instant", tree.String, isInstant, "a time with date, seconds and time zone: YYYY-MM-DDThh:mm:ss.sss+zz:zz", "带日期、秒和时区的时间：YYYY-MM-DDThh:mm:ss.sss+zz:zz"},
		{"time", tree.String, isTime, "a time of day with seconds and without time zone: hh:mm:ss", "带秒、不带时区的时间：hh:mm:ss"},
		{"xhtml", tree.String, anything, "an XHTML div", "XHTML 的 div"},
	} {
		primitives[p.name] = &p
	}
}

// primitive judges the value of a primitive.
func (w *walker) primitive(n tree.Node, prop *property) {
	p := prop.prim
	if n.Kind() != p.kind {
		w.kind(n, p.kind)
		return
	}
	text := w.text(n)
	if p.name == "xhtml" {
		w.narrative(text)
		return
	}
	if text == "" {
		w.add(issue.Value, "string-empty", "found an empty string: leave the element out or give it content", "字符串为空：请删除该元素或填写内容")
		return
	}
	if !p.match(text) {
		w.add(issue.Value, "primitive-"+p.name, fmt.Sprintf("found %s, expected %s", raw(n), p.expect), fmt.Sprintf("实际为 %s，应为%s", raw(n), p.chinese))
		return
	}
	if prop.codes != nil {
		if _, ok := prop.codes[text]; !ok {
			w.code(n, prop)
		}
	}
	if w.deep {
		w.beyondGrammar(p, text)
	}
	if text[0] == '#' && (p.name == "canonical" || p.name == "uri" || p.name == "url") {
		w.refers(strings.Clone(text))
		if p.name == "canonical" {
			w.fragment(text)
		}
	}
}

// beyondGrammar judges what the grammar of a type lets pass.
func (w *walker) beyondGrammar(p *primitive, text string) {
	switch p.name {
	case "string":
		w.markup(text, false)
		if blank(text[0]) || blank(text[len(text)-1]) {
			w.warn(issue.Value, "string-space", "the text begins or ends with white space", "文本以空白开头或结尾")
		}
	case "markdown":
		w.markup(text, true)
	case "uri", "url", "canonical":
		if p.name == "canonical" && text[0] != '#' && !isAbsolute(text) {
			w.add(issue.Value, "canonical-relative", "found "+quote(text)+", expected an absolute URL or the #id of a contained resource", "实际为 "+quote(text)+"，应为绝对网址或被包含资源的 #id")
		}
		if len(text) < 8 || text[:4] != "urn:" {
			return
		}
		text, _, _ = strings.Cut(text, "|") // of a canonical its version
		if strings.HasPrefix(text, "urn:uuid:") && !isUUID(text) {
			w.add(issue.Value, "uuid-form", fmt.Sprintf("found %s, expected a UUID in lower case such as urn:uuid:c757873d-ec9a-4326-a141-556f43239520", quote(text)),
				fmt.Sprintf("实际为 %s，应为小写的 UUID，例如 urn:uuid:c757873d-ec9a-4326-a141-556f43239520", quote(text)))
		}
		if strings.HasPrefix(text, "urn:oid:") && !isOID(text) {
			w.add(issue.Value, "oid-form", fmt.Sprintf("found %s, expected an OID such as urn:oid:1.2.3", quote(text)),
				fmt.Sprintf("实际为 %s，应为 OID，例如 urn:oid:1.2.3", quote(text)))
		}
	}
}

func blank(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' }

// isAbsolute tells whether a URI begins with a scheme.
func isAbsolute(uri string) bool {
	scheme, rest, ok := strings.Cut(uri, ":")
	return ok && rest != "" && isScheme(scheme)
}

// text is the value's text, kept in the walker's buffer if it has escapes: it
// holds until the next call.
func (w *walker) text(n tree.Node) string {
	if !n.Escaped() {
		return n.Text()
	}
	w.buf = n.AppendStr(w.buf[:0])
	return unsafe.String(unsafe.SliceData(w.buf), len(w.buf))
}

func anything(string) bool { return true }

const maxText = 1 << 20

func isText(s string) bool {
	if s == "" || len(s) > maxText && utf8.RuneCountInString(s) > maxText {
		return false
	}
	for i := range len(s) {
		if c := s[i]; c < ' ' && c != '\t' && c != '\n' && c != '\r' {
			return false
		}
	}
	return true
}

func isURI(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] == 0x7F {
			return false
		}
	}
	return s != ""
}

func isOID(s string) bool {
	const prefix = "urn:oid:"
	if len(s) < len(prefix)+3 || s[:len(prefix)] != prefix || s[len(prefix)] < '0' || s[len(prefix)] > '2' {
		return false
	}
	arcs := s[len(prefix)+1:]
	for arcs != "" {
		if arcs[0] != '.' {
			return false
		}
		size := 1
		for size < len(arcs) && digit(arcs[size]) {
			size++
		}
		if size == 1 || size > 2 && arcs[1] == '0' {
			return false
		}
		arcs = arcs[size:]
	}
	return true
}

func isUUID(s string) bool {
	const form = "urn:uuid:xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx"
	if len(s) != len(form) {
		return false
	}
	for i := range len(form) {
		if form[i] != 'x' {
			if s[i] != form[i] {
				return false
			}
		} else if c := s[i]; !digit(c) && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

// IsID tells whether s is a resource id: 1 to 64 letters, digits, - and dots.
// https://hl7.org/fhir/R4/datatypes.html#id
func IsID(s string) bool {
	for i := range len(s) {
		if c := s[i]; !digit(c) && !letter(c) && c != '-' && c != '.' {
			return false
		}
	}
	return 1 <= len(s) && len(s) <= 64
}

// isCode: characters, with single white space between but none at the ends.
func isCode(s string) bool {
	blank := true
	for i := range len(s) {
		switch c := s[i]; {
		case c == ' ' || c == '\t' || c == '\n' || c == '\r':
			if blank {
				return false
			}
			blank = true
		case c < ' ':
			return false
		default:
			blank = false
		}
	}
	return !blank
}

// isBase64 wants groups of four; white space may stand between groups only.
func isBase64(s string) bool {
	in, padded := 0, false
	for i := range len(s) {
		switch c := s[i]; {
		case c == ' ' || c == '\t' || c == '\n' || c == '\r':
			if in&3 != 0 {
				return false
			}
		case c == '=':
			if in&3 < 2 {
				return false
			}
			padded = true
			in++
		case !padded && (letter(c) || digit(c) || c == '+' || c == '/'):
			in++
		default:
			return false
		}
	}
	return in > 0 && in&3 == 0
}

func digit(c byte) bool  { return '0' <= c && c <= '9' }
func letter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }
