// Command fhirpathjs runs all search parameters and all invariants of R4 over
// all official examples on two engines, this project's and fhirpath.js, and
// writes where their results differ, grouped by reason:
//
//	TENON_R4_PACKAGE=folder TENON_FHIRPATH_JS=folder go run ./conformance/fhirpathjs
//
// TENON_R4_PACKAGE is the unpacked npm package hl7.fhir.r4.examples@4.0.1,
// TENON_FHIRPATH_JS the folder whose node_modules hold what package.json names.
package main

import (
	"flag"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"slices"
	"time"
)

func main() {
	report := flag.String("report", "conformance/results/fhirpath-js.md", "file to write; empty for none")
	only := flag.String("only", "*", "examples to run, as a pattern of file names")
	elements := flag.Int("elements", 0, "at most so many elements of one file for one invariant; 0 is all")
	flag.Parse()
	if err := run(*report, *only, *elements); err != nil {
		log.Fatal(err)
	}
}

func run(report, only string, elements int) error {
	folder, modules := os.Getenv("TENON_R4_PACKAGE"), os.Getenv("TENON_FHIRPATH_JS")
	if folder == "" || modules == "" {
		return fmt.Errorf("TENON_R4_PACKAGE and TENON_FHIRPATH_JS name no folders; see go doc ./conformance/fhirpathjs")
	}
	files, err := filepath.Glob(filepath.Join(folder, only+".json"))
	if err != nil {
		return err
	}
	slices.Sort(files)
	other, err := start(modules)
	if err != nil {
		return err
	}
	r := &comparison{began: time.Now(), plan: newPlan(elements), other: other, kinds: map[string]*[2]int{}, groups: map[string]*group{}}
	for i, file := range files {
		if err := r.file(file); err != nil {
			return fmt.Errorf("%s: %w", filepath.Base(file), err)
		}
		if i%200 == 199 {
			log.Printf("%d of %d files, %d comparisons, %d differ", i+1, len(files), r.compared, r.differ)
		}
	}
	if err := other.stop(); err != nil {
		return err
	}
	r.took = time.Since(r.began)
	r.print(os.Stdout)
	if report == "" {
		return nil
	}
	f, err := os.Create(report)
	if err != nil {
		return err
	}
	r.print(f)
	return f.Close()
}
