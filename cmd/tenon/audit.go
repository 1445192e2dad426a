package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"tenon/server/app"
	"tenon/server/ledger"
)

type auditCommand struct {
	app.Config `embed:""`
	Case       string `help:"Rows of one case: Task/x."`
	Person     string `help:"Rows of one principal: PractitionerRole/x."`
	Patient    string `help:"Rows about one patient: Patient/x."`
	From       string `help:"Rows from this day or instant on (2026-03-01, 2026-03-01T08:00:00Z)."`
	Until      string `help:"Rows before this day or instant."`
	Proofs     bool   `help:"One line a batch, with the proofs that lead its rows to a checkpoint."`
}

// Run writes NDJSON to standard output and changes nothing.
func (c *auditCommand) Run(ctx context.Context, out io.Writer) error {
	f := ledger.AuditFilter{Case: strings.TrimPrefix(c.Case, "Task/"), Person: c.Person, Patient: c.Patient}
	for _, t := range []struct {
		name, text string
		to         *time.Time
	}{{"from", c.From, &f.From}, {"until", c.Until, &f.Until}} {
		if t.text == "" {
			continue
		}
		at, err := time.Parse(time.RFC3339, t.text)
		if err != nil {
			at, err = time.Parse(time.DateOnly, t.text)
		}
		if err != nil {
			return fmt.Errorf("%s: %q is neither a day nor an instant", t.name, t.text)
		}
		*t.to = at
	}
	a, err := app.OpenToVerify(ctx, c.Config)
	if err != nil {
		return err
	}
	defer a.Close()
	return a.WriteAudit(ctx, out, f, c.Proofs)
}
