package rest

import (
	"net/http"

	"tenon/server/record"
)

// bundle is https://hl7.org/fhir/R4/http.html#transaction: a batch or a
// transaction at the base.
func (d *Door) bundle(c *call) error {
	free, err := d.bundles.take(c.ctx(), c.Request().ContentLength, c.header("Content-Encoding") != "")
	if err != nil {
		return err
	}
	defer free()
	body, err := c.resourceUpTo(d.o.MaxBundle)
	if err != nil {
		return err
	}
	asks := &asking{call: c, left: mostAnswered}
	answer, err := d.o.Record.Transaction(c.ctx(), c.who, body, record.Bundled{Ask: asks.entry, Return: c.prefer.ret})
	if err != nil {
		return err
	}
	return c.send(http.StatusOK, answer)
}
