package storetest

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"tenon/server/record"
)

var floorTests = map[string]func(*fixture){
	"nothing is written below":             floorHolds,
	"a commit under way is waited for":     floorRace,
	"an export as of then, whatever after": floorExport,
}

func floorHolds(f *fixture) {
	at := Start.Add(time.Hour)
	got, err := f.RaiseFloor(f.ctx(), at)
	if err != nil || !got.Equal(at) {
		f.Fatalf("RaiseFloor(%v) = %v, %v", at, got, err)
	}
	f.stale(f.unit(Make("Patient", "before", 1, Updated(at.Add(-time.Second)))))
	f.stale(f.unit(Make("Patient", "at", 1, Updated(at))))
	f.put(Make("Patient", "after", 1, Updated(at.Add(time.Millisecond))))
	if again, err := f.RaiseFloor(f.ctx(), at.Add(-time.Minute)); err != nil || !again.Equal(at) {
		f.Errorf("RaiseFloor() of an earlier time = %v, %v, want %v: it never falls", again, err, at)
	}
	if floor, err := f.Floor(f.ctx()); err != nil || !floor.Equal(at.Add(time.Millisecond)) {
		f.Errorf("Floor() = %v, %v, want the first time that is free", floor, err)
	}
}

// floorRace commits units that were prepared before the floor was raised, late and
// at once with it: what is committed with a time up to the floor is there when
// RaiseFloor returns, and the rest is refused.
func floorRace(f *fixture) {
	at := Start.Add(time.Hour)
	var wg sync.WaitGroup
	var mu sync.Mutex
	committed := map[string]time.Time{}
	for i := range 40 {
		id := fmt.Sprint("p", i)
		u := f.unit(Make("Patient", id, 1, Updated(at.Add(-time.Second))))
		wg.Go(func() {
			time.Sleep(time.Duration(i) * time.Millisecond)
			err := f.Commit(f.ctx(), u)
			if err != nil && !errors.Is(err, record.ErrStale) {
				f.Errorf("Commit() = %v", err)
			}
			if err == nil {
				mu.Lock()
				defer mu.Unlock()
				committed[id] = time.Now()
			}
		})
	}
	time.Sleep(15 * time.Millisecond)
	fixed, err := f.RaiseFloor(f.ctx(), at)
	if err != nil {
		f.Fatal(err)
	}
	there := f.exported(fixed, time.Time{}, "Patient")
	wg.Wait()
	for id := range committed {
		if there["Patient/"+id] == 0 {
			f.Errorf("Patient/%s was committed with a time below the floor behind the export's back", id)
		}
	}
	if len(there) != len(committed) {
		f.Errorf("the export saw %d, %d were committed", len(there), len(committed))
	}
}

// exported are the versions of an export, page by page of two.
func (f *fixture) exported(until, since time.Time, typ string) map[string]int64 {
	f.Helper()
	found := map[string]int64{}
	q := record.ExportQuery{Type: typ, Reach: Everything, Until: until, Since: since, Count: 2, Bytes: 1 << 20}
	for {
		page, err := f.Export(f.ctx(), q)
		if err != nil {
			f.Fatal(err)
		}
		for _, v := range page.Versions {
			if found[v.Type+"/"+v.ID] != 0 {
				f.Errorf("%s/%s is exported twice", v.Type, v.ID)
			}
			found[v.Type+"/"+v.ID] = v.Version
		}
		if !page.More {
			return found
		}
		q.After = page.Next
	}
}

// floorExport writes on after the floor: the export has everything as it was.
func floorExport(f *fixture) {
	for _, id := range []string{"a", "b", "c", "gone"} {
		f.put(Make("Patient", id, 1, Updated(Start)))
	}
	f.put(Make("Patient", "a", 2, Updated(Start.Add(time.Minute))))
	at, err := f.RaiseFloor(f.ctx(), Start.Add(2*time.Minute))
	if err != nil {
		f.Fatal(err)
	}
	late := at.Add(time.Minute)
	f.put(Make("Patient", "a", 3, Updated(late)), Make("Patient", "b", 2, Updated(late)), Make("Patient", "new", 1, Updated(late)))
	f.put(Make("Patient", "gone", 2, Updated(late), Deleted))
	for _, c := range []struct {
		name         string
		until, since time.Time
		want         map[string]int64
	}{
		{"all", at, time.Time{}, map[string]int64{"Patient/a": 2, "Patient/b": 1, "Patient/c": 1}},
		{"what changed", at, Start, map[string]int64{"Patient/a": 2}},
		{"what changed after that", late, at, map[string]int64{"Patient/a": 3, "Patient/b": 2, "Patient/new": 1}},
	} {
		if got := f.exported(c.until, c.since, "Patient"); fmt.Sprint(got) != fmt.Sprint(c.want) {
			f.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
	ids, _, err := f.ExportDeleted(f.ctx(), record.ExportQuery{Type: "Patient", Reach: Everything, Since: at, Until: late, Count: 10})
	if err != nil || len(ids) != 1 || ids[0] != "gone" {
		f.Errorf("ExportDeleted() = %v, %v, want the one that is gone", ids, err)
	}
	if page, err := f.Export(f.ctx(), record.ExportQuery{Type: "Patient", Until: late, Count: 10, Bytes: 1 << 20}); err != nil || len(page.Versions) != 0 {
		f.Errorf("Export() without a reach gives %d, %v, want nothing", len(page.Versions), err)
	}
}
