package search

import (
	"strconv"
	"strings"

	"tenon/fhir/fhirpath"
	"tenon/fhir/issue"
	"tenon/fhir/schema"
	"tenon/fhir/tree"
)

// composite is a parameter whose components must be met by one element: by one
// component of a blood pressure, not by the code of one and the value of
// another. Each element that can meet it is a focus, and its rows are a group.
//
// https://hl7.org/fhir/R4/search.html#composite
type composite struct {
	param *Parameter
	foci  []focus
}

// focus is one alternative of the expression with the components seen from it.
type focus struct {
	path  plain // from the resource; empty is the resource itself
	parts []component
}

// component is where one of the components is found.
type component struct {
	part  *part
	paths []componentPath
}

type componentPath struct {
	plain plain
	root  bool // from the resource, not from the focus: %resource.…
}

const fromResource = "%resource."

// compose makes the composites of the model, whose components are parameters
// that must be known before. One that cannot be read stays unserved.
func (r *Registry) compose(typ string, sp schema.SearchParameter, p *Parameter) {
	c := &composite{param: p}
	parts := r.components(typ, sp, p)
	if len(parts) < 2 {
		return
	}
	for _, source := range alternatives(sp.Expression, typ) {
		f, ok := r.focus(typ, source, sp, parts)
		if !ok {
			return
		}
		c.foci = append(c.foci, f)
	}
	if len(c.foci) == 0 {
		return
	}
	p.Served, p.indexed, p.parts = true, true, parts
	r.types[typ].composites = append(r.types[typ].composites, c)
}

// components are the parameters of the components, each with a key of its own.
func (r *Registry) components(typ string, sp schema.SearchParameter, p *Parameter) []*Parameter {
	var parts []*Parameter
	for i, c := range sp.Components {
		var found *Parameter
		for _, other := range r.types[typ].params {
			if other.URL == c.Definition && other.Type != "composite" {
				found = other
			}
		}
		if found == nil {
			return nil
		}
		one := *found
		one.Key = KeyOf(p.Base, p.Code+"$"+strconv.Itoa(i))
		parts = append(parts, &one)
	}
	return parts
}

// focus resolves one alternative. The definition of DocumentReference's
// relationship has the expressions of its two components the wrong way round;
// each is taken where it yields what the component's parameter is about.
func (r *Registry) focus(typ, source string, sp schema.SearchParameter, parts []*Parameter) (f focus, ok bool) {
	at := r.model.Type(typ)
	if rest, deeper := strings.CutPrefix(source, typ+"."); deeper {
		if f.path, at = along(at, rest, ""); at == nil {
			return f, false
		}
	}
	expressions := make([]string, len(parts))
	for i := range parts {
		expressions[i] = sp.Components[i].Expression
	}
	if len(parts) == 2 && !fits(at, expressions[0], parts[0]) && fits(at, expressions[1], parts[0]) {
		expressions[0], expressions[1] = expressions[1], expressions[0]
	}
	for i, p := range parts {
		c := component{part: &part{param: p}}
		for _, e := range strings.Split(expressions[i], "|") {
			path, found := r.componentPath(typ, at, strings.TrimSpace(e))
			if !found {
				return f, false
			}
			c.paths = append(c.paths, path)
		}
		f.parts = append(f.parts, c)
	}
	return f, true
}

// fits tells whether an expression yields references where these are wanted, and
// no references where they are not.
func fits(at *schema.Type, expression string, p *Parameter) bool {
	_, typ := along(at, expression, "")
	return typ == nil || (typ.Name == "Reference") == (p.Type == "reference")
}

func (r *Registry) componentPath(typ string, at *schema.Type, e string) (componentPath, bool) {
	out := componentPath{}
	if e, out.root = strings.CutPrefix(e, fromResource); out.root {
		at = r.model.Type(typ)
	}
	only := ""
	if i := strings.Index(e, ".as("); i > 0 && strings.HasSuffix(e, ")") {
		e, only = e[:i], e[i+len(".as("):len(e)-1]
		if only == "DateTime" {
			only = "dateTime" // as the definition of code-value-date misspells it
		}
	}
	out.plain, _ = along(at, e, only)
	return out, out.plain != nil
}

// along resolves a dotted path from a type; nil when it is not plain. The type
// is that of its end, nil where it has several.
func along(typ *schema.Type, path, only string) (plain, *schema.Type) {
	var out plain
	names := strings.Split(path, ".")
	for i, name := range names {
		if typ == nil {
			return nil, nil
		}
		e := typ.Choice(name)
		if e == nil || e.Choice && i < len(names)-1 {
			return nil, nil
		}
		if !e.Choice && only != "" && i == len(names)-1 {
			return nil, nil
		}
		kept := ""
		if e.Choice {
			kept = only
		}
		s := variants(e, kept)
		if len(s) == 0 {
			return nil, nil
		}
		out, typ = append(out, s), e.Type
	}
	return out, typ
}

// composites makes the groups: one for each focus that has all components.
func (x *indexer) composites(all []*composite) {
	for _, c := range all {
		n := 0
		for i := range c.foci {
			f := &c.foci[i]
			if len(f.path) == 0 {
				n = x.group(f, x.root, n)
				continue
			}
			f.path.each(x.root, func(at tree.Node, _ *schema.Type) { n = x.group(f, at, n) })
		}
	}
}

// group adds the rows of one focus under the number n, and tells the next.
func (x *indexer) group(f *focus, at tree.Node, n int) int {
	var rows []GroupRow
	for i := range f.parts {
		c := &f.parts[i]
		y := indexer{Registry: x.Registry, root: x.root, typ: x.typ}
		for _, p := range c.paths {
			from := at
			if p.root {
				from = x.root
			}
			p.plain.each(from, func(v tree.Node, t *schema.Type) { y.value(c.part, t.Name, v, fhirpath.Value{}) })
		}
		own := y.rows.Only([]Key{c.part.param.Key})
		own.unique()
		before := len(rows)
		rows = appendGroup(rows, n, own.Tokens, func(r TokenRow) Key { return r.Key })
		rows = appendGroup(rows, n, own.Strings, func(r StringRow) Key { return r.Key })
		rows = appendGroup(rows, n, own.Dates, func(r DateRow) Key { return r.Key })
		rows = appendGroup(rows, n, own.Numbers, func(r NumberRow) Key { return r.Key })
		rows = appendGroup(rows, n, own.References, func(r ReferenceRow) Key { return r.Key })
		if len(rows) == before {
			return n
		}
	}
	x.rows.Groups = append(x.rows.Groups, rows...)
	return n + 1
}

func appendGroup[T any](groups []GroupRow, n int, rows []T, key func(T) Key) []GroupRow {
	for _, r := range rows {
		groups = append(groups, GroupRow{Key: key(r), Group: n, Row: r})
	}
	return groups
}

// composites reads component$component,…
func (p *parser) composite(typ string, param *Parameter, modifier string, values []string) ([]Clause, error) {
	if modifier != "" {
		return nil, badModifier(param, modifier)
	}
	clause := Composite{Key: param.parts[0].Key}
	for _, v := range values {
		parts := split(v, '$')
		if len(parts) != len(param.parts) {
			return nil, badValue(v, "各部分须以 $ 分隔，共 "+strconv.Itoa(len(param.parts))+" 部分。", "%q has %d parts, joined by $", param.Code, len(param.parts))
		}
		all := make([]Clause, 0, len(parts))
		for i, text := range parts {
			if text == "" {
				return nil, badValue(v, "有一部分为空。", "a part between the $ signs is empty")
			}
			one, err := readers[param.parts[i].Type](p, typ, param.parts[i], "", []string{text})
			if err != nil {
				return nil, err
			}
			if len(one) != 1 {
				return nil, badValue(v, "该形式不能用于组合参数。", "this form cannot be part of a composite")
			}
			all = append(all, one[0])
		}
		clause.Any = append(clause.Any, all)
	}
	return []Clause{clause}, nil
}

// claimParts claims the keys of the components.
func claimParts(keys map[Key]string, p *Parameter) error {
	for i := range p.parts {
		name := p.Base + "." + p.Code + "$" + strconv.Itoa(i)
		if other, taken := keys[p.parts[i].Key]; taken && other != name {
			return issue.Errorf(issue.Processing, "search: the keys of %s and %s collide", other, name)
		}
		keys[p.parts[i].Key] = name
	}
	return nil
}

// composeAll is compose for all definitions of the model.
func (r *Registry) composeAll(m *schema.Model, keys map[Key]string) error {
	if p := r.parameter("Location", "near"); p != nil && p.Type == "special" {
		p.Served, r.types["Location"].near = true, p
	}
	for _, sp := range m.SearchParameters() {
		if sp.Type != "composite" || example(sp.URL) {
			continue
		}
		for _, base := range sp.Base {
			p := r.parameter(base, sp.Code)
			if p == nil || p.URL != sp.URL {
				continue
			}
			r.compose(base, sp, p)
			if err := claimParts(keys, p); err != nil {
				return err
			}
		}
	}
	return nil
}
