package main

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// series are the figures of one thing, one of each round.
type series []float64

func (s series) median() float64 {
	if len(s) == 0 {
		return 0
	}
	return slices.Sorted(slices.Values(s))[len(s)/2]
}

// rate runs f from clients for a time and tells how often a second it succeeded
// and what each call took. The first error ends it.
func rate(each time.Duration, clients int, f func() error) (float64, []time.Duration, error) {
	var failed atomic.Pointer[error]
	var wait sync.WaitGroup
	took := make([][]time.Duration, clients)
	begun := time.Now()
	for i := range clients {
		wait.Go(func() {
			for time.Since(begun) < each && failed.Load() == nil {
				at := time.Now()
				if err := f(); err != nil {
					failed.Store(&err)
					return
				}
				took[i] = append(took[i], time.Since(at))
			}
		})
	}
	wait.Wait()
	end := time.Since(begun)
	if err := failed.Load(); err != nil {
		return 0, nil, *err
	}
	all := slices.Concat(took...)
	return float64(len(all)) / end.Seconds(), all, nil
}

// spread runs f once for every number below n from clients.
func spread(clients, from, to int, f func(i int) error) error {
	var next atomic.Int64
	next.Store(int64(from))
	var failed atomic.Pointer[error]
	var wait sync.WaitGroup
	for range clients {
		wait.Go(func() {
			for failed.Load() == nil {
				i := int(next.Add(1)) - 1
				if i >= to {
					return
				}
				if err := f(i); err != nil {
					failed.Store(&err)
				}
			}
		})
	}
	wait.Wait()
	if err := failed.Load(); err != nil {
		return *err
	}
	return nil
}

// per is what each of n took, in milliseconds.
func per(d time.Duration, n int) float64 {
	return float64(d.Microseconds()) / 1000 / float64(max(1, n))
}

// share is the duration that a share of all calls stay below, in milliseconds.
func share(took []time.Duration, of float64) float64 {
	if len(took) == 0 {
		return 0
	}
	s := slices.Sorted(slices.Values(took))
	at := min(len(s)-1, int(of*float64(len(s))))
	return float64(s[at].Microseconds()) / 1000
}
