package store

import (
	"context"
	"errors"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"tenon/server/ledger"
	"tenon/server/record"
)

func constraintOf(err error) string {
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		return e.ConstraintName
	}
	return ""
}

const (
	pgInsertResource = "INSERT INTO resource (rid, tenant, type, id, version, updated, deleted, method, owner, author, patient, " +
		"level, integrity, grading, part, blob, digest, salt, body) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)"
	pgUpdateResource = "WITH u AS (UPDATE resource SET version = $1, updated = $2, deleted = $3, method = $4, owner = $5, author = $6, " +
		"patient = $7, level = $8, integrity = $9, grading = $10, part = $11, blob = $12, digest = $13, salt = $14, body = $15 " +
		"WHERE rid = $16 AND version = $1 - 1 RETURNING 1) SELECT expect(EXISTS (SELECT 1 FROM u))"
)

// write queues everything that the unit holds.
func (p *pgUnit) write(ctx context.Context) error {
	last := map[int64]*record.Version{}
	var order, changed []int64
	for i := range p.u.Versions {
		v := &p.u.Versions[i]
		rid := p.rids[[2]string{v.Type, v.ID}]
		if v.Version == 1 {
			p.queue(pgInsertResource, append([]any{rid, p.tenant, v.Type, v.ID}, pgColumns(v)...)...)
		} else {
			p.queue(numbered(keepHistory), rid)
			p.queue(pgUpdateResource, append(pgColumns(v), rid)...)
		}
		if last[rid] == nil {
			order = append(order, rid)
			if v.Version != 1 {
				changed = append(changed, rid)
			}
		}
		last[rid] = v
	}
	if len(changed) > 0 {
		for _, table := range indexTables {
			p.queue("DELETE FROM "+table+" WHERE rid = ANY ($1::bigint[])", changed)
		}
	}
	p.index(order, last)
	if definesAny(p.u.Versions) {
		p.queue(numbered(advanceDefinitions), p.tenant)
	}
	p.cases()
	return p.rest(ctx)
}

// pgColumns are columnValues with no value that would be NULL.
func pgColumns(v *record.Version) []any {
	values := columnValues(v)
	if v.Body == nil {
		values[len(values)-1] = []byte{}
	}
	return values
}

// columns collects the index rows of a unit by column.
type columns struct {
	rid, key, a, b []int64
	x, y, z        []string
	low, high      []float64
}

// index queues one statement for each kind of rows that there are.
func (p *pgUnit) index(order []int64, last map[int64]*record.Version) {
	var tokens, texts, dates, numbers, references, uris columns
	var groups groupColumns
	known := systems{}
	for _, rid := range order {
		v := last[rid]
		if v.Deleted {
			continue
		}
		x := indexRowsOf(&v.Rows, known)
		for _, t := range x.tokens {
			tokens.row(rid, t.key)
			tokens.x, tokens.a = append(tokens.x, t.code), append(tokens.a, t.system)
		}
		for _, t := range x.strings {
			texts.row(rid, t.key)
			texts.x, texts.y, texts.z = append(texts.x, t.norm), append(texts.y, t.exact), append(texts.z, t.rest)
		}
		for _, t := range x.dates {
			dates.row(rid, t.key)
			dates.a, dates.b = append(dates.a, t.low), append(dates.b, t.high)
		}
		for _, t := range x.numbers {
			numbers.row(rid, t.key)
			numbers.a, numbers.b, numbers.x = append(numbers.a, t.canonical), append(numbers.b, t.system), append(numbers.x, t.code)
			numbers.low, numbers.high = append(numbers.low, t.low), append(numbers.high, t.high)
		}
		for _, t := range x.references {
			references.row(rid, t.key)
			references.x, references.y = append(references.x, t.target), append(references.y, t.typ)
		}
		for _, t := range x.uris {
			uris.row(rid, t.key)
			uris.x = append(uris.x, t.uri)
		}
		for i := range x.groups {
			groups.add(rid, &x.groups[i])
		}
	}
	p.indexRows("token_row", "code text, system bigint", &tokens, tokens.x, tokens.a)
	p.indexRows("string_row", "norm text, exact text, rest text", &texts, texts.x, texts.y, texts.z)
	p.indexRows("date_row", "low bigint, high bigint", &dates, dates.a, dates.b)
	p.indexRows("number_row", "canonical bigint, low float8, high float8, code text, system bigint", &numbers,
		numbers.a, numbers.low, numbers.high, numbers.x, numbers.b)
	p.indexRows("reference_row", "target text, type text", &references, references.x, references.y)
	p.indexRows("uri_row", "uri text", &uris, uris.x)
	p.groups(&groups)
}

func (c *columns) row(rid, key int64) { c.rid, c.key = append(c.rid, rid), append(c.key, key) }

// indexRows queues an insert of columns, which are named with their types.
func (p *pgUnit) indexRows(table, named string, c *columns, values ...any) {
	if len(c.rid) == 0 {
		return
	}
	p.queue(unnest(table, named), append([]any{p.tenant, c.rid, c.key}, values...)...)
}

// unnest is the statement of indexRows.
func unnest(table, named string) string {
	into, from := "tenant, rid, key", "?::bigint[], ?::bigint[]"
	for _, column := range strings.Split(named, ", ") {
		name, typ, _ := strings.Cut(column, " ")
		into += ", " + name
		from += ", ?::" + typ + "[]"
	}
	return numbered("INSERT INTO " + table + " (" + into + ") SELECT ?::smallint, * FROM unnest(" + from + ")")
}

// cases queues membership, revisions, grants and signatures.
func (p *pgUnit) cases() {
	for _, m := range p.u.Members {
		p.queue(numbered(insertMember), p.tenant, m.Case, m.Type, p.rids[[2]string{m.Type, m.ID}])
	}
	for _, id := range sorted(p.u.Cases) {
		p.queue(numbered(advanceCase), p.tenant, id)
	}
	for _, g := range p.u.Grants {
		p.queue(numbered(deleteGrants), p.tenant, g.Case)
		p.sets(insertGrant, grantValues(p.tenant, g))
	}
	p.sets(insertSignature, signatureValues(p.tenant, p.u.Signatures))
}

func (p *pgUnit) sets(sql string, sets [][]any) {
	for _, args := range sets {
		p.queue(numbered(sql), args...)
	}
}

// rest queues what hangs on no other row, and the unit's own batch of audit.
func (p *pgUnit) rest(ctx context.Context) error {
	p.sets(insertBlob, blobValues(p.tenant, p.u))
	p.sets(insertMessage, messageValues(p.tenant, p.u))
	p.sets(strings.TrimSuffix(insertKey, " ON CONFLICT DO NOTHING"), keyValues(p.tenant, p.u))
	p.leaves(p.u.Leaves)
	q := batchDoor{p}
	if err := applyDoorRows(ctx, q, p.tenant, p.u.Rows); err != nil {
		return err
	}
	return p.e.queueAudit(ctx, p.b, p.tenant, p.e.clock(), p.u.Audit)
}

func (p *pgUnit) leaves(leaves []ledger.Leaf) {
	if len(leaves) <= 2 {
		for i := range leaves {
			p.queue(numbered(insertLeaf), leafValues(&leaves[i])...)
		}
		return
	}
	var kinds, refs []string
	var hashes [][]byte
	var times []int64
	for i := range leaves {
		l := &leaves[i]
		kinds, refs, hashes, times = append(kinds, l.Kind), append(refs, l.Ref), append(hashes, l.Hash[:]), append(times, micros(l.At))
	}
	p.queue("INSERT INTO leaf (kind, ref, hash, at) SELECT * FROM unnest($1::text[], $2::text[], $3::bytea[], $4::bigint[])", kinds, refs, hashes, times)
}

// batchDoor queues what door rows write.
type batchDoor struct{ p *pgUnit }

func (q batchDoor) exec(_ context.Context, sql string, args []any) (int64, error) {
	q.p.queue(numbered(sql), args...)
	return 0, nil
}

// must expects the row that the statement returns.
func (q batchDoor) must(_ context.Context, sql string, args []any) error {
	q.p.queue(numbered("WITH w AS ("+sql+" RETURNING 1) SELECT expect(EXISTS (SELECT 1 FROM w))"), args...)
	return nil
}
