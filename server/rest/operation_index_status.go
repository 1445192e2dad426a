package rest

import (
	"context"
	"slices"
	"time"

	"tenon/fhir/issue"
	"tenon/server/access"
	"tenon/server/revision"
)

// Index tells how the rows stand by which search parameters answer;
// revision.Keeper is one.
type Index interface {
	Status(ctx context.Context) ([]revision.Status, error)
}

// indexRoutes tell how far the making of index rows is, for resources that were
// there before a search parameter was:
//
//	GET /SearchParameter/{id}/$status   of a posted parameter
//	GET /SearchParameter/$status        of all, and of the index as a whole, for the operator
func (d *Door) indexRoutes() []route {
	if d.o.Index == nil {
		return nil
	}
	return []route{
		{"GET", "/SearchParameter/$status", d.indexStatus, false},
		{"GET", "/SearchParameter/:id/$status", d.parameterStatus, false},
	}
}

func (d *Door) parameterStatus(c *call) error {
	id := c.Param("id")
	if _, err := d.o.Record.Read(c.ctx(), c.who, "SearchParameter", id); err != nil {
		return err
	}
	all, err := d.o.Index.Status(c.ctx())
	if err != nil {
		return err
	}
	i := slices.IndexFunc(all, func(s revision.Status) bool { return s.Name == "SearchParameter/"+id })
	if i < 0 {
		return issue.Errorf(issue.NotFound, "There is no SearchParameter/%s.", id).Rule("not-found").Chinese("资源不存在或不可见。")
	}
	return c.parameters(statusOf(&all[i], operates(c.who)))
}

func (d *Door) indexStatus(c *call) error {
	if !operates(c.who) {
		return issue.Errorf(issue.Forbidden, "The state of the whole index is for the operator; ask SearchParameter/{id}/$status.").
			Rule("role-lacks-verb").Chinese("仅运维人员可查看整体索引状态。")
	}
	all, err := d.o.Index.Status(c.ctx())
	if err != nil {
		return err
	}
	list := make([]parameter, 0, len(all))
	for i := range all {
		list = append(list, parameter{name: "status", part: statusOf(&all[i], true)})
	}
	return c.parameters(list)
}

func operates(who *access.Context) bool {
	return who != nil && (who.Kind == access.Operator || who.Kind == access.Server)
}

// statusOf is one status. How many resources there are is told to the operator
// alone: others may not reach them all.
func statusOf(s *revision.Status, counts bool) []parameter {
	list := []parameter{{name: "name", typ: "String", value: s.Name}, {name: "state", typ: "Code", value: string(s.State)}}
	add := func(name, typ string, value any) { list = append(list, parameter{name: name, typ: typ, value: value}) }
	if s.URL != "" {
		add("url", "Uri", s.URL)
		add("code", "Code", s.Code)
	}
	if s.Why != "" && (counts || s.State != revision.Failed) {
		add("reason", "String", s.Why)
	}
	if s.Rebuilding {
		add("rebuilding", "Boolean", true)
	}
	if s.Started.IsZero() {
		return list
	}
	add("percent", "Integer", s.Percent())
	if counts {
		add("processed", "Decimal", s.Done)
		add("total", "Decimal", s.Total)
	}
	add("started", "Instant", instantOf(s.Started))
	add("changed", "Instant", instantOf(s.Changed))
	if !s.Finished.IsZero() {
		add("finished", "Instant", instantOf(s.Finished))
	}
	return list
}

func instantOf(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }
