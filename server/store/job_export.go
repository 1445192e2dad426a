package store

import (
	"context"

	"tenon/server/record"
	"tenon/server/search"
)

var _ record.ExportStore = (*Store)(nil)

// Export implements record.ExportStore. All statements of a page see the same
// commits, so a resource that is written meanwhile is on the page once: as it is,
// if that is not later than the time of the export, else as it was then.
func (s *Store) Export(ctx context.Context, q record.ExportQuery) (*record.ExportPage, error) {
	tenant, err := s.tenantID(ctx, false)
	if err != nil {
		return nil, err
	}
	page := &record.ExportPage{}
	err = s.engine.view(ctx, func(conn querier) error {
		*page = record.ExportPage{Next: q.After}
		e := &export{past{ctx: ctx, q: conn, d: s.engine.dialect(), tenant: tenant, reach: q.Reach, mask: s.o.Mask}, q}
		rows, err := e.rows()
		if err != nil {
			return err
		}
		places, more := e.cut(rows)
		if page.More = more; len(places) > 0 {
			page.Next = places[len(places)-1].rid
		}
		if places, err = e.asOf(places); err != nil || len(places) == 0 {
			return err
		}
		page.Versions, err = e.bodies(places)
		return err
	})
	return page, err
}

type export struct {
	past
	query record.ExportQuery
}

func (e *export) statement() *statement { return newStatement(e.tenant, e.d) }

// rows lists where the next resources are, in order of creation.
func (e *export) rows() ([]place, error) {
	s := e.statement()
	s.add("SELECT r.rid, r.version, r.updated, length(r.body) FROM resource r WHERE r.rid > ? AND ", e.query.After)
	if err := s.where("r", &search.Alias{Types: []string{e.query.Type}, Reach: e.query.Reach, Where: e.query.Where}); err != nil {
		return nil, err
	}
	if !e.query.Since.IsZero() {
		s.add(" AND r.updated > ?", micros(e.query.Since))
	}
	if err := e.about(s); err != nil {
		return nil, err
	}
	s.add(" ORDER BY r.rid LIMIT ?", int64(e.query.Count)+1)
	var all []place
	err := each(e.ctx, e.q, s.sql(), s.args, func(c cursor) error {
		at := place{current: true}
		err := c.scan(&at.rid, &at.version, &at.updated, &at.size)
		all = append(all, at)
		return err
	})
	return all, err
}

// about keeps what concerns patients: what is in the compartment of one or is
// about one; with Referred what such resources refer to.
func (e *export) about(s *statement) error {
	member := func(patient string) {
		if e.query.Members != "" {
			s.add(" AND EXISTS (SELECT 1 FROM job_patient p WHERE p.job = ? AND p.member = 1 AND p.patient = "+patient+")", e.query.Members)
		}
	}
	switch {
	case e.query.Referred:
		s.add(" AND EXISTS (SELECT 1 FROM reference_row t "+s.forced()+" resource o ON o.rid = t.rid WHERE t.tenant = ? AND t.target = r.id AND t.type = r.type AND o.deleted = 0 AND o.patient <> '' AND ", e.tenant)
		if err := s.reach("o", e.query.Reach, nil); err != nil { // else one would learn who treats patients out of reach
			return err
		}
		member("o.patient")
		s.add(")")
	case e.query.Patients:
		s.add(" AND (r.patient <> ''")
		member("r.patient")
		keys := make([]int64, len(e.query.Keys))
		for i, k := range e.query.Keys {
			keys[i] = int64(k)
		}
		s.add(" OR EXISTS (SELECT 1 FROM reference_row t WHERE t.rid = r.rid AND t.type = 'Patient' AND ").inRows("t.key", keys)
		member("'Patient/' || t.target")
		s.add("))")
	}
	return nil
}

// cut keeps as many as are asked for and as fit.
func (e *export) cut(all []place) (kept []place, more bool) {
	bytes := int64(0)
	for i, at := range all {
		bytes += at.size
		if i == e.query.Count || i > 0 && bytes > e.query.Bytes {
			return all[:i], true
		}
	}
	return all, false
}

// asOf puts the version of the time of the export in the place of a later one,
// if there was one that the caller reaches.
func (e *export) asOf(all []place) ([]place, error) {
	until := micros(e.query.Until)
	var late []int64
	kept := all[:0:0]
	for _, at := range all {
		if at.updated > until {
			late = append(late, at.rid)
			continue
		}
		kept = append(kept, at)
	}
	if len(late) == 0 {
		return kept, nil
	}
	s := e.statement().add("SELECT h.rid, h.version, h.updated, length(h.body) FROM history h " + e.forced() + " resource r ON r.rid = h.rid WHERE ")
	s.inRows("h.rid", late).add(" AND h.deleted = 0 AND h.version = (SELECT max(n.version) FROM history n WHERE n.rid = h.rid AND n.updated <= ?)", until)
	if !e.query.Since.IsZero() {
		s.add(" AND h.updated > ?", micros(e.query.Since))
	}
	if err := s.reachThen("h", "r", e.reach, []string{e.query.Type}); err != nil {
		return nil, err
	}
	err := each(e.ctx, e.q, s.sql(), s.args, func(c cursor) error {
		var at place
		err := c.scan(&at.rid, &at.version, &at.updated, &at.size)
		kept = append(kept, at)
		return err
	})
	return kept, err
}

// ExportDeleted implements record.ExportStore.
func (s *Store) ExportDeleted(ctx context.Context, q record.ExportQuery) (ids []string, next int64, err error) {
	tenant, err := s.tenantID(ctx, false)
	if err != nil {
		return nil, 0, err
	}
	next = q.After
	err = s.engine.read(ctx, long, func(conn querier) error {
		w := newStatement(tenant, s.engine.dialect())
		w.add("SELECT r.rid, r.id FROM resource r WHERE r.tenant = ? AND r.type = ? AND r.rid > ? AND r.deleted = 1 AND r.updated > ? AND r.updated <= ? AND ",
			tenant, q.Type, q.After, micros(q.Since), micros(q.Until))
		if err := w.reach("r", q.Reach, []string{q.Type}); err != nil {
			return err
		}
		if q.Patients {
			w.add(" AND r.patient <> ''")
		}
		if q.Members != "" {
			w.add(" AND EXISTS (SELECT 1 FROM job_patient p WHERE p.job = ? AND p.member = 1 AND p.patient = r.patient)", q.Members)
		}
		w.add(" ORDER BY r.rid LIMIT ?", int64(q.Count))
		return each(ctx, conn, w.sql(), w.args, func(c cursor) error {
			var id string
			err := c.scan(&next, &id)
			ids = append(ids, id)
			return err
		})
	})
	return ids, next, err
}
