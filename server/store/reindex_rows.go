package store

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
