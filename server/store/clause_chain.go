package store

import (
	"errors"
	"slices"

	"tenon/server/search"
)

// where appends everything that the alias r must meet: tenant, types, reach,
// clauses. Nobody reads a resource without it.
func (s *statement) where(r string, a *search.Alias) error { return s.whereBut(r, a) }

// whereBut leaves out the clauses that the statement begins with.
func (s *statement) whereBut(r string, a *search.Alias, known ...int) error {
	s.add(r+".tenant = ? AND "+r+".deleted = 0", s.tenant)
	if len(a.Types) > 0 {
		s.add(" AND ").inTexts(r+".type", a.Types)
	}
	s.add(" AND ")
	if err := s.reach(r, a.Reach, a.Types); err != nil {
		return err
	}
	for i, c := range a.Where {
		if slices.Contains(known, i) {
			continue
		}
		s.add(" AND ")
		if err := s.filter(r, c); err != nil {
			return err
		}
	}
	return nil
}

// chain appends that the reference row t points to a resource that the target
// alias covers. https://hl7.org/fhir/R4/search.html#chaining
func (s *statement) chain(t string, c search.Reference) error {
	r := s.alias("r")
	s.add("EXISTS (SELECT 1 FROM resource " + r + " WHERE " + r + ".type = " + t + ".type AND " + r + ".id = " + t + ".target AND ")
	if err := s.where(r, c.Target); err != nil {
		return err
	}
	s.shut()
	return nil
}

// chainSource starts from the targets.
func (s *statement) chainSource(c search.Reference) error {
	r, t := s.alias("r"), s.alias("t")
	if s.d.postgres {
		s.add("SELECT " + t + ".rid FROM ")
		if err := s.from(r, c.Target, r+".type, "+r+".id"); err != nil {
			return err
		}
		s.add(", LATERAL (SELECT x.rid FROM reference_row x WHERE x.tenant = ? AND x.target = "+r+".id AND x.type = "+r+".type AND x.key = ? OFFSET 0) "+t, s.tenant, int64(c.Key))
		return nil
	}
	s.add("SELECT " + t + ".rid FROM resource " + r + " CROSS JOIN reference_row " + t + " ON " + t + ".tenant = " + r +
		".tenant AND " + t + ".target = " + r + ".id AND " + t + ".type = " + r + ".type")
	s.add(" WHERE "+t+".key = ? AND ", int64(c.Key))
	return s.whereFrom(r, c.Target)
}

// whereFrom is where, led by the first clause that is a source.
func (s *statement) whereFrom(r string, a *search.Alias) error {
	inner, i, err := s.leading(a)
	if err != nil || inner == nil {
		return errors.Join(err, s.where(r, a))
	}
	s.add(r + ".rid IN (").join(inner).add(") AND ")
	return s.whereBut(r, a, i)
}

// leading is the source of the first clause that has one, or nil.
func (s *statement) leading(a *search.Alias) (*statement, int, error) {
	for i, c := range a.Where {
		inner := &statement{tenant: s.tenant, d: s.d, aliases: s.aliases}
		ok, err := inner.source(c)
		s.aliases = inner.aliases
		if ok || err != nil {
			return inner, i, err
		}
	}
	return nil, 0, nil
}

// from appends tables that give columns of what the alias covers, each once or,
// where an index may hold a resource twice, a few times. PostgreSQL may not turn
// the order round: each part depends on the one before, and OFFSET 0 keeps it as
// it stands. It begins with the first clause that is a source.
func (s *statement) from(r string, a *search.Alias, columns string) error {
	inner, i, err := s.leading(a)
	if err != nil {
		return err
	}
	if inner == nil {
		s.add("(SELECT " + columns + " FROM resource " + r + " WHERE ")
		err := s.where(r, a)
		s.add(" OFFSET 0) " + r)
		return err
	}
	distinct, d := "", s.alias("d")
	if depth(a.Where[i]) > 0 {
		distinct = "DISTINCT "
	}
	s.add("(SELECT " + distinct + "rid FROM (").join(inner).add(") q OFFSET 0) " + d + ", LATERAL (SELECT " + columns + " FROM resource " + r + " WHERE " + r + ".rid = " + d + ".rid AND ")
	err = s.whereBut(r, a, i)
	s.add(" OFFSET 0) " + r)
	return err
}

// forced is a join that keeps its order on SQLite, whose planner has no
// statistics here.
func (s *statement) forced() string {
	if s.d.postgres {
		return "JOIN"
	}
	return "CROSS JOIN"
}

// nest begins to look up, for each row so far, what of a table fits it: the
// condition follows, then nested. On PostgreSQL OFFSET 0 keeps it a look-up row by
// row, which is the one way to run it whatever the statistics say.
func (s *statement) nest(columns, table, alias string) *statement {
	if s.d.postgres {
		return s.add(", LATERAL (SELECT " + columns + " FROM " + table + " " + alias + " WHERE ")
	}
	return s.add(" CROSS JOIN " + table + " " + alias + " ON ")
}

func (s *statement) nested(alias string) *statement {
	if s.d.postgres {
		return s.add(" OFFSET 0) " + alias)
	}
	return s
}

// has appends that a resource of the source refers to r.
// https://hl7.org/fhir/R4/search.html#has
func (s *statement) has(r string, c search.Has) error {
	x, t := s.alias("r"), s.alias("t")
	refers := t + ".tenant = " + r + ".tenant AND " + t + ".target = " + r + ".id AND " + t + ".type = " + r + ".type AND " + t + ".key = ?"
	if s.d.postgres {
		s.add("EXISTS (SELECT 1 FROM reference_row " + t + ", LATERAL (SELECT 1 FROM resource " + x + " WHERE " + x + ".rid = " + t + ".rid AND ")
		err := s.where(x, &c.Source)
		s.add(" OFFSET 0) "+x+" WHERE "+refers, int64(c.Key)).shut()
		return err
	}
	s.add("EXISTS (SELECT 1 FROM reference_row "+t+" CROSS JOIN resource "+x+" ON "+x+".rid = "+t+".rid WHERE "+refers+" AND ", int64(c.Key))
	err := s.where(x, &c.Source)
	s.shut()
	return err
}

// hasSource starts from the resources that refer.
func (s *statement) hasSource(c search.Has) error {
	r, x, t := s.alias("r"), s.alias("r"), s.alias("t")
	if s.d.postgres {
		s.add("SELECT " + r + ".rid FROM ")
		if err := s.from(x, &c.Source, x+".rid"); err != nil {
			return err
		}
		s.add(", LATERAL (SELECT y.type, y.target FROM reference_row y WHERE y.rid = "+x+".rid AND y.key = ? OFFSET 0) "+t+
			", LATERAL (SELECT z.rid FROM resource z WHERE z.tenant = ? AND z.type = "+t+".type AND z.id = "+t+".target OFFSET 0) "+r, int64(c.Key), s.tenant)
		return nil
	}
	s.add("SELECT "+r+".rid FROM resource "+x+" CROSS JOIN reference_row "+t+" ON "+t+".rid = "+x+".rid AND "+t+".key = ? "+
		"CROSS JOIN resource "+r+" ON "+r+".tenant = "+t+".tenant AND "+r+".type = "+t+".type AND "+r+".id = "+t+".target WHERE ", int64(c.Key))
	return s.whereFrom(x, &c.Source)
}
