package rest

import (
	"slices"
	"strings"
	"time"

	"tenon/fhir/issue"
	"tenon/server/search"
)

// docrefRoutes are https://hl7.org/fhir/uv/ipa/OperationDefinition-docref.html
// and http://hl7.org/fhir/us/core/OperationDefinition-docref.html
func (d *Door) docrefRoutes() []route {
	return []route{
		{"GET", "/DocumentReference/$docref", d.docref, false},
		{"POST", "/DocumentReference/$docref", d.docref, false},
	}
}

// summaryType is the type of a summary of care, which is in scope where the
// client names none.
const summaryType = "http://loinc.org|34133-9"

// docref answers with a searchset of the current DocumentReferences of a patient.
//
//	start, end   what documents care that touches the period (context.period)
//	neither      the most recent one of each type that is asked for; without
//	             type, the most recent one of all and the most recent summary of care
//	type         any of these
//	profile      any of these stands among the formats of the content
//	on-demand    no document is made on demand here: true finds none, and says so
func (d *Door) docref(c *call) error {
	params, err := c.searchInput()
	if err != nil {
		return err
	}
	q, err := readDocref(params)
	if err != nil {
		return err
	}
	told := &search.Told{}
	w := newBundle("searchset", nil, link{"self", query(c.base+"/DocumentReference/$docref", params)})
	switch {
	case q.demand:
		told.Warnings = append(told.Warnings, issue.Issue{Severity: issue.Information, Type: issue.NotSupported, Rule: "docref-on-demand", Path: "on-demand",
			Text: "This server makes no documents on demand; ask without on-demand for those that are there.", Chinese: "本服务器不按需生成文档；请去掉 on-demand 以获取已有文档。"})
	case q.period:
		return c.docrefPage(q, params)
	default:
		if err := c.docrefLatest(q, w); err != nil {
			return err
		}
	}
	return c.sendTold(w, told)
}

// docrefQuery is the input of $docref.
type docrefQuery struct {
	search []search.Param // what every answer meets
	types  []string
	period bool
	pages  []search.Param // _count and _cursor
	demand bool
}

func badDocref(name, format string, args ...any) error {
	return issue.Errorf(issue.Value, format, args...).WithStatus(400).At(name).Rule("docref-parameter").Chinese("$docref 的参数 " + name + " 有误。")
}

func readDocref(params []search.Param) (q docrefQuery, err error) {
	seen := map[string]bool{}
	var profiles []string
	for _, p := range params {
		repeats := p.Name == "type" || p.Name == "profile"
		if seen[p.Name] && !repeats {
			return q, badDocref(p.Name, "%s may be given once only.", clip(p.Name))
		}
		seen[p.Name] = true
		switch p.Name {
		case "patient":
			id := strings.TrimPrefix(p.Value, "Patient/")
			if id == "" || strings.ContainsAny(id, ",|/$") {
				return q, badDocref(p.Name, "patient is the id of one Patient.")
			}
			q.search = append(q.search, search.Param{Name: "patient", Value: "Patient/" + id})
		case "start", "end":
			bound, ok := careBound(p.Name, p.Value)
			if !ok {
				return q, badDocref(p.Name, "%s is a date or a date with time.", p.Name)
			}
			q.period = true
			q.search = append(q.search, search.Param{Name: "period", Value: bound})
		case "type":
			q.types = append(q.types, p.Value)
		case "profile":
			profiles = append(profiles, escapedValue.Replace(p.Value))
		case "on-demand":
			if p.Value != "true" && p.Value != "false" {
				return q, badDocref(p.Name, "on-demand is true or false.")
			}
			q.demand = p.Value == "true"
		case "_count", "_cursor":
			q.pages = append(q.pages, p)
		default:
			return q, issue.Errorf(issue.NotSupported, "$docref has no parameter %q; it takes patient, start, end, type, profile and on-demand.", clip(p.Name)).
				WithStatus(400).At(clip(p.Name)).Rule("docref-parameter").Chinese("$docref 没有该参数。")
		}
	}
	if !seen["patient"] {
		return q, issue.Errorf(issue.Required, "$docref needs patient, the id of a Patient.").WithStatus(400).At("patient").Rule("docref-parameter").Chinese("$docref 需要 patient。")
	}
	if len(profiles) > 0 {
		q.search = append(q.search, search.Param{Name: "format", Value: strings.Join(profiles, ",")})
	}
	q.search = append(q.search, search.Param{Name: "status", Value: "current"}, search.Param{Name: "_sort", Value: "-date,-_lastUpdated"})
	return q, nil
}

// careSteps are the precisions of a dateTime, with the step to the value beside.
// https://hl7.org/fhir/R4/datatypes.html#dateTime
var careSteps = []struct {
	layout string
	by     func(t time.Time, n int) time.Time
}{
	{"2006", func(t time.Time, n int) time.Time { return t.AddDate(n, 0, 0) }},
	{"2006-01", func(t time.Time, n int) time.Time { return t.AddDate(0, n, 0) }},
	{"2006-01-02", func(t time.Time, n int) time.Time { return t.AddDate(0, 0, n) }},
	{time.RFC3339, func(t time.Time, n int) time.Time { return t.Add(time.Duration(n) * time.Second) }},
}

// careBound is what a period must meet to touch the time behind start, or before
// end: it ends later than the value before start, or begins before the value
// behind end. (The prefixes ge and le leave out a period that is partly within.)
func careBound(name, text string) (string, bool) {
	for _, step := range careSteps {
		t, err := time.Parse(step.layout, text)
		switch {
		case err != nil:
		case name == "start":
			return "gt" + step.by(t, -1).Format(step.layout), true
		default:
			return "lt" + step.by(t, 1).Format(step.layout), true
		}
	}
	return "", false
}

// docrefPage answers with a page of all that was asked for.
func (c *call) docrefPage(q docrefQuery, params []search.Param) error {
	asked := append(slices.Clone(q.search), q.pages...)
	if len(q.types) > 0 {
		asked = append(asked, search.Param{Name: "type", Value: strings.Join(q.types, ",")})
	}
	page, told, err := c.door.o.Record.Search(c.ctx(), c.who, "DocumentReference", asked, true)
	if err != nil {
		return err
	}
	address := c.base + "/DocumentReference/$docref"
	links := []link{{"self", query(address, params)}}
	plain := slices.DeleteFunc(slices.Clone(params), func(p search.Param) bool { return p.Name == "_cursor" })
	for _, l := range []struct {
		relation string
		at       *search.Cursor
	}{{"next", page.Next}, {"previous", page.Previous}} {
		if l.at != nil {
			there := told.Page(l.at)
			links = append(links, link{l.relation, query(address, append(slices.Clone(plain), there[len(there)-1]))})
		}
	}
	w := newBundle("searchset", page.Total, links...)
	for i := range page.Hits {
		if err := c.hit(w, &page.Hits[i], told); err != nil {
			return err
		}
	}
	return c.sendTold(w, told)
}

// docrefLatest puts the most recent document of each type into the answer, each
// once.
func (c *call) docrefLatest(q docrefQuery, w *bundleWriter) error {
	if len(q.pages) > 0 {
		return badDocref(q.pages[0].Name, "Without start and end there are no pages.")
	}
	if len(q.types) == 0 {
		q.types = []string{"", summaryType}
	}
	seen := map[string]bool{}
	for _, typ := range q.types {
		asked := append(slices.Clone(q.search), search.Param{Name: "_count", Value: "1"})
		if typ != "" {
			asked = append(asked, search.Param{Name: "type", Value: typ})
		}
		page, told, err := c.door.o.Record.Search(c.ctx(), c.who, "DocumentReference", asked, true)
		if err != nil {
			return err
		}
		for i := range page.Hits {
			if h := &page.Hits[i]; !seen[h.ID] {
				seen[h.ID] = true
				if err := c.hit(w, h, told); err != nil {
					return err
				}
			}
		}
	}
	return nil
}
