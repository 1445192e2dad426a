package rest

import (
	"slices"
	"strings"

	"tenon/fhir/issue"
	"tenon/fhir/schema"
	"tenon/fhir/tree"
)

// view is a part of a resource: _summary or _elements.
// https://hl7.org/fhir/R4/search.html#summary and #elements
type view struct {
	summary  string // true, text, data, false or ""
	elements []string
}

func (v *view) addElements(list string) {
	for name := range strings.SplitSeq(list, ",") {
		v.elements = append(v.elements, strings.TrimSpace(name))
	}
}

// whole tells that nothing is left out.
func (v view) whole() bool {
	return len(v.elements) == 0 && (v.summary == "" || v.summary == "false")
}

func (v view) check(m *schema.Model, typ string) error {
	if !slices.Contains([]string{"", "true", "text", "data", "false"}, v.summary) {
		return issue.Errorf(issue.Invalid, "_summary=%q is not possible here; use true, text, data or false.", clip(v.summary)).
			At("_summary").Rule("read-summary").Chinese("_summary 的取值无效。")
	}
	t := m.Type(typ)
	for _, name := range v.elements {
		if t != nil && t.Choice(name) == nil && t.Element(name) == nil {
			return issue.Errorf(issue.Invalid, "%s has no element %q at its root.", typ, clip(name)).
				At("_elements").Rule("read-elements").Chinese("没有该顶层元素。")
		}
	}
	return nil
}

// of cuts the bytes of a resource down to the view. What stays keeps its bytes;
// meta.tag says SUBSETTED, so that nobody takes the part for the whole.
func (v view) of(m *schema.Model, body []byte) ([]byte, error) {
	if v.whole() {
		return body, nil
	}
	d, err := tree.Parse(body)
	if err != nil {
		return nil, err
	}
	root := d.Root()
	t := m.Type(root.Field("resourceType").Str())
	if t == nil {
		return body, nil
	}
	w := &cutter{view: v, out: make([]byte, 0, len(body))}
	w.object(root, t, true)
	return w.out, nil
}

// cutter writes what a view keeps.
type cutter struct {
	view
	out []byte
}

// object writes the members of an object that stay.
func (w *cutter) object(n tree.Node, t *schema.Type, top bool) {
	w.out = append(w.out, '{')
	first := true
	for name, member := range n.Fields() {
		e := t.Element(strings.TrimPrefix(name, "_"))
		if !w.keeps(e, name, top) {
			continue
		}
		if !first {
			w.out = append(w.out, ',')
		}
		first = false
		start, end := member.NameSpan()
		w.out = append(append(w.out, n.Doc().Src()[start:end]...), ':')
		switch {
		case top && name == "meta":
			w.meta(member)
		case w.summary == "true" && e != nil && e.Type != nil && e.Type.Kind == schema.Backbone:
			w.backbone(member, e.Type)
		default:
			w.out = append(w.out, member.Raw()...)
		}
	}
	w.out = append(w.out, '}')
}

// backbone applies the summary inside: a backbone element may be in it with
// only some of its children.
func (w *cutter) backbone(n tree.Node, t *schema.Type) {
	if n.Kind() != tree.Array {
		w.object(n, t, false)
		return
	}
	w.out = append(w.out, '[')
	for i := range n.Len() {
		if i > 0 {
			w.out = append(w.out, ',')
		}
		w.object(n.Index(i), t, false)
	}
	w.out = append(w.out, ']')
}

// keeps tells whether a member stays: what is always needed, what is mandatory
// or modifies the meaning, and what the view names.
func (w *cutter) keeps(e *schema.Element, name string, top bool) bool {
	if top && (name == "resourceType" || name == "id" || name == "meta" || name == "implicitRules") {
		return true
	}
	switch {
	case e == nil:
		return !top
	case w.summary == "data":
		return name != "text" && name != "_text"
	case e.Min > 0 || e.Modifier:
		return true
	case w.summary == "text":
		return e.Name == "text"
	case w.summary == "true":
		return e.Summary
	}
	plain := strings.TrimPrefix(name, "_")
	return slices.Contains(w.elements, plain) || slices.Contains(w.elements, e.Name)
}

const subsetted = `{"system":"http://terminology.hl7.org/CodeSystem/v3-ObservationValue","code":"SUBSETTED"}`

// meta adds the tag.
func (w *cutter) meta(n tree.Node) {
	raw := n.Raw()
	start, end := n.Span()
	if tag := n.Field("tag"); tag.Kind() == tree.Array && tag.Len() > 0 {
		_, at := tag.Span()
		at -= start + 1
		w.out = append(append(append(append(w.out, raw[:at]...), ','), subsetted...), raw[at:]...)
		return
	}
	w.out = append(w.out, raw[:end-start-1]...)
	if n.Len() > 0 {
		w.out = append(w.out, ',')
	}
	w.out = append(append(append(w.out, `"tag":[`...), subsetted...), `]}`...)
}
