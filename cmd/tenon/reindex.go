package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"tenon/server/app"
	"tenon/server/revision"
)

type reindex struct {
	app.Config `embed:""`
	Status     bool   `help:"List how far the making of index rows is, and change nothing; exit code 1 while some are not complete."`
	Progress   bool   `help:"Tell the progress even where standard error is no terminal."`
	Parameter  string `arg:"" optional:"" help:"One search parameter: Type.code, SearchParameter/id or its URL; all index rows without."`
}

// Run makes index rows anew, while servers go on; what was interrupted goes on
// where it stood.
func (r *reindex) Run(ctx context.Context, out io.Writer) error {
	x, err := app.OpenIndex(ctx, r.Config, r.Status)
	if err != nil {
		return err
	}
	defer x.Close()
	if r.Status {
		return indexStatus(ctx, x, r.Parameter, out)
	}
	line := newProgress(r.Progress)
	var last revision.Progress
	err = x.Rebuild(ctx, r.Parameter, func(p revision.Progress) {
		last = p
		if p.Held {
			line.show(false, "indexing %s: %d of %d resources", p.Name, p.Done, p.Total)
		} else {
			line.show(false, "another server indexes %s: %d of %d resources", p.Name, p.Done, p.Total)
		}
	})
	line.done()
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%s: the rows of %d resources are complete\n", last.Name, last.Done)
	return x.Audit(ctx, last.Name)
}

// indexStatus prints a line for each.
func indexStatus(ctx context.Context, x *app.Index, which string, out io.Writer) error {
	all, err := x.Keeper.Status(ctx)
	if err != nil {
		return err
	}
	lacking, shown := 0, 0
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for i := range all {
		s := &all[i]
		if which != "" && which != s.Name && which != s.URL && which != s.Code {
			continue
		}
		shown++
		if s.State != revision.Complete && s.State != revision.Unused {
			lacking++
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", s.Name, s.State, progressOf(s), s.Why)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	switch {
	case shown == 0:
		return fmt.Errorf("nothing is known of %q: name SearchParameter/id, its code or its URL", which)
	case lacking > 0:
		return errors.New("index rows are not complete: a running server makes them, or tenon reindex")
	}
	return nil
}

func progressOf(s *revision.Status) string {
	switch {
	case s.Started.IsZero():
		return "-"
	case s.Finished.IsZero():
		return fmt.Sprintf("%d of %d, %d %%, since %s", s.Done, s.Total, s.Percent(), s.Started.Format(time.RFC3339))
	}
	return fmt.Sprintf("%d resources, finished %s", s.Done, s.Finished.Format(time.RFC3339))
}
