package rest

import (
	"net/http"
	"slices"
	"strconv"

	"tenon/fhir/issue"
	"tenon/server/record"
	"tenon/server/search"
)

// read is https://hl7.org/fhir/R4/http.html#read
func (d *Door) read(c *call) error {
	if c.Param("type") == "Binary" && !c.wantsResource() {
		return d.content(c)
	}
	return c.found(func() (*record.Version, error) {
		return d.o.Record.Read(c.ctx(), c.who, c.Param("type"), c.Param("id"))
	})
}

// vread is https://hl7.org/fhir/R4/http.html#vread
func (d *Door) vread(c *call) error {
	n, err := c.version()
	if err != nil {
		return err
	}
	return c.found(func() (*record.Version, error) {
		return d.o.Record.ReadVersion(c.ctx(), c.who, c.Param("type"), c.Param("id"), n)
	})
}

// version is the version in the path; what is no number was never a version.
func (c *call) version() (int64, error) {
	n, err := strconv.ParseInt(c.Param("version"), 10, 64)
	if err != nil || n < 1 {
		return 0, issue.Errorf(issue.NotFound, "There is no version %q.", clip(c.Param("version"))).Rule("not-found").Chinese("没有该版本。")
	}
	return n, nil
}

// found answers with a version: whole, in part, or 304.
func (c *call) found(get func() (*record.Version, error)) error {
	view, err := c.view()
	if err != nil {
		return err
	}
	v, err := get()
	if err != nil {
		return err
	}
	c.versionHeaders(v)
	if c.unchanged(v) {
		c.Response().WriteHeader(http.StatusNotModified)
		return nil
	}
	if v.Type == "Binary" && v.Blob != "" && view.whole() && c.Param("version") == "" {
		return c.withData(v)
	}
	body, err := view.of(c.door.o.Model, v.Labelled())
	if err != nil {
		return err
	}
	return c.send(http.StatusOK, body)
}

// readParams are what may stand in the query of a read.
var readParams = []string{"_format", "_pretty", "_summary", "_elements"}

// view is the part of a resource that the query asks for.
func (c *call) view() (view, error) {
	params, err := search.ParseQuery(c.Request().URL.RawQuery)
	if err != nil {
		return view{}, err
	}
	var v view
	for _, p := range params {
		switch {
		case p.Name == "_summary":
			v.summary = p.Value
		case p.Name == "_elements":
			v.addElements(p.Value)
		case !slices.Contains(readParams, p.Name) && c.prefer.strict:
			return v, issue.Errorf(issue.NotSupported, "A read takes no parameter %q.", clip(p.Name)).
				WithStatus(400).At(clip(p.Name)).Rule("read-parameter").Chinese("读取操作不接受该参数。")
		}
	}
	return v, v.check(c.door.o.Model, c.Param("type"))
}
