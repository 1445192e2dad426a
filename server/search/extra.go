package search

import (
	"cmp"
	"fmt"
	"hash/fnv"
	"maps"
	"slices"
	"strconv"
	"sync"

	"tenon/fhir/fhirpath"
	"tenon/fhir/issue"
	"tenon/fhir/schema"
)

// Extra is a search parameter that the model does not have: one that was
// posted. https://hl7.org/fhir/R4/searchparameter.html
type Extra struct {
	schema.SearchParameter
	// Rows is the Signature under which the rows of all resources were made, 0
	// where they were not. Without the right one new rows are made, but a query
	// that names the parameter is refused: it would find a part only (design
	// law 5).
	Rows int64
}

// Added tells what became of an Extra.
type Added struct {
	Failure   error // why it cannot be used, nil if it can
	Building  bool  // rows are made of it, and not there for all resources
	Signature int64 // of the rows: of the definition with what it builds on
	Types     []string
	Keys      []Key
}

// Unsigned stands in Extra.Rows for rows from before signatures were kept. Those
// of composites were not made then.
const Unsigned = 1

// With is a registry that knows these parameters too; what it shares with this
// one stays as it is. The second result tells of each what became of it; one
// that failed is left out.
func (r *Registry) With(extra ...Extra) (*Registry, []Added) {
	next := *r
	next.types, next.paths = maps.Clone(r.types), map[[2]string]*path{}
	added := make([]Added, len(extra))
	own := map[string]bool{} // types that next has copied
	keys := &keyring{given: r.keys()}
	for _, composites := range []bool{false, true} { // these build on the others
		for i, e := range extra {
			if (e.Type == "composite") == composites {
				added[i] = next.extend(e, keys, own)
			}
		}
	}
	next.paths, next.kept = nil, &memory{}
	return &next, added
}

// keys are the keys of all parameters and the names that they stand for: counted
// once for the registry of the model, which all others begin with.
func (r *Registry) keys() map[Key]string {
	r.kept.once.Do(func() {
		keys := &keyring{own: map[Key]string{}}
		for _, t := range r.types {
			for _, p := range t.params {
				_, _ = claim(keys, p), claimParts(keys, p) // they were claimed when they came in
			}
		}
		r.kept.keys = keys.own
	})
	return r.kept.keys
}

// memory is what a registry keeps for the next one that comes of it: a posted
// definition is read anew with each change of another.
type memory struct {
	once  sync.Once
	keys  map[Key]string
	mu    sync.Mutex
	paths map[[2]string]*path // posted expressions that are sound, by base and source
}

// mostKept bounds the memory: definitions come and go.
const mostKept = 20_000

func (k *memory) path(key [2]string) *path {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.paths[key]
}

func (k *memory) keep(key [2]string, p *path) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.paths == nil || len(k.paths) >= mostKept {
		k.paths = map[[2]string]*path{}
	}
	k.paths[key] = p
}

// place is a parameter on one of its types.
type place struct {
	typ       string
	p         *Parameter
	composite *composite
}

// extend adds one parameter to all types of its bases, or to none.
func (r *Registry) extend(e Extra, keys *keyring, own map[string]bool) (a Added) {
	places, err := r.places(&e, keys)
	if err != nil {
		return Added{Failure: err}
	}
	a.Signature = signature(&e, places)
	indexed := len(places) > 0 && places[0].p.indexed
	complete := e.Rows == a.Signature || e.Rows == Unsigned && e.Type != "composite"
	a.Building = indexed && !complete
	for _, at := range places {
		at.p.Served, at.p.Building = indexed && complete || at.p.membership(), a.Building
		if !own[at.typ] {
			own[at.typ] = true
			r.types[at.typ] = r.types[at.typ].copied()
		}
		t := r.types[at.typ]
		if t.byCode[e.Code] != nil {
			continue // base lists the type and a parent of it
		}
		t.byCode[e.Code] = at.p
		i, _ := slices.BinarySearchFunc(t.params, e.Code, func(p *Parameter, code string) int { return cmp.Compare(p.Code, code) })
		t.params = slices.Insert(t.params, i, at.p)
		if at.composite != nil {
			t.addComposite(at.composite)
		} else if err := r.place(t, at.typ, e.SearchParameter, at.p); err != nil {
			return Added{Failure: err}
		}
		a.Types = append(a.Types, at.typ)
		for _, key := range at.p.Keys() {
			if !slices.Contains(a.Keys, key) {
				a.Keys = append(a.Keys, key)
			}
		}
	}
	return a
}

// places makes the parameter for each of its types, and refuses what cannot be
// used before anything is changed.
func (r *Registry) places(e *Extra, keys *keyring) (places []place, err error) {
	for _, base := range e.Base {
		types := r.Types(base)
		if len(types) == 0 {
			return nil, issue.Errorf(issue.Value, "The base %q is not a resource type of FHIR R4.", base).
				At("SearchParameter.base").Rule("search-parameter-base").Chinese("base 不是 FHIR R4 的资源类型。")
		}
		p := &Parameter{Code: e.Code, Type: e.Type, Base: base, Key: KeyOf(base, e.Code), Targets: e.Target, URL: e.URL}
		p.sortKey = p.Key
		p.indexed = e.Expression != "" && e.Type != "special"
		r.learn(e.SearchParameter, p)
		for _, typ := range types {
			if other := r.parameter(typ, e.Code); other != nil {
				return nil, taken(typ, other)
			}
			at := place{typ: typ, p: p}
			if e.Type == "composite" && p.indexed {
				if at.p, at.composite, err = r.tryComposite(typ, e, p); err != nil {
					return nil, err
				}
			}
			places = append(places, at)
		}
		if err := r.tryPaths(e.SearchParameter, p); err != nil {
			return nil, err
		}
		last := places[len(places)-1].p
		if claim(keys, last) != nil || claimParts(keys, last) != nil {
			return nil, issue.Errorf(issue.Processing, "The code %q cannot be indexed beside the others: choose another code.", e.Code).
				At("SearchParameter.code").Rule("search-parameter-key").Chinese("该 code 与其他参数的索引键冲突，请更换。")
		}
	}
	return places, nil
}

// tryComposite resolves a posted composite on one type. What its components are
// may differ from type to type, so that each has a Parameter of its own.
func (r *Registry) tryComposite(typ string, e *Extra, p *Parameter) (*Parameter, *composite, error) {
	own := *p
	parts, err := r.components(typ, e.SearchParameter, &own)
	if err != nil {
		return nil, nil, err
	}
	own.parts = parts
	c, err := r.composed(typ, e.SearchParameter, &own, parts, true)
	return &own, c, err
}

// signature is a digest of all that the rows of a parameter follow from: its
// definition and, of a composite, the parameters that its components are.
func signature(e *Extra, places []place) int64 {
	h := fnv.New64a()
	fmt.Fprintf(h, "%q", []any{e.Code, e.Type, e.Expression, e.Base, e.Target, e.Components})
	for _, at := range places {
		for _, part := range at.p.parts {
			fmt.Fprintf(h, "%s %q", at.typ, []any{part.Type, part.Targets})
		}
	}
	return int64(h.Sum64()>>2) + Unsigned + 1
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
	if !p.indexed || p.Type == "composite" {
		return nil
	}
	sources := alternatives(sp.Expression, p.Base)
	if len(sources) == 0 {
		return issue.Errorf(issue.Value, "No part of the expression %q applies to %s.", clip(sp.Expression), p.Base).
			At("SearchParameter.expression").Rule("search-parameter-expression").Chinese("表达式不适用于 base 所列类型。")
	}
	for _, alternative := range sources {
		_, source := newPart(p, alternative)
		key := [2]string{p.Base, source}
		if known := r.kept.path(key); known != nil {
			r.paths[key] = known
			continue
		}
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
		sound := *r.paths[key]
		sound.posted = true
		r.paths[key] = &sound
		r.kept.keep(key, &sound)
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
	keys := KeysOf(p.Base, p.Code, len(p.parts))
	if p.Type == "special" && p.Code == "near" {
		keys = append(keys, KeyOf(p.Base, nearPart))
	}
	return keys
}

// KeysOf are the keys under which a parameter of so many components may keep
// rows.
func KeysOf(base, code string, components int) []Key {
	keys := []Key{KeyOf(base, code), KeyOf(base, code+identifierKey), KeyOf(base, code+ofTypeKey), KeyOf(base, code+sortKey), KeyOf(base, code+textKey)}
	for i := range components {
		keys = append(keys, partKey(base, code, i))
	}
	return keys
}

func partKey(base, code string, i int) Key { return KeyOf(base, code+"$"+strconv.Itoa(i)) }

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
func (r *Rows) Only(keys map[Key]bool) Rows {
	has := func(k Key) bool { return keys[k] }
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
