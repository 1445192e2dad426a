package store

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"

	"tenon/server/ledger"
	"tenon/server/record"
)

// Audit implements record.Store.
func (s *Store) Audit(ctx context.Context, rows []record.Audit) error {
	if len(rows) == 0 {
		return nil
	}
	tenant, err := s.tenantID(ctx, true)
	if err != nil {
		return err
	}
	return s.audited(ctx, tenant, rows)
}

// secretsFrom reads the secret of a batch, from which the salts of its rows come.
func secretsFrom(r io.Reader) func() ([32]byte, error) {
	return func() (secret [32]byte, err error) {
		_, err = io.ReadFull(r, secret[:])
		return secret, err
	}
}

// batch is the audit of one group of commits, with one leaf.
type batch struct {
	ledger.AuditBatch
	id, tenant int64
	at         time.Time
	cases      []string
	about      []string // patients and principals, each once
}

func newBatch(id, tenant int64, at time.Time, secret [32]byte, rows []record.Audit) *batch {
	b := &batch{id: id, tenant: tenant, at: at}
	b.Ref, b.Key, b.Rows = auditRef(id), secret, make([][]byte, len(rows))
	for i := range rows {
		b.Rows[i] = appendAudit(nil, &rows[i])
		if c := rows[i].Case; c != "" && !slices.Contains(b.cases, c) {
			b.cases = append(b.cases, c)
		}
		b.about = append(b.about, rows[i].Patient, rows[i].Principal)
	}
	slices.Sort(b.about)
	b.about = slices.Compact(b.about)
	if b.about[0] == "" {
		b.about = b.about[1:]
	}
	return b
}

func auditRef(id int64) string { return "audit/" + strconv.FormatInt(id, 10) }

const (
	insertAudit     = "INSERT INTO audit (id, tenant, at, secret, body) VALUES (?, ?, ?, ?, ?)"
	insertAuditCase = "INSERT INTO audit_case (tenant, case_id, id) VALUES (?, ?, ?)"
	// On SQLite and on PostgreSQL, one statement for all whom a batch speaks of.
	insertAuditAbout = "INSERT INTO audit_about (tenant, ref, at, id) SELECT ?, value, ?, ? FROM json_each(?) WHERE true ON CONFLICT DO NOTHING"
	insertAboutMany  = "INSERT INTO audit_about (tenant, ref, at, id) SELECT ?::smallint, unnest(?::text[]), ?::bigint, ?::bigint ON CONFLICT DO NOTHING"
	insertLeaf       = "INSERT INTO leaf (kind, ref, hash, at) VALUES (?, ?, ?, ?)"
)

// write puts the batch, the cases and whom it speaks of, and its leaf.
func (b *batch) write(ctx context.Context, q querier) error {
	if _, err := q.exec(ctx, insertAudit, b.values()); err != nil {
		return err
	}
	for _, c := range b.cases {
		if _, err := q.exec(ctx, insertAuditCase, []any{b.tenant, c, b.id}); err != nil {
			return err
		}
	}
	if len(b.about) > 0 {
		list, err := json.Marshal(b.about)
		if err != nil {
			return err
		}
		if _, err := q.exec(ctx, insertAuditAbout, []any{b.tenant, micros(b.at), b.id, string(list)}); err != nil {
			return err
		}
	}
	l := b.Leaf(b.at)
	_, err := q.exec(ctx, insertLeaf, leafValues(&l))
	return err
}

func (b *batch) values() []any {
	return []any{b.id, b.tenant, micros(b.at), b.Key[:], bytes.Join(b.Rows, []byte{'\n'})}
}

func leafValues(l *ledger.Leaf) []any { return []any{l.Kind, l.Ref, l.Hash[:], micros(l.At)} }

// appendAudit writes one row as a JSON object on one line: keys in order of the
// alphabet, empty ones left out, the time in UTC with microseconds.
func appendAudit(b []byte, a *record.Audit) []byte {
	b = append(b, `{"action":`...)
	b = appendString(b, a.Action)
	b = appendField(b, "address", a.Address)
	b = appendField(b, "app", a.App)
	b = append(b, `,"at":"`...)
	b = a.At.UTC().AppendFormat(b, "2006-01-02T15:04:05.000000Z")
	b = append(b, '"')
	for _, f := range []struct{ key, value string }{
		{"case", a.Case},
		{"door", a.Door},
		{"entity", a.Entity},
		{"operation", a.Operation},
		{"organization", a.Organization},
	} {
		b = appendField(b, f.key, f.value)
	}
	b = append(b, `,"outcome":`...)
	b = strconv.AppendInt(b, int64(a.Outcome), 10)
	b = appendField(b, "patient", a.Patient)
	b = appendField(b, "principal", a.Principal)
	b = appendField(b, "purpose", a.Purpose)
	b = appendField(b, "request", a.RequestID)
	return append(b, '}')
}

func appendField(b []byte, key, value string) []byte {
	if value == "" {
		return b
	}
	b = append(b, ',', '"')
	b = append(b, key...)
	b = append(b, '"', ':')
	return appendString(b, value)
}

// appendString is a JSON string as RFC 8785 §3.2.2.2 writes it; bytes that are
// not UTF-8 become the replacement character.
// https://www.rfc-editor.org/rfc/rfc8785#section-3.2.2.2
func appendString(b []byte, s string) []byte {
	b = append(b, '"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b = append(b, '\\', byte(r))
		case r >= 0x20:
			b = utf8.AppendRune(b, r)
		case r == '\b':
			b = append(b, '\\', 'b')
		case r == '\t':
			b = append(b, '\\', 't')
		case r == '\n':
			b = append(b, '\\', 'n')
		case r == '\f':
			b = append(b, '\\', 'f')
		case r == '\r':
			b = append(b, '\\', 'r')
		default:
			b = fmt.Appendf(b, `\u%04x`, r)
		}
	}
	return append(b, '"')
}
