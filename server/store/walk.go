package store

import (
	"math"
	"slices"

	"tenon/server/search"
)

// A walk goes through row numbers in the order of the result, a piece at a time,
// and filters each piece by its numbers, so that every statement can be run in
// one way only. Pieces grow, since the first one mostly fills the page. A walk
// along a type that has seen walkRows resources in vain goes on along the rows
// of a clause: their range is read as a whole and sorted.
const (
	walkRows   = 1000
	firstPiece = 100
	lastPiece  = 4000
)

// scan walks in the order of creation until the page is full.
func (r *run) scan(page *search.Page) error {
	after := int64(0)
	if r.at != nil {
		after = r.at.Row
	}
	lead := slices.IndexFunc(r.root.Where, ordered)
	switch {
	case r.alone() && !grouped(r.root.Where[0]):
		return r.walkIndex(page, after)
	case len(r.root.Where) == 0:
		return r.walkType(page, after)
	}
	next, known, most := r.alongType, []int(nil), walkRows
	if lead >= 0 {
		next, known = r.alongClause(lead), []int{lead}
	}
	other := lead
	if lead < 0 {
		other = slices.IndexFunc(r.root.Where, sourced)
	}
	if len(r.late) == 0 && other == lead {
		most = math.MaxInt
	}
	done, err := r.pieces(page, &after, most, next, known...)
	if err != nil || done {
		return err
	}
	for _, i := range r.late {
		if err := r.listClause(i); err != nil {
			return err
		}
		if r.listed {
			r.at = &search.Cursor{Row: after}
			return r.walkList(page)
		}
	}
	_, err = r.pieces(page, &after, math.MaxInt, r.alongClause(other), other)
	return err
}

// along selects row numbers behind one, in order.
type along func(after, limit int64) (*statement, error)

func (r *run) alongType(after, limit int64) (*statement, error) {
	s := r.statement()
	s.add("SELECT rid FROM resource WHERE tenant = ? AND ", s.tenant)
	if len(r.root.Types) > 0 {
		s.inTexts("type", r.root.Types).add(" AND ")
	}
	return s.add("rid"+behindSign(r.back)+" ORDER BY rid"+direction(r.back)+" LIMIT ?", after, limit), nil
}

func (r *run) alongClause(i int) along {
	return func(after, limit int64) (*statement, error) {
		inner := r.statement()
		if _, err := inner.source(r.root.Where[i]); err != nil {
			return nil, err
		}
		return r.statement().add("SELECT rid FROM (").join(inner).add(") q WHERE rid"+behindSign(r.back)+" ORDER BY rid"+direction(r.back)+" LIMIT ?", after, limit), nil
	}
}

// pieces walks until the page is full or nothing is left (done), or most row
// numbers were seen. Clauses that the walk follows are known to hold.
func (r *run) pieces(page *search.Page, after *int64, most int, next along, known ...int) (done bool, err error) {
	size := max(firstPiece, 2*r.plan.Count)
	for seen := 0; seen < most; {
		s, err := next(*after, int64(size))
		if err != nil {
			return false, err
		}
		rows, err := r.numbers(s)
		if err != nil || len(rows) == 0 {
			return true, err
		}
		*after = rows[len(rows)-1]
		if err := r.filterPiece(page, slices.Compact(rows), known); err != nil || r.full {
			return true, err
		}
		if len(rows) < size {
			return true, nil
		}
		seen += len(rows)
		size = max(size, min(4*size, lastPiece))
	}
	return false, nil
}

// walkList goes through the candidates in the order of creation, a piece at a
// time: where most of them match, the first piece fills the page.
func (r *run) walkList(page *search.Page) error {
	rows := r.few
	if r.at != nil {
		from, _ := slices.BinarySearch(rows, r.at.Row)
		if r.back {
			rows = rows[:from]
		} else if rows = rows[from:]; len(rows) > 0 && rows[0] == r.at.Row {
			rows = rows[1:]
		}
	}
	for size := max(firstPiece, 2*r.plan.Count); len(rows) > 0 && !r.full; size *= 4 {
		n := min(size, len(rows))
		piece, rest := rows[:n], rows[n:]
		if r.back {
			piece, rest = rows[len(rows)-n:], rows[:len(rows)-n]
		}
		if err := r.filterPiece(page, piece, r.met); err != nil {
			return err
		}
		rows = rest
	}
	return nil
}

func (r *run) filterPiece(page *search.Page, rows []int64, known []int) error {
	s := r.statement()
	s.add("SELECT "+hitColumns+" FROM resource r WHERE ").inRows("r.rid", rows).add(" AND ")
	if err := s.whereBut("r", &r.root, known...); err != nil {
		return err
	}
	s.add(" ORDER BY r.rid"+direction(r.back)+" LIMIT ?", int64(r.plan.Count+1-len(page.Hits)))
	_, err := r.fill(page, prepared(r.q), s, nil)
	return err
}

// walkIndex follows the index of the only clause. A resource may have several
// rows of one value, which come one after the other.
func (r *run) walkIndex(page *search.Page, after int64) error {
	c := r.root.Where[0]
	table, key, _, err := rowsOf(c)
	for err == nil && !r.full {
		s := r.statement()
		s.add("SELECT "+hitColumns+" FROM "+table+" t "+s.forced()+" resource r ON r.rid = t.rid WHERE t.tenant = ? AND t.key = ? AND ", s.tenant, int64(key))
		if err := s.match("t", c); err != nil {
			return err
		}
		s.add(" AND t.rid"+behindSign(r.back)+" AND ", after)
		if err := s.whereBut("r", &r.root, 0); err != nil {
			return err
		}
		limit := r.plan.Count + 1 - len(page.Hits)
		s.add(" ORDER BY t.rid"+direction(r.back)+" LIMIT ?", int64(limit))
		var n int
		if n, err = r.fill(page, prepared(r.q), s, &after); n < limit {
			return err
		}
	}
	return err
}

// walkType follows the resources of the types.
func (r *run) walkType(page *search.Page, after int64) error {
	s := r.statement()
	s.add("SELECT "+hitColumns+" FROM resource r WHERE r.rid"+behindSign(r.back)+" AND ", after)
	if err := s.where("r", &r.root); err != nil {
		return err
	}
	s.add(" ORDER BY r.rid"+direction(r.back)+" LIMIT ?", int64(r.plan.Count+1))
	_, err := r.fill(page, r.q, s, nil)
	return err
}

// fill adds rows that come in order of creation, each resource once, and tells
// how many rows came and which was the last.
func (r *run) fill(page *search.Page, q querier, s *statement, last *int64) (n int, err error) {
	err = each(r.ctx, q, s.sql(), s.args, func(c cursor) error {
		f, err := scanHit(c)
		if err != nil {
			return err
		}
		n++
		if last != nil {
			*last = f.rid
		}
		if len(r.rows) == 0 || r.rows[len(r.rows)-1] != f.rid {
			r.keep(page, f, nil)
		}
		return nil
	})
	return n, err
}

// walkColumn follows the index of _lastUpdated or _id, of one type.
func (r *run) walkColumn(page *search.Page) error {
	o := &r.by[0]
	s := r.statement()
	s.add("SELECT " + hitColumns + " FROM resource r WHERE ")
	if err := s.where("r", &r.root); err != nil {
		return err
	}
	if at := r.at; at != nil {
		v, err := r.cursorValue(at)
		if err != nil {
			return err
		}
		s.add(" AND ("+o.expr+", r.rid)"+map[bool]string{false: " > ", true: " < "}[o.desc]+"(?, ?)", v, at.Row)
	}
	s.add(" ORDER BY "+o.expr+direction(o.desc)+", r.rid"+direction(o.desc)+" LIMIT ?", int64(r.plan.Count+1))
	return each(r.ctx, r.q, s.sql(), s.args, func(c cursor) error {
		f, err := scanHit(c)
		if err != nil {
			return err
		}
		var key any = &f.hit.ID
		if o.whole {
			us := micros(f.hit.Updated)
			key = &us
		}
		r.keep(page, f, []string{o.plain(key)})
		return nil
	})
}
