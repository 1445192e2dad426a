package main

import (
	"context"
	"fmt"
	"io"
	"os"

	"tenon/server/app"
)

type packages struct {
	Build  packageBuild  `cmd:"" help:"Write the guide that this binary carries as a FHIR package (.tgz)."`
	Add    packageAdd    `cmd:"" help:"Load FHIR packages (.tgz) for R4; running servers take them over within a second."`
	List   packageList   `cmd:"" help:"List the packages that are loaded."`
	Remove packageRemove `cmd:"" help:"Take a package out."`
}

type packageAdd struct {
	app.Config `embed:""`
	Files      []string `arg:"" type:"existingfile" help:"Packages to load; what they need of each other is loaded first."`
	Folder     string   `type:"existingdir" help:"Folder with packages that may be needed."`
	Lenient    bool     `help:"Go on when a package that is needed is not at hand."`
	Progress   bool     `help:"Tell the progress even where standard error is no terminal."`
}

// Run loads all of the files or none.
func (p *packageAdd) Run(ctx context.Context, out io.Writer) error {
	d, err := app.OpenDefinitions(ctx, p.Config)
	if err != nil {
		return err
	}
	defer d.Close()
	line := newProgress(p.Progress)
	d.Lenient = p.Lenient
	d.Note = func(text string) { line.done(); fmt.Fprintln(os.Stderr, "note:", text) }
	d.Progress = func(what string, n int64) { line.show(false, "loading %s: %d", what, n) }
	loaded, err := d.Packages(ctx, p.Files, p.Folder)
	line.done()
	if err != nil {
		return err
	}
	for _, x := range loaded {
		fmt.Fprintf(out, "%s: %d definitions\n", x, x.Resources)
		if err := d.Audit(ctx, "C", "package-add", x.String()); err != nil {
			return err
		}
	}
	return nil
}

type packageList struct {
	app.Config `embed:""`
}

// Run prints one line for each package.
func (p *packageList) Run(ctx context.Context, out io.Writer) error {
	d, err := app.OpenDefinitions(ctx, p.Config)
	if err != nil {
		return err
	}
	defer d.Close()
	held, err := d.Held(ctx)
	if err != nil {
		return err
	}
	for _, x := range held.Packages {
		fmt.Fprintf(out, "%s\t%d definitions\t%s\n", x, x.Resources, x.Added.Format("2006-01-02T15:04:05Z07:00"))
	}
	return nil
}

type packageRemove struct {
	app.Config `embed:""`
	Name       string `arg:"" help:"name or name#version"`
}

// Run refuses what another package needs.
func (p *packageRemove) Run(ctx context.Context, out io.Writer) error {
	d, err := app.OpenDefinitions(ctx, p.Config)
	if err != nil {
		return err
	}
	defer d.Close()
	if err := d.Remove(ctx, p.Name); err != nil {
		return err
	}
	fmt.Fprintf(out, "%s is removed\n", p.Name)
	return d.Audit(ctx, "D", "package-remove", p.Name)
}
