package store

import (
	"context"
	"slices"
	"strings"

	"tenon/server/access"
	"tenon/server/record"
)

// Trace implements record.Tracer.
func (s *Store) Trace(ctx context.Context, q *record.Tracing) (*record.TracePage, error) {
	page := &record.TracePage{}
	err := s.tracing(ctx, q, func(t *tracing) error {
		rows, err := t.rows()
		if err != nil {
			return err
		}
		cases, err := t.cases(rows, q.Count+1, true)
		if err != nil {
			return err
		}
		if len(cases) == 0 && q.After.Case == "" {
			return t.lone(page, rows)
		}
		if err := t.members(page, cases); err != nil {
			return err
		}
		return t.signatures(page, cases)
	})
	return page, err
}

// Recalled implements record.Tracer.
func (s *Store) Recalled(ctx context.Context, q *record.Tracing) (found []*record.CaseData, more bool, err error) {
	err = s.tracing(ctx, q, func(t *tracing) error {
		rows, err := t.rows()
		if err != nil {
			return err
		}
		cases, err := t.cases(rows, q.Count+1, false)
		if err != nil {
			return err
		}
		if more = len(cases) > q.Count; more {
			cases = cases[:q.Count]
		}
		st, err := t.selectMembers(cases)
		if err != nil {
			return err
		}
		found, err = t.gather(cases, st)
		return err
	})
	return found, more, err
}

// gather reads members by their statement and lays each into its case, in the
// order of the cases given.
func (t *tracing) gather(cases []string, st *statement) ([]*record.CaseData, error) {
	all, byID := make([]*record.CaseData, len(cases)), map[string]*record.CaseData{}
	for i, id := range cases {
		all[i] = &record.CaseData{Case: id}
		byID[id] = all[i]
	}
	return all, t.each(st.add(" ORDER BY m.case_id, r.rid"), func(v record.Version, id string) { byID[id].Members = append(byID[id].Members, v) })
}

// Within implements record.Tracer.
func (s *Store) Within(ctx context.Context, reach access.Predicate, refs []string) (map[string]bool, error) {
	in := map[string]bool{}
	if len(refs) == 0 {
		return in, nil
	}
	err := s.tracing(ctx, &record.Tracing{Reach: reach, Starts: refs}, func(t *tracing) error {
		return t.found(func(_ int64, ref string) { in[ref] = true })
	})
	return in, err
}

type tracing struct {
	*record.Tracing
	ctx    context.Context
	q      querier
	d      dialect
	tenant int64
}

func (s *Store) tracing(ctx context.Context, q *record.Tracing, f func(*tracing) error) error {
	tenant, err := s.tenantID(ctx, false)
	if err != nil {
		return err
	}
	return s.engine.view(ctx, func(c querier) error {
		return f(&tracing{Tracing: q, ctx: ctx, q: c, d: s.engine.dialect(), tenant: tenant})
	})
}

func (t *tracing) statement() *statement { return newStatement(t.tenant, t.d) }

// found calls f for each of the starts that is there and in reach.
func (t *tracing) found(f func(rid int64, ref string)) error {
	ids := map[string][]string{}
	for _, ref := range t.Starts {
		typ, id, _ := strings.Cut(ref, "/")
		ids[typ] = append(ids[typ], id)
	}
	for typ, list := range ids {
		s := t.statement().add("SELECT r.rid, r.id FROM resource r WHERE r.tenant = ? AND r.type = ? AND ", t.tenant, typ)
		s.inTexts("r.id", list).add(" AND r.deleted = 0 AND ")
		if err := s.reach("r", t.Reach, []string{typ}); err != nil {
			return err
		}
		err := each(t.ctx, t.q, s.sql(), s.args, func(c cursor) error {
			var rid int64
			var id string
			err := c.scan(&rid, &id)
			f(rid, typ+"/"+id)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (t *tracing) rows() (rows []int64, err error) {
	err = t.found(func(rid int64, _ string) { rows = append(rows, rid) })
	slices.Sort(rows)
	return rows, err
}

// cases lists cases that hold one of the rows and whose root is in reach, from
// the place on; the case of the place itself where the page goes on within it.
func (t *tracing) cases(rows []int64, most int, within bool) (ids []string, err error) {
	s := t.statement()
	s.add("SELECT DISTINCT m.case_id FROM member m "+s.forced()+" resource c ON c.tenant = m.tenant AND c.type = 'Task' AND c.id = m.case_id WHERE m.tenant = ? AND ", t.tenant)
	s.inRows("m.rid", rows)
	switch {
	case t.After.Case == "":
	case within:
		s.add(" AND m.case_id >= ?", t.After.Case)
	default:
		s.add(" AND m.case_id > ?", t.After.Case)
	}
	s.add(" AND c.deleted = 0 AND ")
	if err := s.reach("c", t.Reach, []string{"Task"}); err != nil {
		return nil, err
	}
	s.add(" ORDER BY m.case_id LIMIT ?", int64(most))
	err = each(t.ctx, t.q, s.sql(), s.args, func(c cursor) error {
		var id string
		err := c.scan(&id)
		ids = append(ids, id)
		return err
	})
	return ids, err
}

// selectMembers selects the members of the cases that are in reach.
func (t *tracing) selectMembers(cases []string) (*statement, error) {
	s := t.statement()
	s.add("SELECT "+versionColumns+", m.case_id FROM member m "+s.forced()+" resource r ON r.rid = m.rid WHERE m.tenant = ? AND ", t.tenant)
	s.inTexts("m.case_id", cases).add(" AND r.deleted = 0")
	if len(t.Types) > 0 {
		s.add(" AND ").inTexts("m.type", t.Types)
	}
	return s, s.add(" AND ").reach("r", t.Reach, t.Types)
}

func (t *tracing) each(s *statement, f func(v record.Version, id string)) error {
	return each(t.ctx, t.q, s.sql(), s.args, func(c cursor) error {
		var v record.Version
		var id string
		err := scanVersion(c, &v, &id)
		f(v, id)
		return err
	})
}

func (t *tracing) members(page *record.TracePage, cases []string) error {
	s, err := t.selectMembers(cases)
	if err != nil {
		return err
	}
	if t.After.Case != "" {
		typ, id, _ := strings.Cut(t.After.Ref, "/")
		s.add(" AND (m.case_id > ? OR r.rid > COALESCE((SELECT p.rid FROM resource p WHERE p.tenant = ? AND p.type = ? AND p.id = ?), 0))", t.After.Case, t.tenant, typ, id)
	}
	s.add(" ORDER BY m.case_id, r.rid LIMIT ?", int64(t.Count+1))
	if err := t.each(s, func(v record.Version, id string) {
		page.Nodes = append(page.Nodes, record.TraceNode{Version: v, Case: id})
	}); err != nil {
		return err
	}
	if page.More = len(page.Nodes) > t.Count; page.More {
		page.Nodes = page.Nodes[:t.Count]
	}
	return nil
}

// lone gives the starts themselves, which are in no case.
func (t *tracing) lone(page *record.TracePage, rows []int64) error {
	s := t.statement()
	s.add("SELECT "+versionColumns+", '' FROM resource r WHERE ").inRows("r.rid", rows).add(" AND ")
	if err := s.reach("r", t.Reach, nil); err != nil {
		return err
	}
	return t.each(s.add(" ORDER BY r.rid LIMIT ?", int64(t.Count)), func(v record.Version, id string) {
		page.Nodes = append(page.Nodes, record.TraceNode{Version: v, Case: id})
	})
}

// signatures are those over the nodes of the page, wherever they were put.
func (t *tracing) signatures(page *record.TracePage, cases []string) error {
	on := make([]string, len(page.Nodes))
	for i := range page.Nodes {
		on[i] = page.Nodes[i].Type + "/" + page.Nodes[i].ID
	}
	if len(on) == 0 {
		return nil
	}
	s := t.statement().add("SELECT case_id, provenance, target, version, digest, role, purpose, stage, signer, person, at, outcome FROM signature WHERE tenant = ? AND ", t.tenant)
	s.inTexts("target", on).add(" AND ").inTexts("case_id", cases).add(" ORDER BY seq")
	return each(t.ctx, t.q, s.sql(), s.args, func(c cursor) error {
		var x record.CaseSignature
		var role string
		var digest []byte
		var at int64
		err := c.scan(&x.Case, &x.Provenance, &x.Target, &x.Version, &digest, &role, &x.Purpose, &x.Stage, &x.Signer, &x.Person, &at, &x.Outcome)
		x.Role, x.When = access.Role(role), moment(at)
		copy(x.Digest[:], digest)
		page.Signatures = append(page.Signatures, x)
		return err
	})
}
