package rest

import (
	"context"
	"net/http"

	"tenon/server/access"
)

// Preparer is the recorder's part of the first of two calls.
type Preparer interface {
	Prepare(ctx context.Context, who *access.Context, typ, id string, params []byte) ([]byte, error)
}

// sign is {Type}/{id}/$sign: a signature over the exact version. The answer is
// the Provenance that carries it; with prepare, it is what the person's own
// device is to sign. A secret is in the body only; bodies are never logged.
func (d *Door) sign(c *call) error {
	params, err := c.resource()
	if err != nil {
		return err
	}
	root, err := nodeOf(params)
	if err != nil {
		return err
	}
	for p := range root.Field("parameter").Items() {
		if p.Field("name").Str() == "prepare" && p.Field("valueBoolean").Bool() {
			body, err := d.o.Record.Prepare(c.ctx(), c.who, c.Param("type"), c.Param("id"), params)
			if err != nil {
				return err
			}
			return c.send(http.StatusOK, body)
		}
	}
	r, err := d.o.Record.Sign(c.ctx(), c.who, c.Param("type"), c.Param("id"), params)
	if err != nil {
		return err
	}
	return c.written(r)
}
