package rest

import (
	"encoding/json"
	"io"
	"mime"
	"net/http"
	"strings"

	"tenon/fhir/issue"
	"tenon/fhir/schema"
	"tenon/server/record"
	"tenon/server/search"
)

// maxForm bounds the body of POST _search.
const maxForm = 1 << 20

// searchGet is https://hl7.org/fhir/R4/http.html#search
func (d *Door) searchGet(c *call) error {
	params, err := search.ParseQuery(c.Request().URL.RawQuery)
	if err != nil {
		return err
	}
	return d.search(c, params)
}

// searchWithin is a search of a compartment: Patient/1/Observation, Patient/1/*.
func (d *Door) searchWithin(c *call) error {
	if inner := c.Param("inner"); inner != "*" && !d.o.Model.IsResource(inner) {
		return d.unmatched(c)
	}
	return d.searchGet(c)
}

// compartments are those that can be searched.
func compartments(m *schema.Model) (urls []string) {
	for _, name := range []string{"Device", "Encounter", "Patient", "Practitioner", "RelatedPerson"} {
		if m.Compartment(name) != nil {
			urls = append(urls, "http://hl7.org/fhir/CompartmentDefinition/"+strings.ToLower(name))
		}
	}
	return urls
}

// within is where a search begins: a type, "" for the server, or a compartment.
func (c *call) within() string {
	if inner := c.Param("inner"); inner != "" {
		return c.Param("type") + "/" + c.Param("id") + "/" + inner
	}
	return c.Param("type")
}

// searchPost is the same with the parameters in the body, those in the URL first.
func (d *Door) searchPost(c *call) error {
	params, err := c.posted()
	if err != nil {
		return err
	}
	return d.search(c, params)
}

// posted are the parameters of a POST _search.
func (c *call) posted() ([]search.Param, error) {
	params, err := search.ParseQuery(c.Request().URL.RawQuery)
	if err != nil {
		return nil, err
	}
	header := c.header("Content-Type")
	if media, _, err := mime.ParseMediaType(header); err != nil || media != "application/x-www-form-urlencoded" {
		return nil, badMedia(header, "application/x-www-form-urlencoded")
	}
	if err := c.plain(); err != nil {
		return nil, err
	}
	body, err := io.ReadAll(http.MaxBytesReader(c.Response(), c.Request().Body, maxForm))
	if err != nil {
		return nil, bodyFault(err)
	}
	more, err := search.ParseQuery(string(body))
	return append(params, more...), err
}

// forDoor are the parameters that the door itself understands.
func forDoor(p search.Param) bool { return p.Name == "_format" || p.Name == "_pretty" }

// criteria is the query of a conditional interaction without the door's own.
func (c *call) criteria() (string, error) {
	params, err := search.ParseQuery(c.Request().URL.RawQuery)
	if err != nil {
		return "", err
	}
	return search.EncodeQuery(without(params)), nil
}

func without(params []search.Param) []search.Param {
	kept := params[:0]
	for _, p := range params {
		if !forDoor(p) {
			kept = append(kept, p)
		}
	}
	return kept
}

// formatted reads the parameters of a search that are the door's own.
func (c *call) formatted(params []search.Param) error {
	for _, p := range params {
		c.pretty = c.pretty || p.Name == "_pretty" && p.Value == "true"
		if p.Name == "_format" && p.Value != "" {
			if c.format, c.unmet = namedFormat(p.Value); c.unmet != nil {
				return c.unmet
			}
		}
	}
	return c.unmet
}

func (d *Door) search(c *call, params []search.Param) error {
	if err := c.formatted(params); err != nil {
		return err
	}
	page, told, err := d.o.Record.Search(c.ctx(), c.who, c.within(), without(params), c.prefer.strict)
	if err != nil {
		return err
	}
	body, err := c.searchset(page, told)
	if err != nil {
		return err
	}
	return c.send(http.StatusOK, body)
}

// searchset renders a page: matches, what they include, and what the client
// must be told. https://hl7.org/fhir/R4/bundle.html#searchset
func (c *call) searchset(page *search.Page, told *search.Told) ([]byte, error) {
	address := c.base
	if within := c.within(); within != "" {
		address += "/" + within
	}
	links := []link{{"self", query(address, told.Here())}}
	if page.Next != nil {
		links = append(links, link{"next", query(address, told.Page(page.Next))})
	}
	if page.Previous != nil {
		links = append(links, link{"previous", query(address, told.Page(page.Previous))})
	}
	if page.Next != nil || !told.First() {
		links = append(links, link{"first", query(address, told.Self)})
	}
	w := newBundle("searchset", page.Total, links...)
	for i := range page.Hits {
		if err := c.hit(w, &page.Hits[i], told); err != nil {
			return nil, err
		}
	}
	if page.Estimated {
		told.Warnings = append(told.Warnings, estimated)
	}
	if len(told.Warnings) > 0 {
		outcome, err := json.Marshal(issue.OutcomeOf(told.Warnings))
		if err != nil {
			return nil, err
		}
		w.entry()
		w.member("resource", outcome)
		w.member("search", []byte(`{"mode":"outcome"}`))
		w.end()
	}
	return w.bytes(), nil
}

// estimated marks a total, for which R4 has no element.
var estimated = issue.Issue{
	Severity: issue.Information, Type: issue.Informational, Rule: "search-total-estimated", Path: "Bundle.total",
	Text: "The total is an estimate, as _total=estimate asks for.", Chinese: "total 为估计值（_total=estimate）。",
}

func (c *call) hit(w *bundleWriter, h *search.Hit, told *search.Told) error {
	part := view{summary: told.Summary}
	mode := `{"mode":"include"}`
	if !h.Included {
		mode, part.elements = `{"mode":"match"}`, told.Elements
	}
	body, err := part.of(c.door.o.Model, record.Labelled(h.Body, h.Level, h.Integrity))
	if err != nil {
		return err
	}
	w.entry()
	w.word("fullUrl", c.base+"/"+h.Type+"/"+h.ID)
	w.member("resource", body)
	w.member("search", []byte(mode))
	w.end()
	return nil
}

func query(address string, params []search.Param) string {
	if len(params) == 0 {
		return address
	}
	return address + "?" + search.EncodeQuery(params)
}
