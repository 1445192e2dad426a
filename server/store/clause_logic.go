package store

import (
	"fmt"

	"tenon/server/search"
)

// all appends that r meets all clauses.
func (s *statement) all(r string, clauses []search.Clause) error {
	s.add("(TRUE")
	for _, c := range clauses {
		s.add(" AND ")
		if err := s.filter(r, c); err != nil {
			return err
		}
	}
	s.add(")")
	return nil
}

// other appends that r has a value which the clause does not hold for. A text
// has several rows where it is found in several ways: it is another one where
// none of them meets the clause.
func (s *statement) other(r string, c search.Other) error {
	table, key, not, err := rowsOf(c.Than)
	if err != nil || not {
		return fmt.Errorf("store: there is no other than %T", c.Than)
	}
	t := s.alias("t")
	s.add("EXISTS (SELECT 1 FROM "+table+" "+t+" WHERE "+t+".rid = "+r+".rid AND "+t+".key = ? AND NOT ", int64(key))
	if table != "string_row" {
		if err := s.match(t, c.Than); err != nil {
			return err
		}
		s.shut()
		return nil
	}
	u := s.alias("t")
	s.add("EXISTS (SELECT 1 FROM string_row " + u + " WHERE " + u + ".rid = " + t + ".rid AND " + u + ".key = " + t + ".key AND " + u + ".exact = " + t + ".exact AND ")
	if err := s.match(u, c.Than); err != nil {
		return err
	}
	s.shut().shut()
	return nil
}

// within appends that the reference row t points to the resource of a
// compartment by one of its parameters.
// https://hl7.org/fhir/R4/compartmentdefinition.html
func (s *statement) within(t string, c search.Within) *statement {
	keys := make([]int64, len(c.Keys))
	for i, k := range c.Keys {
		keys[i] = int64(k)
	}
	s.add(t+".target = ? AND "+t+".type = ? AND ", bounded(c.ID), c.Type)
	return s.inRows(t+".key", keys)
}

// memberOf appends that r is a member of a case whose root Task the alias covers.
func (s *statement) memberOf(r string, c search.Member) error {
	m, t := s.alias("m"), s.alias("c")
	s.add("EXISTS (SELECT 1 FROM member " + m + " " + s.forced() + " resource " + t + " ON " + t + ".id = " + m + ".case_id WHERE " + m + ".rid = " + r + ".rid AND ")
	if err := s.where(t, &c.Of); err != nil {
		return err
	}
	s.shut()
	return nil
}

// memberSource starts from the cases.
func (s *statement) memberSource(c search.Member) error {
	m, t := s.alias("m"), s.alias("c")
	s.add("SELECT " + m + ".rid FROM resource " + t + " " + s.forced() + " member " + m + " ON " + m + ".tenant = " + t + ".tenant AND " + m + ".case_id = " + t + ".id WHERE ")
	return s.where(t, &c.Of)
}

// near appends that r lies within the distance of one of the points: the scalar
// product of two unit vectors is the cosine of the angle between them.
// https://hl7.org/fhir/R4/location.html#search
func (s *statement) near(r string, c search.Near) error {
	return anyOf(s, c.Any, func(p search.Point) error {
		a, b := s.alias("g"), s.alias("g")
		s.add("EXISTS (SELECT 1 FROM group_row "+a+" "+s.forced()+" group_row "+b+
			" ON "+b+".rid = "+a+".rid AND "+b+".grp = "+a+".grp WHERE "+a+".rid = "+r+".rid AND "+a+".key = ? AND "+b+".key = ?",
			int64(c.Key), int64(c.KeyZ))
		s.add(" AND "+a+".low * ? + "+a+".high * ? + "+b+".low * ? >= ?", p.X, p.Y, p.Z, p.Cos).shut()
		return nil
	})
}
