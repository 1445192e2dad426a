package store

import (
	"slices"

	"tenon/server/search"
)

// An inner alias is what a chain ends at or what _has comes from. What it matches
// does not depend on the outer one, so it is asked once, from the innermost on,
// and where that is few the alias becomes a list of row numbers. Asked of row
// after row instead, a chain to and fro between many and many (Encounters of a
// Practitioner, Practitioners of an Encounter) would multiply at each turn.
//
// An alias that no index leads to is tried resource by resource where its type
// has few, and where something hangs on it: inside another one, or with more
// inside. What is not few stays a condition; there, most rows find a match soon.
const fewOfType = 20_000

// fewInner is how many matches make a list: a variable for tests alone, which let
// nothing be few.
var fewInner = fewRows

// listed is the clause of an alias whose matches are known.
type listed struct {
	search.Clause
	rows []int64
}

// settle lists the inner aliases of the root's clauses. Where the candidates are
// few already, it is worth it only for those that have others inside.
func (r *run) settle() error {
	cheap := r.listed && len(r.few) <= fewRows/10
	where := slices.Clone(r.root.Where)
	for i, c := range where {
		if cheap && depth(c) < 2 {
			continue
		}
		var err error
		if where[i], err = r.settled(c); err != nil {
			return err
		}
	}
	r.root.Where = where
	return nil
}

// depth is how many aliases lie inside each other in a clause.
func depth(clauses ...search.Clause) (most int) {
	for _, c := range clauses {
		n := 0
		switch c := c.(type) {
		case search.Has:
			n = 1 + depth(c.Source.Where...)
		case search.Reference:
			if c.Target != nil {
				n = 1 + depth(c.Target.Where...)
			}
		case search.Or:
			for _, all := range c.Any {
				n = max(n, depth(all...))
			}
		case search.Not:
			n = depth(c.All...)
		}
		most = max(most, n)
	}
	return most
}

// settled is the clause with lists in place of its inner aliases.
func (r *run) settled(c search.Clause) (_ search.Clause, err error) {
	if depth(c) == 0 {
		return c, nil
	}
	switch x := c.(type) {
	case search.Has:
		x.Source, err = r.inside(x.Source)
		return x, err
	case search.Reference:
		target, err := r.inside(*x.Target)
		x.Target = &target
		return x, err
	case search.Or:
		x.Any = slices.Clone(x.Any)
		for i := range x.Any {
			if x.Any[i], err = r.settledAll(x.Any[i]); err != nil {
				return nil, err
			}
		}
		return x, nil
	case search.Not:
		x.All, err = r.settledAll(x.All)
		return x, err
	}
	return c, nil
}

func (r *run) settledAll(clauses []search.Clause) (_ []search.Clause, err error) {
	out := slices.Clone(clauses)
	for i := range out {
		if out[i], err = r.settled(out[i]); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// inside is the alias as a list, if its matches are few. Types and reach stay: they
// are judged again with the final statement.
func (r *run) inside(a search.Alias) (search.Alias, error) {
	in := &run{ctx: r.ctx, q: r.q, d: r.d, tenant: r.tenant, plan: &search.Plan{Root: a}, root: a, level: r.level + 1}
	var err error
	if in.root.Reach, err = fold(a.Reach, a.Types); err != nil {
		return a, err
	}
	if err := in.candidates(); err != nil {
		return a, err
	}
	a.Where = in.root.Where
	if !in.listed {
		if in.level < 2 && depth(a.Where...) == 0 {
			return a, nil
		}
		if err := in.ofType(); err != nil || !in.listed {
			return a, err
		}
	}
	rows := in.few
	if len(rows) > 0 && len(in.met) < len(in.root.Where) {
		s := r.statement()
		s.add("SELECT r.rid FROM resource r WHERE ")
		if err := in.among(s); err != nil {
			return a, err
		}
		if rows, err = r.numbers(s.add(" LIMIT ?", int64(fewRows+1))); err != nil {
			return a, err
		}
	}
	if len(rows) > fewInner {
		return a, nil
	}
	a.Where = []search.Clause{listed{rows: rows}}
	return a, nil
}

// ofType takes all resources of the types for candidates, if these are not many.
func (r *run) ofType() error {
	if len(r.root.Types) == 0 {
		return nil
	}
	s := r.statement()
	s.add("SELECT rid FROM resource WHERE tenant = ? AND ", s.tenant).inTexts("type", r.root.Types)
	rows, err := r.numbers(s.add(" LIMIT ?", int64(fewOfType+1)))
	if err == nil && len(rows) <= fewOfType {
		r.narrow(rows)
	}
	return err
}
