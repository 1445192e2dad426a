package conformance

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"tenon/test/servertest"
)

const refusals = "results/examples.tsv"

// refusal is why an example is not taken.
type refusal struct {
	status             int
	rule, path, reason string
}

func (r refusal) verdict() string { return fmt.Sprintf("%d %s %s", r.status, r.rule, r.path) }

// refusalOf reads the first error of an OperationOutcome.
func refusalOf(a *servertest.Answer, ref string) refusal {
	var outcome struct {
		Issue []struct {
			Severity, Diagnostics string
			Expression            []string
			Details               struct {
				Text   string
				Coding []struct{ Code string }
			}
		}
	}
	r := refusal{status: a.Status}
	if json.Unmarshal(a.Body, &outcome) != nil {
		return r
	}
	for _, is := range outcome.Issue {
		if is.Severity == "information" || is.Severity == "warning" {
			continue
		}
		if len(is.Details.Coding) > 0 {
			r.rule = is.Details.Coding[0].Code
		}
		if len(is.Expression) > 0 {
			r.path = is.Expression[0]
		}
		r.reason = strings.NewReplacer("\t", " ", "\n", " ").Replace(is.Details.Text + is.Diagnostics)
		break
	}
	return r
}

func readRefusals(t *testing.T) map[string]refusal {
	t.Helper()
	out := map[string]refusal{}
	raw, err := os.ReadFile(refusals)
	if err != nil && os.Getenv("TENON_WRITE_RESULTS") == "" {
		t.Fatal(err)
	}
	for i, line := range strings.Split(strings.TrimSpace(string(raw)), "\n") {
		f := strings.Split(line, "\t")
		if i == 0 || len(f) != 5 {
			continue
		}
		r := refusal{rule: f[2], path: f[3], reason: f[4]}
		if _, err := fmt.Sscan(f[1], &r.status); err != nil {
			t.Fatalf("%s, line %d: %v", refusals, i+1, err)
		}
		out[f[0]] = r
	}
	return out
}

func writeRefusals(t *testing.T, found map[string]refusal) {
	t.Helper()
	var b strings.Builder
	b.WriteString("example\tstatus\trule\telement\treason\n")
	for _, name := range slices.Sorted(maps.Keys(found)) {
		r := found[name]
		fmt.Fprintf(&b, "%s\t%d\t%s\t%s\t%s\n", name, r.status, r.rule, r.path, r.reason)
	}
	if err := os.WriteFile(refusals, []byte(b.String()), 0o644); err != nil {
		t.Fatal(err)
	}
}

// report writes what the run saw.
func (c *corpus) report(took time.Duration) {
	rules := map[string]int{}
	for _, r := range c.found {
		rules[fmt.Sprintf("%d %s", r.status, r.rule)]++
	}
	var b strings.Builder
	fmt.Fprintf(&b, `# Official R4 examples, created and read back

%s, %s/%s, Go %s, SQLite, one process, loopback HTTP. Repeat with

    TENON_FHIR_EXAMPLES=FOLDER TENON_WRITE_RESULTS=1 go test ./conformance -run TestExamples -count=1 -v

FOLDER is the unpacked npm package hl7.fhir.r4.examples@4.0.1.

| what | count |
|---|---|
| created and read back, equal byte for byte but for id and meta | %d |
| of these by a batch, since they exceed the 16 MiB of one resource | %d |
| refused, with the reason in [examples.tsv](examples.tsv) | %d |
| files without a resourceType | %d |

The run took %v with validation, index, audit and ledger on: transactions of up to %d entries, then one read each. Those refused with 422 and 400 break a rule of R4 themselves; those with 403 are AuditEvents, which only the server writes.

| refused with | count |
|---|---|
`, time.Now().UTC().Format("2006-01-02"), runtime.GOOS, runtime.GOARCH, strings.TrimPrefix(runtime.Version(), "go"),
		c.same, c.large, len(c.found), c.others, took.Round(time.Second), atOnce)
	for _, rule := range slices.Sorted(maps.Keys(rules)) {
		fmt.Fprintf(&b, "| %s | %d |\n", rule, rules[rule])
	}
	if err := os.WriteFile("results/examples.md", []byte(b.String()), 0o644); err != nil {
		c.t.Fatal(err)
	}
}
