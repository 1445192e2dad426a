package store

import (
	"slices"

	"tenon/fhir/issue"
	"tenon/server/access"
	"tenon/server/search"
)

// maxIncluded bounds what one page brings along.
const maxIncluded = 10_000

// include adds what the hits refer to and what refers to them, each once; with
// iterate also from what was included.
// https://hl7.org/fhir/R4/search.html#revinclude
func (r *run) include(page *search.Page, fresh []found) error {
	if len(r.plan.Include) == 0 || len(page.Hits) == 0 {
		return nil
	}
	seen := make(map[int64]bool, len(r.rows))
	for _, rid := range r.rows {
		seen[rid] = true
	}
	for round := 0; len(fresh) > 0; round++ {
		var next []found
		for _, inc := range r.plan.Include {
			if round > 0 && !inc.Iterate {
				continue
			}
			more, err := r.related(inc, fresh, seen, len(page.Hits)+len(next))
			if err == nil {
				err = r.inPart(inc.Reach, targetsOf(inc), more)
			}
			if err != nil {
				return err
			}
			next = append(next, more...)
		}
		for _, f := range next {
			f.hit.Included = true
			page.Hits = append(page.Hits, f.hit)
		}
		fresh = next
	}
	return nil
}

// related finds what one include adds for these resources.
func (r *run) related(inc search.Include, from []found, seen map[int64]bool, have int) ([]found, error) {
	var out []found
	take := func(s *statement) error {
		return each(r.ctx, r.q, s.sql(), s.args, func(c cursor) error {
			f, err := scanHit(c)
			if err != nil || seen[f.rid] {
				return err
			}
			if have+len(out) >= maxIncluded {
				return issue.Errorf(issue.TooCostly, "the page would include more than %d resources: ask for a smaller _count", maxIncluded).
					Rule("search-limit").Chinese("所含资源过多，请减小 _count。")
			}
			if r.bytes += int64(len(f.hit.Body)); r.plan.MaxBytes > 0 && r.bytes > 2*r.plan.MaxBytes {
				return issue.Errorf(issue.TooCostly, "what the page includes has more than %d bytes: ask for a smaller _count", r.plan.MaxBytes).
					Rule("search-limit").Chinese("所含资源过大，请减小 _count。")
			}
			seen[f.rid] = true
			out = append(out, f)
			return nil
		})
	}
	if !inc.Reverse {
		s, err := r.forward(inc, from)
		if err != nil || s == nil {
			return nil, err
		}
		return out, take(s)
	}
	byType := map[string][]string{}
	var types []string
	for _, f := range from {
		if inc.Target != "" && inc.Target != f.hit.Type {
			continue
		}
		if byType[f.hit.Type] == nil {
			types = append(types, f.hit.Type)
		}
		byType[f.hit.Type] = append(byType[f.hit.Type], f.hit.ID)
	}
	slices.Sort(types)
	for _, typ := range types {
		s, err := r.backward(inc, typ, byType[typ])
		if err != nil {
			return nil, err
		}
		if err := take(s); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// lookedAt is the level of the reference that an include follows.
func lookedAt(inc search.Include) access.Level {
	if inc.Looked == 0 {
		return 5
	}
	return inc.Looked
}

// targetsOf are the types that an include brings, none for any.
func targetsOf(inc search.Include) []string {
	switch {
	case inc.Reverse && inc.Source != "":
		return []string{inc.Source}
	case !inc.Reverse && inc.Target != "":
		return []string{inc.Target}
	}
	return nil
}

// forward selects what resources of the source type refer to.
func (r *run) forward(inc search.Include, from []found) (*statement, error) {
	var rows []int64
	for _, f := range from {
		if f.hit.Shown > 0 && f.hit.Shown < lookedAt(inc) {
			continue // the reference may be what was left out
		}
		if inc.Source == "" || f.hit.Type == inc.Source {
			rows = append(rows, f.rid)
		}
	}
	if len(rows) == 0 {
		return nil, nil
	}
	s := r.statement()
	s.add("SELECT " + hitColumns + " FROM reference_row t " + s.forced() +
		" resource r ON r.type = t.type AND r.id = t.target WHERE ") // without r.tenant = t.tenant: it would lead to the index of the targets
	s.inRows("t.rid", rows)
	if !inc.Any {
		s.add(" AND t.key = ?", int64(inc.Key))
	}
	s.add(" AND t.type <> '' AND ")
	target := search.Alias{Reach: inc.Reach}
	if inc.Target != "" {
		target.Types = []string{inc.Target}
	}
	if err := s.where("r", &target); err != nil {
		return nil, err
	}
	s.add(" ORDER BY r.rid")
	return s, nil
}

// backward selects resources of the source type that refer to these.
func (r *run) backward(inc search.Include, typ string, ids []string) (*statement, error) {
	s := r.statement()
	s.add("SELECT "+hitColumns+" FROM reference_row t "+s.forced()+" resource r ON r.rid = t.rid WHERE t.tenant = ? AND ", s.tenant)
	s.inTexts("t.target", ids)
	if !inc.Any {
		s.add(" AND t.key = ?", int64(inc.Key))
	}
	s.add(" AND t.type = ? AND ", typ)
	source := search.Alias{Reach: inc.Reach}
	if inc.Source != "" {
		source.Types = []string{inc.Source}
	}
	if err := s.where("r", &source); err != nil {
		return nil, err
	}
	s.add(" ORDER BY r.rid")
	return s, nil
}
