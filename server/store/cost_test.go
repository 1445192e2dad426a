package store_test

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"tenon/server/access"
	"tenon/server/search"
	"tenon/server/store"
)

// TestPredicateCost measures what the access predicate adds to searches: each
// query with the reach of a caller and without any, in turn, on the same rows. The
// callers are made by access itself.
//
//	make access-cost        # a million resources on both engines, about half an hour
func TestPredicateCost(t *testing.T) {
	n, _ := strconv.Atoi(os.Getenv("TENON_ACCESS_COST"))
	if n == 0 {
		t.Skip("set TENON_ACCESS_COST to a number of resources to measure the access predicate")
	}
	var out strings.Builder
	for _, name := range []string{"SQLite", "PostgreSQL"} {
		t.Run(name, func(t *testing.T) {
			s := engines[name](t)
			begin := time.Now()
			fill(t, s, n)
			fmt.Fprintf(&out, "\n## %s\n\n%d resources in %.0f s\n", name, n, time.Since(begin).Seconds())
			time.Sleep(5 * time.Second) // ANALYZE of the last growth
			for _, c := range costCallers() {
				out.WriteString(cost(t, s, c))
			}
		})
	}
	t.Log(out.String())
	if os.Getenv("TENON_WRITE_RESULTS") != "" && !t.Failed() {
		head := fmt.Sprintf("# What the access predicate costs\n\nRepeat with `make access-cost`. %s, %s/%s, %d cores shared with other work, %s, lowest priority. "+
			"Observations in cases of 50 and their Patients, written through the store's own commits; first pages of 20. "+
			"Each query runs with the caller's reach and without any, in turn, %d times; medians in ms. Goal: at most 20 %% more.\n\n"+
			"A caller who reaches a part finds other resources than who reaches all: there the two columns are not the same work, and the median of the queries says little; those of the first three callers are.\n",
			time.Now().UTC().Format(time.DateOnly), runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), runtime.Version(), costRounds)
		if err := os.WriteFile(filepath.Join("..", "..", "conformance", "results", "access.md"), []byte(head+out.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// readSearch are the letters rs.
const readSearch access.Verbs = 1<<1 | 1<<4

const costRounds = 15

type costCaller struct {
	name string
	who  *access.Context
}

func costCallers() []costCaller {
	staff := func(side access.Side, organization string, role access.Role) *access.Context {
		return &access.Context{Tenant: "main", Kind: access.Person, Principal: person, Person: "Practitioner/x", Organization: organization, Side: side, Roles: []access.Role{role}}
	}
	app, patient := staff(access.Hospital, "Organization/h", access.CLIN), staff(access.Hospital, "Organization/h", access.CLIN)
	app.Scopes = &access.Scopes{Client: "app", List: []access.Scope{{For: "user", Type: "*", Verbs: readSearch}}}
	patient.Scopes = &access.Scopes{Client: "app", Patient: "Patient/p000042", List: []access.Scope{{For: "patient", Type: "*", Verbs: readSearch}}}
	return []costCaller{
		{"clinician of the hospital that brought all in", staff(access.Hospital, "Organization/h", access.CLIN)},
		{"the same with an app, user/*.rs", app},
		{"regulator, who reads all cases", staff(access.NoSide, "Organization/r", access.REG)},
		{"the clinician with an app, patient/*.rs", patient},
		{"designer with 20 cases", staff(access.Manufacturer, "Organization/m", access.DES)},
	}
}

// cost is a table of one caller.
func cost(t *testing.T, s *store.Store, c costCaller) string {
	t.Helper()
	var b strings.Builder
	fmt.Fprintf(&b, "\n### %s\n\n| query | without | with | ratio | hits |\n|---|---|---|---|---|\n", c.name)
	reach := c.who.ReachTo(access.Search)
	var ratios []float64
	for _, q := range scaleQueries {
		with, without := reaching(q.plan, reach), reaching(q.plan, access.Everything{})
		var took [2][]time.Duration
		hits := [2]int{}
		for range costRounds {
			for i, p := range []*search.Plan{&without, &with} {
				begin := time.Now()
				page, err := s.Search(t.Context(), p)
				if err != nil {
					t.Fatal(err)
				}
				took[i] = append(took[i], time.Since(begin))
				hits[i] = len(page.Hits)
			}
		}
		var p50 [2]time.Duration
		for i := range took {
			slices.Sort(took[i])
			p50[i] = took[i][len(took[i])/2]
		}
		ratio := float64(p50[1]) / float64(p50[0])
		ratios = append(ratios, ratio)
		fmt.Fprintf(&b, "| %s | %.2f | %.2f | %.2f | %d / %d |\n", q.name, ms(p50[0]), ms(p50[1]), ratio, hits[0], hits[1])
	}
	slices.Sort(ratios)
	fmt.Fprintf(&b, "\nmedian of the ratios %.2f, highest %.2f\n", ratios[len(ratios)/2], ratios[len(ratios)-1])
	return b.String()
}

// reaching puts a reach on every alias of a plan.
func reaching(p search.Plan, reach access.Predicate) search.Plan {
	p.Root.Reach = reach
	p.Root.Where = slices.Clone(p.Root.Where)
	for i, c := range p.Root.Where {
		if r, ok := c.(search.Reference); ok && r.Target != nil {
			target := *r.Target
			target.Reach, r.Target = reach, &target
			p.Root.Where[i] = r
		}
	}
	return p
}
