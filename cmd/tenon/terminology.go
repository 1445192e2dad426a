package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"tenon/server/app"
)

type terminologyCommand struct {
	Import terminologyImport `cmd:"" help:"Import a large code system from a CSV table or a CodeSystem in JSON; it replaces the same version."`
	List   terminologyList   `cmd:"" help:"List the code systems that were imported."`
	Remove terminologyRemove `cmd:"" help:"Take an imported code system out."`
}

type terminologyImport struct {
	app.Config `embed:""`
	System     string `help:"Canonical URL of the code system; a CodeSystem in JSON names its own."`
	Edition    string `name:"version" help:"Version of the code system."`
	File       string `arg:"" type:"existingfile" help:"Table with the columns code, display, parent, definition, status, abstract, display:LANG, synonym:LANG, property:NAME (.csv), or a CodeSystem (.json)."`
	Progress   bool   `help:"Tell the progress even where standard error is no terminal."`
}

// Run imports the whole file or nothing of it, in memory that does not grow
// with the file but for its codes.
func (t *terminologyImport) Run(ctx context.Context, out io.Writer) error {
	table := strings.HasSuffix(strings.ToLower(t.File), ".csv")
	if table && t.System == "" {
		return coded{errors.New("terminology: a table needs --system, the canonical URL of the code system"), exitUsage}
	}
	f, err := os.Open(t.File)
	if err != nil {
		return err
	}
	defer f.Close()
	d, err := app.OpenDefinitions(ctx, t.Config)
	if err != nil {
		return err
	}
	defer d.Close()
	line := newProgress(t.Progress)
	d.Progress = func(what string, n int64) { line.show(false, "importing %s: %d concepts", what, n) }
	var n int64
	if table {
		n, err = d.Table(ctx, t.System, t.Edition, f)
	} else {
		n, err = d.CodeSystem(ctx, t.System, t.Edition, f)
	}
	line.done()
	if err != nil {
		return fmt.Errorf("%s: %w", t.File, err)
	}
	fmt.Fprintf(out, "%d concepts imported\n", n)
	return d.Audit(ctx, "C", "terminology-import", t.System+"|"+t.Edition)
}

type terminologyList struct {
	app.Config `embed:""`
}

// Run prints one line for each code system.
func (t *terminologyList) Run(ctx context.Context, out io.Writer) error {
	d, err := app.OpenDefinitions(ctx, t.Config)
	if err != nil {
		return err
	}
	defer d.Close()
	held, err := d.Held(ctx)
	if err != nil {
		return err
	}
	for _, x := range held.Systems {
		fmt.Fprintf(out, "%s\t%d concepts\t%s\n", canonical(x.URL, x.Version), x.Concepts, x.Added.Format("2006-01-02T15:04:05Z07:00"))
	}
	return nil
}

func canonical(url, version string) string {
	if version == "" {
		return url
	}
	return url + "|" + version
}

type terminologyRemove struct {
	app.Config `embed:""`
	Name       string `arg:"" help:"url or url|version"`
}

func (t *terminologyRemove) Run(ctx context.Context, out io.Writer) error {
	d, err := app.OpenDefinitions(ctx, t.Config)
	if err != nil {
		return err
	}
	defer d.Close()
	held, err := d.Held(ctx)
	if err != nil {
		return err
	}
	var keys []int64
	for _, x := range held.Systems {
		if x.URL == t.Name || canonical(x.URL, x.Version) == t.Name {
			keys = append(keys, x.Key)
		}
	}
	switch len(keys) {
	case 0:
		return fmt.Errorf("terminology: %s was not imported", t.Name)
	case 1:
	default:
		return fmt.Errorf("terminology: %s was imported in several versions: name one, as in %s|1", t.Name, t.Name)
	}
	if err := d.Store.Drop(ctx, nil, keys); err != nil {
		return err
	}
	fmt.Fprintf(out, "%s is removed\n", t.Name)
	return d.Audit(ctx, "D", "terminology-remove", t.Name)
}
