package store

import (
	"context"
	"slices"

	"tenon/server/access"
	"tenon/server/record"
)

// columns of one version, from the resource r; history h has the same but for
// type and id.
const (
	versionColumns = "r.type, r.id, r.version, r.updated, r.deleted, r.method, r.owner, r.author, r.patient, r.level, " +
		"r.integrity, r.grading, r.part, r.blob, r.digest, r.salt, r.body"
	historyColumns = "r.type, r.id, h.version, h.updated, h.deleted, h.method, h.owner, h.author, h.patient, h.level, " +
		"h.integrity, h.grading, h.part, h.blob, h.digest, h.salt, h.body"
)

func scanVersion(c cursor, v *record.Version, more ...any) error {
	var updated, deleted, level, integrity, part int64
	var digest, salt []byte
	dest := append([]any{
		&v.Type, &v.ID, &v.Version, &updated, &deleted, &v.Method, &v.Owner, &v.Author, &v.Patient, &level,
		&integrity, &v.Grading, &part, &v.Blob, &digest, &salt, &v.Body,
	}, more...)
	if err := c.scan(dest...); err != nil {
		return err
	}
	v.Updated, v.Deleted = moment(updated), deleted != 0
	v.Level, v.Integrity, v.Part = access.Level(level), uint8(integrity), access.Level(part)
	copy(v.Digest[:], digest)
	copy(v.Salt[:], salt)
	return nil
}

// Read implements record.Store.
func (s *Store) Read(ctx context.Context, reach access.Predicate, typ, id string) (*record.Version, error) {
	return s.oneVersion(ctx, reach, typ, func(q *statement) {
		q.add("SELECT "+versionColumns+", r.rid, 0 FROM resource r WHERE r.tenant = ? AND r.type = ? AND r.id = ? AND ", q.tenant, typ, id)
	})
}

// ReadVersion implements record.Store.
func (s *Store) ReadVersion(ctx context.Context, reach access.Predicate, typ, id string, version int64) (*record.Version, error) {
	v, err := s.oneVersion(ctx, reach, typ, func(q *statement) {
		q.add("SELECT "+versionColumns+", r.rid, 0 FROM resource r WHERE r.tenant = ? AND r.type = ? AND r.id = ? AND r.version = ? AND ", q.tenant, typ, id, version)
	}, func(q *statement) {
		q.add(" UNION ALL SELECT "+historyColumns+", r.rid, 1 FROM resource r JOIN history h ON h.rid = r.rid AND h.version = ? "+
			"WHERE r.tenant = ? AND r.type = ? AND r.id = ? AND ", version, q.tenant, typ, id)
	})
	return v, err
}

// oneVersion runs the parts of a select, each followed by the reach on r.
func (s *Store) oneVersion(ctx context.Context, reach access.Predicate, typ string, parts ...func(*statement)) (*record.Version, error) {
	tenant, err := s.tenantID(ctx, false)
	if err != nil {
		return nil, err
	}
	st := newStatement(tenant, s.engine.dialect())
	for i, part := range parts {
		part(st)
		if err := st.reach("r", reach, []string{typ}); err != nil {
			return nil, err
		}
		if i > 0 { // an old version: as it was, too
			if err := st.reachThen("h", "r", reach, []string{typ}); err != nil {
				return nil, err
			}
		}
	}
	var found []record.Version
	var rid, old int64
	err = s.engine.read(ctx, short, func(q querier) error {
		found = nil
		err := each(ctx, q, st.sql(), st.args, func(c cursor) error {
			found = make([]record.Version, 1)
			return scanVersion(c, &found[0], &rid, &old)
		})
		if err != nil || found == nil {
			return err
		}
		m := masking{ctx, q, s.engine.dialect(), tenant, s.o.Mask}
		return m.versions(reach, []string{typ}, found, []int64{rid}, []bool{old != 0})
	})
	if err == nil && found == nil {
		err = record.ErrAbsent
	}
	if err != nil {
		return nil, err
	}
	return &found[0], nil
}

// History is the history of one instance by version numbers, those below before
// (0: all), for exports. An empty answer to the first page says that
// nothing is there that the reach covers.
func (s *Store) History(ctx context.Context, reach access.Predicate, typ, id string, before int64, limit int) ([]record.Version, error) {
	tenant, err := s.tenantID(ctx, false)
	if err != nil {
		return nil, err
	}
	if before <= 0 {
		before = 1<<63 - 1
	}
	st := newStatement(tenant, s.engine.dialect())
	st.add("SELECT "+versionColumns+" FROM resource r WHERE r.tenant = ? AND r.type = ? AND r.id = ? AND r.version < ? AND ", tenant, typ, id, before)
	if err := st.reach("r", reach, []string{typ}); err != nil {
		return nil, err
	}
	st.add(" UNION ALL SELECT * FROM (SELECT "+historyColumns+" FROM resource r JOIN history h ON h.rid = r.rid AND h.version < ? "+
		"WHERE r.tenant = ? AND r.type = ? AND r.id = ? AND ", before, tenant, typ, id)
	if err := st.reach("r", reach, []string{typ}); err != nil {
		return nil, err
	}
	if err := st.reachThen("h", "r", reach, []string{typ}); err != nil {
		return nil, err
	}
	st.add(" ORDER BY h.version DESC LIMIT ?) older", int64(limit))
	var vs []record.Version
	err = s.engine.read(ctx, long, func(q querier) error {
		return each(ctx, q, st.sql(), st.args, func(c cursor) error {
			vs = append(vs, record.Version{})
			return scanVersion(c, &vs[len(vs)-1])
		})
	})
	slices.SortFunc(vs, func(a, b record.Version) int { return int(b.Version - a.Version) })
	if len(vs) > limit {
		vs = vs[:limit]
	}
	if err == nil && len(vs) == 0 && before == 1<<63-1 {
		err = record.ErrAbsent
	}
	return vs, err
}

// sameMatches runs the plan of a conditional interaction again and tells whether
// it still finds the same.
func (s *Store) sameMatches(ctx context.Context, q querier, tenant int64, m record.MatchRead) (bool, error) {
	if m.Plan == nil { // its lock was all
		return true, nil
	}
	page, err := runPlan(ctx, q, s.engine.dialect(), tenant, m.Plan, s.hints())
	if err != nil {
		return false, err
	}
	var now []string
	for _, h := range page.Hits {
		if !h.Included {
			now = append(now, h.ID)
		}
	}
	return slices.Equal(sorted(now), sorted(m.Found)), nil
}
