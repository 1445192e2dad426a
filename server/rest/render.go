package rest

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"
	"sync"

	"tenon/fhir/issue"
	"tenon/fhir/tree"
	"tenon/fhir/xml"
)

// render writes FHIR JSON in the format of the answer. A resource that XML
// cannot carry (a control character in a text, an element that R4 does not
// define) is a 406 when it was only asked for; when something was done, or
// refused, that is told in JSON: an answer that does not arrive is worse than
// one in another format. https://www.rfc-editor.org/rfc/rfc9110#section-12.5.1
func (c *call) render(status int, body []byte) ([]byte, format, error) {
	if c.format == formatXML {
		out, err := c.inXML(body)
		switch {
		case err == nil:
			return out, formatXML, nil
		case status < 400 && c.asks():
			return nil, formatXML, err
		}
	}
	if c.pretty {
		var b bytes.Buffer
		if json.Indent(&b, body, "", "  ") == nil {
			body = b.Bytes()
		}
	}
	return body, formatJSON, nil
}

// asks tells a request that changes nothing.
func (c *call) asks() bool {
	switch c.Request().Method {
	case http.MethodGet, http.MethodHead:
		return true
	}
	return strings.HasSuffix(c.Path(), "/_search")
}

// maxNodes bounds the values of an answer in XML: an arena of 512 MB.
const maxNodes = 16 << 20

// arenas are reused: an answer in XML is parsed and written, and nothing of the
// tree stays.
var arenas = sync.Pool{New: func() any { return new(tree.Doc) }}

func (c *call) inXML(body []byte) ([]byte, error) {
	d := arenas.Get().(*tree.Doc)
	defer arenas.Put(d)
	if err := d.Parse(body, tree.Limits{Bytes: int(c.door.o.MaxBundle) * 2, Depth: 256, Nodes: maxNodes}); err != nil {
		return nil, noXML(err)
	}
	indent := ""
	if c.pretty {
		indent = "  "
	}
	out, err := xml.AppendIndent(make([]byte, 0, len(body)+len(body)/2), d.Root(), c.door.o.Model, indent)
	if err != nil {
		return nil, noXML(err)
	}
	return out, nil
}

// noXML says why, and what to do.
func noXML(err error) error {
	f := issue.As(err)
	if f == nil {
		return err
	}
	is := f.Issues[0]
	is.Type, is.Severity, is.Text, is.Chinese = issue.NotSupported, issue.Error, is.Text+"; ask for application/fhir+json", is.Chinese+"；请改用 application/fhir+json"
	return issue.New(is).WithStatus(http.StatusNotAcceptable)
}
