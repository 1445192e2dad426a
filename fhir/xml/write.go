package xml

// https://hl7.org/fhir/R4/xml.html

import (
	"strings"

	"tenon/fhir/issue"
	"tenon/fhir/schema"
	"tenon/fhir/tree"
)

// Append appends a resource as an XML document in the order of the definitions,
// without white space between elements. Nothing is left out: what XML or the
// definitions have no place for is an *issue.Failure that names its path, and
// dst comes back as it was.
func Append(dst []byte, n tree.Node, m *schema.Model) ([]byte, error) {
	return AppendIndent(dst, n, m, "")
}

// AppendIndent is Append with every element on a line of its own, indented by
// its depth; narratives stay as they are.
func AppendIndent(dst []byte, n tree.Node, m *schema.Model, indent string) ([]byte, error) {
	w := writer{
		m: m, indent: indent, path: make([]step, 0, 16), members: make([]member, 0, 32),
		out: append(dst, `<?xml version="1.0" encoding="UTF-8"?>`...),
	}
	if !w.resource(n, true) {
		return dst, w.failure
	}
	if indent != "" {
		w.out = append(w.out, '\n')
	}
	return w.out, nil
}

// writer turns nodes into tags. Its methods return false after a fault.
type writer struct {
	m       *schema.Model
	out     []byte
	indent  string
	depth   int
	path    []step
	members []member // of the objects that are open
	buf     []byte
	failure *issue.Failure
}

// member is a member of an object with the element that it carries.
type member struct {
	node  tree.Node
	e     *schema.Element
	extra bool // its name has the underscore
}

// stop notes that something cannot be written.
func (w *writer) stop(rule, text, chinese string) bool {
	if w.failure == nil {
		w.failure = issue.New(issue.Issue{
			Type: issue.NotSupported, Rule: rule, Path: pathOf(w.path),
			Text: "this cannot be written in XML: " + text, Chinese: "无法以 XML 表示：" + chinese,
		}).WithStatus(422)
	}
	return false
}

func (w *writer) enter(name string, index int) { w.path = append(w.path, step{name, index}) }
func (w *writer) leave()                       { w.path = w.path[:len(w.path)-1] }

// line begins a new line where lines are wanted.
func (w *writer) line() {
	if w.indent == "" {
		return
	}
	w.out = append(w.out, '\n')
	for range w.depth {
		w.out = append(w.out, w.indent...)
	}
}

func (w *writer) openTag(name string) { w.out = append(append(w.out, '<'), name...) }

func (w *writer) closeTag(name string) {
	w.out = append(append(append(w.out, "</"...), name...), '>')
}

// resource writes an object with a resourceType.
func (w *writer) resource(n tree.Node, root bool) bool {
	name := n.Field("resourceType").Str()
	if !w.m.IsResource(name) {
		return w.stop("xml-resource", "expected an object with the resourceType of FHIR R4", "此处应为带有 resourceType 的 R4 资源")
	}
	typ := w.m.Type(name)
	w.line()
	w.openTag(typ.Name)
	if root {
		w.enter(typ.Name, -1)
		w.out = append(w.out, ` xmlns="`+spaceFHIR+`"`...)
	}
	if !w.content(n, typ, typ.Name, tree.Node{}) {
		return false
	}
	if root {
		w.leave()
	}
	return true
}

// content writes attributes, the end of the start tag, elements and end tag of
// the element whose start tag is open. value is that of a primitive.
func (w *writer) content(n tree.Node, typ *schema.Type, name string, value tree.Node) bool {
	from := len(w.members)
	if !w.gather(n, typ) || !w.attributes(typ, from) || value.Exists() && !w.value(value, typ) {
		return false
	}
	open := len(w.out)
	w.out = append(w.out, '>')
	w.depth++
	if !w.elements(typ, from) {
		return false
	}
	w.depth--
	w.members = w.members[:from]
	if len(w.out) == open+1 {
		w.out = append(w.out[:open], "/>"...)
		return true
	}
	w.line()
	w.closeTag(name)
	return true
}

// gather finds the element of every member, so that none is left out.
func (w *writer) gather(n tree.Node, typ *schema.Type) bool {
	if !n.Exists() {
		return true
	}
	if n.Kind() != tree.Object || n.Len() == 0 {
		return w.stop("xml-kind", "found "+n.Kind().String()+", expected an object that is not empty", "此处应为非空对象")
	}
	for name, node := range n.Fields() {
		if name == "resourceType" && typ.Kind == schema.Resource {
			continue
		}
		plain, extra := strings.CutPrefix(name, "_")
		e := typ.Element(plain)
		if e == nil || extra && (e.Type.Kind != schema.Primitive || e.Type.Name == "xhtml" || isAttribute(e, typ)) {
			return w.stop("xml-unknown-element", typ.Name+" has no element "+quoted([]byte(name)), typ.Name+" 没有元素 "+quoted([]byte(name)))
		}
		w.members = append(w.members, member{node, e, extra})
	}
	return true
}

// isAttribute tells whether XML writes an element as an attribute.
func isAttribute(e *schema.Element, typ *schema.Type) bool {
	return typ.Kind != schema.Resource && e.Name == "id" || typ.Name == "Extension" && e.Name == "url"
}

// attributes writes id and, of an extension, url.
func (w *writer) attributes(typ *schema.Type, from int) bool {
	for i := range w.members[from:] {
		mem := &w.members[from+i]
		if !isAttribute(mem.e, typ) {
			continue
		}
		if mem.node.Kind() != tree.String || mem.node.Str() == "" {
			return w.stop("xml-kind", mem.e.Name+" must be a string that is not empty", mem.e.Name+" 应为非空字符串")
		}
		if !w.attribute(mem.e.Name, mem.node) {
			return false
		}
	}
	return true
}

// elements writes the members in the order of the definitions.
func (w *writer) elements(typ *schema.Type, from int) bool {
	left := len(w.members) - from
	for i := range typ.Elements {
		if left == 0 {
			return true
		}
		e := &typ.Elements[i]
		var plain, extra member
		for _, mem := range w.members[from:] {
			if mem.e != e && !(e.Choice && mem.e.Name == e.Name) {
				continue
			}
			other := &plain
			if mem.extra {
				other = &extra
			}
			if other.e != nil || plain.e != nil && plain.e != mem.e || extra.e != nil && extra.e != mem.e {
				w.enter(e.Name, -1)
				return w.stop("xml-choice", "more than one type of "+e.Name+"[x] is given", e.Name+"[x] 给出了多种类型")
			}
			*other = mem
			left--
		}
		if plain.e == nil && extra.e == nil || isAttribute(e, typ) {
			continue
		}
		if plain.e == nil {
			plain.e = extra.e
		}
		if !w.element(plain.e, plain.node, extra.node) {
			return false
		}
	}
	return true
}

// element writes one element with all its repetitions.
func (w *writer) element(e *schema.Element, plain, extra tree.Node) bool {
	if e.Max == 1 {
		w.enter(e.Name, -1)
		ok := w.item(e, plain, extra)
		w.leave()
		return ok
	}
	for _, n := range []tree.Node{plain, extra} {
		if n.Exists() && (n.Kind() != tree.Array || n.Len() == 0) {
			w.enter(e.Name, -1)
			return w.stop("xml-kind", "found "+n.Kind().String()+", expected an array that is not empty", "此处应为非空数组")
		}
	}
	p, x := plain.First(), extra.First()
	for i := 0; p.Exists() || x.Exists(); i++ {
		w.enter(e.Name, i)
		if !w.item(e, present(p), present(x)) {
			return false
		}
		w.leave()
		p, x = p.Next(), x.Next()
	}
	return true
}

// present is absent for the null that fills an array.
func present(n tree.Node) tree.Node {
	if n.Kind() == tree.Null {
		return tree.Node{}
	}
	return n
}

// item writes one occurrence of an element.
func (w *writer) item(e *schema.Element, plain, extra tree.Node) bool {
	switch {
	case e.Type.Name == "xhtml":
		return w.narrative(plain)
	case !plain.Exists() && !extra.Exists():
		return w.stop("xml-empty", "neither a value nor an extension is given", "既无取值也无扩展")
	}
	w.line()
	w.openTag(e.Property)
	switch {
	case e.Type.Kind == schema.Primitive:
		return w.content(extra, e.Type, e.Property, plain)
	case e.Type.Kind == schema.Resource:
		w.out = append(w.out, '>')
		w.depth++
		if !w.resource(plain, false) {
			return false
		}
		w.depth--
		w.line()
		w.closeTag(e.Property)
		return true
	}
	return w.content(plain, e.Type, e.Property, tree.Node{})
}
