package main

import (
	"context"
	"io"

	"tenon/server/app"
)

type trust struct {
	app.Config `embed:""`
}

// Run writes the trust file to standard output.
func (t *trust) Run(ctx context.Context, out io.Writer) error {
	a, err := app.Open(ctx, t.Config)
	if err != nil {
		return err
	}
	defer a.Close()
	return a.WriteTrust(ctx, out)
}
