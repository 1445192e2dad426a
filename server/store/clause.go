package store

import (
	"fmt"

	"tenon/server/search"
)

// Each clause has two forms: a filter on a resource alias, which asks the index
// rows of that resource, and a source, which selects row numbers by a range scan
// of the parameter's index.
//
//	filter  EXISTS (SELECT 1 FROM token_row t1 WHERE t1.rid = r.rid AND t1.key = ? AND t1.code = ?)
//	source  SELECT t1.rid FROM token_row t1 WHERE t1.tenant = ? AND t1.key = ? AND t1.code = ?

// filter appends the clause as a condition on r.
func (s *statement) filter(r string, c search.Clause) error {
	switch c := c.(type) {
	case search.IDs:
		s.inTexts(r+".id", c.IDs)
		return nil
	case search.Updated:
		s.add("(")
		for i, x := range c.Any {
			if i > 0 {
				s.add(" OR ")
			}
			if err := rangeOf(s, r+".updated", r+".updated", x.Op, x.Low, x.High); err != nil {
				return err
			}
		}
		s.orFalse(len(c.Any)).add(")")
		return nil
	case search.Has:
		return s.has(r, c)
	case search.Missing:
		return s.missing(r, c)
	case search.Composite:
		return s.composite(r, c)
	case search.Or:
		return anyOf(s, c.Any, func(all []search.Clause) error { return s.all(r, all) })
	case search.Not:
		s.add("NOT ")
		return s.all(r, c.All)
	case search.Other:
		return s.other(r, c)
	case search.OfType:
		s.inTexts(r+".type", c.Types)
		return nil
	case search.Within:
		t := s.alias("t")
		s.add("EXISTS (SELECT 1 FROM reference_row " + t + " WHERE " + t + ".rid = " + r + ".rid AND ")
		s.within(t, c).shut()
		return nil
	case search.Member:
		return s.memberOf(r, c)
	case search.Near:
		return s.near(r, c)
	case search.Text:
		s.fullText(r, c)
		return nil
	case listed:
		s.inRows(r+".rid", c.rows)
		return nil
	}
	table, key, not, err := rowsOf(c)
	if err != nil {
		return err
	}
	t := s.alias("t")
	if not {
		s.add("NOT ")
	}
	s.add("EXISTS (SELECT 1 FROM "+table+" "+t+" WHERE "+t+".rid = "+r+".rid AND "+t+".key = ? AND ", int64(key))
	if err := s.match(t, c); err != nil {
		return err
	}
	s.shut()
	return nil
}

// source appends a select of row numbers; ok is false for a clause that has no
// index to start from.
func (s *statement) source(c search.Clause) (ok bool, err error) {
	switch c := c.(type) {
	case search.IDs, search.Updated, search.Missing, search.Or, search.Not, search.Other, search.OfType, search.Near, listed:
		return false, nil
	case search.Within:
		t := s.alias("t")
		s.add("SELECT "+t+".rid FROM reference_row "+t+" WHERE "+t+".tenant = ? AND ", s.tenant).within(t, c)
		return true, nil
	case search.Member:
		return true, s.memberSource(c)
	case search.Has:
		return true, s.hasSource(c)
	case search.Text:
		s.textSource(c)
		return true, nil
	case search.Composite:
		return len(c.Any) > 0, s.compositeSource(c)
	case search.Token:
		if c.Not {
			return false, nil
		}
	case search.Reference:
		if c.Target != nil {
			return true, s.chainSource(c)
		}
	}
	table, key, _, err := rowsOf(c)
	if err != nil {
		return false, err
	}
	t := s.alias("t")
	s.add("SELECT "+t+".rid FROM "+table+" "+t+" WHERE "+t+".tenant = ? AND "+t+".key = ? AND ", s.tenant, int64(key))
	return true, s.match(t, c)
}

// rowsOf is the table and key of a clause over index rows.
func rowsOf(c search.Clause) (table string, key search.Key, not bool, err error) {
	switch c := c.(type) {
	case search.Token:
		return "token_row", c.Key, c.Not, nil
	case search.String:
		return "string_row", c.Key, false, nil
	case search.Date:
		return "date_row", c.Key, false, nil
	case search.Number:
		return "number_row", c.Key, false, nil
	case search.Reference:
		return "reference_row", c.Key, false, nil
	case search.URI:
		return "uri_row", c.Key, false, nil
	}
	return "", 0, false, fmt.Errorf("store: unknown clause %T", c)
}

// match appends the condition on the values of the index row t.
func (s *statement) match(t string, c search.Clause) error {
	switch c := c.(type) {
	case search.Token:
		return anyOf(s, c.Any, func(m search.TokenMatch) error { s.tokenMatch(t, m); return nil })
	case search.String:
		return anyOf(s, c.Any, func(m search.StringMatch) error { return s.stringMatch(t, m) })
	case search.Date:
		return anyOf(s, c.Any, func(x search.Range) error {
			return rangeOf(s, t+".low", t+".high", x.Op, x.Low, x.High)
		})
	case search.Number:
		return anyOf(s, c.Any, func(m search.NumberMatch) error { return s.numberMatch(t, m) })
	case search.Reference:
		if c.Target != nil {
			return s.chain(t, c)
		}
		return anyOf(s, c.Any, func(m search.ReferenceMatch) error { s.referenceMatch(t, m); return nil })
	case search.URI:
		return anyOf(s, c.Any, func(m search.URIMatch) error { s.uriMatch(t, m); return nil })
	}
	return fmt.Errorf("store: unknown clause %T", c)
}

// anyOf joins alternatives; none of them matches nothing.
func anyOf[T any](s *statement, alternatives []T, one func(T) error) error {
	s.add("(")
	for i, a := range alternatives {
		if i > 0 {
			s.add(" OR ")
		}
		if err := one(a); err != nil {
			return err
		}
	}
	s.orFalse(len(alternatives)).add(")")
	return nil
}

func (s *statement) orFalse(n int) *statement {
	if n == 0 {
		s.add("FALSE")
	}
	return s
}

func (s *statement) missing(r string, c search.Missing) error {
	table, ok := map[string]string{
		"token": "token_row", "string": "string_row", "date": "date_row", "number": "number_row",
		"quantity": "number_row", "reference": "reference_row", "uri": "uri_row", "composite": "group_row",
	}[c.Kind]
	if !ok {
		return fmt.Errorf("store: unknown kind %q of a parameter", c.Kind)
	}
	if c.Missing {
		s.add("NOT ")
	}
	t := s.alias("t")
	s.add("EXISTS (SELECT 1 FROM "+table+" "+t+" WHERE "+t+".rid = "+r+".rid AND "+t+".key = ?", int64(c.Key)).shut()
	return nil
}
