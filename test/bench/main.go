package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"time"
)

// settings are the flags.
type settings struct {
	engines  string
	database string
	size     int
	grow     int
	each     time.Duration
	clients  int
	crowd    int
	rounds   int
	asks     int
	results  string
	profiles string
	only     string
	testdata string
}

func main() {
	var s settings
	var seconds float64
	var child, data string
	flag.StringVar(&s.engines, "engine", "sqlite,postgres", "engines to measure, one after the other")
	flag.StringVar(&s.database, "database", "", "postgres:// URL of a server whose user may create databases; one is started otherwise")
	flag.IntVar(&s.size, "size", 100_000, "resources in the record")
	flag.IntVar(&s.grow, "grow", 0, "search again when there are so many resources")
	flag.Float64Var(&seconds, "seconds", 3, "of one measurement")
	flag.IntVar(&s.clients, "clients", 8, "concurrent clients")
	flag.IntVar(&s.crowd, "crowd", 200, "clients of the memory measurement")
	flag.IntVar(&s.rounds, "rounds", 3, "interleaved rounds")
	flag.IntVar(&s.asks, "asks", 15, "searches of each kind in a round")
	flag.StringVar(&s.results, "results", "", "file for the report, such as conformance/results/server.md")
	flag.StringVar(&s.profiles, "profiles", "", "folder for CPU profiles of each load")
	flag.StringVar(&s.only, "only", "", "loads to run of import,mix,single,search,crowd,start; all by default")
	flag.StringVar(&s.testdata, "testdata", os.Getenv("TENON_TESTDATA"), "folder of test data; ../shared/testdata by default")
	flag.StringVar(&child, "serve", "", "database to serve as a child of bench")
	flag.StringVar(&data, "data", "", "folder of the child")
	flag.Parse()
	s.each = time.Duration(seconds * float64(time.Second))
	err := errors.ErrUnsupported
	if child != "" {
		err = serve(context.Background(), child, data)
	} else {
		err = run(context.Background(), s, os.Stdout)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// run measures each engine and prints its part of the report.
func run(ctx context.Context, s settings, out io.Writer) error {
	var report strings.Builder
	fmt.Fprintf(&report, "# Whole-server figures\n\n%s, %s/%s, %s, %d cores; client, server and raw load on the same machine. %d clients, %v a measurement, %d interleaved rounds: median (range). Audit, ledger and validation on, commits durable.\n\n%s\n",
		time.Now().UTC().Format("2006-01-02"), runtime.GOOS, runtime.GOARCH, runtime.Version(), runtime.NumCPU(), s.clients, s.each, s.rounds, explanation)
	for name := range strings.SplitSeq(s.engines, ",") {
		part, err := engine(ctx, s, name, os.Stderr)
		if errors.Is(err, errNoServer) {
			fmt.Fprintln(os.Stderr, err)
			continue
		}
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		report.WriteString(part)
	}
	if _, err := io.WriteString(out, report.String()); err != nil || s.results == "" {
		return err
	}
	return os.WriteFile(s.results, []byte(report.String()), 0o644) //nolint:gosec // a report for all to read
}

const explanation = `Raw = statements written by hand, prepared, on the same schema and the same kind of rows in the same run: for writes resource, history, index, leaf and audit rows, one insert a row, one durable commit each (imports: one for 50 resources); for searches a range scan of the index and the bodies of one page, without audit. "Memory" = a Go handler that returns the same bytes from memory and writes the same audit row. A ratio above 100 % says that the server batches what the raw load does not.
`
