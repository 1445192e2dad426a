package store_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"tenon/server/access"
	"tenon/server/search"
	"tenon/server/store"
)

const (
	doctors = 12
	visits  = 1_200 // more than make a list
	there   = "Encounter?participant:Practitioner._has:Encounter:participant:"
	thrice  = there + "participant:Practitioner._has:Encounter:participant:participant:Practitioner._has:Encounter:participant:"
)

// TestInner asks from many to many and back. All visits of even number share the
// even doctors and all odd ones the odd doctors, so that whatever the way back is
// asked for, one finds a half, all or nothing; asked of row after row, three ways
// to and fro would be some 10^15 questions.
func TestInner(t *testing.T) {
	worlds(t, func(t *testing.T, w *world) {
		w.visits()
		for query, want := range map[string]int{
			there + "status=planned":                                 visits / 2, // one of 1,200
			there + "class=AMB":                                      visits,     // all of 1,200
			there + "class:not=AMB":                                  0,
			there + "class=EMER":                                     0,
			thrice + "status=planned":                                visits / 2,
			thrice + "status:not=finished":                           visits / 2,
			thrice + "class=AMB":                                     visits,
			thrice + "class:not=AMB":                                 0,
			thrice + "class=EMER":                                    0,
			thrice + "date:missing=true":                             visits,
			thrice + "date:missing=false":                            0,
			thrice + "date=gt2000":                                   0,
			thrice + "_id=v0001":                                     visits / 2,
			there + "status=planned&_id=v0000,v0001":                 1,
			thrice + "class:not=AMB&_id=v0000":                       0,
			"Encounter?participant:Practitioner.name=even":           visits / 2,
			"Encounter?participant:Practitioner.active:missing=true": visits,
			"Practitioner?_has:Encounter:participant:status=planned": doctors / 2,
			"Practitioner?_has:Encounter:participant:class=AMB":      doctors,
			"Encounter?" + filter("not (participant.name eq even)"):  visits / 2,
			"Encounter?" + filter("participant[name eq odd].name pr true and participant.name eq even"): 0,
		} {
			for _, form := range []string{"&_summary=count", "&_count=20", "&_sort=-_id,_lastUpdated&_count=20&_total=accurate"} {
				plan, _, err := w.plan(query + form)
				if err != nil {
					t.Fatalf("Parse(%s) = %v", query, err)
				}
				start := time.Now()
				page, err := w.Search(t.Context(), plan)
				if err != nil {
					t.Fatalf("Search(%s) = %v", query, err)
				}
				if page.Total != nil && *page.Total != int64(want) {
					t.Errorf("%s%s finds %d, want %d", query, form, *page.Total, want)
				}
				if n := min(want, 20); form != "&_summary=count" && len(page.Hits) != n {
					t.Errorf("%s%s finds %d on a page, want %d", query, form, len(page.Hits), n)
				}
				if took := time.Since(start); took > 10*time.Second {
					t.Errorf("%s%s takes %s", query, form, took)
				}
			}
		}
	})
}

// Who does not reach the inner resources finds nothing by them, and the list of
// one caller is not that of another.
func TestInnerReach(t *testing.T) {
	worlds(t, func(t *testing.T, w *world) {
		w.visits()
		reach := func(typ string) access.Predicate {
			if typ == "Practitioner" {
				return access.Is{Type: "Practitioner", ID: "d1"}
			}
			return access.Everything{}
		}
		for query, want := range map[string]int64{
			"Encounter?participant:Practitioner.name=even":           0,
			"Encounter?participant:Practitioner.name=odd":            visits / 2,
			"Encounter?participant:Practitioner.name:missing=false":  visits / 2,
			there + "status=planned":                                 0,
			thrice + "class=AMB":                                     visits / 2,
			"Practitioner?_has:Encounter:participant:status=planned": 0,
			"Practitioner?_has:Encounter:participant:class=AMB":      1,
		} {
			for _, few := range []int{1000, 0} {
				defer store.SetFewInner(store.SetFewInner(few))
				plan, _, err := w.planWith(query+"&_summary=count", reach)
				if err != nil {
					t.Fatalf("Parse(%s) = %v", query, err)
				}
				page, err := w.Search(t.Context(), plan)
				if err != nil {
					t.Fatalf("Search(%s) = %v", query, err)
				}
				if *page.Total != want {
					t.Errorf("%s finds %d with lists of %d, want %d", query, *page.Total, few, want)
				}
			}
		}
	})
}

func filter(expression string) string {
	return search.EncodeQuery([]search.Param{{Name: "_filter", Value: expression}})
}

// visits holds what TestInner asks about.
func (w *world) visits() {
	w.Helper()
	var bodies []string
	for i := range doctors {
		bodies = append(bodies, fmt.Sprintf(`{"resourceType":"Practitioner","id":"d%d","name":[{"family":%q}]}`, i, []string{"Even", "Odd"}[i%2]))
	}
	for i := range visits {
		status := "finished"
		if i == 0 {
			status = "planned"
		}
		var who []string
		for k := range doctors / 2 {
			who = append(who, fmt.Sprintf(`{"individual":{"reference":"Practitioner/d%d"}}`, (i+2*k)%doctors))
		}
		bodies = append(bodies, fmt.Sprintf(`{"resourceType":"Encounter","id":"v%04d","status":%q,"class":{"code":"AMB"},"participant":[%s]}`, i, status, strings.Join(who, ",")))
	}
	w.hold(bodies...)
}
