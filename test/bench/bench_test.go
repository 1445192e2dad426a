package main

import (
	"io"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestMain is the child, too: bench starts itself.
func TestMain(m *testing.M) {
	if slices.Contains(os.Args, "-serve") {
		main()
		return
	}
	os.Exit(m.Run())
}

// TestRun measures a tiny record once, which shows that every load and every kind
// of search is accepted, and that what was acknowledged is there.
func TestRun(t *testing.T) {
	if testing.Short() {
		t.Skip("starts servers")
	}
	s := settings{engines: "sqlite", size: 200, grow: 300, each: 20 * time.Millisecond, clients: 2, crowd: 4, rounds: 1, asks: 1, testdata: t.TempDir()}
	var out strings.Builder
	if err := run(t.Context(), s, &out); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"transaction import", "mix of nine types", "– delete", "create of a 1.5 kB Observation", "read by id", "STOW", "4 clients", "start to ready",
		"none lost, none doubled", "Searches at 200", "Searches at 300", "× smaller", "_has", "composite combo", "date ap"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the report lacks %q", want)
		}
	}
	if t.Failed() {
		t.Log(out.String())
	}
}

// TestKindsHit asks every kind at a size where a share of 1 % is more than nothing: each
// hits, and what was written by hand hits the same number.
func TestKindsHit(t *testing.T) {
	if testing.Short() {
		t.Skip("starts servers")
	}
	b := &bench{settings: settings{engines: "sqlite", size: 5000, rounds: 1, asks: 1, clients: 2, each: 10 * time.Millisecond, only: "none"}, name: "sqlite", log: io.Discard}
	if err := b.open(t.Context(), "sqlite", t.TempDir()); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = b.srv.stop() }()
	if err := b.fill(t.Context(), b.size, 1); err != nil {
		t.Fatal(err)
	}
	if err := b.searches(t.Context(), 5000); err != nil {
		t.Fatal(err)
	}
	for label, a := range b.search.by {
		if none := strings.HasSuffix(label, "| 0"); (a[0].hits == 0) != none {
			t.Errorf("%s: %d hits on the first page", label, a[0].hits)
		}
		counts := strings.HasPrefix(label, "_total") || strings.HasPrefix(label, "_summary") // one row by hand
		if a[0].byHand != nil && !counts && !slices.Equal(a[0].byHand, a[0].bySearch) {
			t.Errorf("%s: the pages have %v hits by search, %v by hand", label, a[0].bySearch, a[0].byHand)
		}
	}
}

func TestReport(t *testing.T) {
	var x table
	x.add(row{what: "a", got: series{100, 300, 200}, yard: series{1000, 400, 500}, yardName: "raw", goal: "g", cpu: series{0.5}, took: []time.Duration{time.Millisecond, 3 * time.Millisecond}})
	x.add(row{what: "b", got: series{1.5}})
	x.note("n")
	want := "| what | median (range) | p50, p99 ms | server CPU ms each | beside it | ratio | goal |\n|---|---|---|---|---|---|---|\n" +
		"| a | 200 (100–300) | 3.00, 3.00 | 0.50 | raw 500 (400–1,000) | 40 % | g |\n| b | 1.50 |  |  |  |  |  |\n\nn\n"
	if got := x.markdown(); got != want {
		t.Errorf("markdown() = %s, want %s", got, want)
	}
	for n, want := range map[int]string{0: "0", 999: "999", 1000: "1,000", 1234567: "1,234,567"} {
		if got := thousands(n); got != want {
			t.Errorf("thousands(%d) = %s, want %s", n, got, want)
		}
	}
	var took []time.Duration
	for i := range 100 {
		took = append(took, time.Duration(100-i)*time.Millisecond)
	}
	if p50, p99 := share(took, 0.5), share(took, 0.99); p50 != 51 || p99 != 100 {
		t.Errorf("of 1 to 100 ms p50 = %v and p99 = %v, want 51 and 100", p50, p99)
	}
}
