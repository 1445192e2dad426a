package main

import (
	"context"
	"fmt"
	"io"

	"tenon/server/app"
)

type migrate struct {
	app.Config `embed:""`
}

// Run migrates and says so; serve does the same at its start.
func (m *migrate) Run(ctx context.Context, out io.Writer) error {
	a, err := app.Open(ctx, m.Config)
	if err != nil {
		return err
	}
	defer a.Close()
	_, err = fmt.Fprintln(out, "the schema is up to date")
	return err
}
