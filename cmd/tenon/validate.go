package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"tenon/fhir/issue"
	"tenon/fhir/tree"
	"tenon/fhir/validate"
	"tenon/profiles/r4"
	"tenon/server/revision"
)

// validateCommand judges files without a server or database: by the embedded
// definitions, and what packages and folders add. Exit code 1: an error was
// found; 2: wrong use.
type validateCommand struct {
	Files       []string `arg:"" help:"Resources in JSON, XML or NDJSON, and folders of them; - reads standard input."`
	Profile     []string `help:"Canonical URL of a profile that every resource must follow, besides those that it names." placeholder:"URL"`
	Package     []string `help:"FHIR package (.tgz) whose definitions count." type:"existingfile" placeholder:"FILE"`
	Definitions []string `help:"Folder of definitions in JSON that count." type:"existingdir" placeholder:"DIR"`
	Format      string   `help:"text or json: one OperationOutcome a line." enum:"text,json" default:"text"`
	Lang        string   `help:"Language of the text: en or zh." enum:"en,zh" default:"en"`
	Errors      bool     `help:"Tell the errors alone."`
	Progress    bool     `help:"Tell the progress even where standard error is no terminal."`
}

// Run validates every file, whatever the others are.
func (v *validateCommand) Run(ctx context.Context, out io.Writer) error {
	files, err := v.list()
	if err != nil {
		return coded{err, exitUsage}
	}
	lib, err := v.library(ctx)
	if err != nil {
		return coded{err, exitUsage}
	}
	w := &verdicts{c: v, now: revision.Fixed(lib, r4.Model(), nil, nil), out: bufio.NewWriter(out), line: newProgress(v.Progress)}
	for _, profile := range v.Profile {
		if lib.Find("StructureDefinition", profile) == nil {
			return coded{fmt.Errorf("profile: %s is not known: give its package or folder", profile), exitUsage}
		}
	}
	for i, file := range files {
		if ctx.Err() != nil {
			return errors.Join(ctx.Err(), w.out.Flush())
		}
		w.line.show(false, "%d of %d files, %d with errors", i, len(files), w.bad)
		if err := w.file(file); err != nil {
			return errors.Join(err, w.out.Flush())
		}
	}
	w.line.show(v.Progress, "%d of %d files, %d with errors", len(files), len(files), w.bad)
	w.line.done()
	return w.close()
}

// list names the files of all arguments; of folders those that can be resources.
func (v *validateCommand) list() (files []string, err error) {
	for _, name := range v.Files {
		info, err := os.Stat(name)
		if name == "-" || err == nil && !info.IsDir() {
			files = append(files, name)
			continue
		}
		if err != nil {
			return nil, err
		}
		err = filepath.WalkDir(name, func(path string, d fs.DirEntry, err error) error {
			if err == nil && !d.IsDir() && slices.Contains([]string{".json", ".xml", ".ndjson"}, strings.ToLower(filepath.Ext(path))) {
				files = append(files, path)
			}
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return files, nil
}

// verdicts writes what is found.
type verdicts struct {
	c    *validateCommand
	now  *revision.Revision
	out  *bufio.Writer
	line *progress

	resources, bad, errors, warnings int
}

// file judges one file; the error is one of the output.
func (w *verdicts) file(name string) error {
	if strings.EqualFold(filepath.Ext(name), ".ndjson") {
		return w.lines(name)
	}
	doc, err := readResource(name)
	if err != nil {
		return w.write(name, faults(err))
	}
	return w.write(name, w.judge(doc.Root()))
}

// lines judges every line of an NDJSON file. http://ndjson.org
func (w *verdicts) lines(name string) error {
	f, err := os.Open(name)
	if err != nil {
		return w.write(name, faults(err))
	}
	defer f.Close()
	s := bufio.NewScanner(f)
	s.Buffer(make([]byte, 1<<16), maxFile)
	var doc tree.Doc
	for n := 1; s.Scan(); n++ {
		if len(bytes.TrimSpace(s.Bytes())) == 0 {
			continue
		}
		at := fmt.Sprintf("%s:%d", name, n)
		issues := []issue.Issue(nil)
		if err := doc.Parse(s.Bytes(), tree.Limits{}); err != nil {
			issues = faults(err)
		} else {
			issues = w.judge(doc.Root())
		}
		if err := w.write(at, issues); err != nil {
			return err
		}
		w.line.show(false, "%s, %d with errors", at, w.bad)
	}
	if err := s.Err(); err != nil {
		return w.write(name, faults(err))
	}
	return nil
}

func (w *verdicts) judge(root tree.Node) []issue.Issue {
	typ := root.Field("resourceType").Str()
	if !w.now.Model.IsResource(typ) {
		return []issue.Issue{{Severity: issue.Fatal, Type: issue.Structure, Rule: "resource-type", Path: "resourceType",
			Text: fmt.Sprintf("found the resource type %q, expected one of FHIR R4", typ), Chinese: "不是 FHIR R4 的资源类型"}}
	}
	plan, err := w.now.Validator.Plan(typ)
	if err != nil {
		return faults(err)
	}
	return plan.Validate(root, &validate.Options{Profiles: w.c.Profile, Now: time.Now(), ExampleURLs: true})
}

// faults tells an error of reading as issues.
func faults(err error) []issue.Issue {
	if f := issue.As(err); f != nil {
		for i := range f.Issues {
			f.Issues[i].Severity = issue.Fatal
		}
		return f.Issues
	}
	return []issue.Issue{{Severity: issue.Fatal, Type: issue.Exception, Rule: "file", Text: err.Error()}}
}
