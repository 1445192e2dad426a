package fhirpath

import (
	"strconv"
	"strings"

	"tenon/fhir/schema"
	"tenon/fhir/tree"
)

// Path is where an element stands in its document, as a FHIRPath of names and
// indices: "Patient.name[0].given[1]", "Observation.value". It is "" for a value
// that was computed.
func (e *Expr) Path(v Value) string {
	n := v.node
	if !n.Exists() {
		n = v.twin
	}
	if v.kind != sysNone || !n.Exists() {
		return ""
	}
	p := pather{env: e.env}
	start, end := n.Span()
	at := n.Doc().Root()
	p.root(at, v.typ)
	for at.Exists() && at != n {
		if at.Kind() == tree.Array {
			at = p.item(at, start, end)
			continue
		}
		at = childAround(at, start, end)
		p.member(at)
	}
	return p.text.String()
}

// pather writes a path from the root down; typ is the type of where it is.
type pather struct {
	env  *Env
	text strings.Builder
	typ  *schema.Type
}

func (p *pather) root(n tree.Node, own *schema.Type) {
	name := n.Field("resourceType").Str()
	if name == "" && own != nil {
		name = own.Name
	}
	p.typ = p.env.model(name)
	p.text.WriteString(name)
}

func (p *pather) item(array tree.Node, start, end int) tree.Node {
	i := 0
	for item := array.First(); item.Exists(); item = item.Next() {
		if s, e := item.Span(); s <= start && end <= e {
			p.text.WriteByte('[')
			p.text.WriteString(strconv.Itoa(i))
			p.text.WriteByte(']')
			p.enter(item, p.typ)
			return item
		}
		i++
	}
	return tree.Node{}
}

func (p *pather) member(n tree.Node) {
	property := strings.TrimPrefix(n.Name(), "_")
	name, typ := property, (*schema.Type)(nil)
	if p.typ != nil {
		if el := p.typ.Element(property); el != nil {
			name, typ = el.Name, el.Type
		}
	}
	if p.text.Len() > 0 {
		p.text.WriteByte('.')
	}
	p.text.WriteString(name)
	p.enter(n, typ)
}

// enter sets the type of an element; a resource says its own.
func (p *pather) enter(n tree.Node, t *schema.Type) {
	if own := n.Field("resourceType").Str(); own != "" && (t == nil || t.Kind == schema.Resource) {
		t = p.env.model(own)
	}
	p.typ = t
}
