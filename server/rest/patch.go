package rest

import (
	"mime"

	"tenon/server/record"
)

// patchFormats are what PATCH takes: a JSON Patch, a merge patch, and a FHIRPath
// Patch in either format. An XML Patch (RFC 5261) speaks of the XML of the
// resource, which is not what is stored: 415.
var patchFormats = []string{record.JSONPatch, record.MergePatch, "application/fhir+json", "application/fhir+xml"}

// patch is https://hl7.org/fhir/R4/http.html#patch
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
	media, _, err := mime.ParseMediaType(header)
	_, fhir := formatOf(media)
	switch {
	case err == nil && (media == record.JSONPatch || media == record.MergePatch):
		op.Format = media
		op.Body, err = c.body(c.door.o.MaxBody)
	case err == nil && fhir:
		op.Format = record.PathPatch
		op.Body, err = c.resource()
	default:
		return badMedia(header, "application/json-patch+json (RFC 6902), application/merge-patch+json (RFC 7396), or Parameters as application/fhir+json or application/fhir+xml (FHIRPath Patch)")
	}
	if err != nil {
		return err
	}
	r, err := c.one("patch", op)
	if err != nil {
		return err
	}
	return c.written(r)
}
