package store

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"tenon/server/ledger"
	"tenon/server/record"
)

// stream reads whole tables in pages, of every tenant, in bounded memory. No
// statement is open while the caller works on a row.
type stream struct {
	read func(ctx context.Context, f func(querier) error) error
	d    dialect
}

func (s *Store) streamer() *stream {
	return &stream{d: s.engine.dialect(), read: func(ctx context.Context, f func(querier) error) error {
		return s.engine.read(ctx, long, f)
	}}
}

// EachVersion gives every version of every resource, ascending by version inside
// a resource, without index rows.
func (s *Store) EachVersion(ctx context.Context, each func(record.Version) error) error {
	return s.streamer().eachVersion(ctx, func(v *record.Version) error { return each(*v) })
}

// EachAuditBatch gives every batch in the order of its number.
func (s *Store) EachAuditBatch(ctx context.Context, each func(ledger.AuditBatch) error) error {
	return s.streamer().Batches(ctx, each)
}

// EachBlob gives every blob that a version or instance needs.
func (s *Store) EachBlob(ctx context.Context, each func(record.BlobRow) error) error {
	return s.streamer().Blobs(ctx, func(b ledger.BlobRow) error {
		return each(record.BlobRow{Digest: b.Digest, Size: b.Size})
	})
}

// pages runs a statement, whose last ? is the number of rows, until it gives
// fewer than asked; next takes a row in and gives the values for the next page.
func pages[T any](ctx context.Context, s *stream, sql string, most int, from []any, scan func(cursor) (T, []any, error), use func(T) error) error {
	page := make([]T, 0, most)
	for {
		page = page[:0]
		err := s.read(ctx, func(q querier) error {
			return each(ctx, q, sql, append(from[:len(from):len(from)], int64(most)), func(c cursor) error {
				item, next, err := scan(c)
				page, from = append(page, item), next
				return err
			})
		})
		if err != nil {
			return err
		}
		for _, item := range page {
			if err := use(item); err != nil {
				return err
			}
		}
		if len(page) < most {
			return ctx.Err()
		}
	}
}

// versionPage is small since a body may have megabytes.
const versionPage = 64

func (s *stream) eachVersion(ctx context.Context, use func(*record.Version) error) error {
	const sql = "SELECT " + versionColumns + ", r.rid AS rid FROM resource r WHERE r.rid >= ? AND (r.rid > ? OR r.version > ?) " +
		"UNION ALL SELECT " + historyColumns + ", h.rid AS rid FROM history h JOIN resource r ON r.rid = h.rid " +
		"WHERE h.rid >= ? AND (h.rid > ? OR h.version > ?) ORDER BY rid, version LIMIT ?"
	return pages(ctx, s, sql, versionPage, []any{int64(0), int64(0), int64(0), int64(0), int64(0), int64(0)},
		func(c cursor) (*record.Version, []any, error) {
			v, rid := new(record.Version), int64(0)
			err := scanVersion(c, v, &rid)
			return v, []any{rid, rid, v.Version, rid, rid, v.Version}, err
		}, use)
}

// Versions is of ledger.Records.
func (s *stream) Versions(ctx context.Context, each func(ledger.VersionRow) error) error {
	return s.eachVersion(ctx, func(v *record.Version) error {
		return each(ledger.VersionRow{
			Type: v.Type, ID: v.ID, Version: v.Version, Author: v.Author, Updated: v.Updated, Deleted: v.Deleted,
			Body: v.Body, Digest: v.Digest, Salt: v.Salt,
		})
	})
}

// Batches is of ledger.Records.
func (s *stream) Batches(ctx context.Context, each func(ledger.AuditBatch) error) error {
	return pages(ctx, s, "SELECT id, secret, body FROM audit WHERE id > ? ORDER BY id LIMIT ?", 100, []any{int64(0)}, scanBatch, each)
}

func scanBatch(c cursor) (b ledger.AuditBatch, next []any, err error) {
	var id int64
	var secret, body []byte
	err = c.scan(&id, &secret, &body)
	b.Ref = auditRef(id)
	copy(b.Key[:], secret)
	b.Rows = bytes.Split(body, []byte{'\n'})
	return b, []any{id}, err
}

// SignatureRows is of ledger.SignatureRows.
func (s *stream) SignatureRows(ctx context.Context, each func(ledger.SignatureRow) error) error {
	return pages(ctx, s, "SELECT seq, case_id, provenance, target, version, digest, role, purpose, stage, signer, person, at, outcome, conditions FROM signature WHERE seq > ? ORDER BY seq LIMIT ?",
		pageRows, []any{int64(0)},
		func(c cursor) (r ledger.SignatureRow, next []any, err error) {
			var seq, at int64
			var digest []byte
			err = c.scan(&seq, &r.Case, &r.Provenance, &r.Target, &r.Version, &digest, &r.Role, &r.Purpose, &r.Stage, &r.Signer, &r.Person, &at, &r.Outcome, &r.Conditions)
			copy(r.Digest[:], digest)
			r.When = moment(at)
			return r, []any{seq}, err
		}, each)
}

// Blobs is of ledger.Records.
func (s *stream) Blobs(ctx context.Context, each func(ledger.BlobRow) error) error {
	return pages(ctx, s, "SELECT tenant, digest, size FROM blob WHERE tenant > ? OR (tenant = ? AND digest > ?) ORDER BY tenant, digest LIMIT ?",
		pageRows, []any{int64(0), int64(0), []byte{}},
		func(c cursor) (b ledger.BlobRow, next []any, err error) {
			var tenant int64
			var digest []byte
			err = c.scan(&tenant, &digest, &b.Size)
			copy(b.Digest[:], digest)
			return b, []any{tenant, tenant, digest}, err
		}, each)
}

// Range is of ledger.Log.
func (s *stream) Range(ctx context.Context, from, to int64, each func(ledger.Entry) error) error {
	return pages(ctx, s, "SELECT idx, kind, ref, hash, at FROM leaf WHERE idx >= ? AND idx < ? ORDER BY idx LIMIT ?",
		pageRows, []any{from, to},
		func(c cursor) (e ledger.Entry, next []any, err error) {
			err = scanLeaf(c, &e.Leaf, &e.Index)
			return e, []any{e.Index + 1, to}, err
		}, each)
}

// Waiting is of ledger.Records.
func (s *stream) Waiting(ctx context.Context, each func(ledger.Pending) error) error {
	return pages(ctx, s, "SELECT seq, kind, ref, hash, at FROM leaf WHERE idx IS NULL AND seq > ? ORDER BY seq LIMIT ?",
		pageRows, []any{int64(0)},
		func(c cursor) (p ledger.Pending, next []any, err error) {
			err = scanLeaf(c, &p.Leaf, &p.Row)
			return p, []any{p.Row}, err
		}, each)
}

// CaseAudit implements ledger.CaseAudit.
func (s *Store) CaseAudit(ctx context.Context, caseID string, each func(b ledger.AuditBatch, positions []int) error) error {
	tenant, err := s.tenantID(ctx, false)
	if err != nil {
		return err
	}
	return pages(ctx, s.streamer(), "SELECT b.id, b.secret, b.body FROM audit_case c JOIN audit b ON b.id = c.id "+
		"WHERE c.tenant = ? AND c.case_id = ? AND c.id > ? ORDER BY c.id LIMIT ?", 100, []any{tenant, caseID, int64(0)},
		func(c cursor) (ledger.AuditBatch, []any, error) {
			b, next, err := scanBatch(c)
			return b, append([]any{tenant, caseID}, next...), err
		}, func(b ledger.AuditBatch) error {
			var positions []int
			for i, row := range b.Rows {
				var of struct{ Case string }
				if err := json.Unmarshal(row, &of); err != nil {
					return fmt.Errorf("store: row %d of %s: %w", i, b.Ref, err)
				}
				if of.Case == caseID {
					positions = append(positions, i)
				}
			}
			return each(b, positions)
		})
}

// Records is everything that the log vouches for, in one state of the database:
// ledger.Records. It holds a connection until Close, and one goroutine uses it.
type Records struct {
	stream
	q    querier
	stop func() error
}

var _ ledger.Records = (*Records)(nil)

// Records begins a reading of one state of the database. The caller closes it.
func (s *Store) Records(ctx context.Context) (*Records, error) {
	r := &Records{}
	begun, end, ended := make(chan error, 1), make(chan struct{}), make(chan error, 1)
	go func() {
		err := s.engine.view(ctx, func(q querier) error {
			var now int64 // the first statement fixes the state that all see
			if _, err := one(ctx, q, "SELECT count(*) FROM tenant", nil, &now); err != nil {
				return err
			}
			r.q = q
			begun <- nil
			<-end
			return nil
		})
		if r.q == nil {
			begun <- err
		}
		ended <- err
	}()
	if err := <-begun; err != nil {
		return nil, err
	}
	r.stream = stream{d: s.engine.dialect(), read: func(_ context.Context, f func(querier) error) error { return f(r.q) }}
	r.stop = func() error { close(end); return <-ended }
	return r, nil
}

// Close ends the reading.
func (r *Records) Close() error {
	if r.stop == nil {
		return errors.New("store: closed twice")
	}
	stop := r.stop
	r.stop = nil
	return stop()
}

// Checkpoint is of ledger.Log.
func (r *Records) Checkpoint(ctx context.Context) (*ledger.Checkpoint, error) {
	return checkpoint(ctx, r.q)
}

// Entries is of ledger.Log.
func (r *Records) Entries(ctx context.Context, refs []string) ([]ledger.Entry, error) {
	return entriesOf(ctx, r.q, r.d, refs)
}

// Nodes is of ledger.Log.
func (r *Records) Nodes(ctx context.Context, ids []ledger.Node) ([]ledger.Node, error) {
	return nodes(ctx, r.q, ids)
}

// Pending is of ledger.Records.
func (r *Records) Pending(ctx context.Context, refs []string) (found []ledger.Pending, err error) {
	st := newStatement(0, r.d).add("SELECT seq, kind, ref, hash, at FROM leaf WHERE idx IS NULL AND ")
	st.inTexts("ref", refs).add(" ORDER BY seq")
	err = each(ctx, r.q, st.sql(), st.args, func(c cursor) error {
		var p ledger.Pending
		err := scanLeaf(c, &p.Leaf, &p.Row)
		found = append(found, p)
		return err
	})
	return found, err
}
