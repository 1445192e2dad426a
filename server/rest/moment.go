package rest

import (
	"strings"
	"time"
)

// The forms of a dateTime, from the coarsest.
// https://hl7.org/fhir/R4/datatypes.html#dateTime
var momentForms = []struct {
	layout string
	end    func(time.Time) time.Time
}{
	{"2006", func(t time.Time) time.Time { return t.AddDate(1, 0, 0) }},
	{"2006-01", func(t time.Time) time.Time { return t.AddDate(0, 1, 0) }},
	{"2006-01-02", func(t time.Time) time.Time { return t.AddDate(0, 0, 1) }},
	{"2006-01-02T15:04Z07:00", func(t time.Time) time.Time { return t.Add(time.Minute) }},
	{"2006-01-02T15:04:05Z07:00", func(t time.Time) time.Time { return t.Add(time.Second) }},
	{"2006-01-02T15:04:05.999999999Z07:00", func(t time.Time) time.Time { return t.Add(time.Millisecond) }},
}

// moments is the period that a date or time of any precision covers, the end
// outside. A date without a zone is in UTC. A plus that was not escaped has
// become a blank.
func moments(text string) (from, to time.Time, ok bool) {
	text = strings.Replace(text, " ", "+", 1)
	forms := momentForms
	if !strings.Contains(text, ".") {
		forms = forms[:len(forms)-1] // the parser takes a fraction where the layout has none
	} else {
		forms = forms[len(forms)-1:]
	}
	for _, f := range forms {
		if at, err := time.Parse(f.layout, text); err == nil && at.Year() > 0 {
			return at, f.end(at), true
		}
	}
	return from, to, false
}
