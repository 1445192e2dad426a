package store

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"tenon/dicomweb/index"
)

// fewStudies lists the studies that an index finds for one of the matches, when
// they are few: the query starts from these. Reach and every match are judged
// again with the final statement, whatever the list was made from.
func (s *statement) fewStudies(ctx context.Context, q querier, matches []index.Match) (uids []string, listed bool, err error) {
	for i := range matches {
		list := newStatement(s.tenant, s.d)
		if !list.byIndex(&matches[i]) {
			continue
		}
		uids = nil
		list.add(" LIMIT ?", int64(fewRows+1))
		if err := each(ctx, q, list.sql(), list.args, func(c cursor) error {
			uids = append(uids, "")
			return c.scan(&uids[len(uids)-1])
		}); err != nil {
			return nil, false, err
		}
		if len(uids) <= fewRows {
			return uids, true, nil
		}
	}
	return nil, false, nil
}

// byIndex selects the studies of a match where an index of theirs leads to them.
func (s *statement) byIndex(m *index.Match) bool {
	column := m.Attribute.Column
	switch {
	case column == "uid" && m.Op == index.Equal && m.Attribute.Level != index.StudyLevel:
		s.add("SELECT DISTINCT study FROM "+levels[m.Attribute.Level-1].table+" WHERE tenant = ? AND ", s.tenant)
		s.textMatch(column, *m)
		return true
	case m.Attribute.Level != index.StudyLevel || m.Attribute.Path != nil:
		return false
	case column == "patient_name":
		return s.byName(m) && s.byWords(m)
	case m.Fuzzy != nil:
		return false
	case column == "study_date" && m.Op != index.Like:
	case (column == "uid" || column == "patient_id" || column == "accession_number") && m.Op == index.Equal:
	default:
		return false
	}
	s.add("SELECT uid FROM dicom_study WHERE tenant = ? AND ", s.tenant)
	s.textMatch(column, *m)
	return true
}

// byName selects by the rows of names, and by the range that all begins with what
// stands before the first wildcard.
func (s *statement) byName(m *index.Match) bool {
	s.add("SELECT DISTINCT study FROM dicom_name WHERE tenant = ? AND ", s.tenant)
	if m.Op == index.Like {
		begins, _, _ := strings.Cut(m.Values[0], "*")
		begins, _, _ = strings.Cut(begins, "?")
		if begins == "" {
			return false
		}
		s.add("folded >= ? AND ", begins)
		if end := after(begins); end != "" {
			s.add("folded < ? AND ", end)
		}
	}
	s.textMatch("folded", *m)
	return true
}

// byWords adds what a fuzzy match may find beyond the name as it stands: studies
// with words that begin with all of it, or with the longest word of it. The rows
// are a superset; the match is judged again.
func (s *statement) byWords(m *index.Match) bool {
	if m.Fuzzy == nil {
		return true
	}
	longest := slices.MaxFunc(m.Fuzzy.Each, func(a, b string) int { return cmp.Compare(len(a), len(b)) })
	for _, begins := range []string{m.Fuzzy.Whole, longest} {
		s.add(" UNION SELECT uid FROM dicom_value WHERE tenant = ? AND path = ? AND value >= ?", s.tenant, index.WordsKey(m.Attribute.Tag), begins)
		if end := after(begins); end != "" {
			s.add(" AND value < ?", end)
		}
	}
	return true
}
