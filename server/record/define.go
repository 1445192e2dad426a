package record

import (
	"context"
	"slices"
	"time"

	"tenon/fhir/issue"
	"tenon/server/revision"
)

// Definitions gives the definitions in force; revision.Keeper is one.
type Definitions interface {
	// Current is the Revision in force.
	Current() *revision.Revision
	// Refresh makes Current be what the database holds.
	Refresh(ctx context.Context) error
	// Settle is Refresh after a commit that changed definitions; it completes
	// the rows of new search parameters while they are no more than limit.
	Settle(ctx context.Context, limit int) error
}

// fixed is a Revision that nothing changes.
type fixed struct{ r *revision.Revision }

func (f fixed) Current() *revision.Revision      { return f.r }
func (fixed) Refresh(context.Context) error      { return nil }
func (fixed) Settle(context.Context, int) error  { return nil }
func (r *Recorder) revision() *revision.Revision { return r.o.Definitions.Current() }

// inline is how many resources a new search parameter may index before its
// answer leaves; settleTime bounds how long that may take.
const (
	inline     = 5000
	settleTime = 20 * time.Second
)

// define makes the Revision that the draft's definitions would give and refuses
// what does not compile. The rest of the draft is judged by it: a profile and
// what follows it may come together.
func (p *preparation) define() error {
	var changes []revision.Change
	var places []int
	for i, w := range p.writes {
		if w == nil || !revision.Defines(w.typ) {
			continue
		}
		c := revision.Change{Type: w.typ, ID: w.id, Updated: p.at, Version: 1}
		if w.before != nil {
			c.Version = w.before.Version + 1
		}
		if w.op.Method != "DELETE" {
			c.Body = w.body
		}
		changes, places = append(changes, c), append(places, i)
	}
	if len(changes) == 0 {
		return nil
	}
	for n, i := range places { // what is no sound resource need not be tried
		if changes[n].Body != nil {
			if err := p.check(p.writes[i]); err != nil {
				return at(err, i, p.draft)
			}
			p.writes[i].judged = true
		}
	}
	next, verdicts, err := p.rev.With(changes...)
	if err != nil {
		return err
	}
	for n, v := range verdicts {
		i := places[n]
		if v.Failure != nil {
			return at(v.Failure, i, p.draft)
		}
		p.warn(i, v.Warnings...)
	}
	p.rev = next
	return nil
}

// settle puts committed definitions in force here before the answer leaves.
// What fails is made up for by the next write or by the Keeper's own turn.
func (p *preparation) settle() {
	if !slices.ContainsFunc(p.unit.Versions, func(v Version) bool { return revision.Defines(v.Type) }) {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(p.ctx), settleTime)
	defer cancel()
	_ = p.r.o.Definitions.Settle(ctx, inline)
	if !p.r.revision().Building() {
		return
	}
	for i, w := range p.writes {
		if w != nil && w.typ == "SearchParameter" && w.op.Method != "DELETE" {
			p.warn(i, issue.Issue{Severity: issue.Information, Type: issue.Informational, Rule: "search-building",
				Text:    "The resources that are there are being indexed; the parameter answers once that is complete.",
				Chinese: "正在为已有资源建立索引，完成后该参数方可用于检索。"})
		}
	}
}

// warn adds to what the answer tells of one operation.
func (p *preparation) warn(i int, issues ...issue.Issue) {
	if i < len(p.outcome.Results) {
		p.outcome.Results[i].Warnings = append(p.outcome.Results[i].Warnings, issues...)
	}
}

// tried says of a definition what storing it would say.
func (p *preparation) tried(w *write, issues []issue.Issue) ([]issue.Issue, error) {
	c := revision.Change{Type: w.typ, ID: w.id, Updated: p.at, Version: 1, Body: w.body}
	_, verdicts, err := p.rev.With(c)
	if err != nil {
		return nil, err
	}
	if f := verdicts[0].Failure; f != nil {
		issues = append(issues, f.Issues...)
	}
	return append(issues, verdicts[0].Warnings...), nil
}
