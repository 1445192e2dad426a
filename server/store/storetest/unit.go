package storetest

import (
	"errors"
	"fmt"
	"sync"

	"tenon/server/casework"
	"tenon/server/dispatch"
	"tenon/server/record"
)

var unitTests = map[string]func(*fixture){
	"stale version":              staleVersion,
	"a stale unit writes naught": staleWritesNaught,
	"races on one resource":      raceVersions,
	"races on one case":          raceCase,
	"races on a condition":       raceCondition,
	"many writers":               manyWriters,
	"one unit, two versions":     twoVersions,
	"keys count once":            keysOnce,
	"definitions":                definitions,
	"absent member is refused":   absentMember,
	"grants are replaced":        grantsReplaced,
}

func staleVersion(f *fixture) {
	f.put(Make("Patient", "1", 1))
	f.stale(f.unit(Make("Patient", "1", 1)))
	f.stale(f.unit(Make("Patient", "1", 3)))
	f.stale(f.unit(Make("Patient", "2", 2)))
	u := f.unit(Make("Patient", "3", 1))
	u.Reads.Versions = append(u.Reads.Versions, record.VersionRead{Type: "Patient", ID: "1", Version: 2})
	f.stale(u)
	u.Reads.Versions[1].Version = 0
	f.stale(u)
	u.Reads.Versions[1].Version = 1
	f.commit(u)
	u = f.unit(Make("Patient", "4", 1))
	u.Reads.Versions = nil // the write itself is the last line of defence
	u.Versions[0].Version = 2
	f.stale(u)
	u = f.unit(Make("Patient", "1", 3))
	u.Reads.Versions = nil
	f.stale(u)
}

// staleWritesNaught fails once at the read set and once after half is written.
func staleWritesNaught(f *fixture) {
	f.put(Make("Patient", "1", 1))
	late := f.unit(Make("Patient", "2", 1, Token("identifier", "", "a")), Make("Patient", "1", 1))
	late.Reads.Versions = nil
	f.stale(late)
	u := f.unit(Make("Patient", "2", 1, Token("identifier", "", "a")), Make("Patient", "1", 1))
	u.Blobs = []record.BlobRow{{Digest: [32]byte{1}, Size: 1}}
	u.Keys = []record.Key{{Door: "mes", Key: "k"}}
	u.Cases = []string{"c"}
	f.stale(u)
	f.want("search after a stale unit", f.find(plan("Patient")), "Patient/1")
	if k, err := f.KeySeen(f.ctx(), "mes", "k"); k != nil || err != nil {
		f.Errorf("KeySeen() after a stale unit = %v, %v", k, err)
	}
	if _, err := f.Snapshot(f.ctx(), "c"); !errors.Is(err, record.ErrAbsent) {
		f.Errorf("Snapshot() after a stale unit = %v", err)
	}
	if err := f.EachBlob(f.ctx(), func(record.BlobRow) error { return errors.New("there is one") }); err != nil {
		f.Errorf("EachBlob() after a stale unit: %v", err)
	}
}

// race commits units at once and returns how many were taken; each other one
// must be stale.
func (f *fixture) race(units ...*record.Unit) (taken int) {
	f.Helper()
	errs := make([]error, len(units))
	begin := make(chan struct{})
	var wg sync.WaitGroup
	for i, u := range units {
		wg.Go(func() {
			<-begin
			errs[i] = f.Commit(f.ctx(), u)
		})
	}
	close(begin)
	wg.Wait()
	for _, err := range errs {
		switch {
		case err == nil:
			taken++
		case !errors.Is(err, record.ErrStale):
			f.Errorf("Commit() = %v, want nil or ErrStale", err)
		}
	}
	return taken
}

func raceVersions(f *fixture) {
	for n := int64(1); n <= 10; n++ {
		var units []*record.Unit
		for range 8 {
			units = append(units, f.unit(Make("Patient", "1", n)))
		}
		if taken := f.race(units...); taken != 1 {
			f.Errorf("%d of 8 writers of version %d were taken, want 1", taken, n)
		}
	}
}

func raceCase(f *fixture) {
	f.caseOf("c", nil)
	f.caseOf("d", nil)
	for n := int64(1); n <= 10; n++ {
		var units []*record.Unit
		for i := range 8 {
			u := f.unit(Make("Task", fmt.Sprintf("s%d-%d", n, i), 1))
			u.Members = []record.Member{{Case: "c", Type: "Task", ID: u.Versions[0].ID}}
			u.Reads.Cases = []record.CaseRead{{Case: "c", Revision: n}, {Case: "d", Revision: n}}
			u.Cases = []string{"c", "d"}
			if i%2 == 1 { // the other way round: locks are taken in order of id
				u.Reads.Cases[0], u.Reads.Cases[1] = u.Reads.Cases[1], u.Reads.Cases[0]
				u.Cases[0], u.Cases[1] = u.Cases[1], u.Cases[0]
			}
			units = append(units, u)
		}
		if taken := f.race(units...); taken != 1 {
			f.Errorf("%d of 8 units judged on revision %d were taken, want 1", taken, n)
		}
		data, err := f.Snapshot(f.ctx(), "c")
		if err != nil || data.Revision != n+1 || len(data.Members) != int(n)+1 {
			f.Fatalf("Snapshot() = %+v, %v, want revision %d and %d members", data, err, n+1, n+1)
		}
	}
}

func raceCondition(f *fixture) {
	for n := range 10 {
		value := fmt.Sprint("id", n)
		var units []*record.Unit
		for i := range 8 {
			u := f.unit(Make("Patient", fmt.Sprintf("p%d-%d", n, i), 1, Token("identifier", "urn:mrn", value)))
			p := plan("Patient", Code("Patient", "identifier", "urn:mrn", value))
			p.Count = 2
			u.Reads.Matches = []record.MatchRead{{Plan: p, Lock: "Patient?identifier=urn:mrn|" + value}}
			units = append(units, u)
		}
		if taken := f.race(units...); taken != 1 {
			f.Errorf("%d of 8 conditional creates were taken, want 1", taken)
		}
		got := f.find(plan("Patient", Code("Patient", "identifier", "urn:mrn", value)))
		if len(got) != 1 {
			f.Errorf("the condition finds %v, want one", got)
		}
	}
}

func manyWriters(f *fixture) {
	var wg sync.WaitGroup
	for w := range 8 {
		wg.Go(func() {
			for n := range 20 {
				id := fmt.Sprintf("%d-%d", w, n)
				g := *f
				if err := f.Commit(f.ctx(), g.unit(Make("Observation", id, 1, Token("code", "s", "c")))); err != nil {
					f.Errorf("Commit(%s) = %v", id, err)
				}
				if _, err := f.Read(f.ctx(), Everything, "Observation", id); err != nil {
					f.Errorf("Read(%s) right after the commit = %v", id, err)
				}
			}
		})
	}
	wg.Wait()
	if got := f.find(plan("Observation")); len(got) != 160 {
		f.Errorf("%d resources, want 160", len(got))
	}
}

func twoVersions(f *fixture) {
	u := f.unit(Make("Patient", "1", 1, Token("identifier", "", "a")), Make("Patient", "1", 2, Token("identifier", "", "b")), Make("Patient", "2", 1))
	u.Reads.Versions = u.Reads.Versions[:1]
	f.commit(u)
	vs, err := f.History(f.ctx(), Everything, "Patient", "1", 0, 10)
	if err != nil || fmt.Sprint(numbers(vs)) != "[2 1]" {
		f.Errorf("History() = %v, %v", numbers(vs), err)
	}
	f.want("search for the first", f.find(plan("Patient", Code("Patient", "identifier", "", "a"))))
	f.want("search for the second", f.find(plan("Patient", Code("Patient", "identifier", "", "b"))), "Patient/1")
	f.put(Make("Patient", "1", 3))
}

func keysOnce(f *fixture) {
	u := f.unit(Make("Task", "1", 1))
	u.Keys = []record.Key{{Door: "mes", Key: "k", Digest: [32]byte{7}, Ref: "Task/1"}}
	u.Outbox = []dispatch.Message{{Sink: "mes", Kind: "job-order", Key: "j", Body: []byte("{}")}}
	f.commit(u)
	k, err := f.KeySeen(f.ctx(), "mes", "k")
	if err != nil || k == nil || *k != u.Keys[0] {
		f.Errorf("KeySeen() = %+v, %v, want %+v", k, err, u.Keys[0])
	}
	if k, err := f.KeySeen(f.ctx(), "other", "k"); k != nil || err != nil {
		f.Errorf("KeySeen() of another door = %v, %v", k, err)
	}
	again := f.unit(Make("Task", "2", 1))
	again.Keys = u.Keys
	f.stale(again)
}

func definitions(f *fixture) {
	before, err := f.Definitions(f.ctx())
	if err != nil || before < 1 {
		f.Fatalf("Definitions() = %v, %v, want 1 or more", before, err)
	}
	f.put(Make("Patient", "1", 1))
	if now, _ := f.Definitions(f.ctx()); now != before {
		f.Errorf("Definitions() after a Patient = %v, want %v", now, before)
	}
	u := f.unit(Make("Patient", "2", 1))
	u.Reads.Definitions = before
	f.commit(u)
	f.put(Make("PlanDefinition", "1", 1))
	if now, _ := f.Definitions(f.ctx()); now != before+1 {
		f.Errorf("Definitions() after a PlanDefinition = %v, want %v", now, before+1)
	}
	u = f.unit(Make("Patient", "3", 1))
	u.Reads.Definitions = before
	f.stale(u)
}

func absentMember(f *fixture) {
	u := f.unit(Make("Task", "c", 1))
	u.Members = []record.Member{{Case: "c", Type: "Patient", ID: "none"}}
	if err := f.Commit(f.ctx(), u); err == nil || errors.Is(err, record.ErrStale) {
		f.Errorf("Commit() of an absent member = %v, want a fault", err)
	}
	f.want("search after it", f.find(plan("Task")))
}

func grantsReplaced(f *fixture) {
	f.caseOf("c", []casework.Grant{{Principal: "a", Ceiling: 2}, {Principal: "b", Ceiling: 3}})
	u := f.unit()
	u.Grants = []record.CaseGrants{{Case: "c", Grants: []casework.Grant{{Principal: "b", Ceiling: 5}, {Principal: "d", Ceiling: 1}, {Principal: "d", Ceiling: 4}}}}
	f.commit(u)
	got, err := f.Grants(f.ctx(), "c")
	if want := "[{b 5} {d 4}]"; err != nil || fmt.Sprint(got) != want {
		f.Errorf("Grants() = %v, %v, want %v", got, err, want)
	}
	f.want("a search", f.find(reaching(plan("Task"), in("a"))))
	f.want("b search", f.find(reaching(plan("Task"), in("b"))), "Task/c")
	cases, err := f.CasesOf(f.ctx(), "Task", "c")
	if err != nil || fmt.Sprint(cases) != "[c]" {
		f.Errorf("CasesOf() = %v, %v", cases, err)
	}
}
