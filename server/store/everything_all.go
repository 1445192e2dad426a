package store

import (
	"tenon/server/access"
)

// The everything of all patients is one walk over the rows that the caller
// reaches, in their order; each row is asked by index whether it belongs.

// ofAll lists the rows behind the page's place, and one more.
func (e *gathering) ofAll() (found []gathered, err error) {
	folded, err := fold(e.Reach, e.Types)
	if err != nil {
		return nil, err
	}
	if _, none := folded.(access.Nothing); none {
		return nil, nil
	}
	few := &run{ctx: e.ctx, q: e.q, d: e.d, tenant: e.tenant}
	if err := few.listReach(folded, e.Types); err != nil {
		return nil, err
	}
	s := e.statement().add("SELECT r.rid, length(r.body) FROM resource r WHERE r.tenant = ? AND r.rid > ? AND r.deleted = 0", e.tenant, e.after)
	if few.listed {
		s.add(" AND ").inRows("r.rid", few.few)
	}
	e.filter(s, "r")
	s.add(" AND ")
	s.folded("r", folded)
	s.add(" AND (")
	if err := e.core(s, "r"); err != nil {
		return nil, err
	}
	s.add(" OR r.patient = '' AND (")
	if err := e.linkedFrom(s, "r"); err != nil {
		return nil, err
	}
	s.add(")) ORDER BY r.rid LIMIT ?", int64(e.Count+1))
	err = each(e.ctx, e.q, s.sql(), s.args, func(c cursor) error {
		var g gathered
		err := c.scan(&g.rid, &g.size)
		found = append(found, g)
		return err
	})
	return found, err
}

// coreOf are those of the rows that belong to a patient themselves.
func (e *gathering) coreOf(rows []int64) ([]int64, error) {
	if len(rows) == 0 {
		return nil, nil
	}
	s := e.statement().add("SELECT r.rid FROM resource r WHERE ").inRows("r.rid", rows).add(" AND ")
	if err := e.core(s, "r"); err != nil {
		return nil, err
	}
	return e.numbers(s)
}

// core appends that r is a patient in reach, in the compartment of one, or about
// one or nobody in a case of one.
func (e *gathering) core(s *statement, r string) error {
	t, p, m, c := s.alias("t"), s.alias("p"), s.alias("m"), s.alias("c")
	j := s.forced()
	s.add("(" + r + ".type = 'Patient' OR (EXISTS (SELECT 1 FROM reference_row " + t + " " + j + " resource " + p + " ON " + p + ".tenant = " + t +
		".tenant AND " + p + ".type = 'Patient' AND " + p + ".id = " + t + ".target WHERE " + t + ".rid = " + r + ".rid AND " + t + ".type = 'Patient' AND ")
	s.inRows(t+".key", keyNumbers(e.Keys)).add(" AND " + p + ".deleted = 0 AND ")
	if err := s.reach(p, e.Reach, []string{"Patient"}); err != nil {
		return err
	}
	s.add(") OR EXISTS (SELECT 1 FROM member " + m + " " + j + " resource " + c + " ON " + c + ".tenant = " + m + ".tenant AND " + c +
		".type = 'Task' AND " + c + ".id = " + m + ".case_id WHERE " + m + ".rid = " + r + ".rid AND " + c + ".deleted = 0 AND " + c +
		".patient <> '' AND " + r + ".patient IN ('', " + c + ".patient) AND ")
	if err := s.reach(c, e.Reach, []string{"Task"}); err != nil {
		return err
	}
	s.add("))")
	e.cared(s, r)
	s.add(")")
	return nil
}

// linkedFrom appends that something of a patient refers to r, by itself or by
// way of a PractitionerRole.
func (e *gathering) linkedFrom(s *statement, r string) error {
	direct := func(r string) error {
		return e.referring(s, r, func(x string) error { return e.core(s, x) })
	}
	if err := direct(r); err != nil {
		return err
	}
	s.add(" OR " + r + ".type IN ('Endpoint', 'HealthcareService', 'Location', 'Organization', 'Practitioner') AND ")
	err := e.referring(s, r, func(x string) error {
		s.add(x + ".type = 'PractitionerRole' AND ")
		return direct(x)
	})
	if err != nil {
		return err
	}
	u, x := s.alias("u"), s.alias("x")
	s.add(" OR "+r+".type = 'Binary' AND EXISTS (SELECT 1 FROM uri_row "+u+" "+s.forced()+" resource "+x+" ON "+x+".rid = "+u+".rid WHERE "+
		u+".tenant = ? AND "+u+".key = ? AND "+u+".uri IN ('Binary/' || "+r+".id, ? || '/Binary/' || "+r+".id) AND "+x+".deleted = 0 AND ",
		e.tenant, int64(fileAddress), e.BaseURL)
	if err := s.reach(x, e.Reach, nil); err != nil {
		return err
	}
	s.add(" AND ")
	if err := e.core(s, x); err != nil {
		return err
	}
	s.add(")")
	return nil
}

// referring appends that something in reach refers to r and is what which says.
func (e *gathering) referring(s *statement, r string, which func(x string) error) error {
	t, x := s.alias("t"), s.alias("x")
	s.add("EXISTS (SELECT 1 FROM reference_row " + t + " " + s.forced() + " resource " + x + " ON " + x + ".rid = " + t + ".rid WHERE " +
		t + ".tenant = " + r + ".tenant AND " + t + ".target = " + r + ".id AND " + t + ".type = " + r + ".type AND " + x + ".deleted = 0 AND ")
	if err := s.reach(x, e.Reach, nil); err != nil {
		return err
	}
	s.add(" AND ")
	if err := which(x); err != nil {
		return err
	}
	s.add(")")
	return nil
}
