package xml

// https://hl7.org/fhir/R4/narrative.html and json.html#xhtml

import (
	"bytes"
	"html"
	"strconv"
)

// markup copies one div of XHTML from its source, checking that it is well
// formed and in its namespace, and changing as little as can be:
//
//   - prefixes of the XHTML namespace go, and the div declares it;
//   - CDATA becomes text, processing instructions go;
//   - line ends are those of XML, and a carriage return that is meant is &#13;
//     in XML and the character itself in JSON.
type markup struct {
	*scanner
	out  []byte
	open []openTag
	// fromJSON: the source is a string of JSON. HTML's names of characters may
	// stand in it, which XML without a DTD does not know.
	fromJSON bool
}

type openTag struct {
	name  []byte // as written
	local []byte
	bound int
}

// div copies the element whose start tag was read.
func (m *markup) div() bool {
	if m.tag.closing || m.tag.space != xhtml || string(m.tag.local) != "div" {
		return m.stop(m.tag.start, &faultDiv)
	}
	if !m.startTag() {
		return false
	}
	for len(m.open) > 0 {
		if !m.characterData() || !m.piece() {
			return false
		}
	}
	return true
}

// piece copies what starts with <.
func (m *markup) piece() bool {
	from := m.i
	switch {
	case m.starts("<!--"):
		if !m.comment() {
			return false
		}
		m.lines(m.src[from:m.i])
		return true
	case m.starts("<![CDATA["):
		return m.cdata()
	case m.starts("<!"), m.starts("<?"):
		return m.aside()
	case !m.readTag():
		return false
	case m.tag.closing:
		return m.endTagOf()
	}
	return m.startTag()
}

func (m *markup) endTagOf() bool {
	top := m.open[len(m.open)-1]
	if !m.ends(top.name) {
		return false
	}
	m.open = m.open[:len(m.open)-1]
	m.unbind(top.bound)
	m.out = append(append(append(m.out, "</"...), top.local...), '>')
	return true
}

// startTag copies the start tag that was read: as it stands, or anew where
// namespaces were declared otherwise.
func (m *markup) startTag() bool {
	t := m.tag
	if t.space != xhtml {
		return m.stop(t.start, &faultXHTML)
	}
	for i := range m.attrs {
		a := &m.attrs[i]
		if sp, bound := m.spaceOf(a.name[:a.prefix]); a.prefix > 0 && (!bound || sp != xmlSpace) {
			return m.stop(a.start, &faultXHTML)
		}
	}
	if len(m.open) >= maxNarrative {
		return m.stop(t.start, limitFault("elements of a narrative inside one another", "叙述元素嵌套层数", maxNarrative))
	}
	root := len(m.open) == 0
	if len(t.local) == len(t.name) && !t.prefixes && (t.declares || !root) {
		if !m.copy(m.src[t.start:t.end], t.start, true) {
			return false
		}
	} else if !m.anew(t, root) {
		return false
	}
	if t.empty {
		m.unbind(t.bound)
		return true
	}
	m.open = append(m.open, openTag{t.name, t.local, t.bound})
	return true
}

// anew writes a start tag without prefixes.
func (m *markup) anew(t tag, root bool) bool {
	m.out = append(append(m.out, '<'), t.local...)
	if root {
		m.out = append(m.out, ` xmlns="`+spaceXHTML+`"`...)
	}
	for i := range m.attrs {
		a := &m.attrs[i]
		m.out = append(m.out, ' ')
		if !m.copy(m.src[a.start:a.end], a.start, true) {
			return false
		}
	}
	if t.empty {
		m.out = append(m.out, '/')
	}
	m.out = append(m.out, '>')
	return true
}

// characterData copies text up to the next <.
func (m *markup) characterData() bool {
	from := m.i
	n := bytes.IndexByte(m.src[from:], '<')
	if n < 0 {
		m.i = len(m.src)
		return m.stop(m.i, &faultEnd)
	}
	m.i += n
	return n == 0 || m.copy(m.src[from:m.i], from, false)
}

// inMarkup tells which of eight bytes copy must look at.
func inMarkup(x uint64) uint64 {
	cr, amp, bracket, quote, apos := x^(ones*'\r'), x^(ones*'&'), x^(ones*']'), x^(ones*'"'), x^(ones*'\'')
	return ((cr-ones)&^cr | (amp-ones)&^amp | (bracket-ones)&^bracket | (quote-ones)&^quote | (apos-ones)&^apos) & highs
}

// copy appends text or a tag. Line ends are made LF; references are checked.
func (m *markup) copy(raw []byte, at int, inTag bool) bool {
	from := 0
	var mark byte // the quotes that are open in a tag
	for i := 0; i < len(raw); {
		for i+8 <= len(raw) && inMarkup(load(raw, i)) == 0 {
			i += 8
		}
		if i == len(raw) {
			break
		}
		switch c := raw[i]; {
		case inTag && (c == mark || mark == 0 && (c == '"' || c == '\'')):
			mark ^= c
			i++
		case c == '\r':
			m.out = append(m.out, raw[from:i]...)
			i++
			m.carriageReturn(i < len(raw) && raw[i] == '\n', inTag && mark == 0)
			from = i
		case c == '&':
			m.out = append(m.out, raw[from:i]...)
			size, ok := m.reference(raw[i:], at+i)
			if !ok {
				return false
			}
			i += size
			from = i
		case c == ']' && !inTag && bytes.HasPrefix(raw[i:], []byte("]]>")):
			if !m.fromJSON {
				return m.stop(at+i, &faultCDATAEnd)
			}
			m.out = append(append(m.out, raw[from:i]...), "]]&gt;"...)
			i += 3
			from = i
		default:
			i++
		}
	}
	m.out = append(m.out, raw[from:]...)
	return true
}

// carriageReturn stands for a CR in the source, before LF or alone; between the
// attributes of a tag there are no references.
func (m *markup) carriageReturn(beforeLF, between bool) {
	switch {
	case m.fromJSON && !between:
		m.out = append(m.out, "&#13;"...)
	case !beforeLF:
		m.out = append(m.out, '\n')
	}
}

// reference copies a reference as it stands, if XML knows it.
func (m *markup) reference(raw []byte, at int) (size int, ok bool) {
	if m.fromJSON {
		if end := bytes.IndexByte(raw[:min(len(raw), 40)], ';'); end > 1 && raw[1] != '#' && !known(raw[1:end]) {
			name := string(raw[:end+1])
			text := html.UnescapeString(name)
			if text == name {
				return 0, m.stop(at, entityFault(raw[:end+1]))
			}
			for _, r := range text {
				m.out = append(strconv.AppendInt(append(m.out, "&#"...), int64(r), 10), ';')
			}
			return end + 1, true
		}
	}
	r, size, f := reference(raw)
	if f != nil {
		return 0, m.stop(at, f)
	}
	if r == '\r' && !m.fromJSON {
		m.out = append(m.out, '\r')
		return size, true
	}
	m.out = append(m.out, raw[:size]...)
	return size, true
}

// known tells whether XML itself knows the name of an entity.
func known(name []byte) bool {
	switch string(name) {
	case "amp", "lt", "gt", "quot", "apos":
		return true
	}
	return false
}

// cdata writes a CDATA section as text.
func (m *markup) cdata() bool {
	const open, shut = "<![CDATA[", "]]>"
	end := bytes.Index(m.src[m.i:], []byte(shut))
	if end < 0 {
		return m.stop(m.i, &faultCDATA)
	}
	for _, c := range m.src[m.i+len(open) : m.i+end] {
		switch c {
		case '<':
			m.out = append(m.out, "&lt;"...)
		case '>':
			m.out = append(m.out, "&gt;"...)
		case '&':
			m.out = append(m.out, "&amp;"...)
		case '\r':
		default:
			m.out = append(m.out, c)
		}
	}
	m.i += end + len(shut)
	return true
}

// lines appends a comment with the line ends of XML.
func (m *markup) lines(raw []byte) {
	for i, c := range raw {
		switch {
		case c != '\r':
			m.out = append(m.out, c)
		case i+1 == len(raw) || raw[i+1] != '\n':
			m.out = append(m.out, '\n')
		}
	}
}

// narrative reads the div whose start tag was read as a JSON string.
func (r *reader) narrative() bool {
	if r.xhtml == nil {
		r.xhtml = make([]byte, 0, 512)
	}
	m := markup{scanner: &r.scanner, out: r.xhtml[:0], open: make([]openTag, 0, 8)}
	if !m.div() {
		return false
	}
	r.xhtml = m.out
	r.out = appendJSON(r.out, m.out)
	return true
}
