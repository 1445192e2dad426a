package rest

// sign is {Type}/{id}/$sign: a signature over the exact version, with the
// person's own signing secret. The answer is the Provenance that carries it.
// The secret is in the body only; bodies are never logged.
func (d *Door) sign(c *call) error {
	params, err := c.resource()
	if err != nil {
		return err
	}
	r, err := d.o.Record.Sign(c.ctx(), c.who, c.Param("type"), c.Param("id"), params)
	if err != nil {
		return err
	}
	return c.written(r)
}
