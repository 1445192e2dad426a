package rest

import (
	"mime"

	"tenon/server/record"
)

// patchFormat is what PATCH takes.
const patchFormat = "application/json-patch+json"

// patch is https://hl7.org/fhir/R4/http.html#patch with a JSON Patch.
func (d *Door) patch(c *call) error {
	match, err := c.ifMatch()
	if err != nil {
		return err
	}
	return c.patched(record.Op{Method: "PATCH", Type: c.Param("type"), ID: c.Param("id"), IfMatch: match})
}

// patchBy is the conditional patch.
func (d *Door) patchBy(c *call) error {
	op, err := c.conditional("PATCH")
	if err != nil {
		return err
	}
	return c.patched(op)
}

func (c *call) patched(op record.Op) error {
	header := c.header("Content-Type")
	if media, _, err := mime.ParseMediaType(header); err != nil || media != patchFormat {
		return badMedia(header, patchFormat+" (RFC 6902)")
	}
	var err error
	if op.Body, err = c.body(c.door.o.MaxBody); err != nil {
		return err
	}
	r, err := c.one("patch", op)
	if err != nil {
		return err
	}
	return c.written(r)
}
