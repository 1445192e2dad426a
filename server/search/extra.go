package search

import (
	"cmp"
	"maps"
	"slices"

	"tenon/fhir/fhirpath"
	"tenon/fhir/issue"
	"tenon/fhir/schema"
)

// Extra is a search parameter that the model does not have: one that was
// posted. https://hl7.org/fhir/R4/searchparameter.html
type Extra struct {
	schema.SearchParameter
	// Complete says that the rows of all resources are there. Without it new
	// rows are made, but a query that names the parameter is refused: it would
	// find a part only (design law 5).
	Complete bool
}

// With is a registry that knows these parameters too; what it shares with this
// one stays as it is. A parameter that cannot be used is left out, and told by
// the failure at its place in the second result.
func (r *Registry) With(extra ...Extra) (*Registry, []error) {
	next := *r
	next.types, next.paths = maps.Clone(r.types), map[[2]string]*path{}
	failures := make([]error, len(extra))
	own := map[string]bool{} // types that next has copied
	keys := r.keys()
	for i, e := range extra {
		failures[i] = next.extend(e, keys, own)
	}
	next.paths = nil
	return &next, failures
}

// keys are the keys of all parameters and the names that they stand for.
func (r *Registry) keys() map[Key]string {
	keys := map[Key]string{}
	for _, t := range r.types {
		for _, p := range t.params {
			_, _ = claim(keys, p), claimParts(keys, p) // they were claimed when they came in
		}
	}
	return keys
}

// extend adds one parameter to all types of its bases, or to none.
func (r *Registry) extend(e Extra, keys map[Key]string, own map[string]bool) error {
	type place struct {
		typ string
		p   *Parameter
	}
	var places []place
	for _, base := range e.Base {
		types := r.Types(base)
		if len(types) == 0 {
			return issue.Errorf(issue.Value, "The base %q is not a resource type of FHIR R4.", base).
				At("SearchParameter.base").Rule("search-parameter-base").Chinese("base 不是 FHIR R4 的资源类型。")
		}
		p := &Parameter{Code: e.Code, Type: e.Type, Base: base, Key: KeyOf(base, e.Code), Targets: e.Target, URL: e.URL}
		p.sortKey = p.Key
		p.indexed = e.Expression != "" && e.Type != "composite" && e.Type != "special"
		p.Served, p.Building = p.indexed && e.Complete, p.indexed && !e.Complete
		r.learn(e.SearchParameter, p)
		for _, typ := range types {
			if other := r.parameter(typ, e.Code); other != nil {
				return taken(typ, other)
			}
			places = append(places, place{typ, p})
		}
		if err := r.tryPaths(e.SearchParameter, p); err != nil {
			return err
		}
		if err := claim(keys, p); err != nil {
			return issue.Errorf(issue.Processing, "The code %q cannot be indexed beside the others: choose another code.", e.Code).
				At("SearchParameter.code").Rule("search-parameter-key").Chinese("该 code 与其他参数的索引键冲突，请更换。")
		}
	}
	for _, at := range places {
		if !own[at.typ] {
			own[at.typ] = true
			r.types[at.typ] = r.types[at.typ].copied()
		}
		t := r.types[at.typ]
		if t.byCode[e.Code] != nil {
			continue // base lists the type and a parent of it
		}
		t.byCode[e.Code] = at.p
		t.params = append(t.params, at.p)
		slices.SortFunc(t.params, func(a, b *Parameter) int { return cmp.Compare(a.Code, b.Code) })
		if err := r.place(t, at.typ, e.SearchParameter, at.p); err != nil {
			return err
		}
	}
	return nil
}

// Types are the concrete types that a base stands for.
func (r *Registry) Types(base string) []string {
	switch base {
	case "Resource":
		return r.model.Resources()
	case "DomainResource":
		return slices.DeleteFunc(slices.Clone(r.model.Resources()), func(typ string) bool {
			t := r.model.Type(typ)
			return t == nil || !t.Is("DomainResource")
		})
	}
	if r.types[base] == nil {
		return nil
	}
	return []string{base}
}

// tryPaths compiles what place will need, so that nothing is half added.
func (r *Registry) tryPaths(sp schema.SearchParameter, p *Parameter) error {
	if !p.indexed {
		return nil
	}
	sources := alternatives(sp.Expression, p.Base)
	if len(sources) == 0 {
		return issue.Errorf(issue.Value, "No part of the expression %q applies to %s.", clip(sp.Expression), p.Base).
			At("SearchParameter.expression").Rule("search-parameter-expression").Chinese("表达式不适用于 base 所列类型。")
	}
	for _, alternative := range sources {
		_, source := newPart(p, alternative)
		_, err := fhirpath.Compile(source, &fhirpath.Env{Model: r.model, Root: p.Base, FilterAs: true, Strict: true})
		if err == nil {
			_, err = r.compiled(p.Base, source)
		}
		if f := issue.As(err); f != nil {
			return f.At("SearchParameter.expression").WithStatus(422)
		}
		if err != nil {
			return err
		}
		r.paths[[2]string{p.Base, source}].posted = true
	}
	return nil
}

// TakenRule is the rule of the failure of With where the type has a parameter
// of this code already.
const TakenRule = "search-parameter-taken"

func taken(typ string, other *Parameter) error {
	return issue.Errorf(issue.Duplicate, "%s already has a search parameter %q (%s).", typ, other.Code, other.URL).
		At("SearchParameter.code").Rule(TakenRule).Chinese(typ + " 已有同名检索参数。").WithStatus(422)
}

// copied is a typeIndex that can be added to without changing this one. Paths
// are shared and never get parts of a new parameter.
func (t *typeIndex) copied() *typeIndex {
	next := &typeIndex{byCode: maps.Clone(t.byCode), params: slices.Clone(t.params),
		bySource: map[string]*path{}, byProperty: maps.Clone(t.byProperty), always: slices.Clone(t.always), composites: t.composites, near: t.near, foci: t.foci}
	for name, list := range next.byProperty {
		next.byProperty[name] = slices.Clip(list)
	}
	return next
}

// Keys are all keys under which the parameter keeps rows.
func (p *Parameter) Keys() []Key {
	keys := []Key{p.Key, KeyOf(p.Base, p.Code+identifierKey), KeyOf(p.Base, p.Code+ofTypeKey), KeyOf(p.Base, p.Code+sortKey), KeyOf(p.Base, p.Code+textKey)}
	for _, part := range p.parts {
		keys = append(keys, part.Key)
	}
	if p.Type == "special" && p.Code == "near" {
		keys = append(keys, KeyOf(p.Base, nearPart))
	}
	return keys
}

// Known lists the keys of all parameters that are complete.
func (r *Registry) Known() map[Key]bool {
	known := map[Key]bool{}
	for _, t := range r.types {
		for _, p := range t.params {
			if p.Building {
				continue
			}
			for _, key := range p.Keys() {
				known[key] = true
			}
		}
	}
	return known
}

// Only keeps the rows of these keys.
func (r *Rows) Only(keys []Key) Rows {
	has := func(k Key) bool { return slices.Contains(keys, k) }
	return Rows{
		Tokens:     filtered(r.Tokens, func(x TokenRow) bool { return has(x.Key) }),
		Strings:    filtered(r.Strings, func(x StringRow) bool { return has(x.Key) }),
		Dates:      filtered(r.Dates, func(x DateRow) bool { return has(x.Key) }),
		Numbers:    filtered(r.Numbers, func(x NumberRow) bool { return has(x.Key) }),
		References: filtered(r.References, func(x ReferenceRow) bool { return has(x.Key) }),
		URIs:       filtered(r.URIs, func(x URIRow) bool { return has(x.Key) }),
		Groups:     filtered(r.Groups, func(x GroupRow) bool { return has(x.Key) }),
	}
}

func filtered[T any](rows []T, keep func(T) bool) (out []T) {
	for _, x := range rows {
		if keep(x) {
			out = append(out, x)
		}
	}
	return out
}
