package rawtest

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"strconv"
	"time"

	"tenon/fhir/tree"
	"tenon/server/search"
)

// statement is SQL with its values.
type statement struct {
	sql  string
	args []any
}

const tenant = 2 // the server under test writes as tenant 1

// Resource is one resource with its index rows worked out before the clock runs.
type Resource struct {
	typ  string
	body []byte
	rows []statement // without the row number
}

// Prepare works out the rows of a resource.
func (l *Load) Prepare(typ string, body []byte) (*Resource, error) {
	doc, err := tree.Parse(body)
	if err != nil {
		return nil, err
	}
	rows, err := l.registry.Index(doc.Root())
	if err != nil {
		return nil, err
	}
	r := &Resource{typ: typ, body: body}
	seen := map[string]bool{}
	add := func(sql string, args ...any) {
		if key := fmt.Sprint(sql, args); !seen[key] {
			seen[key] = true
			r.rows = append(r.rows, statement{sql, append([]any{int64(0), tenant}, args...)})
		}
	}
	for _, t := range rows.Tokens {
		add("INSERT INTO token_row (rid, tenant, key, code, system) VALUES (?, ?, ?, ?, ?)", int32(t.Key), cut(t.Code), System(t.System))
	}
	for i, t := range rows.Strings {
		if l.lite != nil {
			add("INSERT INTO string_row (rid, tenant, key, norm, exact, rest, ord) VALUES (?, ?, ?, ?, ?, ?, ?)", int32(t.Key), cut(t.Normalised), t.Exact, "", int64(i))
			continue
		}
		add("INSERT INTO string_row (rid, tenant, key, norm, exact, rest) VALUES (?, ?, ?, ?, ?, ?)", int32(t.Key), cut(t.Normalised), t.Exact, "")
	}
	for _, t := range rows.Dates {
		add("INSERT INTO date_row (rid, tenant, key, low, high) VALUES (?, ?, ?, ?, ?)", int32(t.Key), t.Low, t.High)
	}
	for _, t := range rows.Numbers {
		add("INSERT INTO number_row (rid, tenant, key, canonical, low, high, code, system) VALUES (?, ?, ?, ?, ?, ?, ?, ?)", int32(t.Key), whether(t.Canonical), t.Low, t.High, t.Code, System(t.System))
	}
	for _, t := range rows.References {
		target := t.ID
		if t.Type == "" {
			target = t.URL
		}
		add("INSERT INTO reference_row (rid, tenant, key, target, type) VALUES (?, ?, ?, ?, ?)", int32(t.Key), cut(target), t.Type)
	}
	for _, t := range rows.URIs {
		add("INSERT INTO uri_row (rid, tenant, key, uri) VALUES (?, ?, ?, ?)", int32(t.Key), cut(t.URI))
	}
	for _, g := range rows.Groups {
		add("INSERT INTO group_row (rid, tenant, key, grp, canonical, system, since, until, low, high, code, norm, rest) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", group(g)...)
	}
	return r, nil
}

// group are the values of a component's row.
func group(g search.GroupRow) []any {
	var canonical, system, since, until int64
	var low, high float64
	var code, norm, rest string
	switch t := g.Row.(type) {
	case search.TokenRow:
		code, system = t.Code, System(t.System)
	case search.StringRow:
		norm = t.Normalised
	case search.DateRow:
		since, until = t.Low, t.High
	case search.NumberRow:
		canonical, system, code, low, high = whether(t.Canonical), System(t.System), t.Code, t.Low, t.High
	case search.ReferenceRow:
		norm, rest = t.ID, t.Type
	}
	return []any{int32(g.Key), int64(g.Group), canonical, system, since, until, low, high, code, norm, rest}
}

func whether(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// cut bounds a text as an index does.
func cut(s string) string {
	if r := []rune(s); len(s) > 240 {
		return string(r[:min(len(r), 60)])
	}
	return s
}

// System is a system as index rows hold it.
func System(uri string) int64 {
	if uri == "" {
		return 0
	}
	sum := sha256.Sum256([]byte(uri))
	return int64(binary.BigEndian.Uint64(sum[:])) //nolint:gosec // a number of 64 bits, whatever its sign
}

func idOf(rid int64) string { return "00000000-0000-4000-8000-" + strconv.FormatInt(rid, 10) }

const (
	insertOne = "INSERT INTO resource (rid, version, updated, tenant, deleted, level, integrity, type, id, method, owner, author, patient, grading, blob, digest, salt, body) " +
		"VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
	keepOne = "INSERT INTO history (rid, version, tenant, updated, deleted, method, owner, author, patient, level, integrity, grading, blob, digest, salt, body, type) " +
		"SELECT rid, version, tenant, updated, deleted, method, owner, author, patient, level, integrity, grading, blob, digest, salt, body, type FROM resource WHERE rid = ?"
	updateOne   = "UPDATE resource SET version = version + 1, updated = ?, deleted = ?, digest = ?, body = ? WHERE rid = ?"
	insertLeaf  = "INSERT INTO leaf (kind, ref, hash, at) VALUES (?, ?, ?, ?)"
	insertAudit = "INSERT INTO audit (id, tenant, at, secret, body) VALUES (?, ?, ?, ?, ?)"
)

var indexTables = []string{"token_row", "string_row", "date_row", "number_row", "reference_row", "uri_row", "group_row"}

// insert are the statements of a create.
func (r *Resource) insert(rid int64, body []byte) []statement {
	digest := random()
	out := make([]statement, 0, len(r.rows)+4)
	out = append(out, statement{insertOne, []any{rid, int64(1), time.Now().UnixMicro(), tenant, 0, 3, 2, r.typ, idOf(rid), "POST", "", "operator", "", "0.1.0", "", digest, digest[:16], body}})
	return r.proof(r.index(out, rid), rid, 1, digest)
}

// update are those of an update: the old version is kept, the index rows are
// written anew.
func (r *Resource) update(rid int64, body []byte) []statement {
	digest := random()
	out := r.forget(rid, int64(0), digest, body)
	return r.proof(r.index(out, rid), rid, 2, digest)
}

// remove are those of a delete.
func (r *Resource) remove(rid int64) []statement {
	digest := random()
	return r.proof(r.forget(rid, int64(1), digest, []byte{}), rid, 3, digest)
}

func (r *Resource) forget(rid, deleted int64, digest, body []byte) []statement {
	out := []statement{{keepOne, []any{rid}}, {updateOne, []any{time.Now().UnixMicro(), deleted, digest, body, rid}}}
	for _, table := range indexTables {
		out = append(out, statement{"DELETE FROM " + table + " WHERE rid = ?", []any{rid}})
	}
	return out
}

func (r *Resource) index(out []statement, rid int64) []statement {
	for _, s := range r.rows {
		args := append([]any(nil), s.args...)
		args[0] = rid
		out = append(out, statement{s.sql, args})
	}
	return out
}

// proof adds the leaf of a version, its audit row and the leaf of that.
func (r *Resource) proof(out []statement, rid, version int64, digest []byte) []statement {
	now := time.Now().UnixMicro()
	audit := rid*4 + version
	return append(out,
		statement{insertLeaf, []any{"version", r.typ + "/" + idOf(rid) + "/_history/" + strconv.FormatInt(version, 10), digest, now}},
		statement{insertLeaf, []any{"audit", "audit/raw-" + strconv.FormatInt(audit, 10), digest, now}},
		statement{insertAudit, []any{audit, tenant, now, digest, auditRow}})
}

// auditRow has the size of one row of audit.
var auditRow = []byte(fmt.Sprintf("%230s", "raw"))

func random() []byte {
	digest := make([]byte, 32)
	_, _ = rand.Read(digest) // never fails
	return digest
}
