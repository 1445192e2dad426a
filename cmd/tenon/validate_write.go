package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"tenon/fhir/definition"
	"tenon/fhir/ig"
	"tenon/fhir/issue"
	"tenon/profiles/r4"
	"tenon/server/revision"
)

// write tells what is found in a file or line.
func (w *verdicts) write(name string, issues []issue.Issue) error {
	w.resources++
	errors, warnings := 0, 0
	kept := issues[:0]
	for _, is := range issues {
		switch is.Severity {
		case "", issue.Error, issue.Fatal:
			errors++
		case issue.Warning:
			warnings++
		}
		if is.Severity == "" {
			is.Severity = issue.Error
		}
		if !w.c.Errors || is.Severity == issue.Error || is.Severity == issue.Fatal {
			kept = append(kept, is)
		}
	}
	w.errors, w.warnings = w.errors+errors, w.warnings+warnings
	if errors > 0 {
		w.bad++
	}
	if w.c.Format == "json" {
		return w.outcome(name, kept)
	}
	if len(kept) == 0 {
		return nil
	}
	w.line.done()
	if _, err := fmt.Fprintln(w.out, name); err != nil {
		return err
	}
	for _, is := range kept {
		text := is.Text
		if w.c.Lang == "zh" && is.Chinese != "" {
			text = is.Chinese
		}
		path := is.Path
		if path == "" {
			path = "-"
		}
		if _, err := fmt.Fprintf(w.out, "  %s: %s %s: %s\n", path, is.Severity, is.Rule, strings.ReplaceAll(text, "\n", " ")); err != nil {
			return err
		}
	}
	return nil
}

// fileURL names the file that an outcome is about.
const fileURL = "http://hl7.org/fhir/StructureDefinition/operationoutcome-file"

func (w *verdicts) outcome(name string, issues []issue.Issue) error {
	if len(issues) == 0 { // an outcome has one issue or more
		issues = []issue.Issue{{Severity: issue.Information, Type: issue.Informational, Rule: "valid", Text: "Nothing is wrong with it.", Chinese: "未发现问题。"}}
	}
	o := issue.OutcomeOf(issues)
	body, err := json.Marshal(struct {
		ResourceType string               `json:"resourceType"`
		Extension    []issue.Part         `json:"extension"`
		Issue        []issue.OutcomeIssue `json:"issue"`
	}{o.ResourceType, []issue.Part{{URL: fileURL, ValueString: name}}, o.Issue})
	if err != nil {
		return err
	}
	_, err = w.out.Write(append(body, '\n'))
	return err
}

// close ends the output with the sum; the error says that errors were found.
func (w *verdicts) close() error {
	if w.c.Format == "text" {
		sum := "%d resources: %d with errors; %d errors, %d warnings\n"
		if w.c.Lang == "zh" {
			sum = "%d 个资源：%d 个有错误；%d 个错误，%d 个警告\n"
		}
		fmt.Fprintf(w.out, sum, w.resources, w.bad, w.errors, w.warnings)
	}
	if err := w.out.Flush(); err != nil {
		return err
	}
	if w.bad > 0 {
		return coded{fmt.Errorf("%d of %d resources have errors", w.bad, w.resources), exitFault}
	}
	return nil
}

// library is the embedded one with what packages and folders add.
func (v *validateCommand) library(ctx context.Context) (*definition.Library, error) {
	var extra []*definition.Resource
	take := func(body []byte, typ, pack string) {
		if !revision.Defines(typ) {
			return
		}
		if r, err := definition.Read(body, pack); err == nil { // without a URL nothing names it
			extra = append(extra, r)
		}
	}
	line := newProgress(v.Progress)
	defer line.done()
	for _, file := range v.Package {
		if err := readPackage(ctx, file, func(f ig.File, pack string) {
			take(f.Body, f.Type, pack)
			line.show(false, "reading %s: %d definitions", pack, len(extra))
		}); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
	}
	for _, dir := range v.Definitions {
		err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || strings.ToLower(filepath.Ext(path)) != ".json" {
				return err
			}
			doc, err := readResource(path)
			if err != nil {
				return fmt.Errorf("%s: %w", path, err)
			}
			take(doc.Src(), doc.Root().Field("resourceType").Str(), "")
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	if len(extra) == 0 {
		return r4.Library(), nil
	}
	return r4.Library().With(extra...), nil
}

func readPackage(ctx context.Context, file string, take func(f ig.File, pack string)) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	m, err := ig.ReadManifest(f, ig.Limits{})
	if err != nil {
		return err
	}
	if err := m.ForR4(); err != nil {
		return err
	}
	if _, err := f.Seek(0, 0); err != nil {
		return err
	}
	_, err = ig.Read(f, ig.Limits{}, func(x ig.File) error {
		take(x, m.String())
		return ctx.Err()
	})
	return err
}
