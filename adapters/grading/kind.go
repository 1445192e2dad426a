package grading

import (
	"time"

	"tenon/fhir/tree"
)

// kindsOf collects the codings that say what a resource is.
func kindsOf(n tree.Node) []coding {
	var list []coding
	for _, name := range [...]string{"type", "category", "code", "class", "reasonCode"} {
		list = collect(list, n.Field(name), 3)
	}
	return list
}

// collect appends the codings under n: Codings, and those of the members
// coding, type and code.
func collect(list []coding, n tree.Node, depth int) []coding {
	if depth == 0 {
		return list
	}
	for item := range n.Items() {
		if item.Kind() != tree.Object {
			continue
		}
		if code := item.Field("code"); code.Kind() == tree.String {
			list = append(list, coding{item.Field("system").Str(), code.Str()})
			continue
		}
		for _, name := range [...]string{"coding", "type", "code"} {
			list = collect(list, item.Field(name), depth-1)
		}
	}
	return list
}

// is reports whether a value is of kind q: by a coding of its own or of the
// resource.
func (w *walk) is(q string, v tree.Node) bool {
	if q == "minor" {
		return w.minor(v.Str())
	}
	for _, c := range collect(nil, v, 3) {
		if w.t.qualified(q, c.system, c.code) {
			return true
		}
	}
	for _, c := range w.kinds {
		if w.t.qualified(q, c.system, c.code) {
			return true
		}
	}
	return false
}

// minor reports whether a person with this birth date was below the age of
// the rules when the version was written. A birth date without a day counts as
// its last day.
func (w *walk) minor(birth string) bool {
	if w.day.IsZero() {
		return false
	}
	var last time.Time
	for _, f := range [...]struct {
		layout        string
		years, months int
	}{{time.DateOnly, 0, 0}, {"2006-01", 0, 1}, {"2006", 1, 0}} {
		if t, err := time.Parse(f.layout, birth); err == nil {
			last = t.AddDate(f.years, f.months, 0)
			if f.years+f.months > 0 {
				last = last.AddDate(0, 0, -1)
			}
			return last.AddDate(w.t.rules.MinorYears, 0, 0).After(w.day)
		}
	}
	return true // not a date: it cannot be told, so it is held as one
}

// sensitive reports whether the author labelled the resource as special.
func (w *walk) sensitive(n tree.Node) bool {
	for item := range n.Path("meta").Field("security").Items() {
		for _, label := range w.t.rules.Sensitive {
			if matches(label, item.Field("system").Str(), item.Field("code").Str()) {
				return true
			}
		}
	}
	return false
}
