package rest

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"tenon/fhir/issue"
	"tenon/server/access"
	"tenon/server/record"
)

// Evaluator is the recorder's part of $evaluate-type.
type Evaluator interface {
	Evaluate(ctx context.Context, who *access.Context, q record.EvaluationQuery) (report []byte, filed *record.Result, err error)
	EvaluationsDue(ctx context.Context, who *access.Context, q record.DueQuery) ([]byte, error)
}

func (d *Door) evaluateRoutes() []route {
	return []route{
		{"GET", "/DeviceDefinition/$evaluation-due", d.evaluationDue, false},
		{"GET", "/DeviceDefinition/:id/$evaluate-type", d.evaluateType, false},
		{"POST", "/DeviceDefinition/:id/$evaluate-type", d.evaluateType, false},
	}
}

// evaluateType is DeviceDefinition/{family}/$evaluate-type: how the devices of a
// product family fared whose cases were opened in a period, as a MeasureReport of
// urn:tenon:measure:type-evaluation. GET computes it, POST keeps it as well. In
// the query, or of a POST in Parameters:
//
//	start, end  date      both days count; without them the next period of the family's schedule
//	leaves      boolean   for others: figures about fewer than k cases are suppressed, whole months only
//	k           integer   more than the server's own least number, up to 1000
func (d *Door) evaluateType(c *call) error {
	q := record.EvaluationQuery{Family: c.Param("id"), File: c.Request().Method == http.MethodPost}
	params, err := c.searchInput()
	if err != nil {
		return err
	}
	seen := map[string]bool{}
	for _, p := range params {
		if seen[p.Name] {
			return badEvaluation(p.Name)
		}
		seen[p.Name] = true
		switch p.Name {
		case "start":
			q.Start, err = time.Parse(time.DateOnly, p.Value)
		case "end":
			q.End, err = time.Parse(time.DateOnly, p.Value)
		case "leaves":
			q.Leaves, err = strconv.ParseBool(p.Value)
		case "k":
			if q.K, err = strconv.Atoi(p.Value); q.K < 1 || q.K > 1000 {
				return badEvaluation(p.Name)
			}
		default:
			return badEvaluation(p.Name)
		}
		if err != nil {
			return badEvaluation(p.Name)
		}
	}
	report, filed, err := d.o.Record.Evaluate(c.ctx(), c.who, q)
	if err != nil {
		return err
	}
	if filed != nil {
		return c.written(filed)
	}
	return c.send(http.StatusOK, report)
}

func badEvaluation(name string) error {
	return issue.Errorf(issue.Value, "The parameter %q of $evaluate-type is none, comes twice, or has no value that can be read; it takes start, end (dates), leaves (true, false) and k (1 to 1000).", clip(name)).
		WithStatus(400).At(clip(name)).Rule("evaluation-parameter").Chinese("$evaluate-type 的参数无效。")
}

// evaluationDue is DeviceDefinition/$evaluation-due?until=2027-01-01&all=true: the
// types of device whose periodic evaluation the caller's organisation owes by that
// day, or all with the day from which they are due.
func (d *Door) evaluationDue(c *call) error {
	q := record.DueQuery{}
	for name, values := range c.QueryParams() {
		err := error(nil)
		switch {
		case len(values) > 1:
			return badDue(name)
		case name == "until":
			q.Until, err = time.Parse(time.DateOnly, values[0])
		case name == "all":
			q.All, err = strconv.ParseBool(values[0])
		case name == "_format" || name == "_pretty":
		default:
			return badDue(name)
		}
		if err != nil {
			return badDue(name)
		}
	}
	body, err := d.o.Record.EvaluationsDue(c.ctx(), c.who, q)
	if err != nil {
		return err
	}
	return c.send(http.StatusOK, body)
}

func badDue(name string) error {
	return issue.Errorf(issue.Value, "The parameter %q of $evaluation-due is none, comes twice, or has no value that can be read; it takes until (date) and all (true, false).", clip(name)).
		WithStatus(400).At(clip(name)).Rule("evaluation-parameter").Chinese("$evaluation-due 的参数无效。")
}
