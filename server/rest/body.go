package rest

import (
	"errors"
	"io"
	"net/http"
	"strings"

	"tenon/fhir/issue"
	"tenon/fhir/xml"
)

// body reads the request's body up to a limit.
func (c *call) body(limit int64) ([]byte, error) {
	if c.Request().ContentLength > limit { // before a byte of it is read
		return nil, bodyFault(&http.MaxBytesError{Limit: limit})
	}
	r, err := c.decoded(limit)
	if err != nil {
		return nil, bodyFault(err)
	}
	defer r.Close()
	raw, err := io.ReadAll(r)
	if err != nil {
		return nil, bodyFault(err)
	}
	if len(raw) == 0 {
		return nil, issue.Errorf(issue.Required, "The request has no body.").WithStatus(400).Rule("http-body").Chinese("请求没有正文。")
	}
	return raw, nil
}

// plain refuses encoded bodies where they are streamed or are forms.
func (c *call) plain() error {
	if e := c.header("Content-Encoding"); e != "" && e != "identity" {
		return issue.Errorf(issue.NotSupported, "Content-Encoding %q is not accepted; send the body as it is.", clip(e)).
			WithStatus(415).At("Content-Encoding").Rule("http-content-encoding").Chinese("请勿压缩请求正文。")
	}
	return nil
}

// bodyFault tells a body that is too long from one that broke off.
func bodyFault(err error) error {
	if tooLong, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return issue.Errorf(issue.TooLong, "The body is longer than %d bytes, the limit of this interaction.", tooLong.Limit).
			Rule("http-body-limit").Chinese("请求正文超过大小上限。")
	}
	if issue.As(err) != nil {
		return err
	}
	return issue.Errorf(issue.Invalid, "The body could not be read to its end.").WithStatus(400).Rule("http-body").Chinese("请求正文不完整。")
}

// resource is the body of a create, update or operation as FHIR JSON, whatever
// it came in.
func (c *call) resource() ([]byte, error) { return c.resourceUpTo(c.door.o.MaxBody) }

func (c *call) resourceUpTo(limit int64) ([]byte, error) {
	f, err := resourceBody(c.header("Content-Type"))
	if err != nil {
		return nil, err
	}
	raw, err := c.body(limit)
	if err != nil || f == formatJSON {
		return raw, err
	}
	return xml.ToJSON(raw, c.door.o.Model, xml.Limits{Bytes: int(limit)})
}

// unreadable is the failure of a body that came as XML and is none of FHIR, or
// nil for any other error.
func unreadable(err error) *issue.Failure {
	if f := issue.As(err); f != nil && strings.HasPrefix(f.Issues[0].Rule, "xml-") {
		return f
	}
	return nil
}
