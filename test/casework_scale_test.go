package test

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tenon/test/servertest"
)

// TestCaseworkScale opens as many cases as TENON_CASEWORK_CASES says through the
// FHIR door, moves two of three on within S01, and prints medians and 95 % of
// $case, $worklist and a gate decision over HTTP (a completion that is refused
// with its conditions: load, judge, audit, and no commit).
//
//	TENON_CASEWORK_CASES=10000 go test ./test -run TestCaseworkScale -v -timeout 60m
func TestCaseworkScale(t *testing.T) {
	n, _ := strconv.Atoi(os.Getenv("TENON_CASEWORK_CASES"))
	if n == 0 {
		t.Skip("set TENON_CASEWORK_CASES to a number of cases to measure casework")
	}
	onBothEngines(t, func(t *testing.T, h *house) {
		wang, roots := h.as("clin-wang"), make([]string, n)
		begin, at := time.Now(), atomic.Int64{}
		var all sync.WaitGroup
		for range 4 {
			all.Go(func() {
				for i := int(at.Add(1)) - 1; i < n; i = int(at.Add(1)) - 1 {
					_, roots[i] = h.open(wang, fmt.Sprintf("B-%d", i))
				}
			})
		}
		all.Wait()
		t.Logf("%d cases opened in %.0f s", n, time.Since(begin).Seconds())
		var working []string
		for path := "?_count=100"; path != "" && len(working) < min(n, 300); {
			items, next := h.worklist(wang, path)
			for i, it := range items {
				_, task, _ := strings.Cut(it["task"], "Task/")
				task = "Task/" + strings.Trim(task, "] ")
				if i%3 == 0 {
					continue
				}
				h.move(wang, task, "clin-wang", "received", "received", 200)
				h.move(wang, task, "clin-wang", "accepted", "accepted", 200)
				h.move(wang, task, "clin-wang", "in-progress", "working", 200)
				working = append(working, task)
			}
			path = next
		}
		measureAsks(t, "$case", func(i int) {
			h.Expect(t, 200, servertest.Request{Token: wang, Path: "/fhir/" + roots[i*7919%n] + "/$case"})
		})
		measureAsks(t, "$worklist", func(int) { h.Expect(t, 200, servertest.Request{Token: wang, Path: "/fhir/Task/$worklist"}) })
		measureAsks(t, "$worklist of a stage", func(int) {
			h.Expect(t, 200, servertest.Request{Token: wang, Path: "/fhir/Task/$worklist?stage=S01&role=CLIN"})
		})
		measureAsks(t, "gate decision", func(i int) { h.move(wang, working[i%len(working)], "clin-wang", "completed", "completed", 422) })
	})
}

func measureAsks(t *testing.T, name string, ask func(i int)) {
	t.Helper()
	var took []time.Duration
	for i := range 120 {
		begin := time.Now()
		ask(i)
		if i >= 20 {
			took = append(took, time.Since(begin))
		}
	}
	slices.Sort(took)
	t.Logf("%-22s median %6.2f ms, 95 %% %6.2f ms", name, ms(took[len(took)/2]), ms(took[len(took)*95/100]))
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
