package dicomweb

import (
	"slices"
	"strings"

	"tenon/dicomweb/index"
)

// merge makes the rows of the study and of its series from what is stored and
// what is fresh. A value that is stored stays; an empty one is filled by the
// first instance that has it.
func (u *unit) merge(resource string) {
	u.study = u.fresh[0].study
	if u.held.Study != nil {
		u.study = *u.held.Study
	}
	u.study.Resource = resource
	rows := map[string]*index.Series{}
	for _, s := range u.held.Series {
		if s.Study == u.study.UID {
			rows[s.UID] = &s
		}
	}
	counts := map[string]int64{}
	for _, a := range u.fresh {
		row := rows[a.series.UID]
		if row == nil {
			row = &a.series
			rows[row.UID] = row
		}
		counts[row.UID]++
		fillEmpty(&index.Result{Study: u.study, Series: *row}, &index.Result{Study: a.study, Series: a.series}, func(r *index.Result) {
			u.study, *row = r.Study, r.Series
		})
		u.study.Modalities = include(u.study.Modalities, row.Modality)
		u.study.SOPClasses = include(u.study.SOPClasses, a.instance.SOPClass)
	}
	u.study.NamesKept = u.held.Study != nil && u.study.PatientName == u.held.Study.PatientName &&
		u.study.ReferringPhysician == u.held.Study.ReferringPhysician
	u.study.Names = index.FoldNames(u.study.PatientName)
	u.study.Series = number(int64(len(rows)))
	u.study.Instances = number(value(u.study.Instances) + int64(len(u.fresh)))
	u.series = nil
	for uid, n := range counts {
		row := *rows[uid]
		row.Instances = number(value(row.Instances) + n)
		u.series = append(u.series, &row)
	}
	slices.SortFunc(u.series, func(a, b *index.Series) int { return strings.Compare(a.UID, b.UID) })
}

// fillEmpty takes from b what is empty in a, at the levels of study and series.
func fillEmpty(a, b *index.Result, done func(*index.Result)) {
	for i := range index.Attributes {
		at := &index.Attributes[i]
		if at.Level == index.InstanceLevel {
			continue
		}
		switch field := at.Field(a).(type) {
		case *string:
			if *field == "" {
				*field = *at.Field(b).(*string)
			}
		case **int64:
			if *field == nil {
				*field = *at.Field(b).(**int64)
			}
		}
	}
	done(a)
}

// include adds a value to a list divided by backslashes, in ascending order.
func include(list, value string) string {
	if value == "" {
		return list
	}
	var values []string
	if list != "" {
		values = strings.Split(list, `\`)
	}
	i, there := slices.BinarySearch(values, value)
	if there {
		return list
	}
	return strings.Join(slices.Insert(values, i, value), `\`)
}

func number(n int64) *int64 { return &n }

func value(n *int64) int64 {
	if n == nil {
		return 0
	}
	return *n
}
