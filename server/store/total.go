package store

import (
	"math"

	"tenon/server/search"
)

// An estimate looks at windows of row numbers that lie evenly between the first
// and the last, and takes what it finds there for the whole. It looks at no more
// rows than one piece of a walk, which is less than what is counted where there
// are more matches than can be listed; where there are fewer, or too few in the
// windows to tell, all are counted.
const (
	windows    = 20
	windowSize = 50
	fewest     = 10                        // matches in the windows
	smallest   = 20 * windows * windowSize // row numbers that are worth it
)

// total counts all matches, or estimates them.
// https://hl7.org/fhir/R4/search.html#total
func (r *run) total(page *search.Page) error {
	n := int64(0)
	page.Total = &n
	if r.listed && len(r.few) == 0 {
		return nil
	}
	if r.plan.Estimate && !r.listed {
		var err error
		if n, page.Estimated, err = r.estimate(); err != nil || page.Estimated {
			return err
		}
	}
	s := r.statement()
	s.add("SELECT count(*) FROM resource r WHERE ")
	var err error
	q := r.q
	if r.listed {
		q = prepared(q)
		err = r.among(s)
	} else {
		err = s.whereFrom("r", &r.root)
	}
	if err != nil {
		return err
	}
	_, err = one(r.ctx, q, s.sql(), s.args, &n)
	return err
}

// estimate is ok where the windows hold enough.
func (r *run) estimate() (n int64, ok bool, err error) {
	var first, last *int64
	if _, err := one(r.ctx, r.q, "SELECT min(rid) FROM resource", nil, &first); err != nil {
		return 0, false, err
	}
	if _, err := one(r.ctx, r.q, "SELECT max(rid) FROM resource", nil, &last); err != nil || first == nil || last == nil || *last-*first < smallest {
		return 0, false, err
	}
	step := float64(*last-*first) / windows
	var rows []int64
	for i := range windows {
		from := *first + int64(step*(float64(i)+0.5))
		for row := range int64(windowSize) {
			rows = append(rows, from+row)
		}
	}
	s := r.statement()
	s.add("SELECT count(*) FROM resource r WHERE ").inRows("r.rid", rows).add(" AND ")
	if err := s.where("r", &r.root); err != nil {
		return 0, false, err
	}
	var hits int64
	if _, err := one(r.ctx, prepared(r.q), s.sql(), s.args, &hits); err != nil || hits < fewest {
		return 0, false, err
	}
	return rounded(float64(hits) * float64(*last-*first+1) / (windows * windowSize)), true, nil
}

// rounded keeps two digits: more would look exact.
func rounded(n float64) int64 {
	unit := math.Pow(10, max(0, math.Floor(math.Log10(n))-1))
	return int64(math.Round(n/unit) * unit)
}
