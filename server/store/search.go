package store

import (
	"context"
	"strconv"
	"time"

	"tenon/fhir/issue"
	"tenon/server/access"
	"tenon/server/search"
)

// Search implements record.Store. A search that runs longer than Options.SearchTime
// is ended, in the database too.
//
// Failures: too-costly (503) for one that takes too long.
func (s *Store) Search(ctx context.Context, plan *search.Plan) (*search.Page, error) {
	tenant, err := s.tenantID(ctx, false)
	if err != nil {
		return nil, err
	}
	var page *search.Page
	err = s.engine.read(ctx, long, func(q querier) (err error) {
		timed, stop := context.WithTimeout(ctx, s.o.SearchTime) // waiting for a connection is not its time
		defer stop()
		page, err = runPlan(timed, q, s.engine.dialect(), tenant, plan, s.hints())
		if err != nil && timed.Err() != nil && ctx.Err() == nil {
			return tooLong(s.o.SearchTime)
		}
		return err
	})
	return page, err
}

// tooLong is said of time alone: the same search may do when less else is asked.
func tooLong(limit time.Duration) error {
	return issue.Errorf(issue.TooCostly, "The search took longer than %s and was ended: ask for less, by a parameter that few resources match, without _total or with a shorter chain.", limit).
		WithStatus(503).Rule("search-time").Chinese("检索超过时限，已终止。请缩小检索范围。")
}

// run is one execution of a plan.
type run struct {
	ctx    context.Context
	q      querier
	d      dialect
	tenant int64
	plan   *search.Plan
	root   search.Alias // with its reach folded
	by     []order
	back   bool           // the page ends at the cursor: the order is walked backwards
	at     *search.Cursor // where to start, exclusive, or nil
	full   bool           // there is more behind the page
	few    []int64        // candidates, when enough is known to list them
	listed bool
	met    []int          // clauses that all candidates meet
	late   []int          // clauses that may make candidates, at a price
	rows   []int64        // row numbers of the hits
	parts  []access.Level // of the hits: the lowest level to which each may be shown in part
	place  search.Cursor  // of the last hit
	bytes  int64          // of the bodies of the page
	hints  hints
	level  int // 0; of a run for an inner alias how deep it lies
}

// hints are what a run needs of the store besides the database.
type hints struct {
	mask Mask  // of what is found and shown in part
	many *many // which reaches are not worth a list; nil: none is known
}

func (s *Store) hints() hints { return hints{s.o.Mask, &s.many} }

func runPlan(ctx context.Context, q querier, d dialect, tenant int64, plan *search.Plan, h hints) (*search.Page, error) {
	r := &run{ctx: ctx, q: q, d: d, tenant: tenant, plan: plan, root: plan.Root, hints: h}
	r.back = plan.After != nil && plan.After.Back
	page := &search.Page{}
	var err error
	if r.root.Reach, err = fold(plan.Root.Reach, plan.Root.Types); err != nil {
		return nil, err
	}
	if r.by, err = orders("r", plan.Sort, r.back); err != nil {
		return nil, err
	}
	r.start()
	if err := r.candidates(); err != nil {
		return nil, err
	}
	if plan.Count > 0 {
		if err := r.hits(page); err != nil {
			return nil, err
		}
		r.turn(page)
	}
	if plan.Total || plan.Count == 0 {
		if err := r.total(page); err != nil {
			return nil, err
		}
	}
	fresh := make([]found, len(page.Hits))
	for i, h := range page.Hits {
		fresh[i] = found{r.rows[i], h, r.parts[i]}
	}
	if err := r.inPart(plan.Root.Reach, plan.Root.Types, fresh); err != nil {
		return nil, err
	}
	for i := range fresh {
		page.Hits[i] = fresh[i].hit
	}
	return page, r.include(page, fresh)
}

func (r *run) statement() *statement { return newStatement(r.tenant, r.d) }

// hits fetches the page, and one more to know whether there is a next one.
func (r *run) hits(page *search.Page) error {
	switch {
	case r.listed && len(r.few) == 0:
		return nil
	case r.listed && len(r.by) == 0:
		return r.walkList(page)
	case r.listed:
		return r.sorted(page)
	case len(r.by) == 0:
		return r.scan(page)
	case len(r.by) == 1 && len(r.root.Types) == 1 && r.by[0].by.By != "":
		return r.walkColumn(page)
	case len(r.by) == 1 && valueOrdered(r.by[0].by.Kind):
		return r.walkValues(page)
	}
	return r.sorted(page)
}

const hitColumns = "r.rid, r.type, r.id, r.version, r.updated, r.level, r.part, r.patient, r.body"

// found is one row of hitColumns.
type found struct {
	rid  int64
	hit  search.Hit
	part access.Level // the lowest level to which it may be shown in part
}

func scanHit(c cursor, more ...any) (f found, err error) {
	var updated, level, part int64
	dest := append([]any{&f.rid, &f.hit.Type, &f.hit.ID, &f.hit.Version, &updated, &level, &part, &f.hit.Patient, &f.hit.Body}, more...)
	err = c.scan(dest...)
	f.hit.Updated, f.hit.Level, f.part = moment(updated), access.Level(level), access.Level(part)
	return f, err
}

// sorted runs the plan in any order over the candidates, or over all. Bodies are
// fetched when the page is known.
func (r *run) sorted(page *search.Page) error {
	s := r.statement()
	s.add("SELECT " + hitColumns)
	for i := range r.by {
		s.add(", x.k" + strconv.Itoa(i))
	}
	s.add(" FROM (SELECT * FROM (SELECT r.rid")
	for i, o := range r.by {
		s.add(", "+o.expr+" AS k"+strconv.Itoa(i), o.args...)
	}
	s.add(" FROM resource r WHERE ")
	if err := r.among(s); err != nil {
		return err
	}
	s.add(") y")
	if r.at != nil {
		s.add(" WHERE ")
		if err := s.behind(r.by, "rid", r.at, r.back); err != nil {
			return err
		}
	}
	s.orderBy(r.by, "rid", r.back)
	s.add(" LIMIT ?) x "+s.forced()+" resource r ON r.rid = x.rid", int64(r.plan.Count+1))
	s.orderBy(r.by, "r.rid", r.back)
	q := r.q
	if r.listed {
		q = prepared(q)
	}
	return each(r.ctx, q, s.sql(), s.args, func(c cursor) error {
		keys := make([]any, len(r.by))
		for i := range r.by {
			keys[i] = r.by[i].dest()
		}
		f, err := scanHit(c, keys...)
		if err != nil {
			return err
		}
		values := make([]string, len(r.by))
		for i := range r.by {
			values[i] = r.by[i].text(keys[i])
		}
		r.keep(page, f, values)
		return nil
	})
}

// among appends what the root must meet, with the candidates if there are any.
func (r *run) among(s *statement) error {
	if r.listed {
		s.inRows("r.rid", r.few).add(" AND ")
		return s.whereBut("r", &r.root, r.met...)
	}
	return s.where("r", &r.root)
}

// keep adds a hit with its sort values, or says that there is a page behind.
func (r *run) keep(page *search.Page, f found, values []string) {
	here := search.Cursor{Values: values, Row: f.rid}
	switch {
	case r.full:
	case len(page.Hits) < r.plan.Count && r.fits(len(page.Hits), f):
		r.bytes += int64(len(f.hit.Body))
		page.Hits = append(page.Hits, f.hit)
		r.rows, r.parts = append(r.rows, f.rid), append(r.parts, f.part)
		r.place = here
	case r.back:
		here.Back, r.full = true, true
		page.Previous = &here
	default:
		at := r.place
		page.Next, r.full = &at, true
	}
}

// fits tells whether a page has room for the body of a hit; one it always has.
func (r *run) fits(have int, f found) bool {
	return have == 0 || r.plan.MaxBytes <= 0 || r.bytes+int64(len(f.hit.Body)) <= r.plan.MaxBytes
}
