package store

import (
	"context"

	"tenon/server/record"
	"tenon/server/search"
)

var designParent = search.KeyOf("DeviceDefinition", "parent")

// EvaluatedCases implements record.Evaluator: a page of the cases that hold a
// design of a product family, in the order of their ids. Reach is judged on the
// root alone; of the members the asked types are loaded, each page by itself.
func (s *Store) EvaluatedCases(ctx context.Context, q *record.Evaluating) (found []*record.CaseData, more bool, err error) {
	err = s.tracing(ctx, &record.Tracing{Types: q.Types}, func(t *tracing) error {
		cases, err := t.designed(q)
		if err != nil || len(cases) == 0 {
			return err
		}
		if more = len(cases) > q.Count; more {
			cases = cases[:q.Count]
		}
		st := t.statement()
		st.add("SELECT "+versionColumns+", m.case_id FROM member m "+st.forced()+" resource r ON r.rid = m.rid WHERE m.tenant = ? AND ", t.tenant)
		st.inTexts("m.case_id", cases).add(" AND r.deleted = 0 AND ").inTexts("m.type", q.Types)
		found, err = t.gather(cases, st)
		return err
	})
	return found, more, err
}

// designed lists the cases that hold a design of the family, and one more.
func (t *tracing) designed(q *record.Evaluating) (ids []string, err error) {
	s := t.statement()
	s.add("SELECT DISTINCT m.case_id FROM reference_row d "+s.forced()+" member m ON m.rid = d.rid AND m.tenant = d.tenant "+
		s.forced()+" resource c ON c.tenant = m.tenant AND c.type = 'Task' AND c.id = m.case_id "+
		"WHERE d.tenant = ? AND d.key = ? AND d.type = 'DeviceDefinition' AND d.target = ? AND m.case_id > ? AND c.deleted = 0 AND ",
		t.tenant, int64(designParent), q.Family, q.After)
	if err := s.reach("c", q.Reach, []string{"Task"}); err != nil {
		return nil, err
	}
	s.add(" ORDER BY m.case_id LIMIT ?", int64(q.Count)+1)
	err = each(t.ctx, t.q, s.sql(), s.args, func(c cursor) error {
		var id string
		err := c.scan(&id)
		ids = append(ids, id)
		return err
	})
	return ids, err
}

// FamilyUses implements record.Families.
func (s *Store) FamilyUses(ctx context.Context, family, org string) (uses []record.FamilyUse, err error) {
	tenant, err := s.tenantID(ctx, false)
	if err != nil {
		return nil, err
	}
	st := familyUses(newStatement(tenant, s.engine.dialect()), family, org)
	err = s.engine.read(ctx, long, func(q querier) error {
		uses = nil
		return each(ctx, q, st.sql(), st.args, func(c cursor) error {
			var u record.FamilyUse
			var since int64
			err := c.scan(&u.Organization, &since)
			u.Since = moment(since)
			uses = append(uses, u)
			return err
		})
	})
	return uses, err
}

// familyUses begins with the designs of the family, of which there are fewer than of
// anything else that is asked.
func familyUses(s *statement, family, org string) *statement {
	s.add("SELECT c.owner, min(coalesce(h.updated, c.updated)) FROM reference_row d")
	s.nest("m.tenant, m.case_id", "member", "m").add("m.rid = d.rid AND m.tenant = d.tenant").nested("m")
	s.nest("c.rid, c.owner, c.updated, c.deleted", "resource", "c").add("c.tenant = m.tenant AND c.type = 'Task' AND c.id = m.case_id").nested("c")
	s.add(" LEFT JOIN history h ON h.rid = c.rid AND h.version = 1 "+
		"WHERE d.tenant = ? AND d.key = ? AND d.type = 'DeviceDefinition' AND d.target = ? AND c.deleted = 0", s.tenant, int64(designParent), family)
	if org != "" {
		s.add(" AND c.owner = ?", org)
	}
	return s.add(" GROUP BY c.owner ORDER BY c.owner")
}
