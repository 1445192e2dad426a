package store

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"tenon/server/search"
)

func (s *statement) tokenMatch(t string, m search.TokenMatch) {
	s.add("(")
	switch {
	case len(m.Codes) > 0:
		codes := make([]string, len(m.Codes))
		for i, c := range m.Codes {
			codes[i] = bounded(c)
		}
		s.inTexts(t+".code", codes)
	case m.Code != nil:
		s.add(t+".code = ?", bounded(*m.Code))
	default:
		s.add("TRUE")
	}
	if m.System != nil {
		s.add(" AND "+t+".system = ?", systemOf(*m.System))
	}
	s.add(")")
}

// stringMatch compares the first part of a text by index and what is behind it
// by itself.
func (s *statement) stringMatch(t string, m search.StringMatch) error {
	switch m.Mode {
	case search.Prefix:
		s.prefix(t+".norm", t+".rest", m.Value)
	case search.Contains:
		s.contains(t, m.Value)
	case search.Same:
		head, tail := split(m.Value, keptText)
		s.add("("+t+".norm = ? AND "+t+".rest = ?)", head, tail)
	case search.From:
		s.add(t+".norm >= ?", m.Value)
	case search.Before:
		s.add(t+".norm < ?", m.Value)
	case search.Suffix:
		if s.d.postgres {
			s.add("right("+t+".norm || "+t+".rest, ?) = ?", int64(len([]rune(m.Value))), m.Value)
		} else {
			s.add("substr("+t+".norm || "+t+".rest, -?) = ?", int64(len([]rune(m.Value))), m.Value)
		}
	case search.Exact:
		head, _ := split(search.Fold(m.Value), keptText)
		s.add("("+t+".norm = ? AND "+t+".exact = ?)", head, m.Value)
	default:
		return fmt.Errorf("store: unknown mode %d of a string", m.Mode)
	}
	return nil
}

// contains reads the index alone where a text has no second part: one that was
// cut fills the first.
func (s *statement) contains(t, value string) {
	in, size := "instr", "length(CAST("+t+".norm AS BLOB))"
	if s.d.postgres {
		in, size = "strpos", "octet_length("+t+".norm)"
	}
	z := s.alias("z")
	s.add("("+in+"("+t+".norm, ?) > 0 OR "+size+" > ? AND EXISTS (SELECT 1 FROM string_row "+z+" WHERE "+z+".rid = "+t+".rid AND "+z+".key = "+t+".key AND "+
		z+".norm = "+t+".norm AND "+in+"("+z+".norm || "+z+".rest, ?) > 0", value, int64(keptText-utf8.UTFMax), value)
	s.shut().add(")")
}

// prefix appends that a text, kept in two parts, begins with a value.
func (s *statement) prefix(norm, rest, value string) {
	head, tail := split(value, keptText)
	if tail != "" {
		s.add("("+norm+" = ? AND substr("+rest+", 1, ?) = ?)", head, int64(len([]rune(tail))), tail)
		return
	}
	s.add("("+norm+" >= ?", head)
	if end := after(head); end != "" {
		s.add(" AND "+norm+" < ?", end)
	}
	s.add(")")
}

// rangeOf appends how the row's interval [low, high] stands to the query's.
// What an index can use comes first in each.
// https://hl7.org/fhir/R4/search.html#prefix
func rangeOf[T int64 | float64](s *statement, low, high string, op search.Op, l, h T) error {
	switch op {
	case search.Equal:
		s.add("("+low+" >= ? AND "+low+" <= ? AND +"+high+" <= ?)", l, h, h) // +: SQLite would begin with it, which bounds one side only
	case search.NotEqual:
		s.add("("+low+" < ? OR "+high+" > ?)", l, h)
	case search.Greater:
		s.add(high+" > ?", h)
	case search.Less:
		s.add(low+" < ?", l)
	case search.GreaterOrEq:
		s.add("("+high+" >= ? AND ("+high+" > ? OR "+low+" >= ?))", l, h, l)
	case search.LessOrEq:
		s.add("("+low+" <= ? AND ("+low+" < ? OR "+high+" <= ?))", h, l, h)
	case search.StartsAfter:
		s.add(low+" > ?", h)
	case search.EndsBefore:
		s.add(high+" < ?", l)
	case search.Overlaps:
		s.add("("+low+" <= ? AND "+high+" >= ?)", h, l)
	case search.Includes:
		s.add("("+low+" <= ? AND "+high+" >= ?)", l, h)
	default:
		return fmt.Errorf("store: unknown comparison %d", op)
	}
	return nil
}

func (s *statement) numberMatch(t string, m search.NumberMatch) error {
	s.add("("+t+".canonical = ? AND ", truth(m.Canonical))
	if err := rangeOf(s, t+".low", t+".high", m.Op, m.Low, m.High); err != nil {
		return err
	}
	if m.System != nil {
		s.add(" AND "+t+".system = ?", systemOf(*m.System))
	}
	if m.Code != nil {
		s.add(" AND "+t+".code = ?", bounded(*m.Code))
	}
	s.add(")")
	return nil
}

func (s *statement) referenceMatch(t string, m search.ReferenceMatch) {
	s.referenceIn(t+".target", t+".type", m)
}

func (s *statement) referenceIn(target, typ string, m search.ReferenceMatch) {
	switch {
	case m.URL != "":
		s.add("("+target+" = ? AND "+typ+" = '')", bounded(m.URL))
	case m.Type != "":
		s.add("("+target+" = ? AND "+typ+" = ?)", bounded(m.ID), m.Type)
	default:
		s.add("("+target+" = ? AND "+typ+" <> '')", bounded(m.ID))
	}
}

// uriMatch compares by segments of the path.
// https://hl7.org/fhir/R4/search.html#uri
func (s *statement) uriMatch(t string, m search.URIMatch) {
	switch {
	case m.Below:
		base := strings.TrimRight(m.URI, "/")
		s.add("("+t+".uri = ? OR ", bounded(m.URI))
		head, _ := split(base+"/", keptText) // a URI that was cut is found by half of that
		s.prefix(t+".uri", "''", head)
		s.add(")")
	case m.Above:
		s.inTexts(t+".uri", above(m.URI))
	default:
		s.add(t+".uri = ?", bounded(m.URI))
	}
}

// above are all URIs at and over a URI in its path, with and without the slash.
func above(uri string) []string {
	all := []string{bounded(uri)}
	start := 0
	if i := strings.Index(uri, "://"); i >= 0 {
		start = i + len("://")
	}
	for i := len(uri) - 1; i >= start && len(all) < 128; i-- {
		if uri[i] == '/' {
			all = append(all, bounded(uri[:i]), bounded(uri[:i+1]))
		}
	}
	return all
}
