package casewalk

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

// walkReport is what a walk found, for conformance/results/walk.md.
type walkReport struct {
	Steps int // asked for of each plan on each engine
	rows  []string
	knew  map[string]int
	flows map[string]int
}

// add takes what became of one plan on one engine; the name of its test tells both.
func (r *walkReport) add(name string, t *Tally, err error) {
	words := strings.Split(name, "/")
	disagreements := 0
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		disagreements = len(joined.Unwrap())
	} else if err != nil {
		disagreements = 1
	}
	var d *Disagreement
	if err != nil && !errors.As(err, &d) {
		disagreements = -1 // the walk could not go on
	}
	r.rows = append(r.rows, fmt.Sprintf("| %s | %s | %d | %d | %d (%d) | %d | %d | %d | %d | %v |", t.Plan, words[len(words)-2], t.Seed, t.Steps, t.Cases, t.Ended,
		t.Allowed, t.Refused, t.Followed, disagreements, t.Took.Round(time.Second)))
}

// known takes over how often the known disagreements were met.
func (r *walkReport) known(w *World) {
	if r.knew == nil {
		r.knew = map[string]int{}
	}
	for sentence, n := range w.Known {
		r.knew[sentence] += n
	}
	clear(w.Known)
	if r.flows == nil {
		r.flows = map[string]int{}
	}
	for flow, n := range w.Flows {
		r.flows[flow] += n
	}
	clear(w.Flows)
}

// write keeps what is known so far: a long walk may be ended from outside.
func (r *walkReport) write(t testing.TB) {
	name := os.Getenv("TENON_WALK_WRITE")
	if name == "" {
		return
	}
	if err := os.WriteFile(name, []byte(r.String()), 0o600); err != nil {
		t.Error(err)
	}
}

func (r *walkReport) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "# Random walk beside the model\n\n%s. `TENON_WALK_STEPS=%d make prove`, or `TENON_WALK_STEPS=%[2]d TENON_WALK_WRITE=FILE go test ./test/casewalk -run Walk -timeout 600m`\n\n", time.Now().UTC().Format(time.DateOnly), r.Steps)
	b.WriteString("| plan | engine | seed | steps | cases (ended) | allowed | refused | open | disagreements | took |\n|---|---|---|---|---|---|---|---|---|---|\n")
	b.WriteString(strings.Join(r.rows, "\n"))
	b.WriteString("\n\nOpen: the description is silent, the model follows the server. Known disagreements, not decided yet:\n\n")
	for _, sentence := range slices.Sorted(maps.Keys(r.knew)) {
		fmt.Fprintf(&b, "- %d × %s\n", r.knew[sentence], sentence)
	}
	if len(r.knew) == 0 {
		b.WriteString("none.\n")
	}
	b.WriteString("\nException flows that ended in these walks:\n\n| flow | times |\n|---|---|\n")
	for _, flow := range slices.Sorted(maps.Keys(r.flows)) {
		fmt.Fprintf(&b, "| %s | %d |\n", flow, r.flows[flow])
	}
	return b.String()
}
