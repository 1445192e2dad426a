package rest

import "net/http"

// caseReport is Task/{root}/$case: every stage's state, owner and due date, and
// for what is blocked the unmet conditions with their clause, as Parameters.
func (d *Door) caseReport(c *call) error {
	report, err := d.o.Record.Case(c.ctx(), c.who, c.Param("id"))
	if err != nil {
		return err
	}
	return c.send(http.StatusOK, report)
}
