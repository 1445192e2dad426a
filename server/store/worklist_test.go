package store_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"tenon/server/casework"
	"tenon/server/record"
	"tenon/server/search"
	"tenon/server/store"
	"tenon/server/store/storetest"
)

// TestWorklist: wherever a worklist begins, it is the same one, in pages that
// miss nothing and repeat nothing.
func TestWorklist(t *testing.T) {
	for _, engine := range []string{"SQLite", "PostgreSQL"} {
		t.Run(engine, func(t *testing.T) {
			s := engines[engine](t)
			fillWork(t, s)
			for _, who := range []string{"PractitionerRole/a", "PractitionerRole/b", "PractitionerRole/nobody"} {
				for _, roles := range [][]string{{"CLIN"}, {"DES"}, {"CLIN", "DES"}} {
					for _, stages := range [][]string{nil, {"S01"}, {"S03", "S04"}} {
						for _, until := range []int{0, 40} {
							want := expectWork(who, roles, stages, until)
							for name, few := range map[string][2]int64{"cases": {1000, 1000}, "open stages": {0, 1000}, "few of one": {0, 15}, "a list": {0, 60}, "what is due": {0, 0}} {
								if got := walkWork(t, s, who, roles, stages, until, few); !slices.Equal(got, want) {
									t.Errorf("%s as %v at %v until %d from %s = %v, want %v", who, roles, stages, until, name, got, want)
								}
							}
						}
					}
				}
			}
		})
	}
}

const workCases, workTasks = 12, 5

// work tells of the k-th stage of the i-th case: who is to do it, when it is due,
// whether it is open. The last stage is everybody's.
func work(i, k int) (roles []string, due int, open bool) {
	roles = []string{"CLIN", "DES"}
	if k < workTasks-1 {
		roles = roles[(i+k)%2 : (i+k)%2+1]
	}
	return roles, (i*7 + k*11) % 50, (i+k)%3 != 0
}

func stageOf(k int) string { return fmt.Sprintf("S0%d", k) }

func workID(i, k int) string { return fmt.Sprintf("c%dt%d", i, k) }

func mayWork(who string, i int) bool {
	return who == "PractitionerRole/a" && i%2 == 0 || who == "PractitionerRole/b" && i%3 == 0
}

func fillWork(t *testing.T, s *store.Store) {
	t.Helper()
	for i := range workCases {
		root := fmt.Sprintf("c%d", i)
		u := &record.Unit{Tenant: "main", At: time.Now(), Cases: []string{root}, Versions: []record.Version{storetest.Make("Task", root, 1)}}
		for k := range workTasks {
			roles, due, open := work(i, k)
			v := storetest.Make("Task", workID(i, k), 1)
			if open {
				us := day(due)
				v.Rows.Dates = []search.DateRow{{Key: search.KeyOf("Task", "open-due"), Low: us, High: us}}
				v.Rows.Tokens = []search.TokenRow{{Key: search.KeyOf("Task", "open-as"), System: "urn:tenon:stage", Code: stageOf(k)}}
				for _, role := range roles {
					v.Rows.Tokens = append(v.Rows.Tokens, search.TokenRow{Key: search.KeyOf("Task", "open-as"), System: "urn:tenon:role", Code: role})
				}
				v.Rows.References = []search.ReferenceRow{{Key: search.KeyOf("Task", "open-case"), Type: "Task", ID: root}}
			}
			u.Versions = append(u.Versions, v)
		}
		for _, v := range u.Versions {
			u.Members = append(u.Members, record.Member{Case: root, Type: "Task", ID: v.ID})
		}
		grants := record.CaseGrants{Case: root}
		for _, who := range []string{"PractitionerRole/a", "PractitionerRole/b"} {
			if mayWork(who, i) {
				grants.Grants = append(grants.Grants, casework.Grant{Principal: who, Ceiling: 5})
			}
		}
		u.Grants = []record.CaseGrants{grants}
		u.Leaves = storetest.Leaves(u.Versions)
		if err := s.Commit(t.Context(), u); err != nil {
			t.Fatal(err)
		}
	}
}

func expectWork(who string, roles, stages []string, until int) (ids []string) {
	type one struct{ due, i, k int }
	var all []one
	for i := range workCases {
		for k := range workTasks {
			of, due, open := work(i, k)
			if len(stages) > 0 && !slices.Contains(stages, stageOf(k)) {
				continue
			}
			if open && mayWork(who, i) && slices.ContainsFunc(of, func(role string) bool { return slices.Contains(roles, role) }) && (until == 0 || due <= until) {
				all = append(all, one{due, i, k})
			}
		}
	}
	slices.SortFunc(all, func(a, b one) int {
		if a.due != b.due {
			return a.due - b.due
		}
		return (a.i-b.i)*100 + a.k - b.k
	})
	for _, o := range all {
		ids = append(ids, workID(o.i, o.k))
	}
	return ids
}

func walkWork(t *testing.T, s *store.Store, who string, roles, stages []string, until int, few [2]int64) (ids []string) {
	t.Helper()
	cases, open := store.SetFewWork(few[0], few[1])
	defer store.SetFewWork(cases, open)
	q := &record.OpenTasks{Principal: who, Roles: roles, Stages: stages, Count: 3}
	if until > 0 {
		q.Until = time.UnixMicro(day(until))
	}
	for range 50 {
		page, err := s.OpenTasks(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range page.Tasks {
			ids = append(ids, o.Task)
			if c := page.Cases[o.Case]; c == nil || len(c.Members) != workTasks+1 {
				t.Fatalf("the case %s of %s comes with %v, want its %d Tasks", o.Case, o.Task, c, workTasks+1)
			}
			q.After = o.OpenPlace
		}
		if !page.More {
			return ids
		}
	}
	t.Fatal("the pages do not end")
	return nil
}
