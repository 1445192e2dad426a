package store

import (
	"fmt"
	"slices"
	"strconv"

	"tenon/server/search"
)

// valueOrdered tells whether a sort can follow the index of its parameter, whose
// rows lie in the order of their values.
func valueOrdered(kind string) bool {
	switch kind {
	case "token", "string", "date", "uri":
		return true
	}
	return false
}

// cursorValue is the only value of a cursor; nil is that of resources without.
func (r *run) cursorValue(at *search.Cursor) (any, error) {
	if len(at.Values) != 1 {
		return nil, fmt.Errorf("store: a cursor of %d values for one sort key", len(at.Values))
	}
	return r.by[0].value(at.Values[0])
}

// plain writes a value that is there.
func (o *order) plain(value any) string {
	switch v := value.(type) {
	case *int64:
		return "=" + strconv.FormatInt(*v, 10)
	case *string:
		return "=" + *v
	}
	return "-"
}

// walkValues goes through the values of the sort key in order and then through
// the resources that have none; backwards these come first. A resource with
// several values counts at its smallest or, in a descending order, its greatest.
func (r *run) walkValues(page *search.Page) error {
	at := r.at
	var value any
	if at != nil {
		var err error
		if value, err = r.cursorValue(at); err != nil {
			return err
		}
	}
	if r.back && at != nil && value == nil {
		if err := r.valueless(page, at); err != nil || r.full {
			return err
		}
		at = nil
	}
	if at == nil || value != nil {
		given, err := r.values(page, value, at)
		if given {
			page.Hits, r.rows, r.parts = nil, nil, nil
			return r.sorted(page)
		}
		if err != nil || r.full {
			return err
		}
		at = nil
	}
	if r.back {
		return nil
	}
	return r.valueless(page, at)
}

// valueless goes through the resources without a value, in order of creation.
func (r *run) valueless(page *search.Page, at *search.Cursor) error {
	o := &r.by[0]
	none := *r
	none.root.Where = append(slices.Clone(r.root.Where), search.Missing{Key: o.by.Key, Kind: o.by.Kind, Missing: true})
	s := r.statement()
	s.add("SELECT " + hitColumns + " FROM resource r WHERE ")
	if err := s.where("r", &none.root); err != nil {
		return err
	}
	if at != nil {
		s.add(" AND r.rid"+behindSign(o.desc), at.Row)
	}
	s.add(" ORDER BY r.rid"+direction(o.desc)+" LIMIT ?", int64(r.plan.Count+1-len(page.Hits)))
	return each(r.ctx, r.q, s.sql(), s.args, func(c cursor) error {
		f, err := scanHit(c)
		if err == nil {
			r.keep(page, f, []string{"-"})
		}
		return err
	})
}

// valueRow is a row of the key's index.
type valueRow struct {
	rid  int64
	text string // as a cursor has it
}

// values walks the index in pieces from a value on. It gives up when matches are
// so rare that to sort all of them is cheaper.
func (r *run) values(page *search.Page, value any, at *search.Cursor) (given bool, err error) {
	size := max(firstPiece, 2*r.plan.Count)
	for seen := 0; ; seen += size {
		if seen > 5*lastPiece {
			return true, nil
		}
		piece, last, err := r.valuePiece(value, at, size)
		if err != nil {
			return false, err
		}
		if err := r.filterValues(page, piece); err != nil || r.full || len(piece) < size {
			return false, err
		}
		value, at = last, &search.Cursor{Row: piece[len(piece)-1].rid}
		size = max(size, min(4*size, lastPiece))
	}
}

func (r *run) valuePiece(value any, at *search.Cursor, size int) (piece []valueRow, last any, err error) {
	o := &r.by[0]
	c := sortColumns[o.by.Kind]
	column := c.low
	if o.by.Desc {
		column = c.high
	}
	s := r.statement()
	s.add("SELECT k.rid, k."+column+" FROM "+c.table+" k WHERE k.tenant = ? AND k.key = ?", s.tenant, int64(o.by.Key))
	if at != nil {
		s.add(" AND (k."+column+", k.rid)"+map[bool]string{false: " > ", true: " < "}[o.desc]+"(?, ?)", value, at.Row)
	}
	s.add(" ORDER BY k."+column+direction(o.desc)+", k.rid"+direction(o.desc)+" LIMIT ?", int64(size))
	err = each(r.ctx, prepared(r.q), s.sql(), s.args, func(c cursor) error {
		x := valueRow{}
		dest := o.dest()
		err := c.scan(&x.rid, dest)
		x.text = o.text(dest)
		piece = append(piece, x)
		return err
	})
	if err == nil && len(piece) > 0 {
		last, err = o.value(piece[len(piece)-1].text)
	}
	return piece, last, err
}

// filterValues fetches the resources of a piece and keeps those that match, at
// the place of their first value.
func (r *run) filterValues(page *search.Page, piece []valueRow) error {
	if len(piece) == 0 {
		return nil
	}
	o := &r.by[0]
	rows := make([]int64, len(piece))
	for i, x := range piece {
		rows[i] = x.rid
	}
	slices.Sort(rows)
	s := r.statement()
	s.add("SELECT r.rid, "+o.expr+" FROM resource r WHERE ", o.args...)
	s.inRows("r.rid", slices.Compact(rows)).add(" AND ")
	if err := s.where("r", &r.root); err != nil {
		return err
	}
	first := map[int64]string{}
	if err := each(r.ctx, prepared(r.q), s.sql(), s.args, func(c cursor) error {
		var rid int64
		dest := o.dest()
		err := c.scan(&rid, dest)
		first[rid] = o.text(dest)
		return err
	}); err != nil {
		return err
	}
	var kept []valueRow
	for _, x := range piece {
		if text, ok := first[x.rid]; ok && text == x.text && len(page.Hits)+len(kept) <= r.plan.Count {
			kept = append(kept, x)
			delete(first, x.rid) // equal values of one resource come one after the other
		}
	}
	return r.fetch(page, kept)
}

// fetch adds these resources in this order.
func (r *run) fetch(page *search.Page, kept []valueRow) error {
	if len(kept) == 0 {
		return nil
	}
	rows := make([]int64, len(kept))
	for i, x := range kept {
		rows[i] = x.rid
	}
	s := r.statement()
	s.add("SELECT "+hitColumns+" FROM resource r WHERE ").inRows("r.rid", rows).add(" AND ")
	if err := s.whereBut("r", &search.Alias{Types: r.root.Types, Reach: r.root.Reach}); err != nil {
		return err
	}
	hits := make(map[int64]found, len(kept))
	if err := each(r.ctx, prepared(r.q), s.sql(), s.args, func(c cursor) error {
		f, err := scanHit(c)
		hits[f.rid] = f
		return err
	}); err != nil {
		return err
	}
	for _, x := range kept {
		if f, ok := hits[x.rid]; ok {
			r.keep(page, f, []string{x.text})
		}
	}
	return nil
}
