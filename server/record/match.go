package record

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"tenon/fhir/issue"
	"tenon/fhir/tree"
	"tenon/server/access"
	"tenon/server/search"
)

// MatchQuery asks which patients a description may mean.
// https://hl7.org/fhir/R4/patient-operation-match.html
type MatchQuery struct {
	Patient []byte // a Patient, as far as it is known
	Only    bool   // onlyCertainMatches
	Count   int    // 0: no bound but the server's
}

// Match is one patient that the description may mean.
type Match struct {
	search.Hit
	Score float64  // 0 to 1
	Grade Likeness // certain, probable or possible
	Why   []string // what was compared: "birthDate agrees (+8.0)"
}

// Bounds of one $match.
const (
	mostMatches    = 50  // in an answer
	mostPerKey     = 200 // candidates by one key
	mostCandidates = 2000
)

// Match finds candidates by index (identifiers, telecom, names, date of birth)
// within the caller's reach, and compares each by its elements; see Score.
// Patients that were replaced by others are left out: those others are found.
// Failures: match-input (422) for a description that says too little.
func (r *Recorder) Match(ctx context.Context, who *access.Context, q MatchQuery) ([]Match, error) {
	if err := r.entry(who, "Patient"); err != nil {
		return nil, err
	}
	if err := r.maySearch(ctx, who, "Patient"); err != nil {
		return nil, err
	}
	root, err := parsed(q.Patient)
	if err != nil {
		return nil, err
	}
	if got := root.Field("resourceType").Str(); got != "Patient" {
		return nil, issue.Errorf(issue.Invalid, "$match takes a Patient as its resource, not a %q.", clipped(got)).
			WithStatus(400).At("Parameters.parameter[resource]").Rule("match-input").Chinese("参数 resource 应为 Patient。")
	}
	asked := describe(root)
	keys := asked.keys()
	if len(keys) == 0 {
		return nil, issue.Errorf(issue.BusinessRule, "The description names no identifier, name, telecom or date of birth, by which patients are found.").
			WithStatus(422).At("Patient").Rule("match-input").Chinese("请至少提供证件号、姓名、联系方式或出生日期之一。")
	}
	hits, err := r.candidates(ctx, who, keys)
	if err != nil {
		return nil, err
	}
	matches, err := judged(asked, hits)
	if err != nil {
		return nil, err
	}
	matches = cutMatches(matches, q)
	page := &search.Page{}
	for i := range matches {
		page.Hits = append(page.Hits, matches[i].Hit)
	}
	rows := r.auditSearch(who, "Patient/$match", page)
	for i := range rows {
		rows[i].Operation = "match"
	}
	if err := r.o.Store.Audit(ctx, rows); err != nil {
		return nil, fmt.Errorf("record: audit: %w", err)
	}
	return matches, nil
}

// candidates runs one search for each key.
func (r *Recorder) candidates(ctx context.Context, who *access.Context, keys [][]search.Param) ([]search.Hit, error) {
	var hits []search.Hit
	seen := map[string]bool{}
	for _, params := range keys {
		plan, _, err := r.parse(who, "Patient", params, true)
		if issue.As(err) != nil {
			continue // a value that no parameter takes finds nobody
		}
		if err != nil {
			return nil, err
		}
		plan.Count, plan.MaxBytes, plan.Total, plan.Include = mostPerKey, searchBytes, false, nil
		page, err := r.o.Store.Search(ctx, plan)
		if err != nil {
			return nil, fmt.Errorf("record: match: %w", err)
		}
		for _, h := range page.Hits {
			if !seen[h.ID] && len(hits) < mostCandidates {
				seen[h.ID] = true
				hits = append(hits, h)
			}
		}
	}
	return hits, nil
}

// judged compares all candidates, the likeliest first; equal ones by id, so that
// the same question has the same answer.
func judged(asked *description, hits []search.Hit) ([]Match, error) {
	var out []Match
	for i := range hits {
		root, err := parsed(hits[i].Body)
		if err != nil {
			return nil, err
		}
		known := describe(root)
		if known.replaced {
			continue
		}
		if m := compare(asked, known); m.Grade != Unlikely {
			m.Hit = hits[i]
			out = append(out, m)
		}
	}
	slices.SortFunc(out, func(a, b Match) int {
		return cmp.Or(cmp.Compare(b.Grade, a.Grade), cmp.Compare(b.Score, a.Score), strings.Compare(a.ID, b.ID))
	})
	return out, nil
}

// cutMatches keeps what was asked for. A certain match is one only where nobody
// else is certain or probable: of two, none is.
func cutMatches(all []Match, q MatchQuery) []Match {
	if q.Only {
		if len(all) == 0 || all[0].Grade != Certain || len(all) > 1 && all[1].Grade >= Probable {
			return nil
		}
		all = all[:1]
	}
	most := mostMatches
	if q.Count > 0 {
		most = min(most, q.Count)
	}
	return all[:min(len(all), most)]
}

// keys are the questions by which candidates are found, each answered from an
// index.
func (d *description) keys() (keys [][]search.Param) {
	ask := func(pairs ...string) {
		var params []search.Param
		for i := 0; i < len(pairs); i += 2 {
			params = append(params, search.Param{Name: pairs[i], Value: pairs[i+1]})
		}
		keys = append(keys, params)
	}
	for _, id := range d.ids {
		if id.system == "" {
			ask("identifier", escaped(id.value))
		} else {
			ask("identifier", escaped(id.system)+"|"+escaped(id.value))
		}
	}
	for _, p := range d.phones {
		for _, form := range phoneForms(p.raw) {
			ask("phone", escaped(form))
		}
	}
	for _, e := range d.emails {
		ask("email", escaped(e))
	}
	for _, n := range d.names {
		for _, form := range n.forms() {
			if d.birth != "" {
				ask("name", escaped(form), "birthdate", d.birth)
			}
			ask("name", escaped(form))
		}
		for _, pair := range n.pairs() {
			ask("family", escaped(pair[0]), "given", escaped(pair[1]))
		}
	}
	if len(d.birth) == len("2006-01-02") {
		ask("birthdate", d.birth)
	}
	return keys[:min(len(keys), mostKeys)]
}

// mostKeys bounds the searches of one $match.
const mostKeys = 60

// escaped is a value that a search takes as it is.
// https://hl7.org/fhir/R4/search.html#escaping
func escaped(s string) string {
	return strings.NewReplacer(`\`, `\\`, `,`, `\,`, `|`, `\|`, `$`, `\$`).Replace(s)
}

// replacedBy tells whether a Patient was replaced by another one.
func replacedBy(patient tree.Node) bool {
	for l := range patient.Field("link").Items() {
		if l.Field("type").Str() == "replaced-by" {
			return true
		}
	}
	return false
}
