package search

import (
	"fmt"
	"slices"

	"tenon/fhir/fhirpath"
	"tenon/fhir/schema"
	"tenon/fhir/tree"
)

// Index makes all rows of one resource. It fails only when an expression of R4
// cannot be evaluated, which a valid resource never causes.
func (r *Registry) Index(root tree.Node) (Rows, error) {
	x := indexer{Registry: r, root: root, typ: root.Field("resourceType").Str()}
	t := r.types[x.typ]
	if t == nil {
		return Rows{}, unknownType(x.typ)
	}
	ctx := &fhirpath.Context{}
	x.rows.Tokens, x.rows.References = make([]TokenRow, 0, 16), make([]ReferenceRow, 0, 8)
	for name, member := range root.Fields() {
		if member.Kind() == tree.Null {
			continue
		}
		for _, p := range t.byProperty[name] {
			if err := x.evaluate(ctx, p, root); err != nil {
				return Rows{}, err
			}
		}
	}
	for _, p := range t.always {
		if err := x.evaluate(ctx, p, root); err != nil {
			return Rows{}, err
		}
	}
	x.composites(t.composites)
	if t.near != nil {
		x.position(t.near, root.Field("position"))
	}
	x.rows.unique()
	return x.rows, nil
}

// unique drops rows that repeat: a value can be reached on several paths.
func (r *Rows) unique() {
	r.Tokens, r.Strings, r.Dates = distinct(r.Tokens), distinct(r.Strings), distinct(r.Dates)
	r.Numbers, r.References, r.URIs = distinct(r.Numbers), distinct(r.References), distinct(r.URIs)
	r.Groups = distinct(r.Groups)
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

// indexer collects the rows of one resource.
type indexer struct {
	*Registry
	root tree.Node
	typ  string
	rows Rows
}

func (x *indexer) evaluate(ctx *fhirpath.Context, p *path, root tree.Node) error {
	if p.plain != nil {
		p.plain.each(root, func(n tree.Node, t *schema.Type) {
			for _, part := range p.parts {
				x.value(part, t.Name, n, fhirpath.Value{})
			}
		})
		return nil
	}
	values, err := p.expr.Eval(ctx, root)
	if err != nil && p.posted {
		return nil // a definition that somebody posted must not keep resources from being written
	}
	if err != nil {
		return fmt.Errorf("search: index %s: %w", p.source, err)
	}
	for _, v := range values {
		n, _ := v.Node()
		typ := ""
		if t := v.Schema(); t != nil {
			typ = t.Name
		}
		for _, part := range p.parts {
			x.value(part, typ, n, v)
		}
	}
	return nil
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
