package store_test

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"tenon/server/access"
	"tenon/server/casework"
	"tenon/server/record"
	"tenon/server/search"
	"tenon/server/store"
	"tenon/server/store/storetest"
)

// TestScale measures the first page of searches of design §12 over as many
// resources as TENON_STORE_SCALE says, at 1, 10 and 100 % hits, unrestricted and
// as a person with 20 cases; it prints medians.
//
//	TENON_STORE_SCALE=100000 go test ./server/store -run TestScale -v
func TestScale(t *testing.T) {
	n, _ := strconv.Atoi(os.Getenv("TENON_STORE_SCALE"))
	if n == 0 {
		t.Skip("set TENON_STORE_SCALE to a number of resources to measure searches")
	}
	for _, name := range []string{"SQLite", "PostgreSQL"} {
		t.Run(name, func(t *testing.T) {
			s := engines[name](t)
			begin := time.Now()
			fill(t, s, n)
			t.Logf("%d resources in %.0f s", n, time.Since(begin).Seconds())
			time.Sleep(3 * time.Second) // ANALYZE of the last growth
			for _, who := range []struct {
				name  string
				reach access.Predicate
			}{
				{"everything", access.Everything{}},
				{"20 cases", access.AnyOf{access.OwnedBy{Organization: "Organization/maker"}, access.InCase{Principals: []string{person}}}},
				{"hospital", access.AnyOf{access.OwnedBy{Organization: "Organization/h"}, access.InCase{Principals: []string{person}}}},
			} {
				for _, q := range scaleQueries {
					measure(t, s, who.name+", "+q.name, q.plan, who.reach)
				}
			}
		})
	}
}

const person = "PractitionerRole/with-20-cases"

func day(n int) int64 { return int64(n) * 86_400_000_000 }

// fill makes Observations in cases of 50; of a hundred, one has the rare code,
// ten the usual one, and dates grow with creation.
func fill(t *testing.T, s *store.Store, n int) {
	t.Helper()
	for i := 0; i < n; i += 500 {
		u := &record.Unit{At: time.Now()}
		for j := i; j < i+500; j++ {
			id := fmt.Sprintf("o%07d", j)
			u.Versions = append(u.Versions, storetest.Make("Observation", id, 1,
				storetest.Token("all", "s", "every"), storetest.Token("ten", "s", strconv.Itoa(j*7%10)), storetest.Token("one", "s", strconv.Itoa(j*7%100)),
				storetest.Date("date", day(j*1000/n), day(j*1000/n)), storetest.String("note", fmt.Sprintf("%03d name", j*7%1000)),
				storetest.Refer("subject", "Patient", fmt.Sprintf("p%06d", j/100)),
				func(v *record.Version) { v.Patient = fmt.Sprintf("Patient/p%06d", j/100) },
			))
			if j%50 == 0 {
				u.Cases = append(u.Cases, id)
				if j/50%(n/50/20) == 0 {
					u.Grants = append(u.Grants, record.CaseGrants{Case: id, Grants: []casework.Grant{{Principal: person, Ceiling: 3}}})
				}
			}
			u.Members = append(u.Members, record.Member{Case: fmt.Sprintf("o%07d", j-j%50), Type: "Observation", ID: id})
			if j%100 == 0 {
				u.Versions = append(u.Versions, storetest.Make("Patient", fmt.Sprintf("p%06d", j/100), 1, storetest.String("name", fmt.Sprintf("n%06d", j/100))))
			}
		}
		if err := s.Commit(t.Context(), u); err != nil {
			t.Fatal(err)
		}
	}
}

func is(param, code string) search.Clause { return storetest.Code("Observation", param, "s", code) }

func since(d int) search.Clause {
	return search.Date{Key: search.KeyOf("Observation", "date"), Any: []search.Range{{Op: search.GreaterOrEq, Low: day(d), High: day(d)}}}
}

func note(prefix string) search.Clause {
	return search.String{Key: search.KeyOf("Observation", "note"), Any: []search.StringMatch{{Value: prefix}}}
}

var scaleQueries = []struct {
	name string
	plan search.Plan
}{
	{"token 100 %", where(is("all", "every"))},
	{"token 10 %", where(is("ten", "3"))},
	{"token 1 %", where(is("one", "42"))},
	{"date 100 %", where(since(0))},
	{"date 10 %, the newest", where(since(900))},
	{"date 1 %, the newest", where(since(990))},
	{"string 10 %", where(note("3"))},
	{"string 1 %", where(note("42"))},
	{"token 10 % and date 10 %", where(is("ten", "3"), since(900))},
	{"token 1 % and string 10 %", where(is("one", "42"), note("2"))},
	{"none", where(is("one", "none"))},
	{"chain", where(search.Reference{Key: search.KeyOf("Observation", "subject"), Target: &search.Alias{
		Types: []string{"Patient"}, Reach: access.Everything{},
		Where: []search.Clause{search.String{Key: search.KeyOf("Patient", "name"), Any: []search.StringMatch{{Value: "n00001"}}}},
	}})},
	{"newest first", func() search.Plan { p := where(); p.Sort = []search.Sort{{By: "_lastUpdated", Desc: true}}; return p }()},
	{"by date downwards", func() search.Plan {
		p := where(is("one", "42"))
		p.Sort = []search.Sort{{Key: search.KeyOf("Observation", "date"), Kind: "date", Desc: true}}
		return p
	}()},
	{"total of 1 %", func() search.Plan { p := where(is("one", "42")); p.Count, p.Total = 0, true; return p }()},
}

func where(c ...search.Clause) search.Plan {
	return search.Plan{Count: 20, Root: search.Alias{Types: []string{"Observation"}, Where: c}}
}

func measure(t *testing.T, s *store.Store, name string, p search.Plan, reach access.Predicate) {
	t.Helper()
	p.Root.Reach = reach
	var took []time.Duration
	var page *search.Page
	for range 9 {
		begin := time.Now()
		var err error
		if page, err = s.Search(t.Context(), &p); err != nil {
			t.Fatal(err)
		}
		took = append(took, time.Since(begin))
	}
	slices.Sort(took)
	t.Logf("%-40s p50 %8.2f ms  max %8.2f ms  %d hits", name, ms(took[4]), ms(took[8]), len(page.Hits))
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
