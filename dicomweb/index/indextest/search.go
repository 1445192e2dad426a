package indextest

import (
	"fmt"
	"reflect"
	"testing"

	"tenon/dicomweb/dicom"
	"tenon/dicomweb/index"
)

const (
	tagDate      dicom.Tag = 0x00080020
	tagTime      dicom.Tag = 0x00080030
	tagAccession dicom.Tag = 0x00080050
	tagModality  dicom.Tag = 0x00080060
	tagModals    dicom.Tag = 0x00080061
	tagName      dicom.Tag = 0x00100010
	tagID        dicom.Tag = 0x00100020
	tagStudy     dicom.Tag = 0x0020000D
	tagNumber    dicom.Tag = 0x00200011
	tagCount     dicom.Tag = 0x00201208
	tagInstance  dicom.Tag = 0x00200013
	tagImageType dicom.Tag = 0x00080008
)

func equal(t dicom.Tag, values ...string) index.Match {
	return index.Match{Attribute: index.Lookup(t), Values: values}
}

func like(t dicom.Tag, pattern string) index.Match {
	return index.Match{Attribute: index.Lookup(t), Op: index.Like, Values: []string{pattern}}
}

func between(t dicom.Tag, from, to string) index.Match {
	return index.Match{Attribute: index.Lookup(t), Op: index.Between, From: from, To: to}
}

func testSearch(t *testing.T, h Harness) {
	commit(t, h, study(1, func(s *index.Study, _ *index.Series) {
		s.Date, s.Time, s.PatientID, s.AccessionNumber = "20260101", "101500.5", "A_1", "50%"
		s.PatientName, s.Modalities = "Wang^XiaoDong=王^小东", `CT\SEG`
	}, 1))
	commit(t, h, study(2, func(s *index.Study, r *index.Series) {
		s.Date, s.Time, s.PatientID, s.AccessionNumber = "20260102", "101500", "AB1", "500"
		s.PatientName, s.Modalities, r.Modality = "Smith^Anna", "CTX", "CTX"
	}, 2))
	commit(t, h, study(3, func(s *index.Study, r *index.Series) {
		s.PatientID, s.AccessionNumber, s.PatientName, r.Number = "a[b]*", `x'"\`, "SMITH", nil
	}, 3))
	for _, c := range []struct {
		match index.Match
		want  []string // newest first; without date last
	}{
		{equal(tagID, "A_1"), []string{"1.1"}},
		{equal(tagID, "a_1"), nil},
		{equal(tagID, "A_1", "AB1", "none"), []string{"1.2", "1.1"}},
		{equal(tagID, "a[b]*"), []string{"1.3"}},
		{like(tagID, "A*1"), []string{"1.2", "1.1"}},
		{like(tagID, "A?1"), []string{"1.2", "1.1"}},
		{like(tagID, "A_*"), []string{"1.1"}},
		{like(tagID, "a*"), []string{"1.3"}},
		{like(tagID, "a[b]?"), []string{"1.3"}},
		{like(tagID, "*B*"), []string{"1.2"}},
		{like(tagID, "?"), nil},
		{like(tagAccession, "50%*"), []string{"1.1"}},
		{like(tagAccession, "50*"), []string{"1.2", "1.1"}},
		{equal(tagAccession, `x'"\`), []string{"1.3"}},
		{like(tagAccession, `x'"\*`), []string{"1.3"}},
		{between(tagDate, "20260101", "20260101"), []string{"1.1"}},
		{between(tagDate, "20260101", ""), []string{"1.2", "1.1"}},
		{between(tagDate, "", "20260101"), []string{"1.1"}},
		{between(tagDate, "20270101", ""), nil},
		{between(tagTime, "101500", "101500.999999"), []string{"1.2", "1.1"}},
		{between(tagTime, "101500.1", ""), []string{"1.1"}},
		{equal(tagModals, "CT"), []string{"1.1"}},
		{equal(tagModals, "SEG", "CTX"), []string{"1.2", "1.1"}},
		{like(tagModals, "CT?"), []string{"1.2"}},
		{like(tagModals, "S*"), []string{"1.1"}},
		{equal(tagName, "smith"), []string{"1.3"}},
		{equal(tagName, "王^小东"), []string{"1.1"}},
		{like(tagName, "smith*"), []string{"1.2", "1.3"}},
		{like(tagName, "*xiao*"), []string{"1.1"}},
		{like(tagName, "王*"), []string{"1.1"}},
		{like(tagName, "王??东"), []string{"1.1"}},
		{equal(tagStudy, "1.1", "1.3", "1.9"), []string{"1.1", "1.3"}},
		{equal(tagCount, "2"), []string{"1.2"}},
		{equal(tagCount, "2", "3"), []string{"1.2", "1.3"}},
	} {
		t.Run(fmt.Sprintf("%v %d %v%s-%s", c.match.Attribute.Tag, c.match.Op, c.match.Values, c.match.From, c.match.To), func(t *testing.T) {
			expect(t, uids(t, h, everything, &index.Query{Level: index.StudyLevel, Matches: []index.Match{c.match}}), c.want)
		})
	}
	t.Run("all matches must hold", func(t *testing.T) {
		q := &index.Query{Level: index.StudyLevel, Matches: []index.Match{like(tagName, "smith*"), equal(tagCount, "3")}}
		expect(t, uids(t, h, everything, q), []string{"1.3"})
		q = &index.Query{Level: index.StudyLevel, Matches: []index.Match{like(tagName, "wang*"), like(tagName, "王*")}}
		expect(t, uids(t, h, everything, q), []string{"1.1"})
	})
}

func testLevels(t *testing.T, h Harness) {
	commit(t, h, study(1, func(s *index.Study, _ *index.Series) { s.PatientID = "A" }, 2))
	commit(t, h, study(2, func(s *index.Study, r *index.Series) { s.PatientID, r.Modality, r.Number = "B", "MR", nil }, 1))
	for name, c := range map[string]struct {
		q    index.Query
		want []string
	}{
		"series":                           {index.Query{Level: index.SeriesLevel}, []string{"1.1.1", "1.2.1"}},
		"series by a key of the study":     {index.Query{Level: index.SeriesLevel, Matches: []index.Match{equal(tagID, "B")}}, []string{"1.2.1"}},
		"series by their own key":          {index.Query{Level: index.SeriesLevel, Matches: []index.Match{equal(tagModality, "CT")}}, []string{"1.1.1"}},
		"series by number":                 {index.Query{Level: index.SeriesLevel, Matches: []index.Match{equal(tagNumber, "1")}}, []string{"1.1.1"}},
		"series of a study":                {index.Query{Level: index.SeriesLevel, Key: index.Key{Study: "1.2"}}, []string{"1.2.1"}},
		"instances":                        {index.Query{Level: index.InstanceLevel}, []string{"1.1.1.1", "1.1.1.2", "1.2.1.1"}},
		"instances of a study":             {index.Query{Level: index.InstanceLevel, Key: index.Key{Study: "1.1"}}, []string{"1.1.1.1", "1.1.1.2"}},
		"instances of a series":            {index.Query{Level: index.InstanceLevel, Key: index.Key{Study: "1.2", Series: "1.2.1"}}, []string{"1.2.1.1"}},
		"series of another study":          {index.Query{Level: index.InstanceLevel, Key: index.Key{Study: "1.1", Series: "1.2.1"}}, nil},
		"instances by a key of the series": {index.Query{Level: index.InstanceLevel, Matches: []index.Match{equal(tagModality, "MR")}}, []string{"1.2.1.1"}},
		"instances by a name": {index.Query{Level: index.InstanceLevel, Matches: []index.Match{equal(tagName, "doe^jane"), equal(tagInstance, "1")}},
			[]string{"1.1.1.1", "1.2.1.1"}},
		"instances by a value of a list": {index.Query{Level: index.InstanceLevel, Matches: []index.Match{equal(tagImageType, "PRIMARY"), equal(tagInstance, "2")}},
			[]string{"1.1.1.2"}},
	} {
		t.Run(name, func(t *testing.T) { expect(t, uids(t, h, everything, &c.q), c.want) })
	}
}

func testOrder(t *testing.T, h Harness) {
	dates := []string{"", "20260101", "20260103", "20260102", "20260103"}
	for i, date := range dates {
		commit(t, h, study(i+1, func(s *index.Study, _ *index.Series) { s.Date = date }, 1))
	}
	expect(t, uids(t, h, everything, &index.Query{Level: index.StudyLevel}), []string{"1.3", "1.5", "1.4", "1.2", "1.1"})
	many := study(6, func(_ *index.Study, r *index.Series) { r.Number = number(7) }, 0)
	first := many[1].(*index.Series)
	for i, n := range []*int64{number(10), nil, number(2), number(-1)} {
		x := instance(first, i+1)
		x.Number = n
		many = append(many, x)
	}
	for i, n := range []*int64{nil, number(3)} {
		many = append(many, &index.Series{UID: fmt.Sprintf("1.6.%d", 8+i), Study: "1.6", Number: n, Instances: number(0)})
	}
	commit(t, h, many)
	k := index.Key{Study: "1.6"}
	expect(t, uids(t, h, everything, &index.Query{Level: index.SeriesLevel, Key: k}), []string{"1.6.9", "1.6.1", "1.6.8"})
	expect(t, uids(t, h, everything, &index.Query{Level: index.InstanceLevel, Key: k}), []string{"1.6.1.4", "1.6.1.3", "1.6.1.1", "1.6.1.2"})
}

func testPage(t *testing.T, h Harness) {
	for i := range 5 {
		commit(t, h, study(i+1, nil, 1))
	}
	for _, c := range []struct {
		limit, offset, n int
		more             bool
	}{{5, 0, 5, false}, {4, 0, 4, true}, {2, 2, 2, true}, {2, 3, 2, false}, {2, 5, 0, false}, {2, 500, 0, false}} {
		page, err := h.Search(t.Context(), everything, &index.Query{Level: index.StudyLevel, Limit: c.limit, Offset: c.offset})
		if err != nil || len(page.Results) != c.n || page.More != c.more {
			t.Errorf("limit %d, offset %d: %v, %v; want %d results, more %v", c.limit, c.offset, page, err, c.n, c.more)
		}
	}
}

// testRows checks that every column and every part of the content comes back.
func testRows(t *testing.T, h Harness) {
	rows := study(1, nil, 1)
	r := index.Result{Study: *rows[0].(*index.Study), Series: *rows[1].(*index.Series), Instance: *rows[2].(*index.Instance)}
	for i := range index.Attributes {
		switch field := index.Attributes[i].Field(&r).(type) {
		case *string:
			if *field == "" {
				*field = fmt.Sprintf("value %d ü王", i)
			}
		case **int64:
			*field = number(int64(1)<<40 + int64(i))
		}
	}
	r.Study.Names = index.FoldNames(r.Study.PatientName)
	commit(t, h, []any{&r.Study, &r.Series, &r.Instance})
	want := r
	want.Study.Names = nil // rows of their own
	for _, got := range all(t, h, everything, index.Key{Study: "1.1"}) {
		got.Study.Names, got.Study.Stamp = nil, index.Stamp{}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("Instances = %+v\nwant        %+v", got, want)
		}
	}
	page, err := h.Search(t.Context(), everything, &index.Query{Level: index.InstanceLevel, Limit: 1, Content: true})
	if err != nil || len(page.Results) != 1 {
		t.Fatalf("Search = %v, %v", page, err)
	}
	got := page.Results[0]
	if string(got.Instance.Content.Metadata) != string(want.Instance.Content.Metadata) {
		t.Errorf("Metadata = %v", got.Instance.Content.Metadata)
	}
	got.Study.Names, got.Study.Stamp, got.Instance.Content, want.Instance.Content = nil, index.Stamp{}, index.Content{}, index.Content{}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("Search = %+v\nwant     %+v", got, want)
	}
}
