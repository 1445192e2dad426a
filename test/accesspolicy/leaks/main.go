// Leaks proves that the leak tests can fail: it runs them in a build in which the
// access predicate is true for everybody (tag tenon_unguarded), and fails where
// one of them passes. The tests are the lines of test/accesspolicy/leaks.tsv:
// package, test.
package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strings"
)

const list = "test/accesspolicy/leaks.tsv"

func main() {
	blind, err := run(context.Background())
	if err != nil {
		fmt.Fprintln(os.Stderr, "leaks:", err)
		os.Exit(2)
	}
	if len(blind) > 0 {
		fmt.Println("These tests pass although everybody sees everything:\n" + strings.Join(blind, "\n"))
		os.Exit(1)
	}
	fmt.Println("Every leak test fails without the predicate.")
}

// run returns the tests that do not see the leak.
func run(ctx context.Context) (blind []string, err error) {
	text, err := os.ReadFile(list)
	if err != nil {
		return nil, err
	}
	tests := map[string][]string{} // by package
	for line := range strings.Lines(string(text)) {
		pkg, test, ok := strings.Cut(strings.TrimSpace(line), "\t")
		if ok {
			tests[pkg] = append(tests[pkg], test)
		}
	}
	for _, pkg := range slices.Sorted(maps.Keys(tests)) {
		failed, err := failing(ctx, pkg, tests[pkg])
		if err != nil {
			return nil, err
		}
		for _, test := range tests[pkg] {
			if !failed[test] {
				blind = append(blind, pkg+"\t"+test)
			}
		}
	}
	return blind, nil
}

// failing runs the top-level tests of the list and tells which tests failed.
func failing(ctx context.Context, pkg string, tests []string) (map[string]bool, error) {
	tops := map[string]bool{}
	for _, test := range tests {
		top, _, _ := strings.Cut(test, "/")
		tops[top] = true
	}
	pattern := "^(" + strings.Join(slices.Sorted(maps.Keys(tops)), "|") + ")$"
	out, err := exec.CommandContext(ctx, "go", "test", "-tags", "tenon_unguarded", "-json", "-run", pattern, pkg).Output() //nolint:gosec // names of a committed list
	if err == nil {
		return nil, nil // all passed
	}
	failed, seen := map[string]bool{}, false
	lines := bufio.NewScanner(bytes.NewReader(out))
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var e struct{ Action, Test string }
		if json.Unmarshal(lines.Bytes(), &e) == nil && e.Test != "" {
			seen = true
			if e.Action == "fail" {
				failed[e.Test] = true
			}
		}
	}
	if !seen {
		return nil, fmt.Errorf("%s ran no test: %w", pkg, err)
	}
	return failed, lines.Err()
}
