package store_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"tenon/fhir/tree"
	"tenon/server/record"
	"tenon/server/search"
	"tenon/server/store/storetest"
)

// turn asks for one page, and where the next and the previous one are.
func (w *world) turn(query string, at *search.Cursor) (ids []string, page *search.Page) {
	w.Helper()
	plan, _, err := w.plan(query)
	if err != nil {
		w.Fatalf("Parse(%s) = %v", query, err)
	}
	plan.After = at
	if page, err = w.Search(w.Context(), plan); err != nil {
		w.Fatalf("Search(%s) = %v", query, err)
	}
	for _, h := range page.Hits {
		if !h.Included {
			ids = append(ids, h.ID)
		}
	}
	return ids, page
}

// pages goes through all pages of a query, back from the last to the first and
// forth once more, and wants the same pages each time.
func (w *world) pages(t *testing.T, query string) [][]string {
	t.Helper()
	var pages [][]string
	var at []*search.Cursor // of the pages
	for next := (*search.Cursor)(nil); ; {
		ids, page := w.turn(query, next)
		pages, at = append(pages, ids), append(at, next)
		if page.Next == nil || len(pages) > 3000 {
			break
		}
		next = page.Next
	}
	if _, first := w.turn(query, nil); first.Previous != nil {
		t.Errorf("%s: the first page has a previous one", query)
	}
	for n := len(pages) - 1; n > 0; n-- {
		_, page := w.turn(query, at[n])
		if page.Previous == nil {
			t.Errorf("%s: page %d has no previous one", query, n)
			break
		}
		ids, back := w.turn(query, page.Previous)
		if !slices.Equal(ids, pages[n-1]) {
			t.Errorf("%s: before page %d %v comes %v, want %v", query, n, pages[n], ids, pages[n-1])
		}
		if (back.Previous == nil) != (n == 1) {
			t.Errorf("%s: page %d, come to from behind, has previous = %v", query, n-1, back.Previous)
		}
		if ids, _ := w.turn(query, back.Next); !slices.Equal(ids, pages[n]) {
			t.Errorf("%s: behind page %d, come to from behind, is %v, want %v", query, n-1, ids, pages[n])
		}
		if back.Previous != nil {
			if ids, _ := w.turn(query, back.Previous); !slices.Equal(ids, pages[n-2]) {
				t.Errorf("%s: two pages before page %d is %v, want %v", query, n, ids, pages[n-2])
			}
		}
	}
	return pages
}

// https://hl7.org/fhir/R4/http.html#paging and search.html#sort: each kind of
// sort, up and down and mixed, over rows with several values, equal values and
// none, in pages of each size. What sorts last upwards without a value sorts last
// downwards too; nothing vanishes.
func TestPagesBothWays(t *testing.T) {
	worlds(t, func(t *testing.T, w *world) {
		var bodies []string
		for i := range 23 {
			body := fmt.Sprintf(`{"resourceType":"Observation","id":"o%02d","status":%q,"code":{"coding":[{"code":"c%d"},{"code":"x"}]}`, i, []string{"final", "amended"}[i%2], i%4)
			if i%3 != 0 {
				body += fmt.Sprintf(`,"effectiveDateTime":"2020-0%d-11"`, 1+i%5)
			}
			if i%4 != 0 {
				body += fmt.Sprintf(`,"valueQuantity":{"value":%d,"system":%q,"code":%q}`, i%6, ucum, []string{"g", "mg"}[i%2])
			} else if i%8 == 0 {
				body += fmt.Sprintf(`,"valueString":"text %d"`, i%3)
			}
			if i%5 != 0 {
				body += fmt.Sprintf(`,"subject":{"reference":"Patient/p%d"}`, i%3)
			}
			bodies = append(bodies, body+"}")
		}
		w.hold(bodies...)
		all := strings.Fields(w.ask("Observation?_sort=_id"))
		for _, where := range []string{"", "code=x&", "code=x&status=final,amended&"} {
			for _, sort := range []string{"", "_id", "-_id", "_lastUpdated", "-_lastUpdated", "date", "-date", "code", "-code", "value-quantity", "-value-quantity",
				"value-string", "-value-string", "subject", "-subject", "status,-date", "-status,date,-_id", "value-string,-value-quantity,code", "-date,-value-quantity"} {
				query := "Observation?" + where
				if sort != "" {
					query += "_sort=" + sort
				}
				whole := w.ask(query)
				counts := []int{1, 4, 22, 23, 24}
				if strings.HasSuffix(t.Name(), "PostgreSQL") { // which plans each statement for tens of milliseconds
					counts = []int{8}
				}
				for _, count := range counts {
					got := slices.Concat(w.pages(t, fmt.Sprintf("%s&_count=%d", query, count))...)
					if strings.Join(got, " ") != whole {
						t.Errorf("%s in pages of %d = %v, want %s", query, count, got, whole)
					}
					if slices.Sort(got); !slices.Equal(got, all) {
						t.Errorf("%s in pages of %d = %v, want all of %v", query, count, got, all)
					}
				}
			}
		}
	})
}

// Where matches are too many to be listed, pages are walked along an index.
func TestPagesBothWaysOfMany(t *testing.T) {
	worlds(t, func(t *testing.T, w *world) {
		var bodies []string
		for i := range 2600 {
			bodies = append(bodies, fmt.Sprintf(`{"resourceType":"Patient","id":"p%04d","gender":%q,"active":%t,"birthDate":"19%02d-01-01","name":[{"family":"n%03d"}]}`,
				i, []string{"male", "female"}[i%2], i%5 > 0, i%90+10, i%700))
		}
		w.hold(bodies...)
		for _, query := range []string{"gender=male", "gender=male&active=true", "birthdate=gt1930&active=true", "family=n&birthdate=lt1990", "active=true&_sort=-family", "active=true&_sort=birthdate", "active=true&_sort=-family,birthdate"} {
			whole := strings.Fields(w.ask("Patient?" + query))
			if got := slices.Concat(w.pages(t, "Patient?_count=300&"+query)...); len(got) <= 1000 || !slices.Equal(got[:len(whole)], whole) {
				t.Errorf("%s in pages has %d that differ from those of one page", query, len(got))
			}
		}
	})
}

// change writes the next version of a resource: a body, or none to delete it.
func (w *world) change(version int64, typ, id, body string) {
	w.Helper()
	v := storetest.Make(typ, id, version, storetest.Body(body), storetest.Updated(w.at))
	if body == "" {
		storetest.Deleted(&v)
	} else {
		doc, err := tree.Parse([]byte(body))
		if err == nil {
			v.Rows, err = registry().Index(doc.Root())
		}
		if err != nil {
			w.Fatal(err)
		}
	}
	u := &record.Unit{At: w.at, Versions: []record.Version{v}, Leaves: storetest.Leaves([]record.Version{v})}
	u.Reads.Versions = []record.VersionRead{{Type: typ, ID: id, Version: version - 1}}
	if err := w.Commit(w.Context(), u); err != nil {
		w.Fatalf("Commit(%s/%s) = %v", typ, id, err)
	}
}

// Rows come, go and change between two pages, also those at which a page ends:
// what stays as it is is seen once on the way there and once on the way back.
func TestPagesUnderWrites(t *testing.T) {
	worlds(t, func(t *testing.T, w *world) {
		person := func(id, family string) string {
			return `{"resourceType":"Patient","id":"` + id + `","gender":"male","name":[{"family":"` + family + `"}]}`
		}
		for i, sort := range []string{"", "&_sort=family", "&_sort=-family,_id", "&_sort=-_id", "&_sort=-_lastUpdated"} {
			var stay []string
			for n := range 40 {
				w.hold(person(fmt.Sprintf("s%d-%02d", i, n), fmt.Sprintf("f%02d", n%7)))
				if n%4 != 0 {
					stay = append(stay, fmt.Sprintf("s%d-%02d", i, n))
				}
			}
			query := fmt.Sprintf("Patient?_count=3&name=f&gender=male%s", sort)
			seen := map[string]int{}
			gone := 0
			look := func(at *search.Cursor, n int) *search.Page {
				ids, page := w.turn(query, at)
				for _, id := range ids {
					seen[id]++
				}
				if len(ids) > 0 { // the last match of the page, when it is one that need not stay
					if id := ids[len(ids)-1]; strings.HasPrefix(id, fmt.Sprintf("s%d-", i)) && !slices.Contains(stay, id) {
						w.change(2, "Patient", id, "")
						gone++
					}
				}
				if n%3 == 0 {
					w.hold(person(fmt.Sprintf("n%d-%d-%d", i, len(seen), n), fmt.Sprintf("f%02d", n%9)))
				}
				return page
			}
			var last *search.Cursor
			n := 0
			for at := (*search.Cursor)(nil); n < 60; n++ {
				page := look(at, n)
				if last = page.Previous; page.Next == nil {
					break
				}
				at = page.Next
			}
			for _, id := range stay {
				if seen[id] != 1 {
					t.Errorf("%s: %s is seen %d times on the way there", query, id, seen[id])
				}
			}
			clear(seen)
			for ids := []string(nil); last != nil && n < 200; n++ {
				page := look(last, n)
				for _, h := range page.Hits {
					ids = append(ids, h.ID)
				}
				last = page.Previous
			}
			for _, id := range stay {
				if seen[id] > 1 || seen[id] == 0 && sort == "" && id < fmt.Sprintf("s%d-30", i) {
					t.Errorf("%s: %s is seen %d times on the way back", query, id, seen[id])
				}
			}
			if gone == 0 {
				t.Errorf("%s: no page lost the match at which it ends", query)
			}
			for _, h := range strings.Fields(w.ask("Patient?gender=male&_count=1000")) {
				v := int64(2)
				w.change(v, "Patient", h, "")
			}
		}
	})
}

// A page with _sort and _include: what is included comes behind the matches and
// is counted neither in the page nor in the total.
func TestSortedPageWithInclude(t *testing.T) {
	worlds(t, func(t *testing.T, w *world) {
		var bodies []string
		for i := range 7 {
			bodies = append(bodies, fmt.Sprintf(`{"resourceType":"Patient","id":"p%d"}`, i),
				fmt.Sprintf(`{"resourceType":"Observation","id":"o%d","code":{"text":"t"},"subject":{"reference":"Patient/p%d"},"effectiveDateTime":"202%d"}`, i, i/2, 9-i))
		}
		w.hold(bodies...)
		query := "Observation?_sort=date&_count=3&_include=Observation:subject&_total=accurate"
		if got, want := fmt.Sprint(w.pages(t, query)), "[[o6 o5 o4] [o3 o2 o1] [o0]]"; got != want {
			t.Errorf("%s in pages = %s, want %s", query, got, want)
		}
		ids, page := w.turn(query, nil)
		if len(ids) != 3 || len(page.Hits) != 5 || *page.Total != 7 {
			t.Errorf("%s = %d matches, %d with what is included, total %d, want 3, 5, 7", query, len(ids), len(page.Hits), *page.Total)
		}
		_, second := w.turn(query, page.Next)
		if _, back := w.turn(query, second.Previous); len(back.Hits) != 5 || back.Hits[3].ID != page.Hits[3].ID || *back.Total != 7 {
			t.Errorf("the page before the second = %v, want that of the first", back.Hits)
		}
	})
}

// https://hl7.org/fhir/R4/search.html#total: an estimate is near the truth where
// there is much to count, and is the truth otherwise; none is none.
func TestEstimatedTotal(t *testing.T) {
	worlds(t, func(t *testing.T, w *world) {
		for from := 0; from < 24_000; from += 8000 {
			var bodies []string
			for i := range 8000 {
				bodies = append(bodies, fmt.Sprintf(`{"resourceType":"Basic","id":"b%d","code":{"coding":[{"code":"c%d"},{"code":%q}]}}`, from+i, i%5, map[bool]string{true: "rare", false: "rest"}[i%2000 == 7]))
			}
			w.hold(bodies...)
		}
		for query, want := range map[string]struct {
			low, high int64
			estimated bool
		}{
			"Basic?":                   {23_000, 25_000, true},
			"Basic?code=c1":            {3000, 6600, true},
			"Basic?code=c1&_sort=-_id": {3000, 6600, true},
			"Basic?code:not=c1":        {17_000, 22_000, true},
			"Basic?code=rare":          {12, 12, false},
			"Basic?code=none":          {0, 0, false},
			"Patient?":                 {0, 0, false},
			"Patient?active:not=true":  {0, 0, false},
		} {
			_, page := w.turn(query+"&_count=1&_total=estimate", nil)
			if n := *page.Total; n < want.low || n > want.high || page.Estimated != want.estimated {
				t.Errorf("%s: about %d (%t), want from %d to %d (%t)", query, n, page.Estimated, want.low, want.high, want.estimated)
			}
			if _, page := w.turn(query+"&_count=1&_total=none", nil); page.Total != nil {
				t.Errorf("%s&_total=none has a total of %d", query, *page.Total)
			}
		}
	})
}
