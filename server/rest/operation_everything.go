package rest

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"tenon/fhir/issue"
	"tenon/fhir/tree"
	"tenon/server/access"
	"tenon/server/record"
	"tenon/server/search"
)

// Everything is the recorder's part of $everything.
type Everything interface {
	Everything(ctx context.Context, who *access.Context, q record.EverythingQuery) (*record.EverythingPage, error)
}

// everythingRoutes are https://hl7.org/fhir/R4/patient-operation-everything.html
// and https://hl7.org/fhir/R4/encounter-operation-everything.html
func (d *Door) everythingRoutes() []route {
	patient := func(c *call) error { return d.everything(c, "Patient") }
	encounter := func(c *call) error { return d.everything(c, "Encounter") }
	return []route{
		{"GET", "/Patient/$everything", patient, false},
		{"POST", "/Patient/$everything", patient, false},
		{"GET", "/Patient/:id/$everything", patient, false},
		{"POST", "/Patient/:id/$everything", patient, false},
		{"GET", "/Encounter/:id/$everything", encounter, false},
		{"POST", "/Encounter/:id/$everything", encounter, false},
	}
}

// Page sizes of $everything. A page also ends where its bodies become large.
const (
	everythingCount = 500
	everythingMost  = 1000
)

// afterParam carries the resource behind which the next page begins.
const afterParam = "_after"

// everything answers with a searchset: what belongs to the patient itself as
// matches, what that refers to as included.
func (d *Door) everything(c *call, typ string) error {
	params, err := c.operationParams()
	if err != nil {
		return err
	}
	q := record.EverythingQuery{Type: typ, ID: c.Param("id"), Count: everythingCount}
	var asked []search.Param
	for _, p := range params {
		known, err := d.everythingParam(&q, p)
		if err != nil {
			return err
		}
		if known {
			asked = append(asked, p)
		} else if c.prefer.strict {
			return badEverything(p, "the operation has no such parameter")
		}
	}
	page, err := d.o.Record.Everything(c.ctx(), c.who, q)
	if err != nil {
		return err
	}
	address := c.base + "/" + typ + "/$everything"
	if q.ID != "" {
		address = c.base + "/" + typ + "/" + q.ID + "/$everything"
	}
	links := []link{{"self", query(address, asked)}}
	if page.More {
		last := &page.Resources[len(page.Resources)-1]
		next := slices.DeleteFunc(slices.Clone(asked), func(p search.Param) bool { return p.Name == afterParam })
		links = append(links, link{"next", query(address, append(next, search.Param{Name: afterParam, Value: last.Type + "/" + last.ID}))})
	}
	w := newBundle("searchset", nil, links...)
	for i := range page.Resources {
		g := &page.Resources[i]
		mode := `{"mode":"match"}`
		if g.Linked {
			mode = `{"mode":"include"}`
		}
		w.entry()
		w.word("fullUrl", c.base+"/"+g.Type+"/"+g.ID)
		w.member("resource", g.Labelled())
		w.member("search", []byte(mode))
		w.end()
	}
	return c.send(http.StatusOK, w.bytes())
}

// everythingParam takes one parameter, if it is one of the operation.
func (d *Door) everythingParam(q *record.EverythingQuery, p search.Param) (known bool, err error) {
	ok := true
	switch p.Name {
	case "start", "end":
		if q.Type != "Patient" {
			return false, nil
		}
		from, to, ok := moments(p.Value)
		if !ok {
			return true, badEverything(p, "it takes a date, such as 2024-05 or 2024-05-01")
		}
		if p.Name == "start" {
			q.From = from
		} else {
			q.To = to
		}
	case "_since":
		if q.Since, _, ok = moments(p.Value); !ok {
			return true, badEverything(p, "it takes an instant, such as 2024-05-01T08:30:00Z")
		}
	case "_type":
		for typ := range strings.SplitSeq(p.Value, ",") {
			if typ = strings.TrimSpace(typ); !d.o.Model.IsResource(typ) {
				return true, badEverything(p, "it takes types of FHIR R4, separated by commas")
			}
			q.Types = append(q.Types, typ)
		}
	case "_count":
		n, bad := strconv.Atoi(p.Value)
		if bad != nil || n < 1 {
			return true, badEverything(p, "it takes a whole number above 0")
		}
		q.Count = min(n, everythingMost)
	case afterParam:
		typ, id, found := strings.Cut(p.Value, "/")
		if !found || !d.o.Model.IsResource(typ) || id == "" || len(id) > 64 {
			return true, badEverything(p, "it takes what the link to the next page says")
		}
		q.After = p.Value
	default:
		return false, nil
	}
	return true, nil
}

func badEverything(p search.Param, why string) error {
	return issue.Errorf(issue.Invalid, "The parameter %s=%q of $everything cannot be honoured: %s.", clip(p.Name), clip(p.Value), why).
		WithStatus(400).At(clip(p.Name)).Rule("everything-parameter").Chinese("$everything 不支持该参数或取值。")
}

// operationParams are the simple parameters of an operation: those of the URL,
// and those of the Parameters in the body of a POST, each value as text.
// https://hl7.org/fhir/R4/operations.html#request
func (c *call) operationParams() ([]search.Param, error) {
	params, err := search.ParseQuery(c.Request().URL.RawQuery)
	if err != nil {
		return nil, err
	}
	params = without(params)
	if c.Request().Method != http.MethodPost || c.Request().ContentLength == 0 {
		return params, nil
	}
	body, err := c.resource()
	if err != nil {
		return nil, err
	}
	root, err := nodeOf(body)
	if err != nil {
		return nil, err
	}
	if root.Field("resourceType").Str() != "Parameters" {
		return nil, issue.Errorf(issue.Invalid, "The operation takes Parameters, not a %q.", clip(root.Field("resourceType").Str())).
			WithStatus(400).At("resourceType").Rule("operation-parameters").Chinese("该操作的正文应为 Parameters。")
	}
	for p := range root.Field("parameter").Items() {
		name := p.Field("name").Str()
		for member, value := range p.Fields() {
			if strings.HasPrefix(member, "value") && value.Kind() != tree.Object && value.Kind() != tree.Array {
				params = append(params, search.Param{Name: name, Value: value.Text()})
			}
		}
	}
	return params, nil
}
