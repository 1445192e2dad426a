package rest

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"

	"tenon/fhir/issue"
	"tenon/server/record"
	"tenon/server/search"
)

// Page sizes of a history.
const (
	historyCount = 50
	historyMost  = 500
)

// beforeParam carries the version behind which the next page begins.
const beforeParam = "_before"

// history is https://hl7.org/fhir/R4/http.html#history of one instance, of a
// type or of the whole system, newest version first. _since compares
// meta.lastUpdated; a version that was being written at that moment may appear
// after the answer, so who polls lets the questions overlap, or subscribes.
func (d *Door) history(c *call) error {
	q, part, asked, err := c.historyParams()
	if err != nil {
		return err
	}
	page, err := d.o.Record.History(c.ctx(), c.who, q)
	if err != nil {
		return err
	}
	address := c.base + "/_history"
	switch {
	case q.ID != "":
		address = c.base + "/" + q.Type + "/" + q.ID + "/_history"
	case q.Type != "":
		address = c.base + "/" + q.Type + "/_history"
	}
	links := []link{{"self", query(address, asked)}}
	if page.More {
		last := &page.Versions[len(page.Versions)-1]
		from := record.VersionRef{Type: last.Type, ID: last.ID, Version: last.Version}
		next := slices.DeleteFunc(slices.Clone(asked), func(p search.Param) bool { return p.Name == beforeParam })
		links = append(links, link{"next", query(address, append(next, search.Param{Name: beforeParam, Value: from.String()}))})
	}
	w := newBundle("history", nil, links...)
	for i := range page.Versions {
		if err := c.historyEntry(w, &page.Versions[i], part); err != nil {
			return err
		}
	}
	return c.send(http.StatusOK, w.bytes())
}

// historyEntry tells how a version came about.
func (c *call) historyEntry(w *bundleWriter, v *record.Version, part view) error {
	w.entry()
	w.word("fullUrl", c.base+"/"+v.Type+"/"+v.ID)
	if !v.Deleted {
		body, err := part.of(c.door.o.Model, v.Labelled())
		if err != nil {
			return err
		}
		w.member("resource", body)
	}
	url, status := v.Type+"/"+v.ID, "200"
	switch {
	case v.Deleted:
		status = "204"
	case v.Version == 1:
		status = "201"
	}
	if v.Method == "POST" {
		url = v.Type
	}
	w.member("request", fmt.Appendf(nil, `{"method":%q,"url":%q}`, v.Method, url))
	w.member("response", fmt.Appendf(nil, `{"status":%q,"etag":%q,"lastModified":%q}`, status, tagOf(v), v.Updated.UTC().Format(instant)))
	w.end()
	return nil
}

// historyParams reads the query; asked is what of it is honoured.
func (c *call) historyParams() (q record.HistoryQuery, part view, asked []search.Param, err error) {
	q = record.HistoryQuery{Type: c.Param("type"), ID: c.Param("id"), Count: historyCount}
	params, err := search.ParseQuery(c.Request().URL.RawQuery)
	if err != nil {
		return q, part, nil, err
	}
	for _, p := range without(params) {
		known, err := historyParam(&q, &part, p)
		if err != nil {
			return q, part, nil, err
		}
		if known {
			asked = append(asked, p)
		} else if c.prefer.strict || p.Name == "_list" || p.Name == "_sort" {
			return q, part, nil, badHistory(p, "it is not supported")
		}
	}
	return q, part, asked, part.check(c.door.o.Model, q.Type)
}

// historyParam takes one parameter of the query, if it is one of a history.
func historyParam(q *record.HistoryQuery, part *view, p search.Param) (known bool, err error) {
	ok := true
	switch p.Name {
	case "_count":
		n, bad := strconv.Atoi(p.Value)
		if bad != nil || n < 1 {
			return true, badHistory(p, "it takes a whole number above 0")
		}
		q.Count = min(n, historyMost)
	case "_since":
		if q.Since, _, ok = moments(p.Value); !ok {
			return true, badHistory(p, "it takes an instant, such as 2024-05-01T08:30:00Z")
		}
	case "_at":
		if q.From, q.To, ok = moments(p.Value); !ok {
			return true, badHistory(p, "it takes a date or a time, such as 2024-05 or 2024-05-01T08:30:00Z")
		}
	case beforeParam:
		if q.Before, ok = record.ParseVersionRef(p.Value); !ok || q.ID != "" && (q.Before.ID != q.ID || q.Before.Type != q.Type) {
			return true, badHistory(p, "it takes what the link to the next page says")
		}
	case "_summary":
		part.summary = p.Value
	case "_elements":
		part.addElements(p.Value)
	default:
		return false, nil
	}
	return true, nil
}

func badHistory(p search.Param, why string) error {
	return issue.Errorf(issue.NotSupported, "The parameter %s=%q of a history cannot be honoured: %s.", clip(p.Name), clip(p.Value), why).
		WithStatus(400).At(clip(p.Name)).Rule("history-parameter").Chinese("历史查询不支持该参数或取值。")
}
