package record

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"tenon/fhir/issue"
	"tenon/fhir/tree"
	"tenon/server/access"
	"tenon/server/search"
)

// The periodic evaluation of a type of device: what is due, and who is reminded.
//
//	period over ── the day's timer (evaluation_timer.go) ──→ Task requested, a notice
//	report on file ────────────────────────────────────────→ Task completed
//
// An organisation evaluates a product family in periods of its interval, one after
// the other: the first begins with the month of its first case, each other one
// after the period of the last report on file.

// Families is the Store's part.
type Families interface {
	// FamilyUses are the organisations whose cases hold a design of a product family,
	// and since when the oldest of these cases is. org limits it to one; "": all.
	FamilyUses(ctx context.Context, family, org string) ([]FamilyUse, error)
}

// FamilyUse is the use of a product family in the cases of one organisation.
type FamilyUse struct {
	Organization string
	Since        time.Time
}

// DueQuery asks which evaluations are due.
type DueQuery struct {
	Until time.Time // zero: now
	All   bool      // tell of those too that are not due by then
}

// dueEvaluation is one family in the eyes of one organisation.
type dueEvaluation struct {
	family, name string // DeviceDefinition/x
	reporter     string // Organization/x
	maker        bool   // the reporter owns the family
	start, end   time.Time
	last         string // MeasureReport/x
}

// since is the first moment at which the evaluation is due.
func (d *dueEvaluation) since() time.Time { return d.end.AddDate(0, 0, 1) }

// EvaluationsDue lists the product families whose evaluation is due:
// DeviceDefinition/$evaluation-due. A hospital is told of the families in its own
// cases, a manufacturer of those that it owns, an operator of all. Parameters
// out, for each family and organisation, those that wait longest first:
//
//	device      Reference  the DeviceDefinition of the family
//	reporter    Reference  the Organization that is to evaluate it
//	period      Period     the days that the next report is about
//	since       date       from which it is due
//	last        Reference  the last MeasureReport on file; absent before the first
//	due         boolean
//
// Failure: evaluation-role (403).
func (r *Recorder) EvaluationsDue(ctx context.Context, who *access.Context, q DueQuery) ([]byte, error) {
	if err := r.entry(who, "DeviceDefinition"); err != nil {
		return nil, err
	}
	if err := who.PermitAll(access.Read); err != nil {
		return nil, err
	}
	org, err := r.mayAskDue(who)
	if err != nil {
		return nil, r.refuse(ctx, who, &Draft{Door: "fhir", Operation: "evaluation-due", Ops: []Op{{Method: "GET", Type: "DeviceDefinition"}}}, err)
	}
	if q.Until.IsZero() {
		q.Until = r.now()
	}
	all, err := r.evaluationsOf(ctx, org)
	if err != nil {
		return nil, err
	}
	parameters := []any{}
	for i := range all {
		d := &all[i]
		due := !d.since().After(q.Until)
		if !due && !q.All {
			continue
		}
		parameters = append(parameters, map[string]any{"name": "evaluation", "part": d.parts(due)})
	}
	body, err := json.Marshal(map[string]any{"resourceType": "Parameters", "parameter": parameters})
	if err != nil {
		return nil, err
	}
	return body, r.o.Store.Audit(ctx, []Audit{r.audit(who, "E", "evaluation-due", "DeviceDefinition", 200)})
}

func (d *dueEvaluation) parts(due bool) []any {
	device := map[string]any{"reference": d.family}
	if d.name != "" {
		device["display"] = d.name
	}
	parts := []any{
		map[string]any{"name": "device", "valueReference": device},
		map[string]any{"name": "reporter", "valueReference": map[string]any{"reference": d.reporter}},
		map[string]any{"name": "period", "valuePeriod": d.period()},
		map[string]any{"name": "since", "valueDate": d.since().Format(time.DateOnly)},
	}
	if d.last != "" {
		parts = append(parts, map[string]any{"name": "last", "valueReference": map[string]any{"reference": d.last}})
	}
	return append(parts, map[string]any{"name": "due", "valueBoolean": due})
}

func (d *dueEvaluation) period() map[string]any {
	return map[string]any{"start": d.start.Format(time.DateOnly), "end": d.end.Format(time.DateOnly)}
}

// mayAskDue is the organisation whose evaluations the caller is told of, "" for
// an operator, who is told of all.
func (r *Recorder) mayAskDue(who *access.Context) (org string, err error) {
	switch {
	case who.Kind == access.Operator:
		return "", nil
	case who.Kind == access.Person && who.Organization != "" && slices.ContainsFunc(evaluators, who.Has) &&
		(who.Side == access.Hospital || who.Side == access.Manufacturer && !who.Has(access.CLIN)):
		return who.Organization, nil
	}
	return "", issue.Errorf(issue.Forbidden, "%s may not ask which evaluations are due: that is asked in one of the roles %v.", who.Principal, evaluators).
		Rule("evaluation-role").Clause("R001-145").Chinese("无权查询到期的器械类型评价。")
}

// evaluationsOf are the next evaluations of an organisation, or with "" of all.
func (r *Recorder) evaluationsOf(ctx context.Context, org string) (all []dueEvaluation, err error) {
	err = r.each(ctx, "DeviceDefinition", "parent:missing=true", func(h search.Hit) error {
		family, err := parsed(h.Body)
		if err != nil {
			return err
		}
		months := evaluationInterval(family)
		if months <= 0 {
			return nil
		}
		of, err := r.evaluationsIn(ctx, h.ID, family, months, org)
		all = append(all, of...)
		return err
	})
	slices.SortStableFunc(all, func(a, b dueEvaluation) int { return a.end.Compare(b.end) })
	return all, err
}

// evaluationsIn are those of one family: each hospital that uses it, and its maker
// over the cases of all.
func (r *Recorder) evaluationsIn(ctx context.Context, id string, family tree.Node, months int, org string) (all []dueEvaluation, err error) {
	began, err := r.usedSince(ctx, id, family, org)
	if err != nil {
		return nil, err
	}
	for reporter, since := range began {
		if reporter == "" || org != "" && org != reporter {
			continue
		}
		d, err := r.nextEvaluation(ctx, id, family, months, reporter, since)
		if err != nil {
			return nil, err
		}
		if !d.start.IsZero() {
			all = append(all, d)
		}
	}
	slices.SortFunc(all, func(a, b dueEvaluation) int { return strings.Compare(a.reporter, b.reporter) })
	return all, nil
}

// usedSince are those who owe evaluations of a family, with the time of the first
// case that they count; of the maker it may be none. org limits it to one.
func (r *Recorder) usedSince(ctx context.Context, id string, family tree.Node, org string) (map[string]time.Time, error) {
	maker := family.Path("owner", "reference").Str()
	if org == maker {
		org = "" // it counts the cases of all hospitals
	}
	uses, err := r.o.Store.FamilyUses(ctx, id, org)
	if err != nil {
		return nil, fmt.Errorf("record: due evaluations: %w", err)
	}
	began := map[string]time.Time{maker: {}}
	for _, u := range uses {
		if first := began[maker]; first.IsZero() || u.Since.Before(first) {
			began[maker] = u.Since
		}
		if u.Organization != maker {
			began[u.Organization] = u.Since
		}
	}
	return began, nil
}

// nextEvaluation is the next one of an organisation; its days are none where
// nothing was filed or used yet.
func (r *Recorder) nextEvaluation(ctx context.Context, id string, family tree.Node, months int, reporter string, since time.Time) (d dueEvaluation, err error) {
	d = dueEvaluation{family: "DeviceDefinition/" + id, name: family.Path("deviceName", "name").Str(), reporter: reporter, maker: family.Path("owner", "reference").Str() == reporter}
	end, last, err := r.lastEvaluated(ctx, reporter, id)
	if err != nil || end.IsZero() && since.IsZero() {
		return d, err
	}
	d.last = last
	d.start, d.end = nextPeriod(end, since, months)
	return d, nil
}

// nextPeriod is what the next report is about: the months after the last one, or
// from the month of the first case on.
func nextPeriod(last, began time.Time, months int) (start, end time.Time) {
	if start = last.AddDate(0, 0, 1); last.IsZero() {
		began = began.UTC()
		start = time.Date(began.Year(), began.Month(), 1, 0, 0, 0, 0, time.UTC)
	}
	return start, start.AddDate(0, months, 0).AddDate(0, 0, -1)
}

const evaluationExtension = "urn:tenon:extension:evaluation-interval"

// evaluationInterval is the schedule of a family in months, 0 where it has none.
func evaluationInterval(family tree.Node) (months int) {
	for ext := range family.Field("extension").Items() {
		if ext.Field("url").Str() == evaluationExtension {
			fmt.Sscan(ext.Path("valueDuration", "value").Text(), &months)
			if ext.Path("valueDuration", "code").Str() == "a" {
				months *= 12
			}
		}
	}
	return months
}
