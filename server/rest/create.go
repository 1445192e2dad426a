package rest

import (
	"tenon/server/record"
)

// create is https://hl7.org/fhir/R4/http.html#create and #ccreate
func (d *Door) create(c *call) error {
	typ := c.Param("type")
	if typ == "Binary" {
		return d.createBinary(c)
	}
	body, err := c.resource()
	if err != nil {
		return err
	}
	return d.createFrom(c, body)
}

func (d *Door) createFrom(c *call, body []byte) error {
	r, err := c.one("create", record.Op{Method: "POST", Type: c.Param("type"), Body: body, IfNoneExist: c.header("If-None-Exist")})
	if err != nil {
		return err
	}
	return c.written(r)
}
