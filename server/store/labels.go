package store

import (
	"context"
	"slices"

	"tenon/server/access"
	"tenon/server/record"
	"tenon/server/search"
)

// Labels implements record.LabelStore: index rows tell the distinct values and
// one resource for each, whose body has the value as it was written (a row holds
// no more than a number for its system). All statements see one state.
func (s *Store) Labels(ctx context.Context, reach access.Predicate, typ string, most int) (list []record.Version, err error) {
	tenant, err := s.tenantID(ctx, false)
	if err != nil {
		return nil, err
	}
	l := labels{tenant: tenant, d: s.engine.dialect(), reach: reach, typ: typ, most: most}
	err = s.engine.view(ctx, func(q querier) error {
		list, err = l.load(ctx, q)
		return err
	})
	return list, err
}

type labels struct {
	tenant int64
	d      dialect
	reach  access.Predicate
	typ    string
	most   int
}

func (l *labels) load(ctx context.Context, q querier) (list []record.Version, err error) {
	var rows []int64
	for _, part := range []struct{ from, by, code string }{
		{"token_row t JOIN resource r ON r.rid = t.rid WHERE t.tenant = ? AND t.key = ?", "t.code, t.system", "_tag"},
		{"token_row t JOIN resource r ON r.rid = t.rid WHERE t.tenant = ? AND t.key = ?", "t.code, t.system", "_security"},
		{"uri_row t JOIN resource r ON r.rid = t.rid WHERE t.tenant = ? AND t.key = ?", "t.uri", "_profile"},
		{"resource r WHERE r.tenant = ?", "r.level, r.integrity", ""},
	} {
		st := newStatement(l.tenant, l.d)
		st.add("SELECT min(r.rid) FROM "+part.from, l.tenant)
		if part.code != "" {
			st.args = append(st.args, int64(search.KeyOf("Resource", part.code)))
		}
		if err := l.among(st); err != nil {
			return nil, err
		}
		st.add(" GROUP BY "+part.by+" LIMIT ?", int64(l.most+1))
		if err := l.numbers(ctx, q, st, &rows); err != nil {
			return nil, err
		}
	}
	slices.Sort(rows)
	rows = slices.Compact(rows)
	rows = rows[:min(len(rows), l.most+1)]
	for part := range slices.Chunk(rows, 200) {
		st := newStatement(l.tenant, l.d)
		st.add("SELECT r.type, r.id, r.level, r.integrity, r.body FROM resource r WHERE ").inRows("r.rid", part).add(" ORDER BY r.rid")
		err := each(ctx, q, st.sql(), st.args, func(c cursor) error {
			var v record.Version
			var level, integrity int64
			err := c.scan(&v.Type, &v.ID, &level, &integrity, &v.Body)
			v.Level, v.Integrity = access.Level(level), uint8(integrity)
			list = append(list, v)
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return list, nil
}

// among keeps current resources of the type that are in reach.
func (l *labels) among(st *statement) error {
	st.add(" AND r.deleted = 0")
	var types []string
	if l.typ != "" {
		types = []string{l.typ}
		st.add(" AND r.type = ?", l.typ)
	}
	st.add(" AND ")
	return st.reach("r", l.reach, types)
}

func (l *labels) numbers(ctx context.Context, q querier, st *statement, rows *[]int64) error {
	return each(ctx, q, st.sql(), st.args, func(c cursor) error {
		var rid int64
		err := c.scan(&rid)
		*rows = append(*rows, rid)
		return err
	})
}
