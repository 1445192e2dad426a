package indextest

import (
	"fmt"
	"reflect"
	"testing"

	"tenon/dicomweb/index"
	"tenon/server/access"
)

func testReach(t *testing.T, h Harness) {
	for i := range 3 {
		commit(t, h, study(i+1, nil, 1))
	}
	for name, c := range map[string]struct {
		reach access.Predicate
		want  []string
	}{
		"no reach":              {nil, nil},
		"nothing":               {access.Nothing{}, nil},
		"no alternative":        {access.AnyOf{}, nil},
		"one study":             {access.Is{Type: "ImagingStudy", ID: "study-2"}, []string{"1.2"}},
		"one of two":            {access.AnyOf{access.Is{Type: "ImagingStudy", ID: "study-1"}, access.Is{Type: "ImagingStudy", ID: "study-3"}}, []string{"1.1", "1.3"}},
		"another type":          {access.Is{Type: "Patient", ID: "study-2"}, nil},
		"a directory":           {access.TypeIn(access.Directory), nil},
		"the type":              {access.TypeIn{"ImagingStudy"}, []string{"1.1", "1.2", "1.3"}},
		"a case that is no one": {access.InCase{Principals: []string{"PractitionerRole/none"}}, nil},
		"everything":            {access.Everything{}, []string{"1.1", "1.2", "1.3"}},
	} {
		t.Run(name, func(t *testing.T) {
			expect(t, uids(t, h, c.reach, &index.Query{Level: index.StudyLevel}), c.want)
			for _, level := range []index.Level{index.SeriesLevel, index.InstanceLevel} {
				if got := uids(t, h, c.reach, &index.Query{Level: level}); len(got) != len(c.want) {
					t.Errorf("level %d: %v", level, got)
				}
			}
			read := map[string]bool{}
			for i := range 3 {
				uid := fmt.Sprintf("1.%d", i+1)
				for _, r := range all(t, h, c.reach, index.Key{Study: uid, Series: uid + ".1", Instance: uid + ".1.1"}) {
					read[r.Study.UID] = true
				}
				standing, err := h.Standing(t.Context(), c.reach, uid)
				if err != nil || (standing != nil) != read[uid] || standing != nil && (standing.UID != uid || standing.Resource != fmt.Sprintf("study-%d", i+1) || standing.Patient != "Patient/p") {
					t.Errorf("Standing of %s = %+v, %v; %v wanted", uid, standing, err, read[uid])
				}
				held, err := h.Holdings(t.Context(), c.reach, &index.HoldingsQuery{Tenant: "main", Study: uid})
				if err != nil || held.Study == nil || held.Reachable != read[uid] {
					t.Errorf("Holdings of %s = %+v, %v; reachable %v wanted", uid, held, err, read[uid])
				}
			}
			if len(read) != len(c.want) {
				t.Errorf("read %v, want %v", read, c.want)
			}
		})
	}
}

func testInstances(t *testing.T, h Harness) {
	commit(t, h, study(1, nil, 1200))
	commit(t, h, study(2, nil, 2))
	for name, c := range map[string]struct {
		key index.Key
		n   int
	}{
		"study":                     {index.Key{Study: "1.1"}, 1200},
		"series":                    {index.Key{Study: "1.2", Series: "1.2.1"}, 2},
		"instance":                  {index.Key{Study: "1.2", Series: "1.2.1", Instance: "1.2.1.2"}, 1},
		"series of another study":   {index.Key{Study: "1.1", Series: "1.2.1"}, 0},
		"instance of another study": {index.Key{Study: "1.1", Series: "1.1.1", Instance: "1.2.1.2"}, 0},
		"nothing":                   {index.Key{Study: "1.9"}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			list := all(t, h, everything, c.key)
			if len(list) != c.n {
				t.Fatalf("%d instances, want %d", len(list), c.n)
			}
			for i := range list {
				if i > 0 && *list[i].Instance.Number <= *list[i-1].Instance.Number {
					t.Errorf("instance %d has number %d", i, *list[i].Instance.Number)
				}
			}
		})
	}
	t.Run("a reader that stops", func(t *testing.T) {
		n := 0
		for range h.Instances(t.Context(), everything, index.Key{Study: "1.1"}) {
			if n++; n == 3 {
				break
			}
		}
		commit(t, h, study(3, nil, 1)) // nothing is left locked
	})
}

func testHoldings(t *testing.T, h Harness) {
	commit(t, h, study(1, nil, 3))
	commit(t, h, study(2, nil, 1))
	held, err := h.Holdings(t.Context(), everything, &index.HoldingsQuery{Tenant: "main", Study: "1.1",
		Series: []string{"1.2.1", "1.9.1"}, Instances: []string{"1.1.1.2", "1.2.1.1", "1.9.1.1"}, Members: 2})
	if err != nil {
		t.Fatal(err)
	}
	if held.Study == nil || held.Study.UID != "1.1" || held.Study.Resource != "study-1" || held.Study.Patient != "Patient/p" {
		t.Errorf("Study = %+v", held.Study)
	}
	series := map[string]string{}
	for _, s := range held.Series {
		series[s.UID] = s.Study
	}
	if want := map[string]string{"1.1.1": "1.1", "1.2.1": "1.2"}; !reflect.DeepEqual(series, want) {
		t.Errorf("Series = %v, want %v", series, want)
	}
	digests := map[string][32]byte{}
	for _, i := range held.Instances {
		digests[i.UID+" in "+i.Study+" "+i.Series] = i.Content.Digest
	}
	want := map[string][32]byte{
		"1.1.1.2 in 1.1 1.1.1": instance(&index.Series{UID: "1.1.1", Study: "1.1"}, 2).Content.Digest,
		"1.2.1.1 in 1.2 1.2.1": instance(&index.Series{UID: "1.2.1", Study: "1.2"}, 1).Content.Digest,
	}
	if !reflect.DeepEqual(digests, want) {
		t.Errorf("Instances = %v, want %v", digests, want)
	}
	if len(held.Members) != 2 || held.Members[0].UID != "1.1.1.1" || held.Members[1].UID != "1.1.1.2" || *held.Members[1].Number != 2 {
		t.Errorf("Members = %+v", held.Members)
	}
	none, err := h.Holdings(t.Context(), everything, &index.HoldingsQuery{Tenant: "main", Study: "1.9"})
	if err != nil || none.Study != nil || none.Reachable || len(none.Series)+len(none.Instances)+len(none.Members) != 0 {
		t.Errorf("of nothing: %+v, %v", none, err)
	}
	other, err := h.Holdings(t.Context(), everything, &index.HoldingsQuery{Tenant: "other", Study: "1.1", Instances: []string{"1.1.1.1"}})
	if err != nil || other.Study != nil || len(other.Instances) != 0 {
		t.Errorf("of another tenant: %+v, %v", other, err)
	}
}

// testReplace checks that rows of study and series are replaced, names too.
func testReplace(t *testing.T, h Harness) {
	rows := study(1, nil, 1)
	commit(t, h, rows)
	s, r := *rows[0].(*index.Study), *rows[1].(*index.Series)
	s.PatientName, s.Instances, r.Instances, r.Description = "Roe^Jane", number(2), number(2), "second"
	s.Names = index.FoldNames(s.PatientName)
	next := []any{&s, &r, instance(&r, 2)}
	for _, v := range s.NameValues() {
		next = append(next, v)
	}
	commit(t, h, next)
	kept := s
	kept.Names, kept.NamesKept, kept.Instances = nil, true, number(3)
	commit(t, h, []any{&kept, &r, instance(&r, 3)})
	for name, want := range map[string][]string{"roe": {"1.1"}, "doe": nil} {
		m := index.Match{Attribute: index.Lookup(tagName), Values: []string{"none"}, Fuzzy: index.FuzzyOf(name)}
		expect(t, uids(t, h, everything, &index.Query{Level: index.StudyLevel, Matches: []index.Match{m}}), want)
	}
	for name, want := range map[string][]string{"roe*": {"1.1"}, "doe*": nil} {
		expect(t, uids(t, h, everything, &index.Query{Level: index.StudyLevel, Matches: []index.Match{like(tagName, name)}}), want)
	}
	list := all(t, h, everything, index.Key{Study: "1.1"})
	if len(list) != 3 || *list[0].Study.Instances != 3 || list[0].Series.Description != "second" {
		t.Errorf("%d instances: %+v", len(list), list)
	}
}

// testConflict checks that a unit fails whole where a UID belongs elsewhere.
func testConflict(t *testing.T, h Harness) {
	commit(t, h, study(1, nil, 1))
	otherResource := study(1, nil, 0)
	otherResource[0].(*index.Study).Resource = "study-9"
	elsewhere := study(2, func(_ *index.Study, r *index.Series) { r.UID = "1.1.1" }, 0)
	again := append(study(3, nil, 1), func() any {
		x := instance(&index.Series{UID: "1.3.1", Study: "1.3"}, 5)
		x.UID = "1.1.1.1"
		return x
	}())
	for name, rows := range map[string][]any{
		"a study under another resource":    otherResource,
		"a series of another study":         elsewhere,
		"an instance that is stored":        again,
		"an instance that is stored, again": study(1, nil, 1),
	} {
		t.Run(name, func(t *testing.T) {
			resource := rows[0].(*index.Study).Resource
			if err := h.Commit(t, resource, rows...); !h.Stale(err) {
				t.Errorf("Commit = %v, want record.ErrStale", err)
			}
		})
	}
	expect(t, uids(t, h, everything, &index.Query{Level: index.StudyLevel}), []string{"1.1"})
	expect(t, uids(t, h, everything, &index.Query{Level: index.InstanceLevel}), []string{"1.1.1.1"})
}
