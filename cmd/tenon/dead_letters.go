package main

import (
	"context"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"tenon/server/app"
)

type deadLetters struct {
	app.Config `embed:""`
	Revive     int64 `help:"Try this message again: its number in the list." placeholder:"NUMBER"`
}

// Run lists messages that were set aside, without what they say, or makes one due
// again.
func (d *deadLetters) Run(ctx context.Context, out io.Writer) error {
	letters, err := app.OpenDeadLetters(ctx, d.Config)
	if err != nil {
		return err
	}
	defer letters.Close()
	if d.Revive != 0 {
		if err := letters.Revive(ctx, d.Revive); err != nil {
			return err
		}
		fmt.Fprintf(out, "message %d is tried again\n", d.Revive)
		return nil
	}
	all, err := letters.List(ctx)
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for i := range all {
		m := &all[i]
		fmt.Fprintf(w, "%d\t%s\t%s\t%s\t%d attempts\t%q\n", m.ID, m.Created.UTC().Format(time.RFC3339), m.Sink, m.Kind, m.Attempts, m.LastErr)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(out, "%d dead letters\n", len(all))
	return nil
}
