package storetest

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"tenon/server/access"
	"tenon/server/record"
)

var historyTests = map[string]func(*fixture){
	"levels and order":           historyLevels,
	"every version has its own":  historyOfLevels,
	"large bodies cut the page":  historyLarge,
	"tenants have their own":     historyTenants,
	"a nil reach has no history": historyNil,
}

func (f *fixture) history(reach access.Predicate, q record.HistoryQuery) (string, bool) {
	f.Helper()
	if q.Count == 0 {
		q.Count = 100
	}
	page, err := f.HistoryOf(f.ctx(), reach, q)
	if errors.Is(err, record.ErrAbsent) {
		return "absent", false
	}
	if err != nil {
		f.Fatalf("HistoryOf(%+v) = %v", q, err)
	}
	var names []string
	for i := range page.Versions {
		v := &page.Versions[i]
		names = append(names, fmt.Sprintf("%s/%s/%d", v.Type, v.ID, v.Version))
	}
	return strings.Join(names, " "), page.More
}

func historyLevels(f *fixture) {
	f.put(Make("Patient", "a", 1), Make("Device", "d", 1), Make("Patient", "b", 1), Make("Patient", "a", 2), Make("Device", "d", 2, Deleted))
	second := Start.Add(2 * time.Second)
	for _, c := range []struct {
		q    record.HistoryQuery
		want string
		more bool
	}{
		{record.HistoryQuery{}, "Device/d/2 Patient/a/2 Patient/b/1 Device/d/1 Patient/a/1", false},
		{record.HistoryQuery{Type: "Patient"}, "Patient/a/2 Patient/b/1 Patient/a/1", false},
		{record.HistoryQuery{Type: "Patient", ID: "a"}, "Patient/a/2 Patient/a/1", false},
		{record.HistoryQuery{Count: 2}, "Device/d/2 Patient/a/2", true},
		{record.HistoryQuery{Count: 2, Before: record.VersionRef{Type: "Patient", ID: "a", Version: 2}}, "Patient/b/1 Device/d/1", true},
		{record.HistoryQuery{Count: 2, Before: record.VersionRef{Type: "Device", ID: "d", Version: 1}}, "Patient/a/1", false},
		{record.HistoryQuery{Since: second}, "Device/d/2 Patient/a/2", false},
		{record.HistoryQuery{From: second.Add(-time.Millisecond), To: second}, "Patient/b/1 Device/d/1 Patient/a/1", false},
		{record.HistoryQuery{From: second, To: second.Add(time.Hour)}, "Device/d/2 Patient/a/2 Patient/b/1", false},
		{record.HistoryQuery{Type: "Patient", ID: "none"}, "absent", false},
		{record.HistoryQuery{Before: record.VersionRef{Type: "Patient", ID: "a", Version: 3}}, "absent", false},
	} {
		if got, more := f.history(Everything, c.q); got != c.want || more != c.more {
			f.Errorf("HistoryOf(%+v) = %s, more %v; want %s, %v", c.q, got, more, c.want, c.more)
		}
	}
}

// historyOfLevels: a version that was above the ceiling stays out, though the
// current one is below it; and nothing of it when the current one is above.
func historyOfLevels(f *fixture) {
	f.caseOf("c", grants(person, 3), Make("Patient", "p", 1, Level(2)))
	f.put(Make("Patient", "p", 2, Level(5)), Make("Patient", "p", 3, Level(3)))
	for _, q := range []record.HistoryQuery{{Type: "Patient"}, {Type: "Patient", ID: "p"}} {
		if got, _ := f.history(in(person), q); got != "Patient/p/3 Patient/p/1" {
			f.Errorf("HistoryOf(%+v) = %s, want versions 3 and 1", q, got)
		}
	}
	if v, err := f.ReadVersion(f.ctx(), in(person), "Patient", "p", 2); !errors.Is(err, record.ErrAbsent) {
		f.Errorf("ReadVersion(2) above the ceiling = %v, %v, want ErrAbsent", v, err)
	}
	if v, err := f.ReadVersion(f.ctx(), in(person), "Patient", "p", 1); err != nil || v.Version != 1 {
		f.Errorf("ReadVersion(1) = %v, %v", v, err)
	}
	is := access.AnyOf{access.Is{Type: "Patient", ID: "p"}, in(person)}
	if got, _ := f.history(is, record.HistoryQuery{}); got != "Patient/p/3 Patient/p/2 Patient/p/1 Task/c/1" {
		f.Errorf("HistoryOf() of a named resource = %s", got)
	}
	f.put(Make("Patient", "p", 4, Level(4)))
	if got, _ := f.history(in(person), record.HistoryQuery{Type: "Patient"}); got != "" {
		f.Errorf("HistoryOf() of what is out of reach now = %s", got)
	}
}

func historyLarge(f *fixture) {
	large := func(v *record.Version) { v.Body = make([]byte, 20<<20) }
	f.put(Make("Binary", "a", 1, large), Make("Binary", "a", 2, large), Make("Binary", "a", 3, large))
	if got, more := f.history(Everything, record.HistoryQuery{Type: "Binary"}); got != "Binary/a/3" || !more {
		f.Errorf("a page of 20 MB bodies = %s, more %v", got, more)
	}
}

func historyTenants(f *fixture) {
	f.put(Make("Patient", "1", 1))
	other := *f
	other.Store = f.Tenant("other")
	other.put(Make("Patient", "2", 1), Make("Patient", "2", 2))
	if got, _ := f.history(Everything, record.HistoryQuery{}); got != "Patient/1/1" {
		f.Errorf("HistoryOf() in main = %s", got)
	}
	if got, _ := other.history(Everything, record.HistoryQuery{}); got != "Patient/2/2 Patient/2/1" {
		f.Errorf("HistoryOf() in other = %s", got)
	}
}

func historyNil(f *fixture) {
	f.put(Make("Patient", "1", 1), Make("Patient", "1", 2))
	for _, reach := range []access.Predicate{nil, access.Nothing{}, access.AnyOf{}, access.AllOf{Everything, nil}} {
		if got, _ := f.history(reach, record.HistoryQuery{}); got != "" {
			f.Errorf("HistoryOf(%#v) = %s", reach, got)
		}
		if got, _ := f.history(reach, record.HistoryQuery{Type: "Patient", ID: "1"}); got != "absent" {
			f.Errorf("HistoryOf(%#v) of an instance = %s, want absent", reach, got)
		}
	}
}
