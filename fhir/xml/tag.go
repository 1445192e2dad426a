package xml

import "bytes"

// readTag reads the tag that starts here into s.tag, and its attributes.
func (s *scanner) readTag() bool {
	s.tag = tag{start: s.i, bound: len(s.bindings)}
	s.i++
	if s.at(s.i) == '/' {
		return s.endTag()
	}
	colon, ok := s.name(&s.tag.name)
	if !ok {
		return false
	}
	s.tag.local = s.tag.name[colon:]
	s.attrs = s.attrs[:0]
	if !s.attributes() {
		return false
	}
	var bound bool
	if s.tag.space, bound = s.spaceOf(s.tag.name[:colon]); !bound {
		return s.stop(s.tag.start, &faultPrefix)
	}
	s.tag.end = s.i
	return true
}

func (s *scanner) endTag() bool {
	s.i++
	s.tag.closing = true
	if _, ok := s.name(&s.tag.name); !ok {
		return false
	}
	s.blanks()
	if s.at(s.i) != '>' {
		return s.unexpected(&faultTag)
	}
	s.i++
	s.tag.end = s.i
	return true
}

// unexpected says "the document ends" where it does.
func (s *scanner) unexpected(f *fault) bool {
	if s.i >= len(s.src) {
		f = &faultEnd
	}
	return s.stop(s.i, f)
}

// name reads a qualified name; colon is where its local part begins.
func (s *scanner) name(into *[]byte) (colon int, ok bool) {
	from := s.i
	if !nameStart(s.at(s.i)) {
		return 0, s.unexpected(&faultName)
	}
	for s.i++; ; s.i++ {
		c := s.at(s.i)
		if nameByte[c] {
			continue
		}
		if c != ':' {
			break
		}
		if colon > 0 || !nameStart(s.at(s.i+1)) {
			return 0, s.stop(s.i, &faultName)
		}
		colon = s.i + 1 - from
	}
	*into = s.src[from:s.i]
	return colon, true
}

// nameStart and nameByte know ASCII only: no name of FHIR or XHTML has another
// character, so one is refused here already.
func nameStart(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || c == '_'
}

var nameByte = func() (t [256]bool) {
	for c := range 256 {
		t[c] = nameStart(byte(c)) || '0' <= c && c <= '9' || c == '-' || c == '.'
	}
	return t
}()

// attributes reads up to the end of a start tag.
func (s *scanner) attributes() bool {
	total := 0
	for {
		spaced := s.blanks()
		switch s.at(s.i) {
		case '>':
			s.i++
			return true
		case '/':
			if s.at(s.i+1) != '>' {
				s.i++
				return s.unexpected(&faultTag)
			}
			s.i += 2
			s.tag.empty = true
			return true
		}
		if !spaced {
			return s.unexpected(&faultTag)
		}
		if total++; total > s.lim.Attributes {
			return s.stop(s.i, limitFault("attributes in one element", "元素属性数", s.lim.Attributes))
		}
		if !s.attribute() {
			return false
		}
	}
}

func (s *scanner) attribute() bool {
	a := attr{start: s.i}
	var ok bool
	if a.prefix, ok = s.name(&a.name); !ok {
		return false
	}
	s.blanks()
	if s.at(s.i) != '=' {
		return s.unexpected(&faultEquals)
	}
	s.i++
	s.blanks()
	if !s.quoted(&a) {
		return false
	}
	a.end = s.i
	if string(a.name) == "xmlns" || string(a.name[:a.prefix]) == "xmlns:" {
		return s.declare(&a)
	}
	for i := range s.attrs {
		if bytes.Equal(s.attrs[i].name, a.name) {
			return s.stop(a.start, twiceFault(a.name))
		}
	}
	s.attrs = append(s.attrs, a)
	return true
}

// work tells which of eight bytes of a value may end it or need work.
func work(x uint64) uint64 {
	quote, apos := x^(ones*'"'), x^(ones*'\'')
	amp, less, slash := x^(ones*'&'), x^(ones*'<'), x^(ones*'\\')
	return ((quote-ones)&^quote | (apos-ones)&^apos | (amp-ones)&^amp | (less-ones)&^less | (slash-ones)&^slash | (x-ones*0x20)&^x) & highs
}

// quoted reads the value of an attribute with its quotes.
func (s *scanner) quoted(a *attr) bool {
	mark := s.at(s.i)
	if mark != '"' && mark != '\'' {
		return s.unexpected(&faultEquals)
	}
	src, i := s.src, s.i+1
	from := i
	for {
		for i+8 <= len(src) && work(load(src, i)) == 0 {
			i += 8
		}
		if i >= len(src) {
			s.i = i
			return s.stop(i, &faultEnd)
		}
		switch c := src[i]; {
		case c == mark:
			a.value, s.i = src[from:i], i+1
			return true
		case c == '<':
			return s.stop(i, &faultLess)
		case c == '&', c == '"', c == '\\', c < 0x20:
			a.special = true
		}
		i++
	}
}

// declare takes a namespace declaration into scope.
// https://www.w3.org/TR/xml-names/#ns-decl
func (s *scanner) declare(a *attr) bool {
	uri := a.value
	if a.special {
		var ok bool
		if uri, ok = s.text(nil, a); !ok {
			return false
		}
	}
	b := binding{}
	if a.prefix > 0 {
		b.prefix = share(a.name[a.prefix:])
	}
	switch string(uri) {
	case "":
		if b.prefix != "" {
			return s.stop(a.start, &faultBinding)
		}
	case spaceFHIR:
		b.space = fhir
	case spaceXHTML:
		b.space = xhtml
	case spaceXSI:
		b.space = xsi
	case spaceXML:
		b.space = xmlSpace
	case spaceXMLNS:
		return s.stop(a.start, &faultBinding)
	default:
		b.space = foreign
	}
	if b.prefix == "xmlns" || (b.prefix == "xml") != (b.space == xmlSpace) {
		return s.stop(a.start, &faultBinding)
	}
	for _, other := range s.bindings[s.tag.bound:] {
		if other.prefix == b.prefix {
			return s.stop(a.start, twiceFault(a.name))
		}
	}
	if len(s.bindings) >= s.lim.Attributes { // every tag looks through them
		return s.stop(a.start, limitFault("namespaces in scope", "命名空间声明数", s.lim.Attributes))
	}
	s.bindings = append(s.bindings, b)
	s.tag.declares = s.tag.declares || b.prefix == ""
	s.tag.prefixes = s.tag.prefixes || b.prefix != ""
	return true
}

// spaceOf is the namespace of a prefix, which comes with its colon.
func (s *scanner) spaceOf(prefix []byte) (sp space, bound bool) {
	name := ""
	if len(prefix) > 0 {
		name = share(prefix[:len(prefix)-1])
	}
	for i := len(s.bindings) - 1; i >= 0; i-- {
		if s.bindings[i].prefix == name {
			return s.bindings[i].space, true
		}
	}
	if name == "xml" {
		return xmlSpace, true
	}
	return none, name == ""
}

// unbind forgets what a tag declared, at its end.
func (s *scanner) unbind(bound int) { s.bindings = s.bindings[:bound] }

// ends tells whether the tag is the end of the element of that name.
func (s *scanner) ends(name []byte) bool {
	if !bytes.Equal(s.tag.name, name) {
		return s.stop(s.tag.start, mismatchFault(name))
	}
	return true
}
