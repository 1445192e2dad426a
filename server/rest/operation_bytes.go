package rest

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strconv"

	"tenon/fhir/issue"
	"tenon/server/record"
)

// bytes is {Type}/{id}/$bytes, also of an old version: the stored bytes exactly
// as they were digested and signed, without labels. Content-Digest (RFC 9530)
// names their SHA-256.
func (d *Door) bytes(c *call) error {
	v, err := d.exactly(c)
	if err != nil {
		return err
	}
	if v.Shown > 0 {
		return issue.Errorf(issue.BusinessRule, "You see %s/%s in part: elements above L%d are left out. Digests and signatures are of the whole, whose bytes only those have who see all of it.", v.Type, v.ID, v.Shown).
			Rule("seen-in-part").WithStatus(422).Chinese("您只能看到该资源的一部分；摘要与签名针对完整内容，无法提供原始字节。")
	}
	c.versionHeaders(v)
	if c.unchanged(v) {
		c.Response().WriteHeader(http.StatusNotModified)
		return nil
	}
	digest := sha256.Sum256(v.Body)
	c.set("Content-Digest", "sha-256=:"+base64.StdEncoding.EncodeToString(digest[:])+":")
	c.set("Content-Type", contentType)
	c.set("Content-Length", strconv.Itoa(len(v.Body)))
	c.Response().WriteHeader(http.StatusOK)
	if c.Request().Method != http.MethodHead {
		_, _ = c.Response().Write(v.Body) // the client has gone: nobody to tell
	}
	return nil
}

func (d *Door) exactly(c *call) (*record.Version, error) {
	if c.Param("version") == "" {
		return d.o.Record.Read(c.ctx(), c.who, c.Param("type"), c.Param("id"))
	}
	n, err := c.version()
	if err != nil {
		return nil, err
	}
	return d.o.Record.ReadVersion(c.ctx(), c.who, c.Param("type"), c.Param("id"), n)
}
