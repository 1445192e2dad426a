package test

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

// results is where dated reports are committed.
const results = "../conformance/results"

// header begins a dated report.
func header(title, repeat string) string {
	return fmt.Sprintf("# %s\n\n%s, %s/%s, %d processors, Go %s. Repeat with `%s`.\n\n", title, time.Now().UTC().Format(time.DateOnly),
		runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), strings.TrimPrefix(runtime.Version(), "go"), repeat)
}

func writeReport(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(results, name), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// killReports collects the engines' lines of one run.
var killReports []string

// report writes kill.md when both engines have been through.
func (k *killing) report(engine string, kills int) {
	if k.t.Failed() {
		return
	}
	row := fmt.Sprintf("| %s | %d |", engine, kills)
	for _, w := range k.writers {
		row += fmt.Sprintf(" %d |", w.count())
	}
	killReports = append(killReports, row+fmt.Sprintf(" %d | %v |", k.audited, time.Since(k.began).Round(time.Second)))
	head, line := "| engine | kills |", "|---|---|"
	for _, w := range k.writers {
		head, line = head+" "+w.name()+" |", line+"---|"
	}
	writeReport(k.t, "kill.md", header("kill -9 while clients write", "make prove")+
		`The real binary serves; five clients write resources, transactions, files, DICOM instances and steps of cases at once; after 0.2 to 2.2 seconds the process gets SIGKILL. Then database and files are judged as the kill left them (`+"`tenon verify` against a trust file from before the first kill, `tenon check`"+`), the server is started again, and everything that was acknowledged in any life is read back: versions, contents by SHA-256, searches, states of stages. A transaction of six entries is there whole or not at all. Every answered request has its row in the audit. The case that was cut off goes on to its end. Any difference fails the run.

`+head+" answers in the audit | took |\n"+line+"---|---|\n"+strings.Join(killReports, "\n")+"\n")
}
