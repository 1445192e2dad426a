package storetest

import (
	"fmt"
	"slices"
	"time"

	"tenon/server/record"
	"tenon/server/search"
)

var orderTests = map[string]func(*fixture){
	"sorts":                               sorts,
	"paging sees each once":               pagingOnce,
	"paging is stable while rows come":    pagingStable,
	"paging from a person's few cases":    pagingFew,
	"cursor of another sort is refused":   badCursor,
	"a rare match behind many is reached": rareMatch,
}

func key(param, kind string, desc bool) search.Sort {
	return search.Sort{Key: search.KeyOf("Patient", param), Kind: kind, Desc: desc}
}

func sorts(f *fixture) {
	f.put(
		Make("Patient", "b", 1, Updated(Start.Add(3*time.Hour)), String("name", "Zhao"), String("name", "Chen"), Date("birthdate", 5, 9), Number("n", 2, 2, "", ""), Token("gender", "", "male")),
		Make("Patient", "a", 1, Updated(Start.Add(1*time.Hour)), String("name", "Li"), Date("birthdate", 1, 1), Number("n", 10, 10, "", ""), Token("gender", "", "female")),
		Make("Patient", "c", 1, Updated(Start.Add(2*time.Hour))),
		Make("Patient", "d", 1, Updated(Start.Add(2*time.Hour)), String("name", "Li"), Date("birthdate", 3, 3), Number("n", -1, -1, "", ""), Token("gender", "", "female")),
	)
	for _, c := range []struct {
		want string
		by   []search.Sort
	}{
		{"bacd", nil},
		{"acdb", []search.Sort{{By: "_lastUpdated"}}},
		{"bdca", []search.Sort{{By: "_lastUpdated", Desc: true}}},
		{"abcd", []search.Sort{{By: "_id"}}},
		{"dcba", []search.Sort{{By: "_id", Desc: true}}},
		{"badc", []search.Sort{key("name", "string", false)}},
		{"bdac", []search.Sort{key("name", "string", true)}},
		{"adbc", []search.Sort{key("birthdate", "date", false)}},
		{"bdac", []search.Sort{key("birthdate", "date", true)}},
		{"dbac", []search.Sort{key("n", "number", false)}},
		{"abdc", []search.Sort{key("n", "quantity", true)}},
		{"dabc", []search.Sort{key("gender", "token", false), key("birthdate", "date", true)}},
	} {
		for _, count := range []int{10, 3, 2, 1} {
			p := plan("Patient")
			p.Sort, p.Count = c.by, count
			if got := letters(f.walk(p)); got != c.want {
				f.Errorf("sort by %+v in pages of %d = %q, want %q", c.by, count, got, c.want)
			}
		}
	}
}

// walk reads all pages.
func (f *fixture) walk(p *search.Plan) (all []string) {
	f.Helper()
	for range 1000 {
		page, err := f.Search(f.ctx(), p)
		if err != nil {
			f.Fatalf("Search() = %v", err)
		}
		all = append(all, names(page)...)
		if page.Next == nil {
			return all
		}
		if len(page.Hits) != p.Count {
			f.Errorf("a page with a next one has %d hits, want %d", len(page.Hits), p.Count)
		}
		next := *p
		next.After = page.Next
		p = &next
	}
	f.Fatal("pages do not end")
	return nil
}

func (f *fixture) many(n int, options ...func(int) func(*record.Version)) []string {
	f.Helper()
	var vs []record.Version
	var all []string
	for i := range n {
		id := fmt.Sprintf("p%04d", i)
		v := Make("Patient", id, 1)
		for _, o := range options {
			o(i)(&v)
		}
		vs = append(vs, v)
		all = append(all, "Patient/"+id)
	}
	f.commit(f.unit(vs...))
	return all
}

func pagingOnce(f *fixture) {
	all := f.many(57, func(i int) func(*record.Version) {
		return func(v *record.Version) {
			Token("identifier", fmt.Sprint("s", i%3), "x")(v)
			Token("identifier", "again", "x")(v)
			String("name", fmt.Sprint("n", i%7))(v)
			Date("birthdate", int64(i/5), int64(i/5))(v)
		}
	})
	for name, where := range map[string][]search.Clause{
		"all": nil, "token": {Code("Patient", "identifier", "*", "x")}, "string": {named("n")},
		"date": {search.Date{Key: search.KeyOf("Patient", "birthdate"), Any: []search.Range{{Op: search.GreaterOrEq}}}},
		"two":  {named("n"), Code("Patient", "identifier", "*", "x")},
	} {
		for _, count := range []int{1, 10, 19, 56, 57, 58} {
			p := plan("Patient", where...)
			p.Count = count
			f.want(fmt.Sprintf("%s in pages of %d", name, count), f.walk(p), all...)
			for _, by := range []search.Sort{key("name", "string", true), key("identifier", "token", false), key("birthdate", "date", true), key("none", "uri", true)} {
				p.Sort = []search.Sort{by}
				got := f.walk(p)
				slices.Sort(got)
				f.want(fmt.Sprintf("%s sorted by %+v in pages of %d", name, by, count), got, all...)
			}
		}
	}
}

func pagingStable(f *fixture) {
	all := f.many(20, func(i int) func(*record.Version) { return String("name", fmt.Sprintf("n%02d", i)) })
	for i, by := range [][]search.Sort{nil, {key("name", "string", false)}, {{By: "_lastUpdated"}}} {
		p := plan("Patient")
		p.Count, p.Sort = 3, by
		var seen []string
		for n := 0; ; n++ {
			page, err := f.Search(f.ctx(), p)
			if err != nil {
				f.Fatal(err)
			}
			seen = append(seen, names(page)...)
			if page.Next == nil {
				break
			}
			next := *p
			next.After = page.Next
			p = &next
			f.put(Make("Patient", fmt.Sprintf("new%d-%d", i, n), 1, String("name", "n00"), Updated(Start.Add(-time.Hour))))
			if n > 100 {
				break // rows come as fast as they are read
			}
		}
		for _, want := range all {
			if n := count(seen, want); n != 1 {
				f.Errorf("sort %v: %s was seen %d times, want once", by, want, n)
			}
		}
	}
}

func count(names []string, name string) (n int) {
	for _, x := range names {
		if x == name {
			n++
		}
	}
	return n
}

func pagingFew(f *fixture) {
	var all []record.Version
	var want []string
	for i := range 30 {
		all = append(all, Make("Observation", fmt.Sprintf("o%02d", i), 1, Token("code", "", "x"), Owner("Organization/other")))
		want = append(want, fmt.Sprintf("Observation/o%02d", i))
	}
	f.caseOf("c", grants("PractitionerRole/z", 3), all...)
	f.put(Make("Observation", "other", 1, Token("code", "", "x")))
	for _, where := range [][]search.Clause{nil, {Code("Observation", "code", "*", "x")}} {
		p := reaching(plan("Observation", where...), in("PractitionerRole/z"))
		p.Count, p.Total = 7, true
		f.want("pages", f.walk(p), want...)
		page, err := f.Search(f.ctx(), p)
		if err != nil || *page.Total != 30 {
			f.Errorf("total = %v, %v, want 30", page.Total, err)
		}
	}
}

func badCursor(f *fixture) {
	f.many(3)
	p := plan("Patient")
	p.Count, p.Sort, p.After = 2, []search.Sort{{By: "_lastUpdated"}}, &search.Cursor{Row: 1}
	if page, err := f.Search(f.ctx(), p); err == nil {
		f.Errorf("Search() with a cursor of another sort = %v", page)
	}
	p.After.Values = []string{"=not a number"}
	if page, err := f.Search(f.ctx(), p); err == nil {
		f.Errorf("Search() with a broken cursor = %v", page)
	}
}

// rareMatch has more resources than one walk looks at, with the matches at the
// end and too many to be listed.
func rareMatch(f *fixture) {
	const n, rare = 6000, 1200
	f.many(n, func(i int) func(*record.Version) {
		at := int64(0)
		if i >= n-rare {
			at = 100
		}
		return Date("birthdate", at, at)
	})
	p := plan("Patient", search.Date{Key: search.KeyOf("Patient", "birthdate"), Any: []search.Range{{Op: search.Greater, Low: 50, High: 50}}})
	p.Count = 500
	got := f.walk(p)
	if len(got) != rare || got[0] != fmt.Sprintf("Patient/p%04d", n-rare) {
		f.Errorf("%d matches from %v, want %d", len(got), got[:1], rare)
	}
}
