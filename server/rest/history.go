package rest

import (
	"fmt"
	"math"
	"net/http"
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

// history is https://hl7.org/fhir/R4/http.html#history of one instance, newest
// version first.
func (d *Door) history(c *call) error {
	count, before, asked, err := c.historyParams()
	if err != nil {
		return err
	}
	typ, id := c.Param("type"), c.Param("id")
	versions, err := d.o.Record.History(c.ctx(), c.who, typ, id, before, count+1)
	if err != nil {
		return err
	}
	address := c.base + "/" + typ + "/" + id + "/_history"
	links := []link{{"self", query(address, asked)}}
	if len(versions) > count {
		versions = versions[:count]
		from := strconv.FormatInt(versions[count-1].Version, 10)
		links = append(links, link{"next", query(address, []search.Param{{Name: "_count", Value: strconv.Itoa(count)}, {Name: beforeParam, Value: from}})})
	}
	w := newBundle("history", nil, links...)
	for i := range versions {
		c.historyEntry(w, &versions[i])
	}
	return c.send(http.StatusOK, w.bytes())
}

// historyEntry tells how a version came about.
func (c *call) historyEntry(w *bundleWriter, v *record.Version) {
	w.entry()
	w.word("fullUrl", c.base+"/"+v.Type+"/"+v.ID)
	if !v.Deleted {
		w.member("resource", v.Labelled())
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
	w.member("response", fmt.Appendf(nil, `{"status":%q,"etag":%q,"lastModified":%q}`, status, etag(v.Version), v.Updated.UTC().Format(instant)))
	w.end()
}

func (c *call) historyParams() (count int, before int64, asked []search.Param, err error) {
	params, err := search.ParseQuery(c.Request().URL.RawQuery)
	if err != nil {
		return 0, 0, nil, err
	}
	count = historyCount
	for _, p := range without(params) {
		n, bad := strconv.ParseInt(p.Value, 10, 64)
		switch p.Name {
		case "_count":
			if bad != nil || n < 1 {
				return 0, 0, nil, badHistory(p, "it takes a whole number above 0")
			}
			count = int(min(n, historyMost))
		case beforeParam:
			if bad != nil || n < 1 || n == math.MaxInt64 {
				return 0, 0, nil, badHistory(p, "it takes a version number")
			}
			before = n
		default:
			if c.prefer.strict || p.Name == "_since" || p.Name == "_at" || p.Name == "_list" {
				return 0, 0, nil, badHistory(p, "it is not supported")
			}
			continue
		}
		asked = append(asked, p)
	}
	return count, before, asked, nil
}

func badHistory(p search.Param, why string) error {
	return issue.Errorf(issue.NotSupported, "The parameter %s=%q of a history cannot be honoured: %s.", clip(p.Name), clip(p.Value), why).
		WithStatus(400).At(clip(p.Name)).Rule("history-parameter").Chinese("历史查询不支持该参数或取值。")
}
