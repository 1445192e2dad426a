package rest

import (
	"net/http"

	"tenon/server/record"
)

// delete is https://hl7.org/fhir/R4/http.html#delete; the history stays.
func (d *Door) delete(c *call) error {
	match, err := c.ifMatch()
	if err != nil {
		return err
	}
	return c.deleted(record.Op{Method: "DELETE", Type: c.Param("type"), ID: c.Param("id"), IfMatch: match})
}

// deleteBy is https://hl7.org/fhir/R4/http.html#3.1.0.7.1 for a single match.
func (d *Door) deleteBy(c *call) error {
	op, err := c.conditional("DELETE")
	if err != nil {
		return err
	}
	return c.deleted(op)
}

func (c *call) deleted(op record.Op) error {
	r, err := c.one("delete", op)
	if err != nil {
		return err
	}
	if r.Version != nil {
		c.set("ETag", etag(r.Version.Version))
	}
	if c.prefer.ret == "OperationOutcome" {
		return c.outcome(http.StatusOK, append(done("The resource is deleted; its history stays."), r.Warnings...))
	}
	c.Response().WriteHeader(http.StatusNoContent)
	return nil
}
