package conformance_test

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"tenon/conformance/suite"
	"tenon/server/app"
	"tenon/server/store/pgtest"
	"tenon/test/servertest"
)

const suiteResults = "results/suite.tsv"

// TestSuite holds our server, with all that it can do switched on, to the suite
// that any FHIR server can be given. results/suite.tsv holds the verdict of
// every case on both engines; a case that failed there may go on failing, one that
// is new may not begin with it. TENON_WRITE_RESULTS=1 writes it anew.
func TestSuite(t *testing.T) {
	before := readSuite(t)
	verdicts := map[string][]suite.Result{}
	t.Run("SQLite", func(t *testing.T) { verdicts["SQLite"] = runSuite(t, "sqlite", before) })
	t.Run("PostgreSQL", func(t *testing.T) {
		verdicts["PostgreSQL"] = runSuite(t, pgtest.Database(t, "suite", nil), before)
	})
	if os.Getenv("TENON_WRITE_RESULTS") != "" && len(verdicts["SQLite"]) > 0 && len(verdicts["PostgreSQL"]) > 0 {
		writeSuite(t, verdicts["SQLite"], verdicts["PostgreSQL"])
	}
}

func runSuite(t *testing.T, database string, before map[string]string) []suite.Result {
	t.Helper()
	s := servertest.Start(t, app.Config{
		Dev: true, Database: database, UpdateAsCreate: true, DeleteSeveral: 50, Origins: []string{"https://app.example.org"},
	})
	begun := time.Now()
	results, err := suite.Run(t.Context(), suite.Options{URL: s.URL + "/fhir"})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%s in %v", suite.Sum(results), time.Since(begun).Round(time.Millisecond))
	for _, r := range results {
		switch {
		case r.Verdict == suite.Failed && before[r.ID] == string(suite.Failed):
			t.Logf("%s still fails", r.ID)
		case r.Verdict == suite.Failed:
			t.Errorf("%s (%s %s): %s", r.ID, r.Level, r.Clause, r.Reason)
		case before[r.ID] == string(suite.Passed) && r.Verdict != suite.Passed:
			t.Errorf("%s got worse: it was passed, now it is %s: %s", r.ID, r.Verdict, r.Reason)
		}
	}
	return results
}

// readSuite reads the committed verdicts by case: "passed" where both engines
// pass.
func readSuite(t *testing.T) map[string]string {
	t.Helper()
	raw, err := os.ReadFile(suiteResults)
	if err != nil && os.Getenv("TENON_WRITE_RESULTS") == "" {
		t.Fatal(err)
	}
	out := map[string]string{}
	for line := range strings.SplitSeq(string(raw), "\n") {
		if f := strings.Split(line, "\t"); len(f) == 5 && f[2] == f[3] {
			out[f[0]] = f[2]
		}
	}
	return out
}

func writeSuite(t *testing.T, sqlite, postgres []suite.Result) {
	t.Helper()
	var b strings.Builder
	b.WriteString("case\tlevel\tSQLite\tPostgreSQL\tclause\n")
	for i, r := range sqlite {
		fmt.Fprintf(&b, "%s\t%s\t%s\t%s\t%s\n", r.ID, r.Level, r.Verdict, postgres[i].Verdict, r.Clause)
	}
	if err := os.WriteFile(suiteResults, []byte(b.String()), 0o644); err != nil {
		t.Fatal(err)
	}
}
