package dicomweb_test

import (
	"cmp"
	"context"
	"errors"
	"iter"
	"slices"
	"strconv"
	"strings"
	"testing"

	"tenon/dicomweb/index"
	"tenon/dicomweb/index/indextest"
	"tenon/server/access"
	"tenon/server/record"
)

// imaging is the index.Store of the house.
type imaging struct{ *house }

func (i imaging) reaches(reach access.Predicate, s *index.Study) bool {
	switch p := reach.(type) {
	case access.Everything:
		return true
	case access.AnyOf:
		return slices.ContainsFunc(p, func(q access.Predicate) bool { return i.reaches(q, s) })
	case access.AllOf:
		return !slices.ContainsFunc(p, func(q access.Predicate) bool { return !i.reaches(q, s) })
	case access.Unwithheld: // nobody in the house withholds anything
		return true
	case access.Is:
		return p.Type == "ImagingStudy" && p.ID == s.Resource
	case access.TypeIn:
		return slices.Contains(p, "ImagingStudy")
	case access.InCase:
		return slices.ContainsFunc(p.Principals, func(who string) bool {
			return slices.Contains(i.visible[who], "ImagingStudy/"+s.Resource)
		})
	}
	return false
}

func (i imaging) rows(reach access.Predicate, l index.Level) []index.Result {
	var list []index.Result
	add := func(study string, r index.Result) {
		if s := i.studies[study]; s != nil && i.reaches(reach, s) {
			r.Study = *s
			r.Study.Stamp = i.stamp(s)
			list = append(list, r)
		}
	}
	switch l {
	case index.StudyLevel:
		for uid := range i.studies {
			add(uid, index.Result{})
		}
	case index.SeriesLevel:
		for _, s := range i.series {
			add(s.Study, index.Result{Series: *s})
		}
	default:
		for _, x := range i.instances {
			add(x.Study, index.Result{Series: *i.series[x.Series], Instance: *x})
		}
	}
	slices.SortFunc(list, func(a, b index.Result) int { return compare(l, &a, &b) })
	return list
}

func compare(l index.Level, a, b *index.Result) int {
	if l == index.StudyLevel {
		return cmp.Or(-cmp.Compare(a.Study.Date, b.Study.Date), cmp.Compare(a.Study.UID, b.Study.UID))
	}
	if l == index.SeriesLevel {
		return cmp.Or(cmp.Compare(a.Study.UID, b.Study.UID), numbers(a.Series.Number, b.Series.Number), cmp.Compare(a.Series.UID, b.Series.UID))
	}
	return cmp.Or(cmp.Compare(a.Study.UID, b.Study.UID), cmp.Compare(a.Series.UID, b.Series.UID),
		numbers(a.Instance.Number, b.Instance.Number), cmp.Compare(a.Instance.UID, b.Instance.UID))
}

func numbers(a, b *int64) int {
	switch {
	case a == nil && b == nil:
		return 0
	case a == nil:
		return 1
	case b == nil:
		return -1
	}
	return cmp.Compare(*a, *b)
}

func inKey(k index.Key, r *index.Result) bool {
	return (k.Study == "" || k.Study == r.Study.UID) && (k.Series == "" || k.Series == r.Series.UID) &&
		(k.Instance == "" || k.Instance == r.Instance.UID)
}

func (i imaging) Search(_ context.Context, reach access.Predicate, q *index.Query) (*index.Page, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	page := &index.Page{}
	for _, r := range i.rows(reach, q.Level) {
		if !inKey(q.Key, &r) || slices.ContainsFunc(q.Matches, func(m index.Match) bool { return !i.meets(&m, &r) }) {
			continue
		}
		if !q.Content {
			r.Instance.Content = index.Content{}
		}
		page.Results = append(page.Results, r)
	}
	page.Results = page.Results[min(q.Offset, len(page.Results)):]
	if len(page.Results) > q.Limit {
		page.Results, page.More = page.Results[:q.Limit], true
	}
	return page, nil
}

func (i imaging) meets(m *index.Match, r *index.Result) bool {
	if m.Attribute.Path != nil {
		uid := []string{"", r.Study.UID, r.Series.UID, r.Instance.UID}[m.Attribute.Level]
		return among(m, i.values[m.Attribute.Key()+" "+uid])
	}
	if m.Fuzzy != nil && i.resembles(m, r.Study.UID) {
		return true
	}
	values := []string{""}
	switch f := m.Attribute.Field(r).(type) {
	case *string:
		values[0] = *f
		if m.Attribute.Kind == index.List {
			values = strings.Split(*f, `\`)
		}
		if m.Attribute.Kind == index.Name {
			values = index.FoldNames(*f)
		}
	case **int64:
		if *f != nil {
			values[0] = strconv.FormatInt(**f, 10)
		}
	}
	return among(m, values)
}

// resembles tells whether a name meets the fuzzy alternative.
func (i imaging) resembles(m *index.Match, study string) bool {
	words := i.values[index.WordsKey(m.Attribute.Tag)+" "+study]
	begins := func(p string) bool {
		return slices.ContainsFunc(words, func(w string) bool { return strings.HasPrefix(w, p) })
	}
	return begins(m.Fuzzy.Whole) || !slices.ContainsFunc(m.Fuzzy.Each, func(p string) bool { return !begins(p) })
}

func among(m *index.Match, values []string) bool {
	return slices.ContainsFunc(values, func(v string) bool {
		switch m.Op {
		case index.Between:
			return v != "" && v >= m.From && (m.To == "" || v <= m.To)
		case index.Like:
			return wild([]rune(m.Values[0]), []rune(v))
		}
		return slices.Contains(m.Values, v)
	})
}

// wild matches * and ?.
func wild(pattern, v []rune) bool {
	if len(pattern) == 0 {
		return len(v) == 0
	}
	if pattern[0] == '*' {
		return wild(pattern[1:], v) || len(v) > 0 && wild(pattern, v[1:])
	}
	return len(v) > 0 && (pattern[0] == '?' || pattern[0] == v[0]) && wild(pattern[1:], v[1:])
}

func (i imaging) Instances(_ context.Context, reach access.Predicate, k index.Key) iter.Seq2[*index.Result, error] {
	i.mu.Lock()
	defer i.mu.Unlock()
	list := i.rows(reach, index.InstanceLevel)
	return func(yield func(*index.Result, error) bool) {
		for n := range list {
			if inKey(k, &list[n]) && !yield(&list[n], nil) {
				return
			}
		}
	}
}

func (i imaging) Standing(_ context.Context, reach access.Predicate, study string) (*index.Study, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	s := i.studies[study]
	if study == "" || s == nil || !i.reaches(reach, s) {
		return nil, nil
	}
	return &index.Study{UID: s.UID, Resource: s.Resource, Patient: s.Patient, Stamp: i.stamp(s)}, nil
}

func (i imaging) stamp(s *index.Study) index.Stamp {
	versions := i.versions["ImagingStudy/"+s.Resource]
	if len(versions) == 0 {
		return index.Stamp{}
	}
	return index.Stamp{Version: int64(len(versions)), Updated: versions[len(versions)-1].Updated.UnixNano()}
}

func (i imaging) Holdings(_ context.Context, reach access.Predicate, q *index.HoldingsQuery) (*index.Holdings, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	h := &index.Holdings{}
	if q.Tenant != "main" {
		return h, nil
	}
	if s := i.studies[q.Study]; s != nil {
		h.Study, h.Reachable = clone(s), i.reaches(reach, s)
	}
	for _, s := range i.series {
		if s.Study == q.Study || slices.Contains(q.Series, s.UID) {
			h.Series = append(h.Series, *s)
		}
	}
	for _, x := range i.rows(access.Everything{}, index.InstanceLevel) {
		if slices.Contains(q.Instances, x.Instance.UID) {
			h.Instances = append(h.Instances, x.Instance)
		}
		if x.Study.UID == q.Study && len(h.Members) < q.Members {
			h.Members = append(h.Members, x.Instance)
		}
	}
	return h, nil
}

// shelf is the house under the suite of the index, so that the double of these
// tests behaves like a store.
type shelf struct{ imaging }

func (s shelf) Commit(_ *testing.T, _ string, rows ...any) error {
	if !s.keep(rows) {
		return record.ErrStale
	}
	return nil
}

func (shelf) Stale(err error) bool { return errors.Is(err, record.ErrStale) }

func TestTheDoublePassesTheSuite(t *testing.T) {
	indextest.Run(t, func(*testing.T) indextest.Harness { return shelf{imaging{newHouse()}} })
}
