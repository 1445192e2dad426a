package store

import (
	"context"

	"tenon/server/access"
	"tenon/server/record"
)

// Referrers implements record.Referrers.
func (s *Store) Referrers(ctx context.Context, reach access.Predicate, typ, id string, limit int) (found []record.Referrer, err error) {
	tenant, err := s.tenantID(ctx, false)
	if err != nil {
		return nil, err
	}
	st := newStatement(tenant, s.engine.dialect())
	st.add("SELECT r.type, r.id, r.version, CASE WHEN EXISTS (SELECT 1 FROM member m WHERE m.rid = r.rid) THEN 1 ELSE 0 END, " +
		"CASE WHEN EXISTS (SELECT 1 FROM signature g WHERE g.tenant = r.tenant AND g.target = r.type || '/' || r.id) THEN 1 ELSE 0 END, CASE WHEN ")
	if err := st.reach("r", reach, nil); err != nil {
		return nil, err
	}
	st.add(" THEN 1 ELSE 0 END FROM resource r WHERE r.rid IN (SELECT t.rid FROM reference_row t WHERE t.tenant = ? AND t.target = ? AND t.type = ?)"+
		" AND r.deleted = 0 AND r.type NOT IN ('Provenance', 'AuditEvent') AND NOT (r.type = ? AND r.id = ?) ORDER BY r.rid LIMIT ?",
		tenant, bounded(id), typ, typ, id, int64(limit))
	err = s.engine.read(ctx, long, func(q querier) error {
		found = nil
		return each(ctx, q, st.sql(), st.args, func(c cursor) error {
			var f record.Referrer
			var member, signed, reached int64
			err := c.scan(&f.Type, &f.ID, &f.Version, &member, &signed, &reached)
			f.Case, f.Signed, f.Reached = member != 0, signed != 0, reached != 0
			found = append(found, f)
			return err
		})
	})
	return found, err
}
