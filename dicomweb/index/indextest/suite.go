package indextest

import (
	"context"
	"crypto/sha256"
	"fmt"
	"reflect"
	"testing"

	"tenon/dicomweb/index"
	"tenon/server/access"
)

// Harness is a store under test.
type Harness interface {
	index.Store
	// Commit writes the rows (*index.Study, *index.Series, *index.Instance) in one
	// unit with the next version of ImagingStudy/{resource} in tenant "main", and
	// the blobs of the instances. It returns the error of record.Store.Commit,
	// for which Stale tells whether it is record.ErrStale.
	Commit(t *testing.T, resource string, rows ...any) error
	Stale(err error) bool
}

// Run runs the suite; open gives an empty store.
func Run(t *testing.T, open func(t *testing.T) Harness) {
	for name, test := range map[string]func(*testing.T, Harness){
		"search":    testSearch,
		"fuzzy":     testFuzzy,
		"extra":     testExtra,
		"levels":    testLevels,
		"order":     testOrder,
		"page":      testPage,
		"rows":      testRows,
		"reach":     testReach,
		"instances": testInstances,
		"holdings":  testHoldings,
		"replace":   testReplace,
		"conflict":  testConflict,
	} {
		t.Run(name, func(t *testing.T) { test(t, open(t)) })
	}
}

var everything = access.Everything{}

func number(n int64) *int64 { return &n }

// study makes the rows of a study with one series of n instances, numbered from
// 1, with UIDs below the number of the study.
func study(i int, change func(*index.Study, *index.Series), n int) []any {
	uid := fmt.Sprintf("1.%d", i)
	s := &index.Study{UID: uid, Resource: fmt.Sprintf("study-%d", i), Patient: "Patient/p",
		PatientName: "Doe^Jane", Series: number(1), Instances: number(int64(n))}
	r := &index.Series{UID: uid + ".1", Study: uid, Modality: "CT", Number: number(1), Instances: number(int64(n))}
	if change != nil {
		change(s, r)
	}
	s.Names = index.FoldNames(s.PatientName)
	rows := []any{s, r}
	for k := 1; k <= n; k++ {
		rows = append(rows, instance(r, k))
	}
	for _, v := range s.NameValues() {
		rows = append(rows, v)
	}
	return rows
}

// instance makes a row with every column and all of Content filled.
func instance(r *index.Series, k int) *index.Instance {
	uid := fmt.Sprintf("%s.%d", r.UID, k)
	return &index.Instance{UID: uid, Series: r.UID, Study: r.Study, SOPClass: "1.2.840.10008.5.1.4.1.1.2", Number: number(int64(k)),
		Rows: number(512), Columns: number(256), BitsAllocated: number(16), ContentDate: "20260101", ContentTime: "101500.5",
		AcquiredDate: "20260102", AcquiredTime: "101501", ImageType: `ORIGINAL\PRIMARY`, TransferSyntax: "1.2.840.10008.1.2.1", DocumentTitle: "t",
		Content: index.Content{Digest: sha256.Sum256([]byte(uid)), Size: int64(len(uid)), Pixels: index.Span{Offset: 3, Length: 4}, Deflated: k%2 == 0,
			Frames: []byte{1, 2, 0}, Bulk: []byte(`[{"p":"x"}]`), Metadata: []byte{'z', 0, 255}}}
}

func commit(t *testing.T, h Harness, rows []any) {
	t.Helper()
	if err := h.Commit(t, rows[0].(*index.Study).Resource, rows...); err != nil {
		t.Fatal(err)
	}
}

// uids are what a query finds, in order.
func uids(t *testing.T, h Harness, reach access.Predicate, q *index.Query) []string {
	t.Helper()
	if q.Limit == 0 {
		q.Limit = 100
	}
	page, err := h.Search(t.Context(), reach, q)
	if err != nil {
		t.Fatal(err)
	}
	list := []string{}
	for i := range page.Results {
		list = append(list, [...]string{page.Results[i].Study.UID, page.Results[i].Series.UID, page.Results[i].Instance.UID}[q.Level-1])
	}
	return list
}

func expect(t *testing.T, got, want []string) {
	t.Helper()
	if want == nil {
		want = []string{}
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("found %v, want %v", got, want)
	}
}

// all collects Instances.
func all(t *testing.T, h Harness, reach access.Predicate, k index.Key) []index.Result {
	t.Helper()
	var list []index.Result
	for r, err := range h.Instances(context.WithoutCancel(t.Context()), reach, k) {
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, *r)
	}
	return list
}
