package main

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"
)

// measure is one line: what is done, and how often it must be done faster.
type measure struct {
	what string
	goal float64
	unit string // "1/s": more is better; "ms": less is better
	n    int    // items of a round
	// decrypted also asks the handler that only decrypts.
	decrypted bool
	run       func(ctx context.Context, p *peer, round int) (float64, error)
	got       map[string][]float64 // by peer, one figure a round
	cpu       map[string][]float64 // milliseconds of the server's processor for one item
	found     map[string]int       // results of one answer, by peer; nil: not counted
}

// rate sends requests from c clients and gives the items per second.
func rate(c, items int, send func(i int) error) (float64, error) {
	work := make(chan int)
	var first error
	var once sync.Once
	var all sync.WaitGroup
	begun := time.Now()
	for range c {
		all.Go(func() {
			for i := range work {
				if err := send(i); err != nil {
					once.Do(func() { first = err })
				}
			}
		})
	}
	for i := range items {
		work <- i
	}
	close(work)
	all.Wait()
	return float64(items) / time.Since(begun).Seconds(), first
}

// median takes n requests, one after the other, and gives the median in
// milliseconds.
func median(n int, send func(i int) error) (float64, error) {
	took := make([]float64, n)
	for i := range took {
		begun := time.Now()
		if err := send(i); err != nil {
			return 0, err
		}
		took[i] = float64(time.Since(begun).Microseconds()) / 1000
	}
	return middle(took), nil
}

func middle(list []float64) float64 {
	if len(list) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(list))
	return sorted[len(sorted)/2]
}

// cheaper is how many times less processor time ours takes.
func (m *measure) cheaper() float64 {
	a, b := middle(m.cpu["tenon"]), middle(m.cpu["Orthanc"])
	if a == 0 {
		return 0
	}
	return b / a
}

// results are how many results each of the two finds: who finds less has less to
// do, and no ratio then tells who is faster.
func (m *measure) results() string {
	a, b := m.found["tenon"], m.found["Orthanc"]
	switch {
	case m.found == nil:
		return ""
	case a == b:
		return strconv.Itoa(a)
	}
	return fmt.Sprintf("**%d, %d**", a, b)
}

// ofBare is the share of the speed of the handler that only decrypts.
func (m *measure) ofBare() string {
	a, b := middle(m.got["tenon"]), middle(m.got[bare])
	if a == 0 || b == 0 {
		return ""
	}
	if m.unit == "ms" {
		a, b = b, a
	}
	return fmt.Sprintf("%.0f %% (%.1f)", 100*a/b, middle(m.got[bare]))
}

// ratio is how many times faster ours is.
func (m *measure) ratio() float64 {
	a, b := middle(m.got["tenon"]), middle(m.got["Orthanc"])
	if a == 0 || b == 0 {
		return 0
	}
	if m.unit == "ms" {
		return b / a
	}
	return a / b
}
