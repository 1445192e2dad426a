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

// wantsResource tells whether a Binary is to be answered as FHIR JSON: only
// when the client names that format. https://hl7.org/fhir/R4/binary.html#rest
func (c *call) wantsResource() bool {
	if c.QueryParam("_format") != "" {
		return true
	}
	for part := range strings.SplitSeq(strings.Join(c.Request().Header.Values("Accept"), ","), ",") {
		if q, exact := quality(part); q > 0 && exact && strings.Contains(part, "fhir") {
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

// withData sends a Binary as FHIR JSON with its content as data, encoded while
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
	body := bytes.TrimRight(v.Labelled(), " \t\r\n")
	head := append(body[:len(body)-1:len(body)-1], `,"data":"`...)
	c.set("Content-Type", contentType)
	c.set("Content-Length", strconv.FormatInt(int64(len(head)+2)+(blob.Size()+2)/3*4, 10))
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
	_, err = c.Response().Write([]byte(`"}`))
	return err
}
