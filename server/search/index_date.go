package search

import "tenon/fhir/tree"

// date makes the rows of https://hl7.org/fhir/R4/search.html#date
func (x *indexer) date(p *part, typ string, n tree.Node) {
	switch typ {
	case "Period":
		x.addDate(p.keys.main, x.period(n))
	case "Timing":
		x.addDate(p.keys.main, x.timing(n))
	case "instant":
		if s, ok := x.point(n); ok {
			x.addDate(p.keys.main, span{s.low, s.low, true}) // a point in time has no width
		}
	case "date", "dateTime":
		s, ok := x.point(n)
		s.ok = ok
		x.addDate(p.keys.main, s)
	}
}

// span is a closed interval; ok is false when there is none.
type span struct {
	low, high int64
	ok        bool
}

func (x *indexer) point(n tree.Node) (span, bool) {
	low, high, ok := interval(n.Str(), x.zone)
	return span{low, high, ok}, ok
}

// period is open where an end is not given.
func (x *indexer) period(n tree.Node) span {
	s := span{begin, end, false}
	if start, ok := x.point(n.Field("start")); ok {
		s.low, s.ok = start.low, true
	}
	if stop, ok := x.point(n.Field("end")); ok {
		s.high, s.ok = stop.high, true
	}
	return s
}

// timing keeps the outer limits only: of the events and of the bounds.
func (x *indexer) timing(n tree.Node) span {
	all := x.period(n.Path("repeat", "boundsPeriod"))
	for e := range n.Field("event").Items() {
		s, ok := x.point(e)
		switch {
		case !ok:
		case !all.ok:
			all = span{s.low, s.high, true}
		default:
			all.low, all.high = min(all.low, s.low), max(all.high, s.high)
		}
	}
	return all
}

func (x *indexer) addDate(key Key, s span) {
	if s.ok {
		x.rows.Dates = append(x.rows.Dates, DateRow{Key: key, Low: s.low, High: s.high})
	}
}
