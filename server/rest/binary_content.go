package rest

import (
	"bytes"
	"encoding/base64"
	"io"
	"net/http"
	"strconv"
	"strings"

	"tenon/fhir/tree"
	"tenon/server/record"
)

// wantsResource tells whether a Binary is to be answered as a resource: only
// when the client names FHIR's format. https://hl7.org/fhir/R4/binary.html#rest
func (c *call) wantsResource() bool {
	if c.QueryParam("_format") != "" {
		return true
	}
	for part := range strings.SplitSeq(strings.Join(c.Request().Header.Values("Accept"), ","), ",") {
		if _, p, ok := mediaRange(part); ok && p.q > 0 && p.exact == 3 && strings.Contains(part, "fhir") {
			return true
		}
	}
	return false
}

// content sends a Binary as what it is, with ranges and conditions, never to be
// run by a browser.
func (d *Door) content(c *call) error {
	blob, v, err := d.o.Record.Content(c.ctx(), c.who, c.Param("id"))
	if err != nil {
		return err
	}
	doc, err := tree.Parse(v.Body)
	if err != nil {
		closeQuietly(blob)
		return err
	}
	var from io.ReadSeeker = blob
	if blob == nil {
		data, err := base64.StdEncoding.DecodeString(doc.Root().Field("data").Str())
		if err != nil {
			return notContent(v.ID)
		}
		from = bytes.NewReader(data)
	}
	defer closeQuietly(blob)
	c.contentHeaders(v, doc.Root())
	http.ServeContent(c.Response(), c.Request(), "", v.Updated, from)
	return nil
}

func (c *call) contentHeaders(v *record.Version, binary tree.Node) {
	media := binary.Field("contentType").Str()
	if media == "" || strings.ContainsAny(media, "\r\n") {
		media = "application/octet-stream"
	}
	c.versionHeaders(v)
	c.set("Content-Type", media)
	c.set("Content-Disposition", `attachment; filename="Binary-`+v.ID+`"`)
	c.set("Content-Security-Policy", "sandbox; default-src 'none'")
	if about := binary.Path("securityContext", "reference").Str(); about != "" && !strings.ContainsAny(about, "\r\n") {
		c.set("X-Security-Context", about)
	}
}

func closeQuietly(b record.BlobReader) {
	if b != nil {
		_ = b.Close() // it was only read
	}
}

// withData sends a Binary as a resource with its content as data, encoded while
// it streams.
func (c *call) withData(v *record.Version) error {
	blob, again, err := c.door.o.Record.Content(c.ctx(), c.who, v.ID)
	if err != nil {
		return err
	}
	if blob == nil || again.Version != v.Version {
		closeQuietly(blob)
		return c.send(http.StatusOK, again.Labelled())
	}
	defer closeQuietly(blob)
	head, tail, err := c.around(v.Labelled())
	if err != nil {
		return err
	}
	c.set("Content-Type", c.format.String())
	c.set("Content-Length", strconv.FormatInt(int64(len(head)+len(tail))+(blob.Size()+2)/3*4, 10))
	c.Response().WriteHeader(http.StatusOK)
	if c.Request().Method == http.MethodHead {
		return nil
	}
	_, _ = c.Response().Write(head) // a client that has gone is found by Copy
	e := base64.NewEncoder(base64.StdEncoding, c.Response())
	if _, err := io.Copy(e, blob); err != nil {
		return err
	}
	if err := e.Close(); err != nil {
		return err
	}
	_, err = c.Response().Write(tail)
	return err
}

// around is what stands before and behind the data of a Binary that has none
// yet. In XML data is the last element.
func (c *call) around(body []byte) (head, tail []byte, err error) {
	if c.format == formatXML {
		if body, _, err = c.render(http.StatusOK, body); err != nil {
			return nil, nil, err
		}
		head = bytes.TrimSuffix(bytes.TrimRight(body, "\n"), []byte("</Binary>"))
		return append(head[:len(head):len(head)], `<data value="`...), []byte(`"/></Binary>`), nil
	}
	body = bytes.TrimRight(body, " \t\r\n")
	return append(body[:len(body)-1:len(body)-1], `,"data":"`...), []byte(`"}`), nil
}
