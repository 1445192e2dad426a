package indextest

import (
	"testing"

	"tenon/dicomweb/dicom"
	"tenon/dicomweb/index"
)

const tagReferring dicom.Tag = 0x00080090

// testFuzzy checks the words of names, of the patient and of the physician.
func testFuzzy(t *testing.T, h Harness) {
	for i, name := range []string{"Wang^XiaoDong=王^小东", "Smith^Anna", "Smithers^Anna Maria", `x%_*[a]^\`} {
		commit(t, h, study(i+1, func(s *index.Study, _ *index.Series) {
			s.PatientName, s.ReferringPhysician = name, "Li^Wei=李^伟"
			if i == 1 {
				s.ReferringPhysician = "Smith^Doc"
			}
		}, 1))
	}
	for _, c := range []struct {
		tag   dicom.Tag
		asked string
		want  []string
	}{
		{tagName, "xiao wang", []string{"1.1"}},
		{tagName, "wang xiao dong", []string{"1.1"}},
		{tagName, "王小", []string{"1.1"}},
		{tagName, "anna smith", []string{"1.2", "1.3"}},
		{tagName, "maria", []string{"1.3"}},
		{tagName, "li", nil},
		{tagName, "a", []string{"1.2", "1.3", "1.4"}},
		{tagName, "x", []string{"1.1", "1.4"}},
		{tagReferring, "li", []string{"1.1", "1.3", "1.4"}},
		{tagReferring, "李伟", []string{"1.1", "1.3", "1.4"}},
		{tagReferring, "smith", []string{"1.2"}},
	} {
		m := index.Match{Attribute: index.Lookup(c.tag), Values: []string{"no such name"}, Fuzzy: index.FuzzyOf(c.asked)}
		t.Run(c.tag.String()+" "+c.asked, func(t *testing.T) {
			expect(t, uids(t, h, everything, &index.Query{Level: index.StudyLevel, Matches: []index.Match{m}}), c.want)
		})
	}
	t.Run("groups of a name that is no column of names", func(t *testing.T) {
		expect(t, uids(t, h, everything, &index.Query{Level: index.StudyLevel, Matches: []index.Match{equal(tagReferring, "李^伟")}}), []string{"1.1", "1.3", "1.4"})
		expect(t, uids(t, h, everything, &index.Query{Level: index.StudyLevel, Matches: []index.Match{like(tagReferring, "smith*")}}), []string{"1.2"})
	})
	t.Run("literal or fuzzy", func(t *testing.T) {
		m := index.Match{Attribute: index.Lookup(tagName), Op: index.Like, Values: []string{"*ith*"}, Fuzzy: index.FuzzyOf("wang")}
		expect(t, uids(t, h, everything, &index.Query{Level: index.StudyLevel, Matches: []index.Match{m}}), []string{"1.1", "1.2", "1.3"})
	})
}

// testExtra checks extra attributes at every level.
func testExtra(t *testing.T, h Harness) {
	extra := func(name string) *index.Attribute {
		a, err := index.ParseExtra(name)
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	comments, site, kvp, day := extra("study:PatientComments"), extra("series:00400275.00400007"), extra("instance:KVP"), extra("instance:00404052")
	for i, rows := range [][]any{study(1, nil, 2), study(2, nil, 1)} {
		uid := rows[0].(*index.Study).UID
		commit(t, h, append(rows,
			&index.Value{Path: comments.Key(), UID: uid, Values: []string{"urgent", "again"}[i:]},
			&index.Value{Path: site.Key(), UID: uid + ".1", Values: []string{"CT of the skull"}},
			&index.Value{Path: kvp.Key(), UID: uid + ".1.1", Values: []string{[]string{"120", "80"}[i]}},
			&index.Value{Path: day.Key(), UID: uid + ".1.1", Values: []string{[]string{"20260101", "20260301"}[i]}}))
	}
	for name, c := range map[string]struct {
		level index.Level
		match index.Match
		want  []string
	}{
		"a study":                   {index.StudyLevel, index.Match{Attribute: comments, Values: []string{"urgent"}}, []string{"1.1"}},
		"one of several rows":       {index.StudyLevel, index.Match{Attribute: comments, Values: []string{"again"}}, []string{"1.1", "1.2"}},
		"nothing":                   {index.StudyLevel, index.Match{Attribute: comments, Values: []string{"120"}}, nil},
		"instances of a study":      {index.InstanceLevel, index.Match{Attribute: comments, Op: index.Like, Values: []string{"urg*"}}, []string{"1.1.1.1", "1.1.1.2"}},
		"series by an item's value": {index.SeriesLevel, index.Match{Attribute: site, Op: index.Like, Values: []string{"*skull"}}, []string{"1.1.1", "1.2.1"}},
		"an instance":               {index.InstanceLevel, index.Match{Attribute: kvp, Values: []string{"120"}}, []string{"1.1.1.1"}},
		"a range":                   {index.InstanceLevel, index.Match{Attribute: day, Op: index.Between, From: "20260201"}, []string{"1.2.1.1"}},
	} {
		t.Run(name, func(t *testing.T) {
			expect(t, uids(t, h, everything, &index.Query{Level: c.level, Matches: []index.Match{c.match}}), c.want)
		})
	}
}
