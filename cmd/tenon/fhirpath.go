package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"tenon/fhir/fhirpath"
	"tenon/fhir/tree"
	"tenon/fhir/xml"
	"tenon/profiles/r4"
)

// fhirpathCommand evaluates an expression on files, without a server. It prints
// one line a result, its columns divided by tabs: the file if there are several,
// the path of the element or - for a computed value, the type, and the value as
// JSON. Exit code 1: a file could not be read or evaluated, the others were; 2:
// the expression is none.
type fhirpathCommand struct {
	Trace      bool              `help:"Print what trace() meets to standard error: values, not only counts."`
	Var        map[string]string `help:"Give %NAME a string." placeholder:"NAME=VALUE"`
	Expression string            `arg:"" help:"FHIRPath expression."`
	Files      []string          `arg:"" help:"Resources in JSON or XML; - reads standard input."`
}

// maxFile bounds one file.
const maxFile = 64 << 20

func (f *fhirpathCommand) Run(out io.Writer) error {
	e, err := fhirpath.Compile(f.Expression, &fhirpath.Env{Model: r4.Model()})
	if err != nil {
		return coded{err, exitUsage}
	}
	lines := bufio.NewWriter(out)
	failed := 0
	for _, name := range f.Files {
		if err := f.one(e, name, lines); err != nil {
			_ = lines.Flush()
			fmt.Fprintf(os.Stderr, "tenon: %s: %v\n", name, err)
			failed++
		}
	}
	if err := lines.Flush(); err != nil {
		return err
	}
	if failed > 0 {
		return fmt.Errorf("%d of %d files failed", failed, len(f.Files))
	}
	return nil
}

func (f *fhirpathCommand) one(e *fhirpath.Expr, name string, out io.Writer) error {
	doc, err := readResource(name)
	if err != nil {
		return err
	}
	ctx := &fhirpath.Context{Now: time.Now(), Vars: map[string]fhirpath.Collection{}}
	for k, v := range f.Var {
		ctx.Vars[k] = fhirpath.Collection{fhirpath.String(v)}
	}
	if f.Trace {
		ctx.Trace = func(label string, items fhirpath.Collection) {
			for _, v := range items {
				fmt.Fprintf(os.Stderr, "trace %s\t%s\n", label, columns(e, v))
			}
		}
	}
	results, err := e.Eval(ctx, doc.Root())
	if err != nil {
		return err
	}
	prefix := ""
	if len(f.Files) > 1 {
		prefix = name + "\t"
	}
	for _, v := range results {
		fmt.Fprintf(out, "%s%s\n", prefix, columns(e, v))
	}
	return nil
}

// columns are path, type and value of one result.
func columns(e *fhirpath.Expr, v fhirpath.Value) string {
	path := e.Path(v)
	if path == "" {
		path = "-"
	}
	return path + "\t" + v.Type() + "\t" + valueText(v)
}

// valueText writes a value as JSON on one line.
func valueText(v fhirpath.Value) string {
	if n, ok := v.Node(); ok {
		var b bytes.Buffer
		if !n.Exists() || json.Compact(&b, n.Raw()) != nil {
			return "null" // only extensions
		}
		return b.String()
	}
	switch v.Type() {
	case "System.Boolean", "System.Integer", "System.Decimal":
		return v.Str()
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(v.Str()) // a string always is JSON
	return strings.TrimSuffix(b.String(), "\n")
}

// readResource reads a file, or standard input for -, in JSON or XML.
func readResource(name string) (*tree.Doc, error) {
	in := io.Reader(os.Stdin)
	if name != "-" {
		file, err := os.Open(name)
		if err != nil {
			return nil, err
		}
		defer file.Close()
		in = file
	}
	data, err := io.ReadAll(io.LimitReader(in, maxFile+1))
	if err != nil {
		return nil, err
	}
	if len(data) > maxFile {
		return nil, fmt.Errorf("more than %d MiB", maxFile>>20)
	}
	if strings.HasPrefix(strings.TrimLeft(string(data[:min(len(data), 100)]), "\xef\xbb\xbf \t\r\n"), "<") {
		if data, err = xml.ToJSON(data, r4.Model(), xml.Limits{}); err != nil {
			return nil, err
		}
	}
	doc, err := tree.Parse(data)
	if err != nil {
		return nil, err
	}
	if doc.Root().Kind() != tree.Object {
		return nil, errors.New("the document is no JSON object")
	}
	return doc, nil
}
