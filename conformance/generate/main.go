// Command generate writes conformance/requirements.csv: which test proves which
// row of the mission. It reads the output of a test run, so that a row counts as
// proven when a subtest that carries its id has passed, and not otherwise:
//
//	go test -json ./... | go run ./conformance/generate
package main

import (
	"bufio"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strings"
)

const table = "conformance/requirements.csv"

// columns of the table; the last two are generated.
const (
	columnID    = "id"
	columnLevel = "level"
	columnState = "state" // proven, failed or owed
	columnTests = "tests"
)

var row = regexp.MustCompile(`R00[0-4]-\d{3}`)

// event is a line of go test -json. https://pkg.go.dev/cmd/test2json
type event struct {
	Action, Package, Test string
}

func main() {
	if err := run(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "generate:", err)
		os.Exit(1)
	}
}

func run(in io.Reader, out io.Writer) error {
	proven, failed, err := read(in)
	if err != nil {
		return err
	}
	rows, err := load()
	if err != nil {
		return err
	}
	counts := map[string]int{}
	id, level := slices.Index(rows[0], columnID), slices.Index(rows[0], columnLevel)
	state, tests := slices.Index(rows[0], columnState), slices.Index(rows[0], columnTests)
	for _, r := range rows[1:] {
		r[tests] = strings.Join(proven[r[id]], " ")
		switch {
		case failed[r[id]] != nil:
			r[state], r[tests] = "failed", strings.Join(failed[r[id]], " ")
		case len(proven[r[id]]) > 0:
			r[state] = "proven"
		default:
			r[state] = "owed"
		}
		counts[r[level]+" "+r[state]]++
	}
	for _, level := range []string{"must", "should", "reference"} {
		fmt.Fprintf(out, "%-10s %4d proven %4d owed %4d failed\n", level, counts[level+" proven"], counts[level+" owed"], counts[level+" failed"])
	}
	return save(rows)
}

// read collects, by row id, the subtests that passed and those that failed.
func read(in io.Reader) (proven, failed map[string][]string, err error) {
	proven, failed = map[string][]string{}, map[string][]string{}
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, 8<<20)
	for lines.Scan() {
		var e event
		if json.Unmarshal(lines.Bytes(), &e) != nil || e.Test == "" || e.Action != "pass" && e.Action != "fail" {
			continue
		}
		// Only the name of the subtest itself counts: a parent proves through
		// its children.
		name := e.Test[strings.LastIndexByte(e.Test, '/')+1:]
		into := proven
		if e.Action == "fail" {
			into = failed
		}
		full := strings.TrimPrefix(e.Package, "tenon/") + "." + e.Test
		for _, id := range row.FindAllString(name, -1) {
			if !slices.Contains(into[id], full) {
				into[id] = append(into[id], full)
			}
		}
	}
	for _, tests := range proven {
		slices.Sort(tests)
	}
	return proven, failed, lines.Err()
}

func load() ([][]string, error) {
	f, err := os.Open(table)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err == nil && len(rows) < 2 {
		err = fmt.Errorf("%s is empty", table)
	}
	return rows, err
}

func save(rows [][]string) error {
	f, err := os.Create(table)
	if err != nil {
		return err
	}
	w := csv.NewWriter(f)
	if err := w.WriteAll(rows); err != nil {
		_ = f.Close()
		return err
	}
	return f.Close()
}
