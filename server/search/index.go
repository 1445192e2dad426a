package search

import (
	"fmt"
	"slices"
	"sync"

	"tenon/fhir/fhirpath"
	"tenon/fhir/schema"
	"tenon/fhir/tree"
)

// Index makes all rows of one resource. It fails only when an expression of R4
// cannot be evaluated, which a valid resource never causes.
func (r *Registry) Index(root tree.Node) (Rows, error) {
	typ := root.Field("resourceType").Str()
	t := r.types[typ]
	if t == nil {
		return Rows{}, unknownType(typ)
	}
	x := indexers.Get().(*indexer)
	defer x.release()
	x.Registry, x.root, x.typ = r, root, typ
	for name, member := range root.Fields() {
		if member.Kind() == tree.Null {
			continue
		}
		for _, p := range t.byProperty[name] {
			if err := x.evaluate(p, root); err != nil {
				return Rows{}, err
			}
		}
	}
	for _, p := range t.always {
		if err := x.evaluate(p, root); err != nil {
			return Rows{}, err
		}
	}
	x.groups(t)
	switch typ {
	case "Device":
		x.carriers(root)
	case "Consent":
		x.withheld(root)
	}
	if t.near != nil {
		x.position(t.near, root.Field("position"))
	}
	x.rows.unique()
	x.words()
	return x.rows.kept(), nil
}

// unique drops rows that repeat: a value can be reached on several paths. Groups
// never do, since each has a number of its own and its components have distinct
// rows.
func (r *Rows) unique() {
	r.Tokens, r.Strings, r.Dates = distinct(r.Tokens), distinct(r.Strings), distinct(r.Dates)
	r.Numbers, r.References, r.URIs = distinct(r.Numbers), distinct(r.References), distinct(r.URIs)
}

// distinct keeps the first of equal rows, in order and in place. Few rows are
// compared with each other; many (a code system's codes) need a set.
func distinct[T comparable](rows []T) []T {
	out := rows[:0]
	if len(rows) <= 32 {
		for _, row := range rows {
			if !slices.Contains(out, row) {
				out = append(out, row)
			}
		}
		return out
	}
	seen := make(map[T]struct{}, len(rows))
	for _, row := range rows {
		if _, twice := seen[row]; !twice {
			seen[row] = struct{}{}
			out = append(out, row)
		}
	}
	return out
}

// indexer collects the rows of one resource. Its memory is used again.
type indexer struct {
	*Registry
	root tree.Node
	typ  string
	rows Rows
	ctx  fhirpath.Context

	inner   Rows    // of the component of a composite
	found   []found // by component of a focus
	numbers []int   // groups so far, by composite
}

var indexers = sync.Pool{New: func() any { return &indexer{} }}

// most is how many rows of a kind an indexer keeps room for.
const most = 1024

// release gives the memory back, without what it pointed to.
func (x *indexer) release() {
	rows, inner := x.rows, x.inner
	if cap(rows.Tokens)+cap(rows.Strings)+cap(rows.Groups)+cap(rows.URIs)+cap(inner.Tokens) > most {
		return
	}
	rows.clear()
	inner.clear()
	clear(x.found[:cap(x.found)])
	*x = indexer{rows: rows.emptied(), inner: inner.emptied(), found: x.found[:0], numbers: x.numbers[:0]}
	indexers.Put(x)
}

func (r *Rows) clear() {
	clear(r.Tokens[:cap(r.Tokens)])
	clear(r.Strings[:cap(r.Strings)])
	clear(r.Numbers[:cap(r.Numbers)])
	clear(r.References[:cap(r.References)])
	clear(r.URIs[:cap(r.URIs)])
	clear(r.Groups[:cap(r.Groups)])
}

// emptied has the room of the rows without the rows.
func (r *Rows) emptied() Rows {
	return Rows{r.Tokens[:0], r.Strings[:0], r.Dates[:0], r.Numbers[:0], r.References[:0], r.URIs[:0], r.Groups[:0]}
}

// kept is a copy that is no larger than it must be; nil where there are none.
func (r *Rows) kept() Rows {
	return Rows{exact(r.Tokens), exact(r.Strings), exact(r.Dates), exact(r.Numbers), exact(r.References), exact(r.URIs), exact(r.Groups)}
}

func exact[T any](rows []T) []T {
	if len(rows) == 0 {
		return nil
	}
	return append(make([]T, 0, len(rows)), rows...)
}

func (x *indexer) evaluate(p *path, root tree.Node) error {
	if p.plain != nil {
		p.plain.each(root, func(n tree.Node, t *schema.Type) { x.values(p.parts, t.Name, n, fhirpath.Value{}) })
		return nil
	}
	values, err := p.expr.Eval(&x.ctx, root)
	if err != nil && p.posted {
		return nil // a definition that somebody posted must not keep resources from being written
	}
	if err != nil {
		return fmt.Errorf("search: index %s: %w", p.source, err)
	}
	for _, v := range values {
		n, _ := v.Node()
		x.values(p.parts, nameOf(v.Schema()), n, v)
	}
	return nil
}

// values makes the rows of one value for all parts. What the first of a kind
// makes of it the others take over under their own keys.
func (x *indexer) values(parts []*part, typ string, n tree.Node, v fhirpath.Value) {
	var first *part
	var from marks
	for _, p := range parts {
		switch {
		case first == nil && p.param.Type != "reference":
			first, from = p, x.marks()
			x.value(p, typ, n, v)
			from.end(x)
		case first != nil && p.param.Type == first.param.Type && p.family == first.family && (p.keys.sort == p.keys.main) == (first.keys.sort == first.keys.main):
			x.again(&from, first, p)
		default:
			x.value(p, typ, n, v)
		}
	}
}

// marks are where rows begin and end.
type marks struct {
	tokens, strings, dates, numbers, uris [2]int
}

func (x *indexer) marks() marks {
	return marks{tokens: [2]int{len(x.rows.Tokens)}, strings: [2]int{len(x.rows.Strings)}, dates: [2]int{len(x.rows.Dates)},
		numbers: [2]int{len(x.rows.Numbers)}, uris: [2]int{len(x.rows.URIs)}}
}

func (m *marks) end(x *indexer) {
	m.tokens[1], m.strings[1], m.dates[1] = len(x.rows.Tokens), len(x.rows.Strings), len(x.rows.Dates)
	m.numbers[1], m.uris[1] = len(x.rows.Numbers), len(x.rows.URIs)
}

// again adds the marked rows of one part for another.
func (x *indexer) again(m *marks, first, p *part) {
	key := func(k Key) Key { return p.keys.of(first.keys, k) }
	for i := m.tokens[0]; i < m.tokens[1]; i++ {
		row := x.rows.Tokens[i]
		row.Key = key(row.Key)
		x.addToken(row)
	}
	for i := m.strings[0]; i < m.strings[1]; i++ {
		row := x.rows.Strings[i]
		row.Key = key(row.Key)
		x.addString(row)
	}
	for i := m.dates[0]; i < m.dates[1]; i++ {
		row := x.rows.Dates[i]
		row.Key = key(row.Key)
		x.rows.Dates = append(x.rows.Dates, row)
	}
	for i := m.numbers[0]; i < m.numbers[1]; i++ {
		row := x.rows.Numbers[i]
		row.Key = key(row.Key)
		x.addNumber(row)
	}
	for i := m.uris[0]; i < m.uris[1]; i++ {
		row := x.rows.URIs[i]
		row.Key = key(row.Key)
		x.addURI(row)
	}
}

// value makes the rows of one value by the type of the parameter. Its type is
// "" for what the expression computed.
func (x *indexer) value(p *part, typ string, node tree.Node, v fhirpath.Value) {
	if typ != "" && !node.Exists() {
		return // a primitive with nothing but extensions has no value
	}
	switch p.param.Type {
	case "token":
		x.token(p, typ, node, v)
	case "string":
		x.text(p, typ, node, v)
	case "date":
		x.date(p, typ, node)
	case "number", "quantity":
		x.number(p, typ, node)
	case "reference":
		x.reference(p, typ, node)
	case "uri":
		x.uri(p, typ, node)
	}
}
