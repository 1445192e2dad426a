package rest

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"

	"tenon/fhir/issue"
	"tenon/server/access"
	"tenon/server/audit"
	"tenon/server/record"
	"tenon/server/search"
)

// Audits is the recorder's part of reading the audit.
type Audits interface {
	AuditEvent(ctx context.Context, who *access.Context, id string) (*record.AuditEvent, error)
	AuditEvents(ctx context.Context, who *access.Context, q record.AuditQuery) (*record.AuditPage, error)
	AccessReport(ctx context.Context, who *access.Context, q record.AccessQuery) (*record.AccessReport, error)
}

// auditRoutes are those of AuditEvent, a view of the audit that nobody writes, and
// the report that a patient has of it. https://hl7.org/fhir/R4/auditevent.html
func (d *Door) auditRoutes() []route {
	closed := func(method, path string) route { return route{method, "/AuditEvent" + path, d.auditClosed, false} }
	return []route{
		{"GET", "/AuditEvent", d.auditSearchGet, false},
		{"POST", "/AuditEvent/_search", d.auditSearchPost, false},
		{"GET", "/AuditEvent/:id", d.auditRead, false},
		closed("POST", ""), closed("PUT", ""), closed("PATCH", ""), closed("DELETE", ""),
		closed("PUT", "/:id"), closed("PATCH", "/:id"), closed("DELETE", "/:id"),
		{"GET", "/Patient/:id/$access-report", d.accessReport, false},
	}
}

// auditClosed refuses to write an event.
func (d *Door) auditClosed(c *call) error {
	c.set("Allow", "GET, HEAD, OPTIONS")
	return issue.Errorf(issue.NotSupported, "AuditEvents are made by the server from its audit; nobody writes, changes or deletes one. Allowed are GET and HEAD.").
		WithStatus(http.StatusMethodNotAllowed).Rule("audit-closed").Chinese("审计事件由服务器生成，不可写入、修改或删除。")
}

// typed names the type of a route that has it in its path as a parameter would.
func (c *call) typed(typ string) {
	id := c.Param("id")
	c.SetParamNames("type", "id")
	c.SetParamValues(typ, id)
}

func (d *Door) source(c *call) audit.Source { return audit.Source{URL: c.base, Name: d.o.Software} }

// auditRead is a read by an auditor; for everybody else no event is there.
func (d *Door) auditRead(c *call) error {
	c.typed("AuditEvent")
	part, err := c.view()
	if err != nil {
		return err
	}
	e, err := d.o.Record.AuditEvent(c.ctx(), c.who, c.Param("id"))
	if err != nil {
		return err
	}
	body, err := audit.FHIR(e, d.source(c))
	if err == nil {
		body, err = part.of(d.o.Model, body)
	}
	if err != nil {
		return err
	}
	c.set("Last-Modified", e.Recorded.UTC().Format(http.TimeFormat))
	return c.send(http.StatusOK, body)
}

func (d *Door) auditSearchGet(c *call) error {
	params, err := search.ParseQuery(c.Request().URL.RawQuery)
	if err != nil {
		return err
	}
	return d.auditSearch(c, params)
}

func (d *Door) auditSearchPost(c *call) error {
	params, err := c.posted()
	if err != nil {
		return err
	}
	return d.auditSearch(c, params)
}

// auditSearch is a search by an auditor. Who is none finds nothing, by the same
// way as of any type of which nothing is in reach.
func (d *Door) auditSearch(c *call, params []search.Param) error {
	c.typed("AuditEvent")
	if !c.who.Audits() {
		return d.search(c, params)
	}
	if err := c.formatted(params); err != nil {
		return err
	}
	ask, err := readAuditAsk(without(params), c.base)
	if err != nil {
		return err
	}
	if err := ask.view.check(d.o.Model, "AuditEvent"); err != nil {
		return err
	}
	page, err := d.o.Record.AuditEvents(c.ctx(), c.who, ask.query())
	if err != nil {
		return err
	}
	body, err := d.auditset(c, ask, page)
	if err != nil {
		return err
	}
	return c.send(http.StatusOK, body)
}

// auditset renders a page. https://hl7.org/fhir/R4/bundle.html#searchset
func (d *Door) auditset(c *call, ask *auditAsk, page *record.AuditPage) ([]byte, error) {
	address := c.base + "/AuditEvent"
	links := []link{{"self", query(address, ask.self(ask.behind))}}
	if page.Next != nil {
		links = append(links, link{"next", query(address, ask.self(page.Next.String()))})
	}
	if page.Next != nil || ask.behind != "" {
		links = append(links, link{"first", query(address, ask.self(""))})
	}
	var total *int64
	if ask.count == 0 {
		if page.Partial {
			return nil, issue.Errorf(issue.TooCostly, "Too much audit would have to be counted: name a patient, an agent or a shorter period by date.").
				Rule("audit-count").Chinese("需统计的审计过多，请指定患者、人员或缩短时间范围。")
		}
		total = &page.Total
	}
	w := newBundle("searchset", total, links...)
	for i := range page.Events {
		e := &page.Events[i]
		body, err := audit.FHIR(e, d.source(c))
		if err == nil {
			body, err = ask.view.of(d.o.Model, body)
		}
		if err != nil {
			return nil, err
		}
		w.entry()
		w.word("fullUrl", address+"/"+e.ID())
		w.member("resource", body)
		w.member("search", []byte(`{"mode":"match"}`))
		w.end()
	}
	if page.Partial && ask.count > 0 {
		return told(w, issue.Issue{Severity: issue.Information, Type: issue.Informational, Rule: "audit-partial",
			Text: "The page is not full because much was looked through; the search goes on with next.", Chinese: "已检索大量审计，本页未满，请继续翻页。"})
	}
	return w.bytes(), nil
}

// told ends a Bundle with what the client must be told.
func told(w *bundleWriter, what issue.Issue) ([]byte, error) {
	outcome, err := json.Marshal(issue.OutcomeOf([]issue.Issue{what}))
	if err != nil {
		return nil, err
	}
	w.entry()
	w.member("resource", outcome)
	w.member("search", []byte(`{"mode":"outcome"}`))
	w.end()
	return w.bytes(), nil
}

// auditParams are the search parameters that are served, for the
// CapabilityStatement.
var auditParams = []param{
	{Name: "_id", Definition: "http://hl7.org/fhir/SearchParameter/Resource-id", Type: "token"},
	{Name: "_lastUpdated", Definition: "http://hl7.org/fhir/SearchParameter/Resource-lastUpdated", Type: "date"},
	{Name: "action", Definition: "http://hl7.org/fhir/SearchParameter/AuditEvent-action", Type: "token"},
	{Name: "address", Definition: "http://hl7.org/fhir/SearchParameter/AuditEvent-address", Type: "string"},
	{Name: "agent", Definition: "http://hl7.org/fhir/SearchParameter/AuditEvent-agent", Type: "reference"},
	{Name: "date", Definition: "http://hl7.org/fhir/SearchParameter/AuditEvent-date", Type: "date"},
	{Name: "entity", Definition: "http://hl7.org/fhir/SearchParameter/AuditEvent-entity", Type: "reference"},
	{Name: "outcome", Definition: "http://hl7.org/fhir/SearchParameter/AuditEvent-outcome", Type: "token"},
	{Name: "patient", Definition: "http://hl7.org/fhir/SearchParameter/AuditEvent-patient", Type: "reference"},
	{Name: "subtype", Definition: "http://hl7.org/fhir/SearchParameter/AuditEvent-subtype", Type: "token"},
	{Name: "type", Definition: "http://hl7.org/fhir/SearchParameter/AuditEvent-type", Type: "token"},
}

// auditPart is AuditEvent in the CapabilityStatement.
func auditPart() resourcePart {
	return resourcePart{Type: "AuditEvent", Interaction: []code{{"read"}, {"search-type"}}, Versioning: "no-version",
		ConditionalRead: "not-supported", ConditionalDelete: "not-supported", SearchParam: auditParams}
}

// auditCounts bounds the events of a page.
const (
	auditCount     = 50
	auditMostCount = 1000
)

func countOf(text string) (int, bool) {
	n, err := strconv.Atoi(text)
	return min(n, auditMostCount), err == nil && n >= 0 && !strings.HasPrefix(text, "+")
}
