package xml

// https://hl7.org/fhir/R4/xml.html

import (
	"strings"

	"tenon/fhir/schema"
)

// ToJSON reads one resource in XML and returns it as FHIR JSON without white
// space, its members in the order of the XML. The JSON is one that tree.Parse
// takes. src must not change meanwhile; the result shares nothing with it.
//
// Errors are *issue.Failure: Structure (no FHIR XML), Invalid (XML that FHIR
// exchange must not carry), Value (a number or boolean that JSON cannot hold)
// or TooLong, with line, column and FHIRPath.
func ToJSON(src []byte, m *schema.Model, lim Limits) ([]byte, error) {
	lim = lim.withDefaults()
	r := reader{
		m: m, path: make([]step, 0, 16),
		scanner: scanner{src: src, lim: lim, attrs: make([]attr, 0, 8), bindings: make([]binding, 0, 4)},
	}
	if len(src) > lim.Bytes {
		return nil, limitFault("bytes", "文档字节数", lim.Bytes).failure(nil, 0, nil)
	}
	r.out = make([]byte, 0, len(src)-len(src)/4+64)
	if !r.document() {
		return nil, r.fault.failure(src, r.where, r.path)
	}
	return r.out, nil
}

// reader turns tags into JSON. Its methods return false after a fault.
type reader struct {
	scanner
	m     *schema.Model
	out   []byte
	path  []step
	held  bool   // the tag was read ahead
	depth int    // objects and arrays that are open
	nodes int    // values
	buf   []byte // for one value
	xhtml []byte // for one narrative
}

func (r *reader) document() bool {
	if !r.characters() || !r.declaration() || !r.next() || !r.resource() {
		return false
	}
	for r.i < len(r.src) {
		r.blanks()
		switch {
		case r.i >= len(r.src):
		case r.src[r.i] == '<' && (r.at(r.i+1) == '?' || r.at(r.i+1) == '!'):
			if !r.aside() {
				return false
			}
		default:
			return r.stop(r.i, &faultTrailing)
		}
	}
	return r.within()
}

// within tells whether the values so far are not too many.
func (r *reader) within() bool {
	if r.nodes > r.lim.Nodes {
		return r.stop(r.tag.start, limitFault("values", "值的数量", r.lim.Nodes))
	}
	return true
}

// advance is next, but gives a tag that was read ahead again.
func (r *reader) advance() bool {
	if r.held {
		r.held = false
		return true
	}
	return r.within() && r.next()
}

// open opens an object or array, shut closes it.
func (r *reader) open(c byte) bool {
	r.out = append(r.out, c)
	if r.depth++; r.depth > r.lim.Depth {
		return r.stop(r.tag.start, limitFault("arrays and objects inside one another, as JSON has them", "嵌套层数", r.lim.Depth))
	}
	return true
}

func (r *reader) shut(c byte) {
	r.out = append(r.out, c)
	r.depth--
}

func (r *reader) enter(name string, index int) { r.path = append(r.path, step{name, index}) }

func (r *reader) leave() { r.path = r.path[:len(r.path)-1] }

// resource reads the resource whose start tag was read.
func (r *reader) resource() bool {
	t := r.tag
	switch {
	case t.closing:
		return r.stop(t.start, &faultNested)
	case t.space != fhir:
		return r.stop(t.start, spaceFault(t.name))
	case !r.m.IsResource(share(t.local)):
		return r.stop(t.start, resourceFault(t.local))
	}
	typ := r.m.Type(share(t.local))
	root := len(r.path) == 0
	if root {
		r.path = append(r.path, step{typ.Name, -1})
	}
	if !r.attributesOf(nil, nil) {
		return false
	}
	if !r.open('{') {
		return false
	}
	r.nodes += 2 // the object and its type
	r.out = append(append(append(r.out, `"resourceType":"`...), typ.Name...), '"')
	if !r.children(typ, t) {
		return false
	}
	r.shut('}')
	r.unbind(t.bound)
	if root && r.fault == nil {
		r.path = r.path[:0]
	}
	return true
}

// container reads an element that holds one resource: contained, entry.resource.
func (r *reader) container() bool {
	t := r.tag
	if !r.attributesOf(nil, nil) {
		return false
	}
	if t.empty {
		return r.stop(t.start, &faultNested)
	}
	if !r.advance() {
		return false
	}
	if !r.resource() || !r.advance() {
		return false
	}
	if !r.tag.closing {
		return r.stop(r.tag.start, &faultNested)
	}
	r.unbind(t.bound)
	return r.ends(t.name)
}

// complex reads an element of a data type as an object.
func (r *reader) complex(typ *schema.Type) bool {
	t := r.tag
	from := len(r.out)
	if !r.open('{') || !r.attributesOf(typ, nil) || !r.children(typ, t) {
		return false
	}
	if len(r.out) == from+1 {
		return r.stop(t.start, &faultEmpty)
	}
	r.shut('}')
	r.unbind(t.bound)
	return true
}

// children reads the elements inside an element up to its end tag, as members
// of the object that is open.
func (r *reader) children(typ *schema.Type, t tag) bool {
	if t.empty {
		return true
	}
	pos := 0
	var last *schema.Element
	for {
		if !r.advance() {
			return false
		}
		if r.tag.closing {
			return r.ends(t.name)
		}
		e, at := find(typ, share(r.tag.local), pos)
		switch {
		case e == nil:
			return r.misplaced(typ, last, pos)
		case r.tag.space != fhir && e.Type.Name != "xhtml":
			return r.stop(r.tag.start, spaceFault(r.tag.name))
		case e.Name == "id" && typ.Kind != schema.Resource:
			return r.stop(r.tag.start, &faultIDChild)
		case e.Name == "url" && typ.Name == "Extension":
			return r.stop(r.tag.start, &faultURLChild)
		}
		if !r.element(e) {
			return false
		}
		pos, last = at+1, e
	}
}

// find looks for an element from a position on: elements come in order.
func find(typ *schema.Type, name string, pos int) (e *schema.Element, at int) {
	for at = pos; at < len(typ.Elements); at++ {
		e = &typ.Elements[at]
		switch {
		case !e.Choice:
			if e.Name == name {
				return e, at
			}
		case len(name) > len(e.Name) && strings.HasPrefix(name, e.Name):
			if variant := typ.Element(name); variant != nil && variant.Name == e.Name {
				return variant, at
			}
		}
	}
	return nil, 0
}

// misplaced says why an element cannot stand here: unknown, once too often, or
// out of order.
func (r *reader) misplaced(typ *schema.Type, last *schema.Element, pos int) bool {
	if r.tag.space != fhir {
		return r.stop(r.tag.start, spaceFault(r.tag.name))
	}
	e := typ.Element(share(r.tag.local))
	switch {
	case e == nil:
		return r.stop(r.tag.start, unknownFault(r.tag.local, typ.Name))
	case last != nil && last.Name == e.Name:
		return r.stop(r.tag.start, repeatFault(r.tag.local))
	case pos > 0 && last != nil:
		r.enter(e.Name, -1)
		return r.stop(r.tag.start, orderFault(r.tag.local, last.Property))
	}
	return r.stop(r.tag.start, unknownFault(r.tag.local, typ.Name))
}

// key opens a member.
func (r *reader) key(prefix, name string) {
	r.nodes++
	if r.out[len(r.out)-1] != '{' {
		r.out = append(r.out, ',')
	}
	r.out = append(append(append(append(r.out, '"'), prefix...), name...), '"', ':')
}

// element reads one element, or all of its name that stand together if it may
// repeat.
func (r *reader) element(e *schema.Element) bool {
	primitive := e.Type.Kind == schema.Primitive && e.Type.Name != "xhtml"
	switch {
	case e.Max == 1:
		r.enter(e.Name, -1)
		if primitive {
			if !r.primitive(e) {
				return false
			}
		} else if r.key("", e.Property); !r.value(e) {
			return false
		}
		r.leave()
		return true
	case primitive:
		return r.primitives(e)
	}
	return r.repeated(e)
}

// repeated reads all of an element that stand together as an array.
func (r *reader) repeated(e *schema.Element) bool {
	r.key("", e.Property)
	if !r.open('[') {
		return false
	}
	for n := 0; ; n++ {
		if n > 0 {
			r.out = append(r.out, ',')
		}
		r.nodes++
		r.enter(e.Name, n)
		if !r.value(e) {
			return false
		}
		r.leave()
		if !r.advance() {
			return false
		}
		if !r.again(e) {
			r.shut(']')
			return true
		}
	}
}

// again tells whether the tag read ahead is another of the same element.
func (r *reader) again(e *schema.Element) bool {
	if !r.tag.closing && r.tag.space == fhir && string(r.tag.local) == e.Property {
		return true
	}
	r.held = true
	return false
}

// value reads an element that is no primitive.
func (r *reader) value(e *schema.Element) bool {
	switch {
	case e.Type.Name == "xhtml":
		return r.narrative()
	case e.Type.Kind == schema.Resource:
		return r.container()
	}
	return r.complex(e.Type)
}
