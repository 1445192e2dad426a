package store

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"tenon/server/ledger"
	"tenon/server/record"
)

// Remains implements record.Expunger.
func (s *Store) Remains(ctx context.Context, typ, id string) (*record.Remains, error) {
	tenant, err := s.tenantID(ctx, false)
	if err != nil {
		return nil, err
	}
	left := &record.Remains{}
	err = s.engine.view(ctx, func(q querier) error {
		l := &remaining{ctx: ctx, q: q, d: s.engine.dialect(), tenant: tenant, left: left}
		return l.load(typ, id)
	})
	if err != nil {
		return nil, err
	}
	return left, nil
}

type remaining struct {
	ctx    context.Context
	q      querier
	d      dialect
	tenant int64
	rid    int64
	left   *record.Remains
}

func (l *remaining) load(typ, id string) error {
	found, err := one(l.ctx, l.q, "SELECT rid FROM resource WHERE tenant = ? AND type = ? AND id = ?", []any{l.tenant, typ, id}, &l.rid)
	if err != nil {
		return err
	}
	if !found {
		return record.ErrAbsent
	}
	contents, err := l.versions(typ, id)
	if err != nil {
		return err
	}
	for _, c := range contents {
		if err := l.content(c); err != nil {
			return err
		}
	}
	ref, n := typ+"/"+id, int64(0)
	if l.left.Signed, err = one(l.ctx, l.q, "SELECT 1 FROM signature WHERE tenant = ? AND target = ?", []any{l.tenant, ref}, &n); err != nil {
		return err
	}
	if typ != "ImagingStudy" {
		return nil
	}
	return l.images(id, l.left.Versions[len(l.left.Versions)-1])
}

// versions lists all versions, reads the newest one with a body, and returns the
// contents that any of them names, with when the last one did.
func (l *remaining) versions(typ, id string) ([]record.RemainingContent, error) {
	contents := map[string]record.RemainingContent{}
	newest := int64(0)
	const columns = "version, updated, deleted, length(body), blob"
	err := each(l.ctx, l.q, "SELECT "+columns+" FROM history WHERE rid = ? UNION ALL SELECT "+columns+" FROM resource WHERE rid = ? ORDER BY version",
		[]any{l.rid, l.rid}, func(c cursor) error {
			var v record.RemainingVersion
			var updated, deleted int64
			var blob string
			if err := c.scan(&v.Version, &updated, &deleted, &v.Size, &blob); err != nil {
				return err
			}
			v.Updated, v.Deleted = moment(updated), deleted != 0
			if !v.Deleted {
				newest = v.Version
			}
			if digest, err := hex.DecodeString(blob); err == nil && len(digest) == 32 {
				contents[blob] = record.RemainingContent{Digest: [32]byte(digest), Staged: v.Updated}
			}
			l.left.Versions = append(l.left.Versions, v)
			return nil
		})
	if err != nil {
		return nil, err
	}
	for i := range l.left.Versions {
		v := &l.left.Versions[i]
		if v.Leaf, err = l.leaf(ledger.VersionRef(typ, id, v.Version)); err != nil {
			return nil, err
		}
	}
	if newest != 0 {
		l.left.Last = &record.Version{}
		err = each(l.ctx, l.q, "SELECT "+historyColumns+" FROM history h JOIN resource r ON r.rid = h.rid WHERE h.rid = ? AND h.version = ? UNION ALL SELECT "+
			versionColumns+" FROM resource r WHERE r.rid = ? AND r.version = ?", []any{l.rid, newest, l.rid, newest},
			func(c cursor) error { return scanVersion(c, l.left.Last) })
	}
	out := make([]record.RemainingContent, 0, len(contents))
	for _, name := range sorted(keysOfMap(contents)) {
		out = append(out, contents[name])
	}
	return out, err
}

func keysOfMap[T any](m map[string]T) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	return keys
}

func (l *remaining) leaf(ref string) (hash [32]byte, err error) {
	var stored []byte
	_, err = one(l.ctx, l.q, "SELECT hash FROM leaf WHERE ref = ? ORDER BY seq", []any{ref}, &stored)
	copy(hash[:], stored)
	return hash, err
}

// neededElsewhere asks whether something but one resource needs a content.
const neededElsewhere = "SELECT 1 FROM resource WHERE tenant = ? AND blob = ? AND blob <> '' AND rid <> ? UNION ALL " +
	"SELECT 1 FROM history WHERE tenant = ? AND blob = ? AND blob <> '' AND rid <> ? UNION ALL " + neededImage

const neededImage = "SELECT 1 FROM dicom_instance WHERE tenant = ? AND digest = ? UNION ALL " +
	"SELECT 1 FROM dicom_quarantine WHERE tenant = ? AND digest = ? AND state IN ('held', 'hidden', 'note', 'revoked', 'corrected')"

// content keeps what nothing else needs.
func (l *remaining) content(c record.RemainingContent) error {
	name, n := hex.EncodeToString(c.Digest[:]), int64(0)
	args := []any{l.tenant, name, l.rid, l.tenant, name, l.rid, l.tenant, c.Digest[:], l.tenant, c.Digest[:]}
	shared, err := one(l.ctx, l.q, neededElsewhere+" LIMIT 1", args, &n)
	if err != nil || shared {
		return err
	}
	return l.keep(&l.left.Contents, c)
}

// keep adds a content to a list, unless it is gone already.
func (l *remaining) keep(list *[]record.RemainingContent, c record.RemainingContent) error {
	found, err := one(l.ctx, l.q, "SELECT size FROM blob WHERE tenant = ? AND digest = ?", []any{l.tenant, c.Digest[:]}, &c.Size)
	if err != nil || !found {
		return err
	}
	if c.Leaf, err = l.leaf(ledger.BlobRef(c.Digest)); err != nil {
		return err
	}
	*list = append(*list, c)
	return nil
}

const (
	// eraseVersion destroys body, salt and digest; number, time and author stay.
	// The sub-select finds nothing where the deletion is not the current version
	// any more, or the resource has become part of another case than those that it may be of.
	eraseVersion = "UPDATE history SET body = ?, salt = ?, digest = ?, patient = '', blob = '', deleted = 1, method = 'DELETE' WHERE version = ? AND deleted = 0 AND rid = " +
		"(SELECT r.rid FROM resource r WHERE r.tenant = ? AND r.type = ? AND r.id = ? AND r.version = ? AND r.deleted = 1 AND NOT EXISTS (SELECT 1 FROM member m WHERE m.rid = r.rid"
	erasePatient = "UPDATE resource SET patient = '' WHERE tenant = ? AND type = ? AND id = ?"
	eraseContent = "DELETE FROM blob WHERE tenant = ? AND digest = ? AND NOT EXISTS (" + neededElsewhereNow + ")"
	// by then the versions of the resource itself name it no more
	neededElsewhereNow = "SELECT 1 FROM resource WHERE tenant = ? AND blob = ? AND blob <> '' UNION ALL SELECT 1 FROM history WHERE tenant = ? AND blob = ? AND blob <> '' " +
		"UNION ALL " + neededImage
	insertErasure = "INSERT INTO erasure (tenant, ref, certificate) VALUES (?, ?, ?) ON CONFLICT (tenant, ref) DO UPDATE SET certificate = excluded.certificate"
)

// erase carries out an erasure inside a unit.
func erase(ctx context.Context, w doorWriter, tenant int64, e *record.Erasure) error {
	if lite, ok := w.(liteDoor); ok { // pages that become free are overwritten
		restore, err := lite.overwriting(ctx)
		if err != nil {
			return err
		}
		defer restore()
	}
	none := sha256.Sum256(nil)
	var salt [16]byte
	query, cases := eraseVersion+"))", []any{}
	if len(e.Cases) > 0 {
		query = eraseVersion + " AND m.case_id NOT IN (?" + strings.Repeat(", ?", len(e.Cases)-1) + ")))"
		for _, c := range e.Cases {
			cases = append(cases, c)
		}
	}
	for _, n := range e.Versions {
		err := w.must(ctx, query, append([]any{[]byte{}, salt[:], none[:], n, tenant, e.Type, e.ID, e.Current}, cases...))
		if err == nil {
			err = w.must(ctx, insertErasure, []any{tenant, ledger.VersionRef(e.Type, e.ID, n), e.Certificate})
		}
		if err != nil {
			return err
		}
	}
	if err := w.must(ctx, erasePatient, []any{tenant, e.Type, e.ID}); err != nil {
		return err
	}
	if e.Images != nil {
		if err := eraseImages(ctx, w, tenant, e.ID, e.Images); err != nil {
			return err
		}
	}
	if len(e.Workitems) > 0 {
		if err := eraseWorkitems(ctx, w, tenant, e.Workitems); err != nil {
			return err
		}
	}
	for _, digest := range e.Contents {
		err := w.must(ctx, eraseContent, contentArgs(tenant, digest))
		if err == nil {
			err = w.must(ctx, insertErasure, []any{tenant, ledger.BlobRef(digest), e.Certificate})
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// contentArgs are those of eraseContent.
func contentArgs(tenant int64, digest [32]byte) []any {
	name := hex.EncodeToString(digest[:])
	return []any{tenant, digest[:], tenant, name, tenant, name, tenant, digest[:], tenant, digest[:]}
}

// overwriting makes SQLite fill what is freed with zeros, until restored.
func (d liteDoor) overwriting(ctx context.Context) (restore func(), err error) {
	set := func(value string) error {
		return each(ctx, d.liteConn, "PRAGMA secure_delete = "+value, nil, func(cursor) error { return nil })
	}
	if err := set("ON"); err != nil {
		return nil, fmt.Errorf("store: secure delete: %w", err)
	}
	return func() { _ = set("OFF") }, nil
}

// Erasures implements ledger.Erasures.
func (r *Records) Erasures(ctx context.Context, each func(ref, certificate string) error) error {
	type row struct{ ref, certificate string }
	return pages(ctx, &r.stream, "SELECT tenant, ref, certificate FROM erasure WHERE tenant > ? OR (tenant = ? AND ref > ?) ORDER BY tenant, ref LIMIT ?",
		pageRows, []any{int64(0), int64(0), ""},
		func(c cursor) (x row, next []any, err error) {
			var tenant int64
			err = c.scan(&tenant, &x.ref, &x.certificate)
			return x, []any{tenant, tenant, x.ref}, err
		}, func(x row) error { return each(x.ref, x.certificate) })
}

// Gone are the members of a case whose versions were destroyed, and the versions
// of the Binaries that certify it, in the order of creation.
func (s *Store) Gone(ctx context.Context, caseID string) (members []record.Member, certificates []string, err error) {
	tenant, err := s.tenantID(ctx, false)
	if err != nil {
		return nil, nil, err
	}
	// one erasure takes all versions of a resource, so its first one tells
	j := newStatement(tenant, s.engine.dialect()).forced()
	err = s.engine.read(ctx, long, func(q querier) error {
		members, certificates = nil, nil
		return each(ctx, q, "SELECT r.type, r.id, e.certificate FROM member m "+j+" resource r ON r.rid = m.rid "+j+
			" erasure e ON e.tenant = m.tenant AND e.ref = r.type || '/' || r.id || '/_history/1' WHERE m.tenant = ? AND m.case_id = ? AND r.deleted = 1 ORDER BY r.rid",
			[]any{tenant, caseID}, func(c cursor) error {
				m, certificate := record.Member{Case: caseID}, ""
				err := c.scan(&m.Type, &m.ID, &certificate)
				members, certificates = append(members, m), append(certificates, certificate)
				return err
			})
	})
	return members, certificates, err
}

// Earlier implements record.Expunger, in one statement.
func (s *Store) Earlier(ctx context.Context, refs []string) (found []record.Version, err error) {
	tenant, err := s.tenantID(ctx, false)
	if err != nil || len(refs) == 0 {
		return nil, err
	}
	ids := map[string][]string{}
	for _, ref := range refs {
		typ, id, _ := strings.Cut(ref, "/")
		ids[typ] = append(ids[typ], id)
	}
	st := newStatement(tenant, s.engine.dialect())
	for i, typ := range sorted(keysOfMap(ids)) {
		if i > 0 {
			st.add(" UNION ALL ")
		}
		st.add("SELECT "+historyColumns+" FROM resource r "+st.forced()+" history h ON h.rid = r.rid WHERE r.tenant = ? AND r.type = ? AND h.deleted = 0 AND ", tenant, typ)
		st.inTexts("r.id", ids[typ])
	}
	err = s.engine.read(ctx, long, func(q querier) error {
		found = nil
		return each(ctx, q, st.sql(), st.args, func(c cursor) error {
			var v record.Version
			err := scanVersion(c, &v)
			found = append(found, v)
			return err
		})
	})
	slices.SortFunc(found, func(a, b record.Version) int {
		return cmp.Or(strings.Compare(a.Type, b.Type), strings.Compare(a.ID, b.ID), cmp.Compare(a.Version, b.Version))
	})
	return found, err
}
