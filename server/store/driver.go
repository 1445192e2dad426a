package store

import (
	"slices"

	"tenon/server/access"
	"tenon/server/search"
)

// The order in which a plan is run is chosen here and not by the database: on
// SQLite nothing is known of the data, and on PostgreSQL a wrong estimate turns
// milliseconds into seconds.
//
//  1. Every select that the plan can start from (the caller's cases and own
//     resources, each clause's range of its index) is asked for its first rows.
//     What has no more than fewRows is a list of candidates: the rest of the
//     plan filters that list.
//  2. Otherwise there are many matches of each, so walking in the order of the
//     result finds a page soon: along the index of a clause whose rows lie in
//     that order, or along the type.
//  3. A walk that has seen walkRows resources without filling the page is ended,
//     and the first clause's range is read as a whole instead.
const (
	fewRows  = 1000
	walkRows = 4000
)

// candidates finds short lists to start from.
func (r *run) candidates() error {
	if _, none := r.root.Reach.(access.Nothing); none {
		r.listed = true
		return nil
	}
	if ids, ok := r.byID(); ok {
		return r.list(ids)
	}
	if s := r.statement(); s.reachSet(r.root.Reach, r.root.Types, fewRows+1) {
		if err := r.list(s); err != nil {
			return err
		}
	}
	if len(r.root.Where) == 1 && len(r.by) == 0 && len(r.plan.Root.Types) == 1 && ordered(r.root.Where[0]) && !r.listed {
		return nil // its index has the order of the result
	}
	for _, c := range r.root.Where {
		if r.listed && len(r.few) <= walkRows/40 {
			return nil
		}
		s := r.statement()
		ok, err := s.source(c)
		if err != nil {
			return err
		}
		if ok {
			if err := r.list(s); err != nil {
				return err
			}
		}
	}
	return nil
}

// byID starts from _id.
func (r *run) byID() (*statement, bool) {
	for _, c := range r.root.Where {
		if ids, ok := c.(search.IDs); ok && len(ids.IDs) <= fewRows && len(r.root.Types) > 0 {
			s := r.statement()
			s.add("SELECT rid FROM resource WHERE tenant = ? AND ", s.tenant)
			s.inTexts("type", r.root.Types).add(" AND ").inTexts("id", ids.IDs)
			return s, true
		}
	}
	return nil, false
}

// list runs a select of row numbers. When they are few, they become the
// candidates, or what they have in common with those.
func (r *run) list(s *statement) error {
	s.add(" LIMIT ?", int64(fewRows+1))
	var rows []int64
	err := each(r.ctx, r.q, s.sql(), s.args, func(c cursor) error {
		var rid int64
		if err := c.scan(&rid); err != nil {
			return err
		}
		rows = append(rows, rid)
		return nil
	})
	if err != nil || len(rows) > fewRows {
		return err
	}
	slices.Sort(rows)
	rows = slices.Compact(rows)
	if r.listed {
		rows = slices.DeleteFunc(rows, func(rid int64) bool {
			_, both := slices.BinarySearch(r.few, rid)
			return !both
		})
	}
	r.few, r.listed = rows, true
	return nil
}

// ordered tells whether a clause is one value of an index that is in the order
// of creation behind that value.
func ordered(c search.Clause) bool {
	switch c := c.(type) {
	case search.Token:
		return !c.Not && len(c.Any) == 1 && c.Any[0].Code != nil
	case search.Reference:
		return c.Target == nil && len(c.Any) == 1
	}
	return false
}

// scan walks in the order of creation until the page is full.
func (r *run) scan(page *search.Page) error {
	after := int64(0)
	if r.plan.After != nil {
		after = r.plan.After.Row
	}
	lead := slices.IndexFunc(r.root.Where, ordered)
	if lead >= 0 {
		return r.walkIndex(page, lead, after)
	}
	if !slices.ContainsFunc(r.root.Where, sourced) {
		return r.walkType(page, after, 0)
	}
	if err := r.walkType(page, after, walkRows); err != nil || page.Next != nil {
		return err
	}
	page.Hits, r.rows = nil, nil
	return r.whole(page, after)
}

func sourced(c search.Clause) bool {
	switch c := c.(type) {
	case search.IDs, search.Updated, search.Missing:
		return false
	case search.Token:
		return !c.Not
	}
	return true
}

// walkIndex follows the index of one clause. A resource may have several rows of
// one value, which come one after the other.
func (r *run) walkIndex(page *search.Page, lead int, after int64) error {
	c := r.root.Where[lead]
	for {
		s := r.statement()
		table, key, _, err := rowsOf(c)
		if err != nil {
			return err
		}
		s.add("SELECT "+hitColumns+" FROM "+table+" t "+s.forced()+" resource r ON r.rid = t.rid WHERE t.tenant = ? AND t.key = ? AND ", s.tenant, int64(key))
		if err := s.match("t", c); err != nil {
			return err
		}
		s.add(" AND t.rid > ? AND ", after)
		if err := s.whereBut("r", &r.root, lead); err != nil {
			return err
		}
		limit := r.plan.Count + 1 - len(page.Hits)
		s.add(" ORDER BY t.rid LIMIT ?", int64(limit))
		n, err := r.fill(page, s, &after)
		if err != nil || n < limit || page.Next != nil {
			return err
		}
	}
}

// walkType follows the resources of the types; with most it looks at no more
// than so many, and leaves Next empty if the page was not filled.
func (r *run) walkType(page *search.Page, after int64, most int64) error {
	s := r.statement()
	if most > 0 {
		s.add("SELECT "+hitColumns+" FROM (SELECT o.rid FROM resource o WHERE o.tenant = ?", s.tenant)
		if len(r.root.Types) > 0 {
			s.add(" AND ").inTexts("o.type", r.root.Types)
		}
		s.add(" AND o.rid > ? ORDER BY o.rid LIMIT ?) w "+s.forced()+" resource r ON r.rid = w.rid WHERE ", after, most)
	} else {
		s.add("SELECT "+hitColumns+" FROM resource r WHERE r.rid > ? AND ", after)
	}
	if err := s.where("r", &r.root); err != nil {
		return err
	}
	s.add(" ORDER BY r.rid LIMIT ?", int64(r.plan.Count+1))
	_, err := r.fill(page, s, &after)
	return err
}

// whole reads the range of the first clause and sorts it.
func (r *run) whole(page *search.Page, after int64) error {
	s := r.statement()
	s.add("SELECT "+hitColumns+" FROM resource r WHERE r.rid > ? AND ", after)
	if err := s.whereFrom("r", &r.root); err != nil {
		return err
	}
	s.add(" ORDER BY r.rid LIMIT ?", int64(r.plan.Count+1))
	_, err := r.fill(page, s, &after)
	return err
}

// fill adds rows that come in order of creation, each resource once, and tells
// how many rows came. What is one too many makes Next.
func (r *run) fill(page *search.Page, s *statement, after *int64) (n int, err error) {
	err = each(r.ctx, r.q, s.sql(), s.args, func(c cursor) error {
		f, err := scanHit(c)
		if err != nil {
			return err
		}
		n++
		if len(r.rows) > 0 && r.rows[len(r.rows)-1] == f.rid {
			return nil
		}
		*after = f.rid
		if len(page.Hits) == r.plan.Count {
			page.Next = &search.Cursor{Row: r.rows[len(r.rows)-1]}
			return nil
		}
		r.keep(page, f)
		return nil
	})
	return n, err
}
