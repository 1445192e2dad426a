package rest

// apply opens a case: https://hl7.org/fhir/R4/plandefinition-operation-apply.html
// The answer is the root Task.
func (d *Door) apply(c *call) error {
	params, err := c.resource()
	if err != nil {
		return err
	}
	r, err := d.o.Record.Apply(c.ctx(), c.who, c.Param("id"), params)
	if err != nil {
		return err
	}
	return c.written(r)
}
