package xml

import (
	"tenon/fhir/schema"
	"tenon/fhir/tree"
)

// value writes the attribute of a primitive.
func (w *writer) value(n tree.Node, typ *schema.Type) bool {
	want := tree.String
	switch kindOf(typ.Name) {
	case boolean:
		want = tree.Bool
	case numeric:
		want = tree.Number
	}
	if n.Kind() != want {
		return w.stop("xml-kind", "found "+n.Kind().String()+", expected "+want.String(), "此处应为"+want.Chinese())
	}
	if want == tree.String && len(n.Raw()) == len(`""`) {
		return w.stop("xml-empty", "the value is empty", "取值为空")
	}
	return w.attribute("value", n)
}

// attribute writes name="text of n".
func (w *writer) attribute(name string, n tree.Node) bool {
	w.out = append(append(append(w.out, ' '), name...), '=', '"')
	text := n.Raw()
	switch {
	case n.Escaped():
		w.buf = n.AppendStr(w.buf[:0])
		text = w.buf
	case n.Kind() == tree.String:
		text = text[1 : len(text)-1]
	}
	if !w.escape(text) {
		return false
	}
	w.out = append(w.out, '"')
	return true
}

// escape writes a text as the value of an attribute: white space other than the
// blank as references, else a reader would take it for blanks.
// https://www.w3.org/TR/xml/#AVNormalize
func (w *writer) escape(text []byte) bool {
	from, i := 0, 0
	for {
		for i+8 <= len(text) && unsafe8(load(text, i)) == 0 {
			i += 8
		}
		if i >= len(text) {
			break
		}
		with := ""
		switch c := text[i]; {
		case c == '&':
			with = "&amp;"
		case c == '<':
			with = "&lt;"
		case c == '>':
			with = "&gt;"
		case c == '"':
			with = "&quot;"
		case c == '\n':
			with = "&#10;"
		case c == '\r':
			with = "&#13;"
		case c == '\t':
			with = "&#9;"
		case c < 0x20, c == 0xEF && i+2 < len(text) && text[i+1] == 0xBF && text[i+2] >= 0xBE:
			return w.stop("xml-character", "it holds a character that XML 1.0 does not have, such as a control character", "含有 XML 1.0 不允许的字符（如控制字符）")
		default:
			i++
			continue
		}
		w.out = append(append(w.out, text[from:i]...), with...)
		i++
		from = i
	}
	w.out = append(w.out, text[from:]...)
	return true
}

// unsafe8 tells which of eight bytes may need work in an attribute.
func unsafe8(x uint64) uint64 {
	quote, amp, less, more, high := x^(ones*'"'), x^(ones*'&'), x^(ones*'<'), x^(ones*'>'), x^(ones*0xEF)
	return ((quote-ones)&^quote | (amp-ones)&^amp | (less-ones)&^less | (more-ones)&^more | (high-ones)&^high | (x-ones*0x20)&^x) & highs
}

// narrative writes the div of a Narrative.
func (w *writer) narrative(n tree.Node) bool {
	if n.Kind() != tree.String {
		return w.stop("xml-kind", "found "+n.Kind().String()+", expected a string with a div of XHTML", "此处应为含 XHTML div 的字符串")
	}
	w.line()
	src := []byte(n.Str())
	m := markup{out: w.out, fromJSON: true, scanner: &scanner{src: src, lim: Limits{}.withDefaults(), bindings: []binding{{"", xhtml}}}}
	if !m.characters() || !m.next() || !m.div() || !m.rest() {
		f := m.fault.failure(src, m.where, nil).Issues[0]
		return w.stop(f.Rule, "the narrative is no well-formed XHTML: "+f.Text, "叙述不是格式良好的 XHTML："+f.Chinese)
	}
	w.out = m.out
	return true
}

// rest checks that only white space and comments follow.
func (m *markup) rest() bool {
	for m.i < len(m.src) {
		m.blanks()
		switch {
		case m.i >= len(m.src):
		case m.starts("<!--"):
			if !m.comment() {
				return false
			}
		default:
			return m.stop(m.i, &faultOpen)
		}
	}
	return true
}
