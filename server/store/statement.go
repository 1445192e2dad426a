package store

import (
	"encoding/json"
	"strconv"
	"strings"
)

// statement is SQL in the making: text with ? and the values for it, in order.
type statement struct {
	text    strings.Builder
	args    []any
	tenant  int64
	d       dialect
	aliases int
}

func newStatement(tenant int64, d dialect) *statement { return &statement{tenant: tenant, d: d} }

// add appends text that holds one ? for each value.
func (s *statement) add(text string, values ...any) *statement {
	s.text.WriteString(text)
	s.args = append(s.args, values...)
	return s
}

// join appends another statement.
func (s *statement) join(o *statement) *statement { return s.add(o.text.String(), o.args...) }

// shut ends EXISTS (…. On PostgreSQL OFFSET 0 keeps it a question that is asked of
// one row after the other: the planner would make joins of several, and without
// statistics begin them at the wrong end (minutes for a hundred resources).
func (s *statement) shut() *statement {
	if s.d.postgres {
		return s.add(" OFFSET 0)")
	}
	return s.add(")")
}

func (s *statement) sql() string { return s.text.String() }

// sub is an empty statement for a part of this one; names of aliases go on.
func (s *statement) alias(prefix string) string {
	s.aliases++
	return prefix + strconv.Itoa(s.aliases)
}

// inTexts appends column IN (values).
func (s *statement) inTexts(column string, values []string) *statement {
	switch {
	case len(values) == 0:
		return s.add("FALSE")
	case len(values) == 1:
		return s.add(column+" = ?", values[0])
	case s.d.postgres:
		return s.add(column+" = ANY (?)", values)
	case len(values) <= 8:
		s.add(column + " IN (?" + strings.Repeat(", ?", len(values)-1) + ")")
		for _, v := range values {
			s.args = append(s.args, v)
		}
		return s
	}
	list, _ := json.Marshal(values) // strings always encode
	return s.add(column+" IN (SELECT value FROM json_each(?))", string(list))
}

// inRows appends column IN (row numbers).
func (s *statement) inRows(column string, rows []int64) *statement {
	if len(rows) == 0 {
		return s.add("FALSE")
	}
	if s.d.postgres {
		return s.add(column+" = ANY (?)", rows)
	}
	list := make([]byte, 0, 8*len(rows))
	list = append(list, '[')
	for i, r := range rows {
		if i > 0 {
			list = append(list, ',')
		}
		list = strconv.AppendInt(list, r, 10)
	}
	return s.add(column+" IN (SELECT value FROM json_each(?))", string(append(list, ']')))
}
