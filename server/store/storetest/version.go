package storetest

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"strings"

	"tenon/server/access"
	"tenon/server/record"
	"tenon/server/search"
)

var versionTests = map[string]func(*fixture){
	"create and read":            createAndRead,
	"update, history and vread":  updateAndHistory,
	"delete and bring back":      deleteAndBringBack,
	"bytes are kept as they are": bytesAreKept,
	"absent":                     absent,
	"nil reach reads nothing":    nilReach,
	"tenants are apart":          tenantsApart,
	"ungraded is refused":        ungraded,
}

func createAndRead(f *fixture) {
	v := Make("Patient", "1", 1, func(v *record.Version) {
		v.Patient, v.Blob, v.Grading, v.Integrity, v.Method = "Patient/1", "ab12", "2026-1", 3, "POST"
	})
	f.put(v)
	got, err := f.Read(f.ctx(), Everything, "Patient", "1")
	if err != nil {
		f.Fatal(err)
	}
	v.Rows = search.Rows{}
	if !reflect.DeepEqual(*got, v) {
		f.Errorf("Read() = %+v, want %+v", *got, v)
	}
}

func updateAndHistory(f *fixture) {
	for n := int64(1); n <= 5; n++ {
		f.put(Make("Patient", "1", n, Token("identifier", "urn:x", fmt.Sprint("v", n))))
	}
	for n := int64(1); n <= 5; n++ {
		v, err := f.ReadVersion(f.ctx(), Everything, "Patient", "1", n)
		if err != nil || v.Version != n || !strings.Contains(string(v.Body), fmt.Sprintf(`"versionId":"%d"`, n)) {
			f.Errorf("ReadVersion(%d) = %+v, %v", n, v, err)
		}
	}
	if _, err := f.ReadVersion(f.ctx(), Everything, "Patient", "1", 6); !errors.Is(err, record.ErrAbsent) {
		f.Errorf("ReadVersion(6) = %v, want ErrAbsent", err)
	}
	for _, c := range []struct {
		before int64
		limit  int
		want   string
	}{{0, 100, "[5 4 3 2 1]"}, {0, 2, "[5 4]"}, {4, 2, "[3 2]"}, {2, 10, "[1]"}, {1, 10, "[]"}} {
		vs, err := f.History(f.ctx(), Everything, "Patient", "1", c.before, c.limit)
		if got := fmt.Sprint(numbers(vs)); err != nil || got != c.want {
			f.Errorf("History(before %d, limit %d) = %v, %v, want %v", c.before, c.limit, got, err, c.want)
		}
	}
	f.want("search for the value of an old version", f.find(plan("Patient", Code("Patient", "identifier", "*", "v4"))))
	f.want("search for the value of the current one", f.find(plan("Patient", Code("Patient", "identifier", "*", "v5"))), "Patient/1")
}

func numbers(vs []record.Version) []int64 {
	out := []int64{}
	for _, v := range vs {
		out = append(out, v.Version)
	}
	return out
}

func deleteAndBringBack(f *fixture) {
	f.put(Make("Patient", "1", 1, String("name", "Li")), Make("Patient", "1", 2, Deleted))
	v, err := f.Read(f.ctx(), Everything, "Patient", "1")
	if err != nil || !v.Deleted || v.Version != 2 || v.Method != "DELETE" {
		f.Errorf("Read() of a deleted one = %+v, %v", v, err)
	}
	f.want("search for a deleted one", f.find(plan("Patient")))
	f.want("search for its old name", f.find(plan("Patient", search.String{Key: search.KeyOf("Patient", "name"), Any: []search.StringMatch{{Value: "li"}}})))
	f.put(Make("Patient", "1", 3))
	f.want("search when it is back", f.find(plan("Patient")), "Patient/1")
	vs, err := f.History(f.ctx(), Everything, "Patient", "1", 0, 10)
	if err != nil || len(vs) != 3 || vs[0].Deleted || !vs[1].Deleted || vs[2].Deleted {
		f.Errorf("History() = %+v, %v", vs, err)
	}
}

func bytesAreKept(f *fixture) {
	body := []byte("{\r\n \"resourceType\" : \"Patient\",\"x\":1.00,\"y\":\"\\u0041 \u00e9 e\u0301 王\"}")
	body = append(body, bytes.Repeat([]byte(" "), 3_000_000)...)
	f.put(Make("Patient", "1", 1, func(v *record.Version) { v.Body = body }))
	v, err := f.Read(f.ctx(), Everything, "Patient", "1")
	if err != nil || !bytes.Equal(v.Body, body) {
		f.Errorf("Read() gives other bytes (%d of them), %v", len(v.Body), err)
	}
}

func absent(f *fixture) {
	f.put(Make("Patient", "1", 1))
	for _, c := range [][2]string{{"Patient", "2"}, {"Device", "1"}, {"patient", "1"}, {"Patient", "1 "}, {"Patient", "\x00\xff"}, {"Patient", "1' OR '1'='1"}} {
		if v, err := f.Read(f.ctx(), Everything, c[0], c[1]); !errors.Is(err, record.ErrAbsent) {
			f.Errorf("Read(%q) = %+v, %v, want ErrAbsent", c, v, err)
		}
		if vs, err := f.History(f.ctx(), Everything, c[0], c[1], 0, 10); !errors.Is(err, record.ErrAbsent) {
			f.Errorf("History(%q) = %+v, %v, want ErrAbsent", c, vs, err)
		}
	}
}

func nilReach(f *fixture) {
	f.put(Make("Patient", "1", 1), Make("Patient", "1", 2))
	for _, reach := range []access.Predicate{nil, access.Nothing{}, access.AnyOf{}, access.AnyOf{nil}, access.AllOf{nil}, access.AllOf{Everything, nil}} {
		if _, err := f.Read(f.ctx(), reach, "Patient", "1"); !errors.Is(err, record.ErrAbsent) {
			f.Errorf("Read(%#v) = %v, want ErrAbsent", reach, err)
		}
		if _, err := f.ReadVersion(f.ctx(), reach, "Patient", "1", 1); !errors.Is(err, record.ErrAbsent) {
			f.Errorf("ReadVersion(%#v) = %v, want ErrAbsent", reach, err)
		}
		if _, err := f.History(f.ctx(), reach, "Patient", "1", 0, 9); !errors.Is(err, record.ErrAbsent) {
			f.Errorf("History(%#v) = %v, want ErrAbsent", reach, err)
		}
		f.want(fmt.Sprintf("Search(%#v)", reach), f.find(reaching(plan("Patient"), reach)))
		page, err := f.Search(f.ctx(), reaching(&search.Plan{Root: search.Alias{}, Total: true}, reach))
		if err != nil || *page.Total != 0 {
			f.Errorf("total with %#v = %v, %v", reach, page, err)
		}
	}
}

func tenantsApart(f *fixture) {
	f.put(Make("Patient", "1", 1))
	other := *f
	other.Store = f.Tenant("other")
	f.want("search before the tenant has written", other.find(plan("Patient")))
	other.put(Make("Patient", "1", 1), Make("Patient", "2", 1))
	f.want("search in main", f.find(plan("Patient")), "Patient/1")
	f.want("search in other", other.find(plan("Patient")), "Patient/1", "Patient/2")
	if _, err := f.Read(f.ctx(), Everything, "Patient", "2"); !errors.Is(err, record.ErrAbsent) {
		f.Errorf("Read() across tenants = %v, want ErrAbsent", err)
	}
	u := f.unit(Make("Patient", "9", 1))
	u.Tenant = "other"
	if err := f.Commit(f.ctx(), u); err == nil {
		f.Error("Commit() of another tenant's unit is taken")
	}
}

func ungraded(f *fixture) {
	if err := f.Commit(f.ctx(), f.unit(Make("Patient", "1", 1, Level(0)))); err == nil {
		f.Error("Commit() of a version without level is taken")
	}
}
