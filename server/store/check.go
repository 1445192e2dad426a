package store

import (
	"context"
	"fmt"
	"slices"

	"tenon/server/record"
	"tenon/server/search"
)

// indexLines are the rows of one resource in each index table, as one text each,
// so that stored and recomputed rows can be compared without regard to order.
var indexLines = []struct{ table, columns string }{
	{"token_row", "key, code, system"},
	{"string_row", "key, norm, exact, rest"},
	{"date_row", "key, low, high"},
	{"number_row", "key, canonical, low, high, code, system"},
	{"reference_row", "key, target, type"},
	{"uri_row", "key, uri"},
	{"group_row", "key, grp, canonical, system, since, until, low, high, code, norm, rest"},
}

// CheckIndex compares the index rows of the current version of a resource with
// those that v.Rows says it should have, and returns what differs: "missing
// token_row …" or "surplus token_row …", without the values. Rows of keys that
// known denies are passed over: those of a search parameter that was taken out,
// or is being completed. Nothing is changed.
func (s *Store) CheckIndex(ctx context.Context, v *record.Version, known func(search.Key) bool) (differs []string, err error) {
	tenant, err := s.tenantID(ctx, false)
	if err != nil {
		return nil, err
	}
	want := wanted(indexRowsOf(&v.Rows, systems{}))
	if v.Deleted {
		want = map[string][]string{}
	}
	err = s.engine.view(ctx, func(q querier) error {
		var rid, version int64
		found, err := one(ctx, q, "SELECT rid, version FROM resource WHERE tenant = ? AND type = ? AND id = ?", []any{tenant, v.Type, v.ID}, &rid, &version)
		if err != nil || !found || version != v.Version {
			return err // a newer version came meanwhile: it is not ours to judge
		}
		for _, t := range indexLines {
			have, err := lines(ctx, q, t.table, t.columns, rid, tenant)
			if err != nil {
				return err
			}
			differs = append(differs, compare(t.table, ofKeys(have, known), ofKeys(want[t.table], known))...)
		}
		return nil
	})
	return differs, err
}

// ofKeys keeps the lines of known keys; each begins with its key.
func ofKeys(lines []string, known func(search.Key) bool) []string {
	return slices.DeleteFunc(lines, func(line string) bool {
		var key int64
		_, err := fmt.Sscanf(line, "{key:%d", &key)
		return err != nil || !known(search.Key(key))
	})
}

// lines reads the rows of a resource from one table as texts.
func lines(ctx context.Context, q querier, table, columns string, rid, tenant int64) ([]string, error) {
	var out []string
	err := each(ctx, q, "SELECT "+columns+" FROM "+table+" WHERE rid = ? AND tenant = ?", []any{rid, tenant}, func(c cursor) error {
		line, err := scanLine(table, c)
		out = append(out, line)
		return err
	})
	return out, err
}

func scanLine(table string, c cursor) (string, error) {
	var t tokenRow
	var x stringRow
	var d dateRow
	var n numberRow
	var r referenceRow
	var u uriRow
	var g groupRow
	switch table {
	case "token_row":
		err := c.scan(&t.key, &t.code, &t.system)
		return fmt.Sprintf("%+v", t), err
	case "string_row":
		err := c.scan(&x.key, &x.norm, &x.exact, &x.rest)
		return fmt.Sprintf("%+v", x), err
	case "date_row":
		err := c.scan(&d.key, &d.low, &d.high)
		return fmt.Sprintf("%+v", d), err
	case "number_row":
		err := c.scan(&n.key, &n.canonical, &n.low, &n.high, &n.code, &n.system)
		return fmt.Sprintf("%+v", n), err
	case "reference_row":
		err := c.scan(&r.key, &r.target, &r.typ)
		return fmt.Sprintf("%+v", r), err
	case "group_row":
		err := c.scan(&g.key, &g.grp, &g.canonical, &g.system, &g.since, &g.until, &g.low, &g.high, &g.code, &g.norm, &g.rest)
		return fmt.Sprintf("%+v", g), err
	}
	err := c.scan(&u.key, &u.uri)
	return fmt.Sprintf("%+v", u), err
}

func wanted(x *indexRows) map[string][]string {
	return map[string][]string{
		"token_row": texts(x.tokens), "string_row": texts(x.strings), "date_row": texts(x.dates),
		"number_row": texts(x.numbers), "reference_row": texts(x.references), "uri_row": texts(x.uris), "group_row": texts(x.groups),
	}
}

func texts[T any](rows []T) []string {
	out := make([]string, len(rows))
	for i, r := range rows {
		out[i] = fmt.Sprintf("%+v", r)
	}
	return out
}

// compare says how many rows are missing and how many are there without reason.
func compare(table string, have, want []string) []string {
	var out []string
	if n := without(want, have); n > 0 {
		out = append(out, fmt.Sprintf("%s: %d missing", table, n))
	}
	if n := without(have, want); n > 0 {
		out = append(out, fmt.Sprintf("%s: %d surplus", table, n))
	}
	return out
}

// without counts the lines of a that b does not have, or not as often.
func without(a, b []string) int {
	left := make(map[string]int, len(b))
	for _, x := range b {
		left[x]++
	}
	n := 0
	for _, x := range a {
		if left[x]--; left[x] < 0 {
			n++
		}
	}
	return n
}

// CheckStray looks for index rows of no resource, and for tables that CheckIndex does not know.
func (s *Store) CheckStray(ctx context.Context) (differs []string, err error) {
	tenant, err := s.tenantID(ctx, false)
	if err != nil {
		return nil, err
	}
	err = s.engine.view(ctx, func(q querier) error {
		for _, table := range indexTables {
			if !slices.ContainsFunc(indexLines, func(t struct{ table, columns string }) bool { return t.table == table }) {
				differs = append(differs, table+": this check does not know its rows")
			}
			var n int64
			stray := "SELECT count(*) FROM " + table + " t WHERE t.tenant = ? AND NOT EXISTS (SELECT 1 FROM resource r WHERE r.rid = t.rid AND r.tenant = t.tenant)"
			if _, err := one(ctx, q, stray, []any{tenant}, &n); err != nil {
				return err
			}
			if n > 0 {
				differs = append(differs, fmt.Sprintf("%s: %d of no resource", table, n))
			}
		}
		return nil
	})
	return differs, err
}
