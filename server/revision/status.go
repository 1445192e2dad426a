package revision

import (
	"cmp"
	"context"
	"slices"

	"tenon/fhir/issue"
	"tenon/server/search"
)

// State says how index rows stand.
type State string

// The states of rows.
const (
	Complete State = "complete" // they are there for all resources, and answer
	Building State = "building" // a server is making them
	Waiting  State = "waiting"  // nobody is
	Failed   State = "failed"   // and the last attempt failed: Why
	Unused   State = "unused"   // none are made: Why
)

// Status tells how the rows of a posted search parameter stand, or all rows.
type Status struct {
	Progress // of making them; zero where that was never needed, or another version's
	State    State
	Why      string
	URL      string
	Code     string
	// Rebuilding says that complete rows are being made anew.
	Rebuilding bool
}

// Status lists all rows (WholeIndex) and the posted search parameters, by name.
func (k *Keeper) Status(ctx context.Context) ([]Status, error) {
	if err := k.Refresh(ctx); err != nil {
		return nil, err
	}
	list, err := k.o.Store.Reindexes(ctx)
	if err != nil {
		return nil, err
	}
	known := map[string]Progress{}
	for _, p := range list {
		known[p.Name] = p
	}
	now := k.Current()
	all := []Status{now.indexStatus(known[WholeIndex])}
	for at, d := range now.parts.posted {
		if at.typ == "SearchParameter" {
			all = append(all, now.statusOf(at, d, known[at.typ+"/"+at.id]))
		}
	}
	for _, p := range list { // what a person asked for
		if _, posted := p.Posted(); !posted && p.Name != WholeIndex {
			s := Status{Progress: p, State: Complete}
			s.rebuilding()
			all = append(all, s)
		}
	}
	slices.SortFunc(all[1:], func(a, b Status) int { return cmp.Compare(a.Name, b.Name) })
	return all, nil
}

func (r *Revision) indexStatus(p Progress) Status {
	s := Status{Progress: p, State: Complete}
	s.Name = WholeIndex
	if p.Version != search.Format {
		s.Progress = Progress{Subject: Subject{Name: WholeIndex, Version: search.Format}}
	}
	if r.parts.format < search.Format {
		s.lacking()
	} else {
		s.rebuilding()
	}
	return s
}

func (r *Revision) statusOf(at name, d *posted, p Progress) Status {
	s := Status{Progress: p, State: Complete}
	a, tried := r.added[at]
	if p.Version != d.Version || p.Signature != a.Signature {
		s.Progress = Progress{}
	}
	s.Name, s.Version = at.typ+"/"+at.id, d.Version
	if d.parameter != nil {
		s.URL, s.Code = d.parameter.URL, d.parameter.Code
	}
	switch {
	case !tried:
		s.State, s.Why = Unused, "The definition is not in force."
	case a.Failure != nil:
		s.State, s.Why = Unused, "The definition cannot be used."
		if f := issue.As(a.Failure); f != nil {
			s.Why = f.Issues[0].Text
		}
	case a.Building:
		s.lacking()
	case len(a.Keys) == 0 || !d.indexes():
		s.State, s.Why = Unused, "No rows are made of a parameter without an expression, or of type special."
	default:
		s.rebuilding()
	}
	return s
}

func (d *posted) indexes() bool { return d.parameter.Expression != "" && d.parameter.Type != "special" }

// lacking tells who is making the rows.
func (s *Status) lacking() {
	switch {
	case s.Failure != "":
		s.State, s.Why = Failed, s.Failure
	case s.Held:
		s.State = Building
	default:
		s.State = Waiting
	}
}

func (s *Status) rebuilding() { s.Rebuilding = !s.Started.IsZero() && s.Finished.IsZero() }

// Percent is how far the making of rows is, 100 only when it is finished.
func (p *Progress) Percent() int {
	switch {
	case !p.Finished.IsZero():
		return 100
	case p.Total <= 0:
		return 0
	}
	return int(min(p.Done*100/p.Total, 99))
}
