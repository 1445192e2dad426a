package store

import (
	"fmt"

	"tenon/server/search"
)

// groupRow is a row of a composite's component as the database holds it.
type groupRow struct {
	key, grp, canonical, system, since, until int64
	low, high                                 float64
	code, norm, rest                          string
}

func groupRowOf(g search.GroupRow, known systems) groupRow {
	x := groupRow{key: int64(g.Key), grp: int64(g.Group)}
	switch r := g.Row.(type) {
	case search.TokenRow:
		x.code, x.system = bounded(r.Code), known.of(r.System)
	case search.StringRow:
		x.norm, x.rest = split(r.Normalised, keptText)
	case search.DateRow:
		x.since, x.until = r.Low, r.High
	case search.NumberRow:
		x.canonical, x.system, x.code, x.low, x.high = truth(r.Canonical), known.of(r.System), bounded(r.Code), r.Low, r.High
	case search.ReferenceRow:
		x.norm, x.rest = bounded(r.ID), r.Type
		if r.Type == "" {
			x.norm = bounded(r.URL)
		}
	}
	return x
}

const insertGroupRow = "INSERT INTO group_row (rid, key, grp, canonical, system, since, until, low, high, code, norm, rest, tenant) " +
	"VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"

func (g *groupRow) values(rid, tenant int64) []any {
	return []any{rid, g.key, g.grp, g.canonical, g.system, g.since, g.until, g.low, g.high, g.code, g.norm, g.rest, tenant}
}

// groupColumns collects group rows of a unit by column.
type groupColumns struct {
	columns
	grp, since, until []int64
}

func (c *groupColumns) add(rid int64, g *groupRow) {
	c.row(rid, g.key)
	c.grp, c.a, c.b = append(c.grp, g.grp), append(c.a, g.canonical), append(c.b, g.system)
	c.since, c.until = append(c.since, g.since), append(c.until, g.until)
	c.low, c.high = append(c.low, g.low), append(c.high, g.high)
	c.x, c.y, c.z = append(c.x, g.code), append(c.y, g.norm), append(c.z, g.rest)
}

func (p *pgUnit) groups(c *groupColumns) {
	p.indexRows("group_row", "grp bigint, canonical bigint, system bigint, since bigint, until bigint, low float8, high float8, code text, norm text, rest text",
		&c.columns, c.grp, c.a, c.b, c.since, c.until, c.low, c.high, c.x, c.y, c.z)
}

// composite appends that one group of r meets all clauses of an alternative.
// https://hl7.org/fhir/R4/search.html#composite
func (s *statement) composite(r string, c search.Composite) error {
	return anyOf(s, c.Any, func(parts []search.Clause) error {
		s.add("EXISTS (SELECT 1 FROM ")
		lead, err := s.grouped(parts)
		if err != nil {
			return err
		}
		s.add(" AND " + lead + ".rid = " + r + ".rid").shut()
		return nil
	})
}

// compositeSource selects the resources of all alternatives.
func (s *statement) compositeSource(c search.Composite) error {
	for i, parts := range c.Any {
		if i > 0 {
			s.add(" UNION ")
		}
		inner := &statement{tenant: s.tenant, d: s.d, aliases: s.aliases}
		lead, err := inner.grouped(parts)
		if err != nil {
			return err
		}
		s.aliases = inner.aliases
		s.add("SELECT " + lead + ".rid FROM ").join(inner)
	}
	return nil
}

// grouped appends the joined rows of one alternative, led by the codes, which
// have an index.
func (s *statement) grouped(parts []search.Clause) (lead string, err error) {
	names := make([]string, len(parts))
	first := 0
	for i := len(parts) - 1; i >= 0; i-- {
		names[i] = s.alias("g")
		if _, token := parts[i].(search.Token); token {
			first = i
		}
	}
	lead = names[first]
	s.add("group_row " + lead)
	for i := range parts {
		if i != first {
			s.add(" " + s.forced() + " group_row " + names[i])
		}
		if i != first && s.d.postgres {
			s.add(" ON " + names[i] + ".rid = " + lead + ".rid AND " + names[i] + ".grp = " + lead + ".grp")
		}
	}
	s.add(" WHERE "+lead+".tenant = ?", s.tenant)
	for i, c := range parts {
		if i != first && !s.d.postgres {
			s.add(" AND " + names[i] + ".rid = " + lead + ".rid AND " + names[i] + ".grp = " + lead + ".grp")
		}
		s.add(" AND ")
		if err := s.groupMatch(names[i], c); err != nil {
			return "", err
		}
	}
	return lead, nil
}

// groupMatch is match on a group row, with its key.
func (s *statement) groupMatch(t string, c search.Clause) error {
	_, key, not, err := rowsOf(c)
	if err != nil || not {
		return fmt.Errorf("store: %T cannot be part of a composite", c)
	}
	s.add(t+".key = ? AND ", int64(key))
	switch c := c.(type) {
	case search.String:
		return anyOf(s, c.Any, func(m search.StringMatch) error {
			if m.Mode == search.Contains {
				return fmt.Errorf("store: a part of a text cannot be part of a composite")
			}
			return s.stringMatch(t, m)
		})
	case search.Date:
		return anyOf(s, c.Any, func(x search.Range) error {
			return rangeOf(s, t+".since", t+".until", x.Op, x.Low, x.High)
		})
	case search.Reference:
		if c.Target != nil {
			return fmt.Errorf("store: a chain cannot be part of a composite")
		}
		return anyOf(s, c.Any, func(m search.ReferenceMatch) error {
			s.referenceIn(t+".norm", t+".rest", m)
			return nil
		})
	}
	return s.match(t, c)
}
