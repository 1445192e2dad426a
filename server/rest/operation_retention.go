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

// Keeper is the recorder's part of $retention.
type Keeper interface {
	Retention(ctx context.Context, who *access.Context, q record.RetentionQuery) ([]byte, error)
}

func (d *Door) retentionRoutes() []route {
	return []route{{"GET", "/Task/$retention", d.retention, false}}
}

// retention is Task/$retention?until=2031-01-01&all=true&after=…&_count=…: the
// cases whose record need not be kept any longer by that day, or all with what
// keeps them. Erasing is two persons' work ($expunge).
func (d *Door) retention(c *call) error {
	q := record.RetentionQuery{}
	for name, values := range c.QueryParams() {
		value, err := values[0], error(nil)
		switch {
		case len(values) > 1:
			return badRetention(name, "it comes twice")
		case name == "until":
			q.Until, err = time.Parse(time.DateOnly, value)
		case name == "all":
			q.All, err = strconv.ParseBool(value)
		case name == "_count":
			q.Count, err = strconv.Atoi(value)
		case name == "after":
			q.After = value
		case name == "_format" || name == "_pretty":
		default:
			return badRetention(name, "there is no such parameter")
		}
		if err != nil {
			return badRetention(name, "it cannot be read")
		}
	}
	body, err := d.o.Record.Retention(c.ctx(), c.who, q)
	if err != nil {
		return err
	}
	return c.send(http.StatusOK, body)
}

func badRetention(name, why string) error {
	return issue.Errorf(issue.Invalid, "The parameter %q of $retention cannot be honoured: %s.", clip(name), why).
		WithStatus(400).At(clip(name)).Rule("retention-input").Chinese("$retention 的参数无效。")
}
