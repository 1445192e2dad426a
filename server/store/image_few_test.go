package store

import (
	"context"
	"path/filepath"
	"strings"
	"testing"

	"tenon/dicomweb/dicom"
	"tenon/dicomweb/index"
)

// The lists of studies that queries start from are found by indexes, never by
// reading a table.
func TestFewStudiesAreFoundByAnIndex(t *testing.T) {
	t.Parallel()
	s, err := Open(t.Context(), Options{URL: "sqlite://" + filepath.Join(t.TempDir(), "db")})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	match := func(tag dicom.Tag, op index.Op, value string) index.Match {
		return index.Match{Attribute: index.Lookup(tag), Op: op, Values: []string{value}}
	}
	fuzzy := match(dicom.PatientName, index.Equal, "wei wang")
	fuzzy.Fuzzy = index.FuzzyOf("wei wang")
	for name, m := range map[string]index.Match{
		"name":        match(dicom.PatientName, index.Equal, "wang^wei"),
		"name prefix": match(dicom.PatientName, index.Like, "wang*"),
		"name fuzzy":  fuzzy,
		"series":      match(0x0020000E, index.Equal, "1.2.3"),
		"instance":    match(0x00080018, index.Equal, "1.2.3.4"),
		"accession":   match(0x00080050, index.Equal, "A1"),
	} {
		st := newStatement(1, s.engine.dialect())
		if !st.byIndex(&m) {
			t.Errorf("%s: no index leads to its studies", name)
			continue
		}
		err := s.engine.read(context.Background(), short, func(q querier) error {
			return each(context.Background(), q, "EXPLAIN QUERY PLAN "+st.sql(), st.args, func(c cursor) error {
				var id, parent, unused int64
				var detail string
				err := c.scan(&id, &parent, &unused, &detail)
				if strings.HasPrefix(detail, "SCAN dicom_") {
					t.Errorf("%s: %s", name, detail)
				}
				return err
			})
		})
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if st := newStatement(1, s.engine.dialect()); st.byIndex(&index.Match{Attribute: index.Lookup(dicom.PatientName), Op: index.Like, Values: []string{"*wei"}}) {
		t.Error("a name by its end has no index, and one is told")
	}
}
