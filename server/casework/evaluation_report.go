package casework

import (
	"encoding/json"
	"math"
	"slices"
	"time"
)

const (
	systemEvaluation = "urn:tenon:evaluation"
	systemPopulation = "http://terminology.hl7.org/CodeSystem/measure-population"
	measureOfType    = "urn:tenon:measure:type-evaluation|1.0.0"
	dataAbsent       = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
)

// Evaluation adds up the courses of the cases of a type of device (clauses 5.5.2
// and 5.5.3). It holds counts and durations, no case.
type Evaluation struct {
	reached       map[Place]int
	firstTime     int
	nonconforming int // of those produced
	harmed        map[string]int
	took          map[string][]time.Duration
	family        string
	from, until   time.Time
}

// NewEvaluation counts the cases of a product family that were opened from the
// one moment up to the other.
func NewEvaluation(family string, from, until time.Time) *Evaluation {
	return &Evaluation{family: family, from: from, until: until, reached: map[Place]int{}, harmed: map[string]int{}, took: map[string][]time.Duration{}}
}

// Add counts a course if it began in the period.
func (e *Evaluation) Add(c Course) {
	if c.Opened.Before(e.from) || !c.Opened.Before(e.until) {
		return
	}
	for p := range c.Reached {
		if c.Reached[p] {
			e.reached[p]++
		}
	}
	if c.Reached["judged"] && c.FirstTime {
		e.firstTime++
	}
	if c.Reached["produced"] && c.Nonconforming {
		e.nonconforming++
	}
	if c.Harm != "" {
		e.harmed[c.Harm]++
	}
	for stage, took := range c.Stages {
		e.took[stage] = append(e.took[stage], took)
	}
}

// Publication says how a report is written.
type Publication struct {
	// K is the least number of cases that a figure may be about where the report
	// leaves the organisation that owns the cases; 0: it stays, all is told.
	K        int
	Reporter string // "Organization/x", or ""
	Date     time.Time
}

// MeasureReport writes the evaluation as JSON without id.
//
// With K the counts are suppressed that are about fewer than K cases, or from
// which, by taking one published count from another, fewer could be computed: of
// nested counts those whose difference to the last published one is below K, of a
// partition further cells until those suppressed hold K together. A median is
// told when it is about K cases. 0 is told, and so is all of a group.
// https://hl7.org/fhir/R4/measurereport.html
func (e *Evaluation) MeasureReport(p Publication) []byte {
	told := e.tell(p.K)
	report := map[string]any{
		"resourceType": "MeasureReport", "status": "complete", "type": "summary", "measure": measureOfType, "date": instant(p.Date),
		"period":            map[string]string{"start": e.from.Format(time.DateOnly), "end": e.until.AddDate(0, 0, -1).Format(time.DateOnly)},
		"evaluatedResource": []any{map[string]string{"reference": e.family}},
		"group": []any{
			e.courseGroup(told),
			e.rate("first-time-conformity", e.firstTime, e.reached["judged"], told["judged"], p.K),
			e.rate("nonconformity", e.nonconforming, e.reached["produced"], told["produced"], p.K),
			e.harmGroup(told["assessed"], p.K),
			e.timeGroup(p.K),
		},
	}
	if p.Reporter != "" {
		report["reporter"] = map[string]string{"reference": p.Reporter}
	}
	if p.K > 0 {
		report["extension"] = []any{map[string]any{"url": extensionPrefix + "k-anonymity", "valuePositiveInt": p.K}}
	}
	return marshal(report)
}

// tell decides which of the nested counts are told: from the whole inwards, each
// against the last one that is.
func (e *Evaluation) tell(k int) map[Place]bool {
	told := map[Place]bool{}
	of := -1
	for _, p := range Places {
		n := e.reached[p]
		if of < 0 && tellable(n, k) || of >= 0 && tellable(n, k) && tellable(of-n, k) {
			told[p], of = true, n
		}
	}
	return told
}

// tellable tells whether a count may be known: none, or K at least.
func tellable(n, k int) bool { return n == 0 || n >= k }

func (e *Evaluation) courseGroup(told map[Place]bool) any {
	var strata []any
	for _, p := range Places {
		strata = append(strata, map[string]any{"value": counted(string(p)), "population": []any{population("initial-population", e.reached[p], told[p])}})
	}
	return map[string]any{"code": counted("course"), "stratifier": []any{map[string]any{"code": []any{counted("place")}, "stratum": strata}}}
}

// rate is a proportion; where either count is not told, neither is the score.
func (e *Evaluation) rate(code string, n, of int, ofTold bool, k int) map[string]any {
	nTold := ofTold && tellable(n, k) && tellable(of-n, k)
	g := map[string]any{"code": counted(code), "population": []any{population("denominator", of, ofTold), population("numerator", n, nTold)}}
	switch {
	case !nTold:
		g["measureScore"] = masked()
	case of > 0:
		g["measureScore"] = map[string]any{"value": rounded(float64(n) / float64(of)), "system": systemUCUM, "code": "1"}
	}
	return g
}

// harmGroup is the rate of harm and its grades, which are a partition of those
// assessed.
func (e *Evaluation) harmGroup(ofTold bool, k int) any {
	of := e.reached["assessed"]
	cells := e.partition(ofTold, k)
	g := e.rate("harm", of-e.harmed[harms[0]], of, ofTold && cells[harms[0]], k)
	g["population"].([]any)[0] = population("denominator", of, ofTold)
	var strata []any
	for _, grade := range harms {
		strata = append(strata, map[string]any{"value": harmCode(grade), "population": []any{population("initial-population", e.harmed[grade], cells[grade])}})
	}
	g["stratifier"] = []any{map[string]any{"code": []any{counted("harm")}, "stratum": strata}}
	return g
}

// partition tells which cells of a partition are told. Cells that are suppressed
// hold K cases together, so that the whole does not give them away.
func (e *Evaluation) partition(ofTold bool, k int) map[string]bool {
	told, hidden := map[string]bool{}, 0
	for _, grade := range harms {
		if told[grade] = ofTold && tellable(e.harmed[grade], k); !told[grade] {
			hidden += e.harmed[grade]
		}
	}
	for hidden > 0 && hidden < k {
		least := ""
		for _, grade := range harms {
			if n := e.harmed[grade]; told[grade] && n > 0 && (least == "" || n < e.harmed[least]) {
				least = grade
			}
		}
		if least == "" {
			break
		}
		told[least] = false
		hidden += e.harmed[least]
	}
	return told
}

// timeGroup is the median time at work of every stage, in days.
func (e *Evaluation) timeGroup(k int) any {
	var strata []any
	var stages []string
	for code := range e.took {
		stages = append(stages, code)
	}
	slices.Sort(stages)
	for _, code := range stages {
		s := map[string]any{"value": map[string]any{"coding": []any{map[string]string{"system": systemStage, "code": code}}}, "measureScore": masked()}
		if n := len(e.took[code]); n >= k {
			s["measureScore"] = map[string]any{"value": rounded(median(e.took[code]).Hours() / 24), "unit": "d", "system": systemUCUM, "code": "d"}
			if k == 0 {
				s["population"] = []any{population("initial-population", n, true)}
			}
		}
		strata = append(strata, s)
	}
	g := map[string]any{"code": counted("stage-time")}
	if len(strata) > 0 {
		g["stratifier"] = []any{map[string]any{"code": []any{counted("stage")}, "stratum": strata}}
	}
	return g
}

func median(all []time.Duration) time.Duration {
	sorted := slices.Clone(all)
	slices.Sort(sorted)
	if n := len(sorted); n%2 == 0 {
		return (sorted[n/2-1] + sorted[n/2]) / 2
	}
	return sorted[len(sorted)/2]
}

func rounded(x float64) json.Number {
	b, _ := json.Marshal(math.Round(x*10000) / 10000) // finite
	return json.Number(b)
}

func population(kind string, n int, told bool) map[string]any {
	p := map[string]any{"code": map[string]any{"coding": []any{map[string]string{"system": systemPopulation, "code": kind}}}}
	if told {
		p["count"] = n
	} else {
		p["_count"] = masked()
	}
	return p
}

func masked() map[string]any {
	return map[string]any{"extension": []any{map[string]any{"url": dataAbsent, "valueCode": "masked"}}}
}

func counted(code string) map[string]any {
	return map[string]any{"coding": []any{map[string]string{"system": systemEvaluation, "code": code}}}
}

func harmCode(grade string) map[string]any {
	return map[string]any{"coding": []any{map[string]string{"system": systemHarm, "code": grade}}}
}
