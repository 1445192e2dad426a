package xml

// https://www.w3.org/TR/xml/ and https://www.w3.org/TR/xml-names/

import (
	"bytes"
	"encoding/binary"
	"strings"
	"unicode/utf8"
	"unsafe"
)

// The namespaces that a resource may use.
const (
	spaceFHIR  = "http://hl7.org/fhir"
	spaceXHTML = "http://www.w3.org/1999/xhtml"
	spaceXML   = "http://www.w3.org/XML/1998/namespace"
	spaceXSI   = "http://www.w3.org/2001/XMLSchema-instance"
	spaceXMLNS = "http://www.w3.org/2000/xmlns/"
)

// space is a namespace.
type space uint8

const (
	none space = iota
	fhir
	xhtml
	xmlSpace
	xsi
	foreign // any other
)

// binding is a namespace declaration that is in scope.
type binding struct {
	prefix string // "" for the default namespace
	space  space
}

// attr is an attribute that declares no namespace.
type attr struct {
	name       []byte // as written, prefix included
	prefix     int    // length of the prefix with its colon
	value      []byte // as written, between the quotes
	start, end int    // of the whole in the source
	special    bool   // the value needs work before it can stand in JSON
}

// tag is a start or end tag. Its slices live in the source.
type tag struct {
	name       []byte // as written
	local      []byte
	space      space
	start, end int // in the source
	closing    bool
	empty      bool // <x/>
	declares   bool // has a default namespace of its own
	prefixes   bool // declares prefixes
	bound      int  // bindings in scope outside it
}

// scanner cuts a source into tags. After a fault it stands still.
type scanner struct {
	src      []byte
	i        int
	lim      Limits
	tag      tag
	attrs    []attr // of the start tag that was read last
	bindings []binding
	fault    *fault
	where    int
}

// stop notes the first fault; it returns false for the convenience of callers.
func (s *scanner) stop(at int, f *fault) bool {
	if s.fault == nil {
		s.fault, s.where = f, at
	}
	return false
}

// load reads eight bytes; the caller has checked that they are there.
func load(src []byte, i int) uint64 { return binary.LittleEndian.Uint64(src[i : i+8]) }

const ones, highs = 0x0101010101010101, 0x8080808080808080

// characters checks the whole source once: UTF-8, and the characters that XML
// allows, so that nothing behind has to. https://www.w3.org/TR/xml/#charsets
func (s *scanner) characters() bool {
	if len(s.src) >= 2 && (s.src[0] == 0 || s.src[1] == 0 || s.src[0] >= 0xFE) {
		return s.stop(0, &faultUTF16)
	}
	src := s.src
	for i := 0; i < len(src); {
		for i+8 <= len(src) {
			x := load(src, i)
			if ((x-ones*0x20)&^x|x)&highs != 0 {
				break
			}
			i += 8
		}
		if i >= len(src) {
			break
		}
		c := src[i]
		switch {
		case c >= 0x20 && c < 0x80, c == '\n', c == '\t', c == '\r':
			i++
		case c < 0x20:
			return s.stop(i, &faultChar)
		default:
			r, size := utf8.DecodeRune(src[i:])
			if size == 1 {
				return s.stop(i, &faultUTF8)
			}
			if r == 0xFFFE || r == 0xFFFF {
				return s.stop(i, &faultChar)
			}
			i += size
		}
	}
	return true
}

// at is the byte at i, or 0 at the end: no character of a checked source is 0.
func (s *scanner) at(i int) byte {
	if uint(i) < uint(len(s.src)) {
		return s.src[i]
	}
	return 0
}

func (s *scanner) starts(text string) bool {
	return len(s.src)-s.i >= len(text) && string(s.src[s.i:s.i+len(text)]) == text
}

func blank(c byte) bool { return c == ' ' || c == '\n' || c == '\t' || c == '\r' }

func (s *scanner) blanks() bool {
	from := s.i
	for s.i < len(s.src) && blank(s.src[s.i]) {
		s.i++
	}
	return s.i > from
}

// declaration reads the XML declaration, if there is one.
// https://www.w3.org/TR/xml/#NT-XMLDecl
func (s *scanner) declaration() bool {
	if s.starts("\xEF\xBB\xBF") { // an encoding signature, no part of the document
		s.i += 3
	}
	if !s.starts("<?xml") || !blank(s.at(s.i+5)) {
		return true
	}
	end := bytes.Index(s.src[s.i:], []byte("?>"))
	if end < 0 || end > 200 {
		return s.stop(s.i, &faultDecl)
	}
	rest := string(s.src[s.i+5 : s.i+end])
	for k, name := range []string{"version", "encoding", "standalone"} {
		value, after, ok := pseudo(rest, name)
		if !ok {
			if k == 0 {
				return s.stop(s.i, &faultDecl)
			}
			continue
		}
		rest = after
		switch {
		case name == "version" && value != "1.0":
			return s.stop(s.i, &faultVersion)
		case name == "encoding" && !strings.EqualFold(value, "UTF-8"):
			return s.stop(s.i, &faultEncoding)
		case name == "standalone" && value != "yes" && value != "no":
			return s.stop(s.i, &faultDecl)
		}
	}
	if strings.TrimLeft(rest, " \t\r\n") != "" {
		return s.stop(s.i, &faultDecl)
	}
	s.i += end + 2
	return true
}

// pseudo reads ` name="value"` off a declaration.
func pseudo(text, name string) (value, rest string, ok bool) {
	inner := strings.TrimLeft(text, " \t\r\n")
	if inner == text || !strings.HasPrefix(inner, name) {
		return "", text, false
	}
	inner = strings.TrimLeft(inner[len(name):], " \t\r\n")
	if inner == "" || inner[0] != '=' {
		return "", text, false
	}
	inner = strings.TrimLeft(inner[1:], " \t\r\n")
	if inner == "" || inner[0] != '"' && inner[0] != '\'' {
		return "", text, false
	}
	value, rest, ok = strings.Cut(inner[1:], inner[:1])
	return value, rest, ok
}

// next moves to the next tag between elements, where only white space, comments
// and processing instructions may stand.
func (s *scanner) next() bool {
	for {
		s.blanks()
		switch {
		case s.i >= len(s.src):
			return s.stop(s.i, &faultEnd)
		case s.src[s.i] != '<':
			return s.stop(s.i, &faultText)
		case s.at(s.i+1) == '!' || s.at(s.i+1) == '?':
			if !s.aside() {
				return false
			}
		default:
			return s.readTag()
		}
	}
}

// aside passes over a comment or a processing instruction.
func (s *scanner) aside() bool {
	switch {
	case s.starts("<!--"):
		return s.comment()
	case s.starts("<?"):
		return s.instruction()
	case s.starts("<!D"):
		return s.stop(s.i, &faultDTD)
	case s.starts("<![CDATA["):
		return s.stop(s.i, &faultText)
	}
	return s.stop(s.i, &faultMarkup)
}

func (s *scanner) comment() bool {
	end := bytes.Index(s.src[s.i+4:], []byte("--"))
	if end < 0 || s.at(s.i+4+end+2) != '>' {
		return s.stop(s.i, &faultComment)
	}
	s.i += 4 + end + 3
	return true
}

// instruction passes over a processing instruction. None may be called xml.
// https://www.w3.org/TR/xml/#sec-pi
func (s *scanner) instruction() bool {
	end := bytes.Index(s.src[s.i+2:], []byte("?>"))
	if end < 0 {
		return s.stop(s.i, &faultPI)
	}
	body := s.src[s.i+2 : s.i+2+end]
	n := 0
	for n < len(body) && nameByte[body[n]] {
		n++
	}
	if n == 0 || !nameStart(body[0]) || n < len(body) && !blank(body[n]) || strings.EqualFold(string(body[:n]), "xml") {
		return s.stop(s.i, &faultPI)
	}
	s.i += 2 + end + 2
	return true
}

// share views bytes as a string without copying: the source is never written.
func share(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }
