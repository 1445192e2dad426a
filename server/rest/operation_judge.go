package rest

import "net/http"

// judge is Task/{root}/$judge: what the server makes of device and process now,
// question by question and item by item, with value, limit, clause and the
// versions that each verdict rests on, as Parameters. It changes nothing.
func (d *Door) judge(c *call) error {
	report, err := d.o.Record.Judge(c.ctx(), c.who, c.Param("id"))
	if err != nil {
		return err
	}
	return c.send(http.StatusOK, report)
}
