package store

import (
	"context"
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
	case m.Attribute.Level != index.StudyLevel || m.Attribute.Path != nil || m.Fuzzy != nil:
		return false
	case column == "patient_name":
		return s.byName(m)
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
