package rest

import (
	"tenon/fhir/issue"
	"tenon/server/record"
)

// update is https://hl7.org/fhir/R4/http.html#update and, where the recorder's
// policy lets a PUT name a new resource, #upsert. A stale If-Match is 412, and so is
// If-None-Match: * where the resource is there.
func (d *Door) update(c *call) error {
	match, err := c.ifMatch()
	if err != nil {
		return err
	}
	if c.Param("type") == "Binary" {
		return d.updateBinary(c, match)
	}
	body, err := c.resource()
	if err != nil {
		return err
	}
	return d.updateFrom(c, body, match)
}

func (d *Door) updateFrom(c *call, body []byte, match string) error {
	none, err := c.ifNoneMatch()
	if err != nil {
		return err
	}
	r, err := c.one("update", record.Op{Method: "PUT", Type: c.Param("type"), ID: c.Param("id"), Body: body, IfMatch: match, IfNoneMatch: none})
	if err != nil {
		return err
	}
	return c.written(r)
}

// updateBy is https://hl7.org/fhir/R4/http.html#cond-update
func (d *Door) updateBy(c *call) error {
	op, err := c.conditional("PUT")
	if err != nil {
		return err
	}
	if op.Body, err = c.resource(); err != nil {
		return err
	}
	r, err := c.one("update", op)
	if err != nil {
		return err
	}
	return c.written(r)
}

// conditional is an operation on what the query matches.
func (c *call) conditional(method string) (record.Op, error) {
	match, err := c.ifMatch()
	if err != nil {
		return record.Op{}, err
	}
	criteria, err := c.criteria()
	if err != nil {
		return record.Op{}, err
	}
	if criteria == "" {
		return record.Op{}, issue.Errorf(issue.Required, "%s on a type needs search criteria, or an id in the path.", method).
			WithStatus(400).Rule("criteria-empty").Chinese("缺少检索条件或资源 id。")
	}
	return record.Op{Method: method, Type: c.Param("type"), Criteria: criteria, IfMatch: match}, nil
}
