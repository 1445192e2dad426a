package suite

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// Level is how strongly the specification words a demand
// (https://www.rfc-editor.org/rfc/rfc2119).
type Level string

// Levels. What a server MAY do it must still do right once it claims it.
const (
	Shall  Level = "SHALL"
	Should Level = "SHOULD"
	May    Level = "MAY"
)

// Specification is where the clauses of the cases are.
const Specification = "https://hl7.org/fhir/R4/"

// Case is one demand and how it is asked.
type Case struct {
	ID       string // "search-date/eq-day": group and name, unique
	Title    string // what is demanded, in a sentence
	Clause   string // URL of the clause that demands it
	Level    Level
	Needs    []Need // capabilities without which it is not asked
	Optional bool   // the CapabilityStatement cannot tell: a clean refusal is "declined"

	group *group
	bare  bool // nothing is needed but what is named
	steps []step
	run   func(ctx context.Context, x *exchange) error // instead of steps
}

// group is what the cases of one subject share.
type group struct {
	name, clause string
	level        Level
	needs        []Need
	bare         bool // nothing is needed but what is named
	optional     bool
	base         map[string]map[string]any // by type: what fixtures of the file begin with
	fixture      []step
}

// step is one request and what its answer must be.
type step struct {
	line   int // of the file
	verb   string
	target string // relative to the base, or ${variable}
	header [][2]string
	body   string
	name   string // of the resource that a create step makes
	tests  []test
	saves  []save
	waits  []string // requests between the pages of a WALK
	times  int      // how often the request is sent at once
}

// test is one expectation of an answer.
type test struct {
	kind string // status, header, body, found, …
	args []string
	op   string
	want string
}

// save keeps something of an answer for the steps after it.
type save struct {
	name, from, path, pattern string
}

// Verdict is what became of a case.
type Verdict string

// Verdicts. A SHOULD that a server does not follow is advised, not failed; so is
// a MAY of which the CapabilityStatement cannot tell whether it is meant.
const (
	Passed    Verdict = "passed"
	Failed    Verdict = "failed"
	Advised   Verdict = "advised"
	Unclaimed Verdict = "not claimed"
	Declined  Verdict = "declined"
)

// Result is the verdict of one case.
type Result struct {
	*Case
	Verdict Verdict
	Reason  string // why it is not passed: request, answer, what the clause wants
	Took    time.Duration
}

// Count is how many results have a verdict.
func Count(results []Result, v Verdict) (n int) {
	for _, r := range results {
		if r.Verdict == v {
			n++
		}
	}
	return n
}

// Cases are all cases of the suite, by id.
func Cases() ([]*Case, error) {
	cases, err := written()
	if err != nil {
		return nil, err
	}
	cases = append(cases, sweeps()...)
	slices.SortFunc(cases, func(a, b *Case) int {
		if a.ID < b.ID {
			return -1
		}
		return 1
	})
	for i := 1; i < len(cases); i++ {
		if cases[i].ID == cases[i-1].ID {
			return nil, fmt.Errorf("two cases are called %s", cases[i].ID)
		}
	}
	return cases, nil
}
