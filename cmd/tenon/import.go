package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"tenon/fhir/issue"
	"tenon/server/app"
	"tenon/server/record"
)

type importCommand struct {
	app.Config   `embed:""`
	Organization string   `help:"Organization/id that owns what is imported: its people reach it." placeholder:"REF"`
	Errors       string   `help:"File for what was refused, as OperationOutcomes, one a line." type:"path"`
	Progress     bool     `help:"Tell the progress even where standard error is no terminal."`
	Paths        []string `arg:"" name:"path" help:"Files (.ndjson, .json, also .gz) or folders with such." type:"path"`
}

// Run imports; what is there already is passed over, so that it can be repeated.
func (c *importCommand) Run(ctx context.Context, out io.Writer) (err error) {
	refused := &outcomes{name: c.Errors}
	defer func() { err = errors.Join(err, refused.close()) }()
	a, err := app.Open(ctx, c.Config)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	line := newProgress(c.Progress)
	begun := time.Now()
	perSecond := func(m record.Imported) float64 { return float64(m.Written+m.Same) / time.Since(begun).Seconds() }
	all, err := a.ImportFiles(ctx, app.Import{
		Organization: c.Organization, Failed: refused.add,
		Progress: func(_ string, m record.Imported) {
			line.show(false, "%d written, %d there already, %d refused, %.0f resources/s", m.Written, m.Same, len(m.Failed), perSecond(m))
		},
	}, c.Paths)
	line.done()
	fmt.Fprintf(out, "%d resources written, %d there already, %d lines refused; %.0f resources/s\n", all.Written, all.Same, len(all.Failed), perSecond(all))
	if err == nil && len(all.Failed) > 0 {
		err = fmt.Errorf("import: %d lines were refused", len(all.Failed))
	}
	return err
}

// outcomes is the file of what was refused; without a name it goes to standard
// error. The file is made with the first one.
type outcomes struct {
	name string
	file *os.File
	w    *bufio.Writer
}

func (o *outcomes) add(file string, f record.FailedLine) (err error) {
	failure := issue.As(f.Fault)
	if o.w == nil {
		o.file = os.Stderr
		if o.name != "" {
			if o.file, err = os.Create(o.name); err != nil {
				return err
			}
		}
		o.w = bufio.NewWriter(o.file)
	}
	if o.name == "" {
		_, err = fmt.Fprintf(o.w, "%s:%d: %v\n", file, f.N, f.Fault)
		return err
	}
	for i := range failure.Issues {
		failure.Issues[i].Text = fmt.Sprintf("%s:%d: %s", file, f.N, failure.Issues[i].Text)
	}
	return json.NewEncoder(o.w).Encode(failure.Outcome())
}

func (o *outcomes) close() error {
	if o.w == nil {
		return nil
	}
	err := o.w.Flush()
	if o.name != "" {
		err = errors.Join(err, o.file.Close())
	}
	return err
}
