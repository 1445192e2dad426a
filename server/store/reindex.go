package store

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"tenon/server/search"
)

// stored is a current resource with what is to be indexed of it.
type stored struct {
	rid, version int64
	body         []byte
	rows         *indexRows
}

// Reindex implements revision.Store. A resource that is written while its rows
// are made is left alone: whoever writes under the new revision makes them.
func (s *Store) Reindex(ctx context.Context, types []string, keys []search.Key, from int64, limit int, rows func(body []byte) (search.Rows, error)) (next int64, n int, err error) {
	tenant, err := s.tenantID(ctx, false)
	if err != nil {
		return 0, 0, err
	}
	all, err := s.current(ctx, tenant, types, from, limit)
	if err != nil || len(all) == 0 {
		return from, 0, err
	}
	known := systems{}
	for i := range all {
		r, err := rows(all[i].body)
		if err != nil {
			return 0, 0, fmt.Errorf("store: index row %d: %w", all[i].rid, err)
		}
		all[i].rows, all[i].body = indexRowsOf(&r, known), nil
	}
	err = s.engine.update(ctx, func(q querier) error {
		for i := range all {
			if err := s.replaceRows(ctx, q, tenant, keys, &all[i]); err != nil {
				return err
			}
		}
		return nil
	})
	return all[len(all)-1].rid, len(all), err
}

// current lists resources of the types in the order of their rows.
func (s *Store) current(ctx context.Context, tenant int64, types []string, from int64, limit int) (all []stored, err error) {
	err = s.engine.read(ctx, long, func(q querier) error {
		st := newStatement(tenant, s.engine.dialect())
		st.add("SELECT rid, version, body FROM resource WHERE tenant = ? AND deleted = 0 AND rid > ? AND ", tenant, from)
		st.inTexts("type", types).add(" ORDER BY rid LIMIT ?", int64(limit))
		return each(ctx, q, st.sql(), st.args, func(c cursor) error {
			var f stored
			err := c.scan(&f.rid, &f.version, &f.body)
			all = append(all, f)
			return err
		})
	})
	return all, err
}

func (s *Store) replaceRows(ctx context.Context, q querier, tenant int64, keys []search.Key, f *stored) error {
	var version int64
	if _, err := one(ctx, q, "SELECT version FROM resource WHERE rid = ?"+s.engine.dialect().forUpdate, []any{f.rid}, &version); err != nil || version != f.version {
		return err
	}
	args := []any{f.rid}
	for _, key := range keys {
		args = append(args, int64(key))
	}
	marks := strings.Repeat(", ?", len(keys))[2:]
	for _, table := range indexTables {
		if _, err := q.exec(ctx, "DELETE FROM "+table+" WHERE rid = ? AND key IN ("+marks+")", slices.Clone(args)); err != nil {
			return err
		}
	}
	for i, set := range f.rows.sets(f.rid, tenant, s.engine.dialect()) {
		if len(set.values) == 0 {
			continue
		}
		if err := q.execMany(ctx, set.sql, set.values); err != nil {
			return fmt.Errorf("store: %s: %w", indexTables[i], err)
		}
	}
	return nil
}

// rowSet is an insert and the values of its rows.
type rowSet struct {
	sql    string
	values [][]any
}

// sets are the inserts of the rows, one for each of indexTables.
func (x *indexRows) sets(rid, tenant int64, d dialect) []rowSet {
	text, ord := rowSet{insertStringRow, nil}, !d.postgres
	if !ord {
		text.sql = insertTextRow
	}
	for i, t := range x.strings {
		values := []any{rid, t.key, t.norm, t.exact, t.rest, tenant}
		if ord {
			values = append(values, int64(i))
		}
		text.values = append(text.values, values)
	}
	return []rowSet{
		{insertTokenRow, setsOf(x.tokens, func(t tokenRow) []any { return []any{rid, t.key, t.code, t.system, tenant} })},
		text,
		{insertDateRow, setsOf(x.dates, func(t dateRow) []any { return []any{rid, t.key, t.low, t.high, tenant} })},
		{insertNumberRow, setsOf(x.numbers, func(t numberRow) []any {
			return []any{rid, t.key, t.canonical, t.low, t.high, t.code, t.system, tenant}
		})},
		{insertReferenceRow, setsOf(x.references, func(t referenceRow) []any { return []any{rid, t.key, t.target, t.typ, tenant} })},
		{insertURIRow, setsOf(x.uris, func(t uriRow) []any { return []any{rid, t.key, t.uri, tenant} })},
		{insertGroupRow, setsOf(x.groups, func(g groupRow) []any { return g.values(rid, tenant) })},
	}
}

// Inserts of index rows, one at a time.
const (
	insertTokenRow     = "INSERT INTO token_row (rid, key, code, system, tenant) VALUES (?, ?, ?, ?, ?)"
	insertStringRow    = "INSERT INTO string_row (rid, key, norm, exact, rest, tenant, ord) VALUES (?, ?, ?, ?, ?, ?, ?)"
	insertTextRow      = "INSERT INTO string_row (rid, key, norm, exact, rest, tenant) VALUES (?, ?, ?, ?, ?, ?)" // without order, as PostgreSQL keeps them
	insertDateRow      = "INSERT INTO date_row (rid, key, low, high, tenant) VALUES (?, ?, ?, ?, ?)"
	insertNumberRow    = "INSERT INTO number_row (rid, key, canonical, low, high, code, system, tenant) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
	insertReferenceRow = "INSERT INTO reference_row (rid, key, target, type, tenant) VALUES (?, ?, ?, ?, ?)"
	insertURIRow       = "INSERT INTO uri_row (rid, key, uri, tenant) VALUES (?, ?, ?, ?)"
)
