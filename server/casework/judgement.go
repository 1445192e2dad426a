package casework

import (
	"fmt"
	"slices"

	"tenon/fhir/fhirpath"
)

// The judgement of device and process (clause 8) is computed where the record
// has the figures, and taken from a person's Observation where it has not. A
// family is one question of the standard (is the device accurate, was the process
// in order); it has items, one for each thing that is judged. The plan asks with
// judged('accuracy'); what it never asks is never judged, so a plan without pores
// has none.
//
//	accuracy surface pores strength function shrinkage   figures against limits
//	fit micro-structure anatomy biocompatibility         a person's Observation
//	cell-response critical
//	process-order process-conformity process-legality    the record itself
//	process-completeness label objects methods
//
// https://hl7.org/fhir/R4/diagnosticreport.html
const systemJudgement = "urn:tenon:judgement"

// item is one thing that was judged.
type item struct {
	id       string // dimension/thickness
	verdict  verdict
	basis    string // computed, human, not-applicable
	value    string // as measured
	required string // what it was held against
	method   string // of a person: visual, measured, test-report
	by       string // who judged: PractitionerRole/x
	why      []note
	inputs   []input // versions that the verdict rests on
	rules    []input // definitions of limits
}

// Bases of an item.
const (
	byComputation = "computed"
	byPerson      = "human"
	inapplicable  = "not-applicable"
)

// computed begins an item that figures decide; it conforms until told otherwise.
func computed(id string, of ...*Resource) *item {
	it := &item{id: id, verdict: conform, basis: byComputation}
	it.rest(of...)
	return it
}

// rest notes versions that the verdict rests on.
func (it *item) rest(on ...*Resource) {
	for _, r := range on {
		if r == nil {
			continue
		}
		if in := inputOf(r); !slices.Contains(it.inputs, in) {
			it.inputs = append(it.inputs, in)
		}
	}
}

// fall makes the verdict worse, never better, and says why.
func (it *item) fall(to verdict, english, chinese string) {
	it.verdict = worse(it.verdict, to)
	if english != "" {
		it.why = append(it.why, note{english, chinese})
	}
}

// worse is the graver of two verdicts.
func worse(a, b verdict) verdict {
	if rank(b) > rank(a) {
		return b
	}
	return a
}

func rank(v verdict) int {
	return slices.Index([]verdict{conform, notEvaluated, nonconform}, v)
}

// answer is the verdict as a condition's result: where a fact is missing and
// nothing is nonconform it is empty, so that only a waiver of the plan helps.
func (v verdict) answer() (fhirpath.Collection, error) {
	if v == notEvaluated {
		return nil, nil
	}
	return yes(v == conform), nil
}

// held judges a figure by a limit and notes the limit's definitions.
func (it *item) held(l limit, f figure) {
	v, why := l.judge(f)
	it.fall(v, why.english, why.chinese)
	for _, r := range l.rules {
		if !slices.Contains(it.rules, r) {
			it.rules = append(it.rules, r)
		}
	}
}

// family judges one question; no items means that it does not arise.
type family func(v *view) []item

// families are the questions that a plan may ask. A new one is one function and
// one line.
var families map[string]family

func init() { // the functions lead back to the table by way of the predicate
	families = map[string]family{
		"accuracy": accuracy, "shrinkage": shrinkage, "surface": surface, "pores": pores, "strength": strength, "function": function,
		"fit": person("fit"), "micro-structure": microStructure, "anatomy": anatomy, "biocompatibility": biocompatibility,
		"cell-response": cellResponse, "critical": critical,
		"process-order": processOrder, "process-conformity": processConformity, "process-legality": processLegality,
		"process-completeness": processCompleteness, "label": labelled, "objects": objects, "methods": methods,
	}
}

// worst is the verdict on several items.
func worst(items []item) verdict {
	v := conform
	for _, it := range items {
		v = worse(v, it.verdict)
	}
	return v
}

// judgedPredicate: judged('accuracy') says that every item of the family
// conforms. One that does not makes it false.
var judgedPredicate = predicate("judged", 1, "boolean", func(e *evaluation, _ fhirpath.Collection, args []string) (fhirpath.Collection, error) {
	ask, ok := families[args[0]]
	if !ok {
		return nil, nil
	}
	items := ask(e.view)
	for _, it := range items {
		if it.verdict == conform {
			continue
		}
		e.because(fmt.Sprintf("%s is %s.", it.id, it.verdict), fmt.Sprintf("%s：%s。", it.id, chineseVerdict[it.verdict]))
		for _, n := range it.why {
			e.because(n.english, n.chinese)
		}
	}
	return worst(items).answer()
})

var chineseVerdict = map[verdict]string{conform: "合格", nonconform: "不合格", notEvaluated: "未评价"}
