package main

import (
	"context"
	"io"

	"tenon/server/app"
)

type serve struct {
	app.Config `embed:""`
}

// Run serves until a signal ends the context.
func (s *serve) Run(ctx context.Context, out io.Writer) error {
	return app.Serve(ctx, s.Config, out)
}
