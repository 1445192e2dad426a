package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"tenon/server/app"
)

type check struct {
	app.Config `embed:""`
}

// Run compares and lists what differs.
func (c *check) Run(ctx context.Context, out io.Writer) error {
	a, err := app.OpenToVerify(ctx, c.Config)
	if err != nil {
		return err
	}
	defer a.Close()
	report, err := a.Check(ctx)
	if err != nil {
		return err
	}
	for _, f := range report.Findings {
		fmt.Fprintln(out, f)
	}
	fmt.Fprintf(out, "%d resources in %d versions, %d files: %d findings\n", report.Resources, report.Versions, report.Blobs, len(report.Findings))
	if len(report.Findings) > 0 {
		return errors.New("derived rows do not fit the record; run tenon verify to see whether the record itself was changed")
	}
	return nil
}
