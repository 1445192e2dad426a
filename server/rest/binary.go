package rest

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"

	"tenon/fhir/issue"
	"tenon/fhir/tree"
	"tenon/fhir/xml"
	"tenon/server/record"
)

// createBinary is https://hl7.org/fhir/R4/binary.html#rest: FHIR JSON or XML is
// a resource, anything else is content that streams into the blob store.
func (d *Door) createBinary(c *call) error {
	body, content, err := c.binaryBody()
	switch {
	case err != nil:
		return err
	case content == nil:
		return d.createFrom(c, body)
	case c.header("If-None-Exist") != "":
		return badCondition("If-None-Exist", "is not possible with raw content; send the Binary as FHIR JSON")
	}
	return d.putContent(c, record.Op{Method: "POST"}, content)
}

func (d *Door) updateBinary(c *call, match string) error {
	body, content, err := c.binaryBody()
	switch {
	case err != nil:
		return err
	case content == nil:
		return d.updateFrom(c, body, match)
	}
	none, err := c.ifNoneMatch()
	if err != nil {
		return err
	}
	return d.putContent(c, record.Op{Method: "PUT", ID: c.Param("id"), IfMatch: match, IfNoneMatch: none}, content)
}

func (d *Door) putContent(c *call, op record.Op, content io.Reader) error {
	var err error
	if op.Body, err = c.binaryResource(op.ID); err != nil {
		return err
	}
	r, err := d.o.Record.PutContent(c.ctx(), c.who, op, content)
	if err != nil {
		if tooLong, ok := errors.AsType[*http.MaxBytesError](err); ok {
			return bodyFault(tooLong)
		}
		return err
	}
	return c.written(r)
}

// binaryResource is the Binary that stands for raw content.
func (c *call) binaryResource(id string) ([]byte, error) {
	type reference struct {
		Reference string `json:"reference"`
	}
	b := struct {
		ResourceType    string     `json:"resourceType"`
		ID              string     `json:"id,omitempty"`
		ContentType     string     `json:"contentType"`
		SecurityContext *reference `json:"securityContext,omitempty"`
	}{ResourceType: "Binary", ID: id, ContentType: "application/octet-stream"}
	if header := c.header("Content-Type"); header != "" {
		media, params, err := mime.ParseMediaType(header)
		if err != nil {
			return nil, badMedia(header, "any well-formed media type, such as model/stl")
		}
		b.ContentType = mime.FormatMediaType(media, params)
	}
	if about := c.header("X-Security-Context"); about != "" {
		if len(about) > 500 {
			return nil, badCondition("X-Security-Context", "must be a reference such as Task/1")
		}
		b.SecurityContext = &reference{about}
	}
	return json.Marshal(b)
}

// binaryBody tells a Binary as a resource (body, FHIR JSON) from raw content (a
// stream). Plain JSON or XML is either: a resource if it says so.
func (c *call) binaryBody() (body []byte, content io.Reader, err error) {
	media, _, _ := mime.ParseMediaType(c.header("Content-Type"))
	switch media {
	case "application/fhir+json", "application/fhir+xml":
		body, err = c.resource()
		return body, nil, err
	}
	if err := c.plain(); err != nil {
		return nil, nil, err
	}
	f, ok := formatOf(media)
	if !ok {
		return nil, c.Request().Body, nil
	}
	head, err := io.ReadAll(io.LimitReader(c.Request().Body, c.door.o.MaxBody))
	if err != nil {
		return nil, nil, bodyFault(err)
	}
	if int64(len(head)) < c.door.o.MaxBody {
		if body = c.binaryIn(head, f); body != nil {
			return body, nil, nil
		}
	}
	return nil, io.MultiReader(bytes.NewReader(head), c.Request().Body), nil
}

// binaryIn is the Binary that bytes hold in a format, or nil.
func (c *call) binaryIn(raw []byte, f format) []byte {
	if f == formatXML {
		var err error
		if raw, err = xml.ToJSON(raw, c.door.o.Model, xml.Limits{}); err != nil {
			return nil
		}
	}
	if doc, err := tree.Parse(raw); err == nil && doc.Root().Field("resourceType").Str() == "Binary" {
		return raw
	}
	return nil
}

// notContent says that the data of a Binary cannot be sent as content.
func notContent(id string) error {
	return issue.Errorf(issue.Processing, "The data of Binary/%s is not base64.", id).Rule("binary-data").Chinese("Binary 的数据不是 base64。")
}
