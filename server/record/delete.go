package record

import (
	"context"
	"fmt"

	"tenon/fhir/issue"
	"tenon/server/access"
	"tenon/server/search"
)

// mostDeleted bounds what the policy may let one conditional delete take.
const mostDeleted = 1000

// several turns a conditional delete that matches more than one resource into
// one delete for each, where the policy allows so many; they go together or not
// at all. Each must be as it was when it matched.
// https://hl7.org/fhir/R4/http.html#3.1.0.7.1
func (r *Recorder) several(ctx context.Context, who *access.Context, d *Draft) (*Draft, error) {
	most := min(r.o.DeleteSeveral, mostDeleted)
	if most < 2 || len(d.Ops) != 1 || d.Ops[0].Method != "DELETE" || d.Ops[0].Criteria == "" {
		return d, nil
	}
	op := d.Ops[0]
	if err := r.knownType(op.Type); err != nil {
		return nil, err
	}
	params, err := search.ParseQuery(op.Criteria)
	if err != nil {
		return nil, err
	}
	plan, _, err := r.parse(who, op.Type, params, true)
	if err != nil {
		return nil, err
	}
	plan.Count, plan.Total, plan.Include = most+1, false, nil
	page, err := r.o.Store.Search(ctx, plan)
	if err != nil {
		return nil, err
	}
	switch {
	case len(page.Hits) < 2:
		return d, nil
	case len(page.Hits) > most:
		return nil, issue.Errorf(issue.MultipleMatches, "The criteria match more than %d %s, which is what one request may delete; make them more selective.", most, op.Type).
			Rule("multiple-matches").Chinese("条件匹配的资源过多，未删除任何资源。")
	case op.IfMatch != "" && op.IfMatch != "*":
		return nil, issue.Errorf(issue.MultipleMatches, "If-Match names one version, but the criteria match %d %s.", len(page.Hits), op.Type).Rule("multiple-matches")
	}
	out := *d
	out.Ops = make([]Op, len(page.Hits))
	for i := range page.Hits {
		h := &page.Hits[i]
		out.Ops[i] = Op{Method: "DELETE", Type: h.Type, ID: h.ID, IfMatch: fmt.Sprint(h.Version)}
	}
	return &out, nil
}
