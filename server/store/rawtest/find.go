package rawtest

import (
	"context"
	"database/sql"
	"fmt"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5/pgxpool"

	"tenon/server/search"
)

// Finder selects what searches find from the database of a running server.
type Finder struct {
	lite  *sql.DB
	stmts map[string]*sql.Stmt
	pool  *pgxpool.Pool
}

// OpenFinder opens the database of a server for reading: the folder of its SQLite
// files, or a URL of PostgreSQL. One goroutine uses it.
func OpenFinder(ctx context.Context, database, dir string) (*Finder, error) {
	f := &Finder{stmts: map[string]*sql.Stmt{}}
	var err error
	if database != "sqlite" {
		f.pool, err = pgxpool.New(ctx, database)
		return f, err
	}
	f.lite, err = openLite(dir, "&_pragma=query_only(1)&_pragma=mmap_size(1073741824)&_pragma=cache_size(-16384)")
	if err == nil {
		f.lite.SetMaxOpenConns(1)
	}
	return f, err
}

// Close closes the database.
func (f *Finder) Close() {
	if f.lite != nil {
		_ = f.lite.Close()
	}
	if f.pool != nil {
		f.pool.Close()
	}
}

// Query is a select of the bodies of a page of 21 resources, written by hand.
type Query struct {
	text string
	args []any
}

// Find runs a query and counts what it finds.
func (f *Finder) Find(ctx context.Context, q Query) (n int, err error) {
	if f.pool != nil {
		rows, err := f.pool.Query(ctx, dollars(q.text), q.args...)
		if err != nil {
			return 0, err
		}
		defer rows.Close()
		var body []byte
		for rows.Next() {
			if err := rows.Scan(&body); err != nil {
				return n, err
			}
			n++
		}
		return n, rows.Err()
	}
	st := f.stmts[q.text]
	if st == nil {
		if st, err = f.lite.PrepareContext(ctx, q.text); err != nil {
			return 0, fmt.Errorf("%s: %w", q.text, err)
		}
		f.stmts[q.text] = st
	}
	rows, err := st.QueryContext(ctx, q.args...)
	if err != nil {
		return 0, err
	}
	defer rows.Close()
	var body []byte
	for rows.Next() {
		if err := rows.Scan(&body); err != nil {
			return n, err
		}
		n++
	}
	return n, rows.Err()
}

// joined is a page of the resources of index rows t in the order of creation.
func joined(table, where string, args ...any) Query {
	return Query{"SELECT r.body FROM " + table + " t JOIN resource r ON r.rid = t.rid WHERE t.tenant = 1 AND " + where +
		" AND r.deleted = 0 ORDER BY t.rid LIMIT 21", args}
}

// ranged is the same where the index has another order than the page: the rows of
// the range are sorted before bodies are fetched.
func ranged(table, where string, args ...any) Query {
	return Query{"SELECT r.body FROM (SELECT DISTINCT t.rid FROM " + table + " t WHERE t.tenant = 1 AND " + where +
		" ORDER BY t.rid LIMIT 21) x JOIN resource r ON r.rid = x.rid WHERE r.deleted = 0 ORDER BY r.rid", args}
}

func key(typ, param string) int64 { return int64(search.KeyOf(typ, param)) }

// Token selects by a code of a system.
func Token(typ, param, system, code string) Query {
	return joined("token_row", "t.key = ? AND t.code = ? AND t.system = ?", key(typ, param), code, System(system))
}

// Starts selects by the beginning of a text.
func Starts(typ, param, text string) Query {
	head := search.Fold(text)
	last := []rune(head)
	last[len(last)-1]++
	return ranged("string_row", "t.key = ? AND t.norm >= ? AND t.norm < ?", key(typ, param), head, string(last))
}

// Holds selects by a part of a text.
func Holds(typ, param, text string) Query {
	return ranged("string_row", "t.key = ? AND t.norm LIKE ?", key(typ, param), "%"+search.Fold(text)+"%")
}

// Dated selects by a condition on low and high, such as "t.high > ?".
func Dated(typ, param, where string, at ...any) Query {
	return ranged("date_row", "t.key = ? AND "+where, append([]any{key(typ, param)}, at...)...)
}

// Counted selects quantities by a condition on low and high and the unit's code.
func Counted(typ, param, where, unit string, at ...any) Query {
	args := append([]any{key(typ, param)}, at...)
	return ranged("number_row", "t.key = ? AND t.canonical = 0 AND "+where+" AND t.code = ?", append(args, unit)...)
}

// Refers selects by a reference.
func Refers(typ, param, target, id string) Query {
	return joined("reference_row", "t.key = ? AND t.target = ? AND t.type = ?", key(typ, param), id, target)
}

// Chained selects what refers to resources of a type by the beginning of a text
// of theirs.
func Chained(typ, param, target, targetParam, text string) Query {
	q := Starts(target, targetParam, text)
	head := q.args[1].(string)
	return Query{"SELECT r.body FROM (SELECT DISTINCT t.rid FROM string_row s JOIN resource p ON p.rid = s.rid JOIN reference_row t ON t.tenant = 1 AND t.target = p.id AND t.key = ? AND t.type = ? " +
		"WHERE s.tenant = 1 AND s.key = ? AND s.norm >= ? AND s.norm < ? ORDER BY t.rid LIMIT 21) x JOIN resource r ON r.rid = x.rid WHERE r.deleted = 0 ORDER BY r.rid",
		[]any{key(typ, param), target, key(target, targetParam), head, q.args[2]}}
}

// Reversed selects what resources of another type with a code refer to.
func Reversed(typ, source, param, codeParam, system, code string) Query {
	return Query{"SELECT r.body FROM (SELECT DISTINCT r.rid FROM token_row s JOIN reference_row t ON t.rid = s.rid AND t.key = ? JOIN resource r ON r.tenant = 1 AND r.type = ? AND r.id = t.target " +
		"WHERE s.tenant = 1 AND s.key = ? AND s.code = ? AND s.system = ? ORDER BY r.rid LIMIT 21) x JOIN resource r ON r.rid = x.rid WHERE r.deleted = 0 ORDER BY r.rid",
		[]any{key(source, param), typ, key(source, codeParam), code, System(system)}}
}

// Both selects by a code and a condition on a date.
func Both(typ, param, system, code, date, where string, at ...any) Query {
	args := append([]any{key(typ, param), code, System(system), key(typ, date)}, at...)
	return joined("token_row", "t.key = ? AND t.code = ? AND t.system = ? AND EXISTS (SELECT 1 FROM date_row d WHERE d.rid = t.rid AND d.key = ? AND "+
		strings.ReplaceAll(where, "t.", "d.")+")", args...)
}

// Grouped selects by a code and a number in one element.
func Grouped(typ, param string, codePart, numberPart int, system, code string, above float64) Query {
	part := func(n int) int64 { return key(typ, param+"$"+strconv.Itoa(n)) }
	return Query{"SELECT r.body FROM (SELECT DISTINCT a.rid FROM group_row a JOIN group_row b ON b.rid = a.rid AND b.grp = a.grp AND b.key = ? AND b.high > ? AND b.canonical = 0 " +
		"WHERE a.tenant = 1 AND a.key = ? AND a.code = ? AND a.system = ? ORDER BY a.rid LIMIT 21) x JOIN resource r ON r.rid = x.rid WHERE r.deleted = 0 ORDER BY r.rid",
		[]any{part(numberPart), above, part(codePart), code, System(system)}}
}

// Newest selects the last resources of a type, Sorted those with a code by a date
// downwards, Count counts those with a code.
func Newest(typ string) Query {
	return Query{"SELECT body FROM resource WHERE tenant = 1 AND type = ? AND deleted = 0 ORDER BY updated DESC, rid DESC LIMIT 21", []any{typ}}
}

// Sorted selects what has a code, by a date downwards.
func Sorted(typ, param, system, code, date string) Query {
	return Query{"SELECT r.body FROM (SELECT t.rid, (SELECT max(d.high) FROM date_row d WHERE d.rid = t.rid AND d.key = ?) AS k FROM token_row t WHERE t.tenant = 1 AND t.key = ? AND t.code = ? AND t.system = ? " +
		"ORDER BY k DESC, t.rid DESC LIMIT 21) x JOIN resource r ON r.rid = x.rid WHERE r.deleted = 0 ORDER BY x.k DESC",
		[]any{key(typ, date), key(typ, param), code, System(system)}}
}

// Count counts what has a code; it finds one row.
func Count(typ, param, system, code string) Query {
	return Query{"SELECT count(*) FROM token_row t JOIN resource r ON r.rid = t.rid WHERE t.tenant = 1 AND t.key = ? AND t.code = ? AND t.system = ? AND r.deleted = 0",
		[]any{key(typ, param), code, System(system)}}
}

// All selects the first resources of a type.
func All(typ string) Query {
	return Query{"SELECT body FROM resource WHERE tenant = 1 AND type = ? AND deleted = 0 ORDER BY rid LIMIT 21", []any{typ}}
}

// Code selects by a code of any system.
func Code(typ, param, code string) Query {
	return joined("token_row", "t.key = ? AND t.code = ?", key(typ, param), code)
}
