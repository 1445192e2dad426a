package record

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"tenon/fhir/issue"
	"tenon/fhir/tree"
	"tenon/server/access"
	"tenon/server/casework"
	"tenon/server/search"
)

// EvaluationQuery asks for the evaluation of a type of device.
type EvaluationQuery struct {
	Family string // id of the DeviceDefinition of the product family
	// Start and End are days, both within the period of the cases' opening. Without
	// them it is the period that the schedule of the family has next: after the
	// last evaluation that the organisation filed, one interval long (extension
	// evaluation-interval).
	Start, End time.Time
	// Leaves asks for a report that may leave the organisation: figures about few
	// cases are suppressed. For others than the organisation that owns the cases it
	// is always so.
	Leaves bool
	K      int  // at least this many, if more than the server's own least number
	File   bool // keep the MeasureReport
}

// Evaluating is the question to the store: cases that hold a design of a product
// family, their members of these types, page by page.
type Evaluating struct {
	Reach  access.Predicate // of the root Tasks
	Family string           // id
	Types  []string
	After  string // id of the last case of the page before
	Count  int
}

// Evaluator is the Store's part of $evaluate-type.
type Evaluator interface {
	EvaluatedCases(ctx context.Context, q *Evaluating) (cases []*CaseData, more bool, err error)
}

// evaluatedTypes are what the course of a case is read from; evaluatedAtOnce is
// how many cases are in memory at one time.
var evaluatedTypes = []string{"Task", "DeviceDefinition", "Procedure", "DetectedIssue", "AdverseEvent", "ClinicalImpression"}

const (
	evaluatedAtOnce = 100
	// LeastK is what a report that leaves is anonymous to, unless configured.
	LeastK = 5
	// mostEvaluated bounds the days of a period.
	mostEvaluated = 10 * 366
)

// evaluators may ask: quality, signatories, custodians and administrators of
// either side, and the clinicians.
var evaluators = []access.Role{access.QA, access.MFR, access.HOSP, access.DBA, access.CLIN, access.ADMIN}

// Evaluate answers $evaluate-type with a MeasureReport; filed is the stored
// version where it is kept. A hospital counts its own cases; the manufacturer that
// owns the family, and an operator, those of all hospitals, suppressed. Failures:
// not-found (404), evaluation-role (403), evaluation-period (422, 409 while the
// next one is not over).
func (r *Recorder) Evaluate(ctx context.Context, who *access.Context, q EvaluationQuery) (report []byte, filed *Result, err error) {
	if err := r.entry(who, "DeviceDefinition"); err != nil {
		return nil, nil, err
	}
	if err := who.PermitAll(access.Read); err != nil {
		return nil, nil, err
	}
	family, err := r.family(ctx, who, q.Family)
	if err != nil {
		return nil, nil, err
	}
	reach, leaves, err := r.mayEvaluate(who, family)
	if err != nil {
		return nil, nil, r.refuse(ctx, who, &Draft{Door: "fhir", Operation: "evaluate-type", Ops: []Op{{Method: "GET", Type: "DeviceDefinition", ID: q.Family}}}, err)
	}
	q.Leaves = q.Leaves || leaves
	if err := r.period(ctx, who, family, &q); err != nil {
		return nil, nil, err
	}
	e := casework.NewEvaluation("DeviceDefinition/"+q.Family, q.Start, q.End.AddDate(0, 0, 1))
	if err := r.evaluate(ctx, e, &Evaluating{Reach: reach, Family: q.Family, Types: evaluatedTypes, Count: evaluatedAtOnce}); err != nil {
		return nil, nil, err
	}
	p := casework.Publication{Reporter: who.Organization, Date: r.now()}
	if q.Leaves {
		p.K = max(q.K, r.leastK())
	}
	report = e.MeasureReport(p)
	if err := r.o.Store.Audit(ctx, []Audit{r.audit(who, "E", "evaluate-type", "DeviceDefinition/"+q.Family, 200)}); err != nil {
		return nil, nil, fmt.Errorf("record: audit: %w", err)
	}
	if !q.File {
		return report, nil, nil
	}
	out, err := r.submit(ctx, who, &Draft{Door: "fhir", Operation: "evaluate-type", Ops: []Op{{Method: "POST", Type: "MeasureReport", Body: report}}}, internal{follows: r.completes(q.Family, who.Organization, q.End)})
	if err != nil {
		return nil, nil, err
	}
	return report, &out.Results[0], nil
}

func (r *Recorder) leastK() int {
	if r.o.EvaluationK > 0 {
		return r.o.EvaluationK
	}
	return LeastK
}

// family reads the product family. It is no secret that one exists; what the
// answer tells of its cases is judged by who asks.
func (r *Recorder) family(ctx context.Context, who *access.Context, id string) (tree.Node, error) {
	v, err := r.current(ctx, access.Everything{}, "DeviceDefinition", id)
	if err != nil {
		return tree.Node{}, err
	}
	if v == nil || v.Deleted {
		_, err := r.told(ctx, who, "evaluate-type", "DeviceDefinition/"+id, nil, ErrAbsent)
		return tree.Node{}, err
	}
	return parsed(v.Body)
}

// mayEvaluate says whose cases the caller counts, and whether the report leaves
// the organisation that owns them.
func (r *Recorder) mayEvaluate(who *access.Context, family tree.Node) (reach access.Predicate, leaves bool, err error) {
	switch {
	case who.Kind == access.Operator:
		return access.Everything{}, true, nil
	case who.Kind != access.Person || !slices.ContainsFunc(evaluators, who.Has):
	case who.Side == access.Hospital && who.Organization != "":
		return access.OwnedBy{Organization: who.Organization}, false, nil
	case who.Side == access.Manufacturer && who.Organization != "" && !who.Has(access.CLIN) && family.Path("owner", "reference").Str() == who.Organization:
		return access.Everything{}, true, nil
	}
	return nil, false, issue.Errorf(issue.Forbidden, "%s may not evaluate this type of device: a hospital evaluates its own cases, the manufacturer its own products, by one of the roles %v.", who.Principal, evaluators).
		Rule("evaluation-role").Clause("R001-145").Chinese("无权评价该类器械：医疗机构评价本机构病例，生产企业评价本企业产品。")
}

// evaluate adds up the cases, page by page.
func (r *Recorder) evaluate(ctx context.Context, e *casework.Evaluation, q *Evaluating) error {
	for more := true; more; {
		var cases []*CaseData
		var err error
		if cases, more, err = r.o.Store.EvaluatedCases(ctx, q); err != nil {
			return fmt.Errorf("record: evaluation: %w", err)
		}
		for _, data := range cases {
			s, err := r.snapshotOf(data)
			if err != nil {
				return err
			}
			if c, ok := casework.CourseOf(s, "DeviceDefinition/"+q.Family); ok {
				e.Add(c)
			}
			q.After = data.Case
		}
	}
	return nil
}

// period checks the days, or takes the next ones of the schedule. A report that
// leaves is about whole months: else the difference of two reports would tell of
// a day's cases.
func (r *Recorder) period(ctx context.Context, who *access.Context, family tree.Node, q *EvaluationQuery) error {
	refuse := func(status int, english, chinese string, args ...any) error {
		return issue.Errorf(issue.BusinessRule, english, args...).WithStatus(status).Rule("evaluation-period").Clause("R001-145").Chinese(chinese)
	}
	if q.Start.IsZero() && q.End.IsZero() {
		if err := r.scheduled(ctx, who, family, q); err != nil {
			return err
		}
		if q.File && !q.End.Before(r.now()) {
			return refuse(409, "The next evaluation of this type of device is due when %s is over.", "下一评价周期尚未结束。", q.End.Format(time.DateOnly))
		}
	}
	switch days := q.End.Sub(q.Start).Hours() / 24; {
	case q.Start.IsZero() || q.End.IsZero():
		return refuse(422, "Give start and end: the product family has no schedule (extension evaluation-interval).", "请给出起止日期：该产品族未设定评价周期。")
	case days < 0 || days > mostEvaluated:
		return refuse(422, "The period from %s to %s is none, or longer than ten years.", "评价期间无效或超过十年。", q.Start.Format(time.DateOnly), q.End.Format(time.DateOnly))
	case q.Leaves && (q.Start.Day() != 1 || q.End.AddDate(0, 0, 1).Day() != 1):
		return refuse(422, "A report that leaves the organisation is about whole months: from the first day of one to the last of another.", "对外报告须以整月为期间。")
	}
	return nil
}

// scheduled takes the period that follows the last evaluation on file. Without one
// it is the period of the first case, if that is over, else the last whole months.
func (r *Recorder) scheduled(ctx context.Context, who *access.Context, family tree.Node, q *EvaluationQuery) error {
	months := evaluationInterval(family)
	if months <= 0 {
		return nil
	}
	if who.Organization != "" {
		began, err := r.usedSince(ctx, q.Family, family, who.Organization)
		if err != nil {
			return err
		}
		next, err := r.nextEvaluation(ctx, q.Family, family, months, who.Organization, began[who.Organization])
		if err != nil {
			return err
		}
		if next.last != "" || !next.start.IsZero() && next.end.Before(r.now()) {
			q.Start, q.End = next.start, next.end
			return nil
		}
	}
	now := r.now().UTC()
	q.Start, q.End = nextPeriod(time.Time{}, now.AddDate(0, -months, 1-now.Day()), months)
	return nil
}

// lastEvaluated is the last day that an organisation's reports on file are about,
// and the report of it. What was made before its days were over settles nothing,
// nor does what others wrote in its name.
func (r *Recorder) lastEvaluated(ctx context.Context, org, family string) (last time.Time, report string, err error) {
	plan, _, err := r.parse(r.itself(), "MeasureReport", []search.Param{
		{Name: "evaluated-resource", Value: "DeviceDefinition/" + family}, {Name: "reporter", Value: org}, {Name: "_sort", Value: "-period"},
	}, true)
	if err != nil {
		return last, "", err
	}
	plan.Root.Reach = access.OwnedBy{Organization: org}
	page, err := r.o.Store.Search(ctx, plan)
	if err != nil {
		return last, "", err
	}
	for _, hit := range page.Hits {
		var filed struct {
			Status, Date string
			Period       struct{ End string }
		}
		if json.Unmarshal(hit.Body, &filed) != nil || filed.Status != "complete" {
			continue
		}
		end, err := time.Parse(time.DateOnly, filed.Period.End)
		made, ok := casework.Moment(filed.Date)
		if err == nil && ok && !made.Before(end.AddDate(0, 0, 1)) && end.After(last) {
			last, report = end, "MeasureReport/"+hit.ID
		}
	}
	return last, report, nil
}

// itself is the server, of its own accord.
func (r *Recorder) itself() *access.Context {
	return &access.Context{Tenant: r.o.Tenant, Kind: access.Server, Principal: "server"}
}
