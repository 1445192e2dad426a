// Command bench measures the whole server over HTTP on loopback, beside the raw
// engine in the same run, and prints ratios: three interleaved rounds, medians.
// It is bounded in time and count.
//
//	go run ./test/bench [-database sqlite|postgres://…] [-seconds 4] [-clients 8]
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/pprof"
	"slices"
	"time"

	"tenon/server/store/rawtest"
)

func main() {
	database := flag.String("database", "sqlite", "sqlite, or a postgres:// URL of an empty database")
	seconds := flag.Int("seconds", 4, "of one measurement")
	clients := flag.Int("clients", 8, "concurrent clients")
	rounds := flag.Int("rounds", 3, "interleaved rounds")
	profile := flag.String("cpuprofile", "", "file for a CPU profile")
	flag.Parse()
	if *profile != "" {
		f, err := os.Create(*profile)
		if err == nil {
			err = pprof.StartCPUProfile(f)
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, "bench:", err)
			os.Exit(1)
		}
		defer pprof.StopCPUProfile()
	}
	if err := run(*database, time.Duration(*seconds)*time.Second, *clients, *rounds); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(database string, each time.Duration, clients, rounds int) error {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "tenon-bench")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	s, err := start(ctx, database, filepath.Join(dir, "server"))
	if err != nil {
		return err
	}
	defer s.stop()
	raw, err := rawtest.Open(ctx, database, filepath.Join(dir, "raw"))
	if err != nil {
		return err
	}
	defer raw.Close()
	fmt.Printf("%s, %d cores, %s, %d clients, %v a measurement, %d rounds; audit, ledger and validation on, durable commits\n",
		raw.Name(), runtime.NumCPU(), runtime.Version(), clients, each, rounds)
	fmt.Printf("start to ready %v; memory at rest %d MB\n\n", s.ready.Round(time.Millisecond), s.memory()>>20)
	var creates, rawCreates, reads, handler, stows []float64
	for range rounds {
		rawCreates = append(rawCreates, measure(each, clients, raw.Create))
		creates = append(creates, measure(each, clients, s.create))
		handler = append(handler, measure(each, clients, s.plain))
		reads = append(reads, measure(each, clients, s.read))
		stows = append(stows, measure(each, clients, s.stow))
	}
	row("raw rows written/s", rawCreates, nil)
	row("FHIR create/s", creates, rawCreates)
	row("memory handler + audit/s", handler, nil)
	row("FHIR read/s", reads, handler)
	row("STOW instances/s", stows, nil)
	fmt.Printf("\nmemory after the load %d MB\n", s.memory()>>20)
	return nil
}

// row prints median, range and the ratio to the yardstick of the same run.
func row(name string, got, yard []float64) {
	fmt.Printf("%-24s %9.0f  (%.0f–%.0f)", name, median(got), slices.Min(got), slices.Max(got))
	if yard != nil {
		fmt.Printf("  %.0f %% of %.0f", 100*median(got)/median(yard), median(yard))
	}
	fmt.Println()
}

func median(x []float64) float64 {
	s := slices.Sorted(slices.Values(x))
	return s[len(s)/2]
}
