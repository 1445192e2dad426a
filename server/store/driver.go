package store

import (
	"slices"
	"time"

	"tenon/server/access"
	"tenon/server/search"
)

// The order in which a plan is run is chosen here and not by the database: on
// SQLite nothing is known of the data, and on PostgreSQL a wrong estimate turns
// milliseconds into seconds.
//
//  0. What chains end at and _has comes from is listed first, from the innermost
//     on, where it is few: see inner.go.
//  1. Every select that the plan can start from (the caller's cases and own
//     resources, each clause's range of its index) is asked for its first rows.
//     What has no more than fewRows is a list of candidates: the rest of the
//     plan filters that list. Reach is judged again with the final statement,
//     whatever the list was made from.
//  2. Otherwise there are many matches of each, so walking in the order of the
//     result finds a page soon: see walk.go.
const fewRows = 1000

// candidates finds short lists to start from.
func (r *run) candidates() error {
	if _, none := r.root.Reach.(access.Nothing); none {
		r.listed = true
		return nil
	}
	if i := r.byID(); i >= 0 {
		ids := r.root.Where[i].(search.IDs)
		s := r.statement()
		s.add("SELECT rid FROM resource WHERE tenant = ? AND ", s.tenant)
		s.inTexts("type", r.root.Types).add(" AND ").inTexts("id", ids.IDs)
		r.met = append(r.met, i)
		if _, err := r.list(s); err != nil {
			return err
		}
		return r.settle()
	}
	if err := r.listReach(r.root.Reach, r.root.Types); err != nil {
		return err
	}
	if r.level == 0 && !r.listed && r.alone() {
		return nil
	}
	if err := r.settle(); err != nil {
		return err
	}
	for i, c := range r.root.Where {
		if r.listed && len(r.few) <= fewRows/10 {
			return nil
		}
		if sifted(c) && (r.listed || r.walks()) {
			r.late = append(r.late, i)
			continue
		}
		if err := r.listClause(i); err != nil {
			return err
		}
	}
	return nil
}

// listClause makes what a clause finds candidates, if it is little.
func (r *run) listClause(i int) error {
	s := r.statement()
	ok, err := s.source(r.root.Where[i])
	if err == nil && ok {
		ok, err = r.list(s)
	}
	if ok {
		r.met = append(r.met, i)
	}
	return err
}

// walks tells whether the page is looked for in the order of creation.
func (r *run) walks() bool { return len(r.by) == 0 && r.plan.Count > 0 }

// sifted tells whether the index holds much between the values that a clause asks
// for, so that even a list of few takes long: it is made when a page was not
// found without.
func sifted(c search.Clause) bool {
	switch c := c.(type) {
	case search.Composite:
		return true
	case search.Number:
		return slices.ContainsFunc(c.Any, func(m search.NumberMatch) bool { return m.Code != nil && m.Op != search.Equal })
	case search.String:
		return slices.ContainsFunc(c.Any, func(m search.StringMatch) bool { return m.Mode == search.Contains || m.Mode == search.Suffix })
	}
	return false
}

// alone tells whether there is one clause, whose index has the order of the
// result: nothing is gained by a list.
func (r *run) alone() bool {
	return len(r.root.Where) == 1 && len(r.by) == 0 && ordered(r.root.Where[0])
}

// byID is the clause _id, or -1.
func (r *run) byID() int {
	if len(r.root.Types) == 0 {
		return -1
	}
	return slices.IndexFunc(r.root.Where, func(c search.Clause) bool {
		ids, ok := c.(search.IDs)
		return ok && len(ids.IDs) <= fewRows
	})
}

// list runs a select of row numbers. When they are few, they become the
// candidates, or what they have in common with those.
func (r *run) list(s *statement) (few bool, err error) {
	s.add(" LIMIT ?", int64(fewRows+1))
	rows, err := r.numbers(s)
	if err != nil || len(rows) > fewRows {
		return false, err
	}
	r.narrow(rows)
	return true, nil
}

// listReach lists what the caller reaches, if that is little.
func (r *run) listReach(folded access.Predicate, types []string) error {
	for _, sets := range reachWithin(folded, types, r.statement) {
		rows, few, err := r.fewOf(sets)
		if err != nil {
			return err
		}
		if few {
			r.narrow(rows)
			return nil
		}
	}
	return nil
}

// fewOf lists what selects find together, if that is little.
func (r *run) fewOf(sets []*statement) (rows []int64, few bool, err error) {
	key, now := keyOf(sets), time.Now()
	if r.hints.many.knows(key, now) {
		return nil, false, nil
	}
	for _, s := range sets {
		some, err := r.numbers(s.add(" LIMIT ?", int64(fewRows+1)))
		if err != nil {
			return nil, false, err
		}
		if rows = append(rows, some...); len(rows) > fewRows {
			r.hints.many.learn(key, now)
			return nil, false, nil
		}
	}
	return rows, true, nil
}

// narrow makes a complete list the candidates, or what both have in common.
func (r *run) narrow(rows []int64) {
	slices.Sort(rows)
	rows = slices.Compact(rows)
	if r.listed {
		rows = slices.DeleteFunc(rows, func(rid int64) bool {
			_, both := slices.BinarySearch(r.few, rid)
			return !both
		})
	}
	r.few, r.listed = rows, true
}

// numbers runs a select of row numbers.
func (r *run) numbers(s *statement) (rows []int64, err error) {
	err = each(r.ctx, prepared(r.q), s.sql(), s.args, func(c cursor) error {
		var rid int64
		err := c.scan(&rid)
		rows = append(rows, rid)
		return err
	})
	return rows, err
}

// ordered tells whether a clause is one value of an index that is in the order
// of creation behind that value.
func ordered(c search.Clause) bool {
	switch c := c.(type) {
	case search.Token:
		return !c.Not && len(c.Any) == 1 && c.Any[0].Code != nil
	case search.Reference:
		return c.Target == nil && len(c.Any) == 1
	case search.Composite:
		return grouped(c)
	}
	return false
}

// grouped tells whether a clause is a composite that one code leads.
func grouped(c search.Clause) bool {
	parts, ok := c.(search.Composite)
	if !ok || len(parts.Any) != 1 {
		return false
	}
	for _, p := range parts.Any[0] {
		if t, ok := p.(search.Token); ok { // the first one leads
			return ordered(t)
		}
	}
	return false
}

// sourced tells whether a clause has an index to start from.
func sourced(c search.Clause) bool {
	switch c := c.(type) {
	case search.IDs, search.Updated, search.Missing, search.Or, search.Not, search.Other, search.OfType, search.Near, listed:
		return false
	case search.Token:
		return !c.Not
	case search.Composite:
		return len(c.Any) > 0
	}
	return true
}
