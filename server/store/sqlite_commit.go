package store

import (
	"context"
	"fmt"

	"tenon/server/ledger"
	"tenon/server/record"
)

// applyLite writes a unit on the writer's connection: nobody else writes, so the
// checks hold until the commit.
func applyLite(c *liteConn, tenant int64, s *Store, u *record.Unit) error {
	a := &liteApply{c: c, tenant: tenant, rids: map[[2]string]current{}}
	if err := a.check(s, &u.Reads); err != nil {
		return err
	}
	if err := a.aboveFloor(u); err != nil {
		return err
	}
	for i := range u.Versions {
		if err := a.version(&u.Versions[i]); err != nil {
			return err
		}
	}
	if definesAny(u.Versions) {
		if _, err := c.exec(background, advanceDefinitions, []any{tenant}); err != nil {
			return err
		}
	}
	if err := a.cases(u); err != nil {
		return err
	}
	return a.rest(u)
}

var background = context.Background()

type liteApply struct {
	c      *liteConn
	tenant int64
	rids   map[[2]string]current
}

// current is where a resource is and at which version.
type current struct{ rid, version int64 }

const findCurrent = "SELECT rid, version FROM resource WHERE tenant = ? AND type = ? AND id = ?"

// find is the zero value where nothing is.
func (a *liteApply) find(typ, id string) (current, error) {
	k := [2]string{typ, id}
	if r, ok := a.rids[k]; ok {
		return r, nil
	}
	var r current
	_, err := one(background, a.c, findCurrent, []any{a.tenant, typ, id}, &r.rid, &r.version)
	if err == nil {
		a.rids[k] = r
	}
	return r, err
}

const (
	caseRevision       = "SELECT revision FROM case_head WHERE tenant = ? AND case_id = ?"
	definitionsNow     = "SELECT value FROM state WHERE tenant = ? AND name = 'definitions'"
	advanceDefinitions = "INSERT INTO state (tenant, name, value) VALUES (?, 'definitions', 2) " +
		"ON CONFLICT (tenant, name) DO UPDATE SET value = state.value + 1"
)

func (a *liteApply) check(s *Store, r *record.ReadSet) error {
	for _, want := range r.Cases {
		var revision int64
		if _, err := one(background, a.c, caseRevision, []any{a.tenant, want.Case}, &revision); err != nil {
			return err
		}
		if revision != want.Revision {
			return record.ErrStale
		}
	}
	if r.Definitions != 0 {
		now := int64(1)
		if _, err := one(background, a.c, definitionsNow, []any{a.tenant}, &now); err != nil {
			return err
		}
		if now != r.Definitions {
			return record.ErrStale
		}
	}
	for _, want := range r.Versions {
		if now, err := a.find(want.Type, want.ID); err != nil || now.version != want.Version {
			return staleOr(err)
		}
	}
	for _, want := range r.Matches {
		if same, err := s.sameMatches(background, a.c, a.tenant, want); err != nil || !same {
			return staleOr(err)
		}
	}
	return nil
}

func staleOr(err error) error {
	if err != nil {
		return err
	}
	return record.ErrStale
}

const (
	insertResource = "INSERT INTO resource (tenant, type, id, version, updated, deleted, method, owner, author, patient, " +
		"level, integrity, grading, part, blob, digest, salt, body) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING rid"
	keepHistory = "INSERT INTO history (rid, version, tenant, updated, deleted, method, owner, author, patient, " +
		"level, integrity, grading, part, blob, digest, salt, body, type) SELECT rid, version, tenant, updated, deleted, method, owner, author, " +
		"patient, level, integrity, grading, part, blob, digest, salt, body, type FROM resource WHERE rid = ?"
	updateResource = "UPDATE resource SET version = ?, updated = ?, deleted = ?, method = ?, owner = ?, author = ?, patient = ?, " +
		"level = ?, integrity = ?, grading = ?, part = ?, blob = ?, digest = ?, salt = ?, body = ? WHERE rid = ?"
)

// columnValues are the columns from version to body.
func columnValues(v *record.Version) []any {
	return []any{
		v.Version, micros(v.Updated), truth(v.Deleted), v.Method, v.Owner, v.Author, v.Patient,
		int64(v.Level), int64(v.Integrity), v.Grading, int64(v.Part), v.Blob, v.Digest[:], v.Salt[:], v.Body,
	}
}

func (a *liteApply) version(v *record.Version) error {
	if err := sound(v); err != nil {
		return err
	}
	now, err := a.find(v.Type, v.ID)
	if err != nil {
		return err
	}
	if now.version != v.Version-1 {
		return record.ErrStale
	}
	if now.rid == 0 {
		args := append([]any{a.tenant, v.Type, v.ID}, columnValues(v)...)
		if _, err := one(background, a.c, insertResource, args, &now.rid); err != nil {
			return err
		}
	} else {
		if _, err := a.c.exec(background, keepHistory, []any{now.rid}); err != nil {
			return err
		}
		if _, err := a.c.exec(background, updateResource, append(columnValues(v), now.rid)); err != nil {
			return err
		}
		for _, table := range indexTables {
			if _, err := a.c.exec(background, "DELETE FROM "+table+" WHERE rid = ?", []any{now.rid}); err != nil {
				return err
			}
		}
	}
	a.rids[[2]string{v.Type, v.ID}] = current{now.rid, v.Version}
	if v.Deleted {
		return nil
	}
	return a.index(now.rid, indexRowsOf(&v.Rows, systems{}))
}

// sound refuses a version that record should never have made.
func sound(v *record.Version) error {
	switch {
	case v.Type == "" || v.ID == "" || v.Version < 1:
		return fmt.Errorf("store: version %d of %q has no type, id or number", v.Version, v.Type)
	case !v.Deleted && (v.Level < 1 || v.Level > 5):
		return fmt.Errorf("store: %s/%s has level %d, not one of 1 to 5", v.Type, v.ID, v.Level)
	}
	return nil
}

var indexTables = []string{"token_row", "string_row", "date_row", "number_row", "reference_row", "uri_row", "group_row"}

func (a *liteApply) index(rid int64, x *indexRows) error {
	for i, set := range []struct {
		sql  string
		n    int
		args func(i int) []any
	}{
		{insertTokenRow, len(x.tokens), func(i int) []any {
			t := &x.tokens[i]
			return []any{rid, t.key, t.code, t.system, a.tenant}
		}},
		{insertStringRow, len(x.strings), func(i int) []any {
			t := &x.strings[i]
			return []any{rid, t.key, t.norm, t.exact, t.rest, a.tenant, int64(i)}
		}},
		{insertDateRow, len(x.dates), func(i int) []any {
			t := &x.dates[i]
			return []any{rid, t.key, t.low, t.high, a.tenant}
		}},
		{insertNumberRow, len(x.numbers), func(i int) []any {
			t := &x.numbers[i]
			return []any{rid, t.key, t.canonical, t.low, t.high, t.code, t.system, a.tenant}
		}},
		{insertReferenceRow, len(x.references), func(i int) []any {
			t := &x.references[i]
			return []any{rid, t.key, t.target, t.typ, a.tenant}
		}},
		{insertURIRow, len(x.uris), func(i int) []any {
			t := &x.uris[i]
			return []any{rid, t.key, t.uri, a.tenant}
		}},
		{insertGroupRow, len(x.groups), func(i int) []any { return x.groups[i].values(rid, a.tenant) }},
	} {
		for n := range set.n {
			if _, err := a.c.exec(background, set.sql, set.args(n)); err != nil {
				return fmt.Errorf("store: %s: %w", indexTables[i], err)
			}
		}
	}
	return nil
}

// cases writes membership, revisions, grants and signatures.
func (a *liteApply) cases(u *record.Unit) error {
	for _, m := range u.Members {
		r, err := a.find(m.Type, m.ID)
		if err != nil {
			return err
		}
		if r.rid == 0 {
			return fmt.Errorf("store: %s/%s is made a member of a case and is not there", m.Type, m.ID)
		}
		if _, err := a.c.exec(background, insertMember, []any{a.tenant, m.Case, m.Type, r.rid}); err != nil {
			return err
		}
	}
	for _, id := range sorted(u.Cases) {
		if _, err := a.c.exec(background, advanceCase, []any{a.tenant, id}); err != nil {
			return err
		}
	}
	for _, g := range u.Grants {
		if _, err := a.c.exec(background, deleteGrants, []any{a.tenant, g.Case}); err != nil {
			return err
		}
		if err := a.c.execMany(background, insertGrant, grantValues(a.tenant, g)); err != nil {
			return err
		}
	}
	return a.c.execMany(background, insertSignature, signatureValues(a.tenant, u.Signatures))
}

// rest writes what hangs on no other row. Audit is the group's.
func (a *liteApply) rest(u *record.Unit) error {
	leaf := func(l ledger.Leaf) []any { return leafValues(&l) }
	for _, w := range []struct {
		sql  string
		sets [][]any
	}{
		{insertBlob, blobValues(a.tenant, u)},
		{insertMessage, messageValues(a.tenant, u)},
		{insertLeaf, setsOf(u.Leaves, leaf)},
	} {
		if err := a.c.execMany(background, w.sql, w.sets); err != nil {
			return err
		}
	}
	for _, set := range keyValues(a.tenant, u) {
		if n, err := a.c.exec(background, insertKey, set); err != nil || n == 0 {
			return staleOr(err)
		}
	}
	return applyDoorRows(background, liteDoor{a.c}, a.tenant, u.Rows)
}
