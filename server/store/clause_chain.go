package store

import (
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
	s.add("SELECT " + t + ".rid FROM resource " + r + " " + s.forced() + " reference_row " + t + " ON " + t + ".tenant = " + r +
		".tenant AND " + t + ".target = " + r + ".id AND " + t + ".type = " + r + ".type")
	s.add(" WHERE "+t+".key = ? AND ", int64(c.Key))
	return s.whereFrom(r, c.Target)
}

// whereFrom is where, led by the first clause that is a source.
func (s *statement) whereFrom(r string, a *search.Alias) error {
	for i, c := range a.Where {
		inner := &statement{tenant: s.tenant, d: s.d, aliases: s.aliases}
		ok, err := inner.source(c)
		if err != nil {
			return err
		}
		s.aliases = inner.aliases
		if ok {
			s.add(r + ".rid IN (").join(inner).add(") AND ")
			return s.whereBut(r, a, i)
		}
	}
	return s.where(r, a)
}

// forced is a join that keeps its order on SQLite, whose planner has no
// statistics here.
func (s *statement) forced() string {
	if s.d.postgres {
		return "JOIN"
	}
	return "CROSS JOIN"
}

// has appends that a resource of the source refers to r.
// https://hl7.org/fhir/R4/search.html#has
func (s *statement) has(r string, c search.Has) error {
	x, t := s.alias("r"), s.alias("t")
	s.add("EXISTS (SELECT 1 FROM reference_row "+t+" "+s.forced()+" resource "+x+" ON "+x+".rid = "+t+".rid WHERE "+
		t+".tenant = "+r+".tenant AND "+t+".target = "+r+".id AND "+t+".type = "+r+".type AND "+t+".key = ? AND ", int64(c.Key))
	if err := s.where(x, &c.Source); err != nil {
		return err
	}
	s.shut()
	return nil
}

// hasSource starts from the resources that refer.
func (s *statement) hasSource(c search.Has) error {
	r, x, t := s.alias("r"), s.alias("r"), s.alias("t")
	s.add("SELECT "+r+".rid FROM resource "+x+" "+s.forced()+" reference_row "+t+" ON "+t+".rid = "+x+".rid AND "+t+".key = ? "+
		s.forced()+" resource "+r+" ON "+r+".tenant = "+t+".tenant AND "+r+".type = "+t+".type AND "+r+".id = "+t+".target WHERE ", int64(c.Key))
	return s.whereFrom(x, &c.Source)
}
