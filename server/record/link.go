package record

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"

	"tenon/fhir/issue"
	"tenon/fhir/schema"
	"tenon/fhir/tree"
	"tenon/server/search"
)

// link rewrites references between the entries of one draft: urn:uuid and other
// full URLs become Type/id, also where they are written relative to that of the
// entry; conditional references become what they match.
// https://hl7.org/fhir/R4/http.html#trules
func (p *preparation) link() error {
	for i, w := range p.writes {
		if w == nil || len(w.op.Body) == 0 || w.op.Method == "DELETE" {
			continue
		}
		root, err := parsed(w.op.Body)
		if err != nil {
			return at(err, i, p.draft)
		}
		w.body, w.root = w.op.Body, root
		if w.op.Method == "PATCH" {
			continue // what it makes is linked: a patch may hold a link in any form
		}
		if err := p.linkOne(w); err != nil {
			return at(err, i, p.draft)
		}
	}
	return nil
}

// linkOne rewrites the links in the body of one write.
func (p *preparation) linkOne(w *write) error {
	if len(p.links) == 0 && p.draft.Operation != "transaction" {
		return nil
	}
	l := &linker{p: p, base: rootOf(w.op.FullURL)}
	err := l.object(w.root, p.r.o.Model.Type(w.root.Field("resourceType").Str()))
	if err != nil || len(l.edits) == 0 {
		return err
	}
	w.body = tree.Apply(w.body, l.edits)
	w.root, err = parsed(w.body)
	return err
}

// rootOf is what stands before Type/id in a full URL, with its slash; "" where
// it has not that form. https://hl7.org/fhir/R4/bundle.html#references
func rootOf(full string) string {
	if !strings.HasPrefix(full, "http://") && !strings.HasPrefix(full, "https://") {
		return ""
	}
	parts := strings.Split(full, "/")
	if len(parts) < 5 {
		return ""
	}
	return strings.Join(parts[:len(parts)-2], "/") + "/"
}

// linker collects what changes in one resource.
type linker struct {
	p     *preparation
	base  string
	edits []tree.Edit
}

// linking are the types whose values are links; a canonical is not replaced.
var linking = []string{"uri", "url", "oid", "uuid"}

func (l *linker) object(n tree.Node, t *schema.Type) error {
	if name := n.Field("resourceType"); name.Exists() {
		t = l.p.r.o.Model.Type(name.Str())
	}
	if t == nil {
		return nil // no element that R4 has; its own judgement refuses it
	}
	for name, child := range n.Fields() {
		e := t.Element(strings.TrimPrefix(name, "_"))
		if e == nil {
			continue
		}
		if err := l.member(child, e, t); err != nil {
			return err
		}
	}
	return nil
}

func (l *linker) member(n tree.Node, e *schema.Element, of *schema.Type) error {
	switch n.Kind() {
	case tree.Array:
		for child := range n.Items() {
			if err := l.member(child, e, of); err != nil {
				return err
			}
		}
	case tree.Object:
		t := e.Type
		if t != nil && t.Kind == schema.Primitive {
			t = l.p.r.o.Model.Type("Element")
		}
		return l.object(n, t)
	case tree.String:
		switch {
		case of.Name == "Reference" && e.Name == "reference":
			return l.reference(n)
		case e.Type != nil && e.Type.Name == "xhtml":
			l.narrative(n)
		case e.Type != nil && slices.Contains(linking, e.Type.Name):
			if to, ok := l.target(n.Str()); ok {
				l.put(n, to)
			}
		}
	}
	return nil
}

func (l *linker) put(n tree.Node, to string) {
	start, end := n.Span()
	quoted, _ := json.Marshal(to) // a string always marshals
	l.edits = append(l.edits, tree.Edit{Start: start, End: end, With: quoted})
}

// target is what a link means in this draft.
func (l *linker) target(link string) (string, bool) {
	full, fragment, cut := strings.Cut(link, "#")
	to, ok := l.p.links[full]
	if !ok && l.base != "" && strings.Count(full, "/") == 1 {
		to, ok = l.p.links[l.base+full]
	}
	if ok && cut {
		to += "#" + fragment
	}
	return to, ok
}

func (l *linker) reference(n tree.Node) error {
	text := n.Str()
	if to, ok := l.target(text); ok {
		l.put(n, to)
		return nil
	}
	typ, criteria, ok := strings.Cut(text, "?")
	if !ok || l.p.draft.Operation != "transaction" {
		return nil
	}
	if base := l.p.r.o.BaseURL; base != "" {
		typ = strings.TrimPrefix(strings.TrimPrefix(typ, base), "/")
	}
	if !l.p.r.o.Model.IsResource(typ) {
		return nil
	}
	to, err := l.p.matching(typ, criteria)
	if err == nil {
		l.put(n, to)
	}
	return err
}

// matching is the one resource that a conditional reference means: one that is
// there, or one that the same transaction creates, since these references are
// resolved last (https://hl7.org/fhir/R4/http.html#trules).
func (p *preparation) matching(typ, criteria string) (string, error) {
	key := typ + "?" + criteria
	if to, known := p.refs[key]; known {
		return to, nil
	}
	hit, err := p.match(&write{typ: typ}, criteria)
	if err != nil {
		return "", err
	}
	found, err := p.created(typ, criteria)
	if err != nil {
		return "", err
	}
	if hit != nil {
		found = append(found, hit.ID)
	}
	switch len(found) {
	case 1:
		p.refs[key] = typ + "/" + found[0]
		return p.refs[key], nil
	case 0:
		return "", issue.Errorf(issue.NotFound, "The reference %q matches no %s that you reach; a conditional reference must match one.", clipped(key), typ).
			Rule("conditional-reference").WithStatus(412).Chinese("条件引用没有匹配的资源。")
	}
	return "", issue.Errorf(issue.MultipleMatches, "The reference %q matches more than one %s, with those that this transaction creates.", clipped(key), typ).
		Rule("multiple-matches").Chinese("条件引用匹配多个资源。")
}

// created are the resources of a type that this draft creates and that meet
// criteria of tokens, such as an identifier. By other parameters nothing that is
// still being written is found.
func (p *preparation) created(typ, criteria string) (ids []string, err error) {
	params, err := search.ParseQuery(criteria)
	if err != nil {
		return nil, err
	}
	plan, _, err := p.r.parse(p.who, typ, params, true)
	if err != nil {
		return nil, err
	}
	if slices.ContainsFunc(plan.Root.Where, func(c search.Clause) bool { t, ok := c.(search.Token); return !ok || t.Not }) {
		return nil, nil
	}
	for _, w := range p.writes {
		if w == nil || w.typ != typ || w.before != nil || len(w.op.Body) == 0 {
			continue
		}
		if w.tokens == nil {
			root, err := parsed(w.op.Body)
			if err != nil {
				return nil, err
			}
			rows, err := p.rev.Search.Index(root)
			if err != nil {
				return nil, err
			}
			w.tokens = append([]search.TokenRow{}, rows.Tokens...)
		}
		if !slices.ContainsFunc(plan.Root.Where, func(c search.Clause) bool { return !anyToken(w.tokens, c.(search.Token)) }) {
			ids = append(ids, w.id)
		}
	}
	return ids, nil
}

func anyToken(rows []search.TokenRow, t search.Token) bool {
	return slices.ContainsFunc(rows, func(r search.TokenRow) bool {
		return r.Key == t.Key && slices.ContainsFunc(t.Any, func(m search.TokenMatch) bool {
			code := m.Code == nil && m.Codes == nil || m.Code != nil && *m.Code == r.Code || slices.Contains(m.Codes, r.Code)
			return code && (m.System == nil || *m.System == r.System)
		})
	})
}

// narrative rewrites links of a narrative: <a href> and <img src>.
func (l *linker) narrative(n tree.Node) {
	text := n.Str()
	made := text
	for full, to := range l.p.links {
		if !strings.Contains(made, full) {
			continue
		}
		for _, attribute := range []string{`href="`, `src="`} {
			for _, end := range []string{`"`, `#`} {
				made = strings.ReplaceAll(made, attribute+full+end, attribute+to+end)
			}
		}
	}
	if made != text {
		var b bytes.Buffer
		e := json.NewEncoder(&b)
		e.SetEscapeHTML(false)
		_ = e.Encode(made) // a string always encodes
		start, end := n.Span()
		l.edits = append(l.edits, tree.Edit{Start: start, End: end, With: bytes.TrimSpace(b.Bytes())})
	}
}
